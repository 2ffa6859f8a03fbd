// Sums of expressions, split as reduce.inl splits sums of tensors: sixteen lanes in chunks of 1,024, added as a tree; chunks
// joined in float64. So the bits follow from the summed length alone.
#pragma once
#include "kernels/walk.h"
#include "simd/vec.h"

namespace labkit {
namespace {

constexpr int64_t kSumChunk = 1024;
constexpr int kSumLanes = 16;
constexpr int64_t kSumColumns = 64;  // columns of a chunk that are summed side by side

struct AddLanes {
    template <class T>
    static T of(T a, T b) { return a + b; }
};

// The sum of term(i, n) over i in [0, length): term gives the n numbers from i on as a vector.
template <class T, class Term>
LABKIT_INLINE double sum_row(int64_t length, Term term) {
    constexpr int vectors = kSumLanes / lanes<T>;
    double total = 0;
    for (int64_t begin = 0; begin < length; begin += kSumChunk) {
        const int64_t end = min_of(begin + kSumChunk, length);
        Vec<T> sum[vectors] = {};
        int64_t i = begin;
        for (; i + kSumLanes <= end; i += kSumLanes)
            for (int v = 0; v < vectors; ++v) sum[v] += term(i + v * lanes<T>, static_cast<int64_t>(lanes<T>));
        for (int v = 0; v < vectors; ++v) {
            const int64_t at = i + v * lanes<T>, n = min_of(end - at, lanes<T>);
            if (n > 0) sum[v] += first_lanes<T>(n) ? term(at, n) : Vec<T>{};
        }
        T lane[kSumLanes];
        for (int v = 0; v < vectors; ++v) store(lane + v * lanes<T>, sum[v]);
        total += fold_lanes<AddLanes, T, kSumLanes>(lane);
    }
    return total;
}

// sum[c] = the sum of term(r, c) over the rows r in [begin, end) of one chunk, for c < n <= kSumColumns.
template <class T, class Term>
LABKIT_INLINE void sum_columns(T* sum, int64_t begin, int64_t end, int64_t n, Term term) {
    T lane[kSumLanes * kSumColumns];
    const int64_t used = max_of(1, min_of(end - begin, kSumLanes));
    for (int64_t i = 0; i < used * kSumColumns; ++i) lane[i] = 0;
    for (int64_t r = begin; r < end; ++r) {
        T* __restrict__ acc = lane + (r - begin) % kSumLanes * kSumColumns;
        LABKIT_INDEPENDENT
        for (int64_t c = 0; c < n; ++c) acc[c] += term(r, c);
    }
    for (int64_t half = kSumLanes / 2; half; half /= 2)
        for (int64_t l = 0; l < half && l + half < used; ++l)
            for (int64_t c = 0; c < n; ++c) lane[l * kSumColumns + c] += lane[(l + half) * kSumColumns + c];
    for (int64_t c = 0; c < n; ++c) sum[c] = lane[c];
}

// A matrix whose columns are summed: how it is cut into units of one chunk of rows and kSumColumns columns.
struct Columns {
    int64_t rows, width, chunks, blocks, units, units_per_task;

    Columns(int64_t rows_, int64_t width_)
        : rows(rows_), width(width_), chunks(max_of(1, ceil_div(rows, kSumChunk))), blocks(ceil_div(width, kSumColumns)),
          units(chunks * blocks),
          units_per_task(max_of(1, kTaskElements / max_of(1, min_of(rows, kSumChunk) * min_of(width, kSumColumns)))) {}

    int64_t tasks() const { return ceil_div(units, units_per_task); }

    // Calls work(chunk, first column, columns, first row, last row) for the units of one task.
    template <class F>
    LABKIT_INLINE void each(int64_t task, F work) const {
        for (int64_t unit = task * units_per_task; unit < min_of((task + 1) * units_per_task, units); ++unit) {
            const int64_t chunk = unit / blocks, first = unit % blocks * kSumColumns;
            work(chunk, first, min_of(kSumColumns, width - first), chunk * kSumChunk,
                 min_of((chunk + 1) * kSumChunk, rows));
        }
    }
    // The sum of column c, of which partial[chunk][column] holds the chunks.
    template <class T>
    double join(const T* partial, int64_t c) const {
        double total = 0;
        for (int64_t k = 0; k < chunks; ++k) total += static_cast<double>(partial[k * width + c]);
        return total;
    }
};

}  // namespace
}  // namespace labkit
