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

// The sums over i in [0, length) of `sums` terms: term(i, n, t) gives the n numbers of each from i on as vectors t[0], t[1] ...
template <class T, int sums, class Term>
LABKIT_INLINE void sum_row(int64_t length, double* total, Term term) {
    constexpr int vectors = kSumLanes / lanes<T>;
    for (int s = 0; s < sums; ++s) total[s] = 0;
    for (int64_t begin = 0; begin < length; begin += kSumChunk) {
        const int64_t end = min_of(begin + kSumChunk, length);
        Vec<T> sum[sums][vectors] = {}, t[sums];
        int64_t i = begin;
        for (; i + kSumLanes <= end; i += kSumLanes)
            for (int v = 0; v < vectors; ++v) {
                term(i + v * lanes<T>, static_cast<int64_t>(lanes<T>), t);
                for (int s = 0; s < sums; ++s) sum[s][v] += t[s];
            }
        for (int v = 0; v < vectors; ++v) {
            const int64_t at = i + v * lanes<T>, n = min_of(end - at, lanes<T>);
            if (n <= 0) break;
            term(at, n, t);
            for (int s = 0; s < sums; ++s) sum[s][v] += first_lanes<T>(n) ? t[s] : Vec<T>{};
        }
        for (int s = 0; s < sums; ++s) {
            T lane[kSumLanes];
            for (int v = 0; v < vectors; ++v) store(lane + v * lanes<T>, sum[s][v]);
            total[s] += fold_lanes<AddLanes, T, kSumLanes>(lane);
        }
    }
}

// The sum of term(i, n).
template <class T, class Term>
LABKIT_INLINE double sum_row(int64_t length, Term term) {
    double total;
    sum_row<T, 1>(length, &total, [&](int64_t i, int64_t n, Vec<T>* t) { t[0] = term(i, n); });
    return total;
}

// first[c] and second[c] = the sums of a term and of another over the rows r in [begin, end) of one chunk, for c < n <=
// kSumColumns: term(r, c, a, b) sets both. Without `second` there is one sum.
template <bool pair, class T, class Term>
LABKIT_INLINE void sum_columns_of(T* first, T* second, int64_t begin, int64_t end, int64_t n, Term term) {
    T lane[(pair ? 2 : 1) * kSumLanes * kSumColumns];
    T* const other = pair ? lane + kSumLanes * kSumColumns : lane;
    const int64_t used = max_of(1, min_of(end - begin, kSumLanes));
    for (int64_t i = 0; i < used * kSumColumns; ++i) lane[i] = other[i] = 0;
    for (int64_t r = begin; r < end; ++r) {
        T* __restrict__ acc = lane + (r - begin) % kSumLanes * kSumColumns;
        T* __restrict__ acc2 = other + (r - begin) % kSumLanes * kSumColumns;
        LABKIT_INDEPENDENT
        for (int64_t c = 0; c < n; ++c) {
            T a, b = 0;
            term(r, c, a, b);
            acc[c] += a;
            if (pair) acc2[c] += b;
        }
    }
    for (int64_t half = kSumLanes / 2; half; half /= 2)
        for (int64_t l = 0; l < half && l + half < used; ++l)
            for (int64_t c = 0; c < n; ++c) {
                lane[l * kSumColumns + c] += lane[(l + half) * kSumColumns + c];
                if (pair) other[l * kSumColumns + c] += other[(l + half) * kSumColumns + c];
            }
    for (int64_t c = 0; c < n; ++c) {
        first[c] = lane[c];
        if (pair) second[c] = other[c];
    }
}

// The same for whole blocks, whose width the compiler then knows, and narrower ones.
template <bool pair, class T, class Term>
LABKIT_INLINE void sum_columns_by_width(T* first, T* second, int64_t begin, int64_t end, int64_t n, Term term) {
    if (n == kSumColumns)
        sum_columns_of<pair>(first, second, begin, end, kSumColumns, term);
    else
        sum_columns_of<pair>(first, second, begin, end, n, term);
}

template <class T, class Term>
LABKIT_INLINE void sum_columns(T* sum, int64_t begin, int64_t end, int64_t n, Term term) {
    sum_columns_by_width<false>(sum, sum, begin, end, n, [&](int64_t r, int64_t c, T& a, T&) { a = term(r, c); });
}
template <class T, class Term>
LABKIT_INLINE void sum_columns(T* first, T* second, int64_t begin, int64_t end, int64_t n, Term term) {
    sum_columns_by_width<true>(first, second, begin, end, n, term);
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
