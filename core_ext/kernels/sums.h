// Sums of expressions, split as reduce.inl splits sums of tensors: sixteen lanes in chunks of 1,024, added as a tree; chunks
// joined in float64. So the bits follow from the summed length alone.
#pragma once
#include "kernels/walk.h"
#include "simd/vec.h"

namespace labkit {
namespace {

constexpr int64_t kSumChunk = 1024;
constexpr int kSumLanes = 16;
constexpr int64_t kSumColumns = 256;  // columns of a chunk that are summed side by side

struct AddLanes {
    template <class T>
    static T of(T a, T b) { return a + b; }
};

// The sums over i in [0, length) of one term or of two: term(i, n, a, b) gives the n numbers of each from i on.
template <bool pair, class T, class Term>
LABKIT_INLINE void sum_row_of(int64_t length, double& first, double& second, Term term) {
    constexpr int vectors = kSumLanes / lanes<T>;
    first = second = 0;
    for (int64_t begin = 0; begin < length; begin += kSumChunk) {
        const int64_t end = min_of(begin + kSumChunk, length);
        Vec<T> sum[vectors], other[vectors], a, b;  // registers, as every loop over them is unrolled
        LABKIT_UNROLL
        for (int v = 0; v < vectors; ++v) sum[v] = other[v] = Vec<T>{};
        int64_t i = begin;
        for (; i + kSumLanes <= end; i += kSumLanes) {
            LABKIT_UNROLL
            for (int v = 0; v < vectors; ++v) {
                term(i + v * lanes<T>, WholeVector<T>{}, a, b);
                sum[v] += a;
                if (pair) other[v] += b;
            }
        }
        LABKIT_UNROLL
        for (int v = 0; v < vectors; ++v) {
            const int64_t at = i + v * lanes<T>, n = min_of(end - at, lanes<T>);
            if (n > 0) {
                term(at, n, a, b);
                sum[v] += first_lanes<T>(n) ? a : Vec<T>{};
                if (pair) other[v] += first_lanes<T>(n) ? b : Vec<T>{};
            }
        }
        first += fold_vectors<AddLanes, T>(sum);
        if (pair) second += fold_vectors<AddLanes, T>(other);
    }
}

template <class T, class Term>
LABKIT_INLINE double sum_row(int64_t length, Term term) {
    double sum, none;
    sum_row_of<false, T>(length, sum, none, [&](int64_t i, auto n, Vec<T>& a, Vec<T>&) { a = term(i, n); });
    return sum;
}
template <class T, class Term>
LABKIT_INLINE void sum_row(int64_t length, double& first, double& second, Term term) {
    sum_row_of<true, T>(length, first, second, term);
}

// first[c] and second[c] = the sums of a term and of another over the rows r in [begin, end) of one chunk, for c < columns <=
// kSumColumns: term(r, c, n, a, b) gives both for the n columns from c on. Without a pair there is one sum.
template <bool pair, class T, class Term>
LABKIT_INLINE void sum_columns_of(T* first, T* second, int64_t begin, int64_t end, int64_t columns, Term term) {
    alignas(64) T lane[(pair ? 2 : 1) * kSumLanes * kSumColumns];
    T* const other = pair ? lane + kSumLanes * kSumColumns : lane;
    const int64_t used = max_of(1, min_of(end - begin, kSumLanes));
    const int64_t pitch = ceil_div(columns, lanes<T>) * lanes<T>;
    for (int64_t i = 0; i < used * pitch; ++i) lane[i] = other[i] = 0;
    // Rows that a lane adds one after the other are taken together, so that the lane is read and written once for all of them.
    constexpr int kTogether = 4;
    int64_t near = begin;
    for (; near + kTogether * kSumLanes <= end; near += kTogether * kSumLanes)
        for (int64_t l = 0; l < kSumLanes; ++l) {
            T *acc = lane + l * pitch, *acc2 = other + l * pitch;
            each_vector<T>(columns, [&](int64_t c, auto n) {
                Vec<T> sum = load(acc + c), sum2 = pair ? load(acc2 + c) : sum, a, b;
                LABKIT_UNROLL
                for (int i = 0; i < kTogether; ++i) {
                    term(near + l + i * kSumLanes, c, n, a, b);
                    sum += a;
                    if (pair) sum2 += b;
                }
                store(acc + c, sum);
                if (pair) store(acc2 + c, sum2);
            });
        }
    for (int64_t r = near; r < end; ++r) {
        T *acc = lane + (r - near) % kSumLanes * pitch, *acc2 = other + (r - near) % kSumLanes * pitch;
        each_vector<T>(columns, [&](int64_t c, auto n) {
            Vec<T> a, b;
            term(r, c, n, a, b);
            store(acc + c, load(acc + c) + a);
            if (pair) store(acc2 + c, load(acc2 + c) + b);
        });
    }
    for (int64_t half = kSumLanes / 2; half; half /= 2)
        for (int64_t l = 0; l < half && l + half < used; ++l)
            for (int64_t c = 0; c < columns; ++c) {
                lane[l * pitch + c] += lane[(l + half) * pitch + c];
                if (pair) other[l * pitch + c] += other[(l + half) * pitch + c];
            }
    for (int64_t c = 0; c < columns; ++c) {
        first[c] = lane[c];
        if (pair) second[c] = other[c];
    }
}

template <class T, class Term>
LABKIT_INLINE void sum_columns(T* sum, int64_t begin, int64_t end, int64_t columns, Term term) {
    sum_columns_of<false>(sum, sum, begin, end, columns,
                          [&](int64_t r, int64_t c, auto n, Vec<T>& a, Vec<T>&) { a = term(r, c, n); });
}
template <class T, class Term>
LABKIT_INLINE void sum_columns(T* first, T* second, int64_t begin, int64_t end, int64_t columns, Term term) {
    sum_columns_of<true>(first, second, begin, end, columns, term);
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
