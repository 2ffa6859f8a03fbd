// The register tile of matrix products: MR rows by two vectors of the result stay in registers while the reduced dimension passes.
#pragma once
#include "kernels/epilogue.h"
#include "kernels/walk.h"

namespace labkit {
namespace {

template <class T>
struct Gemm {
    static constexpr bool kReal = static_cast<T>(0.5) != 0;  // integers wrap, are unsigned here, and get a smaller tile
#if defined(__AVX512F__)
    static constexpr int MR = kReal ? 14 : 4;
    static constexpr bool kMasked = true;  // loads of part of a vector cost no more than whole ones
#elif defined(__AVX2__)
    static constexpr int MR = kReal ? 6 : 4;
    static constexpr bool kMasked = false;
#else
    static constexpr int MR = 4;
    static constexpr bool kMasked = false;
#endif
    static constexpr int L = lanes<T>, NR = 2 * L;
    static constexpr int KC = 1024 / static_cast<int>(sizeof(T));
    static constexpr int kStretch = 16;  // steps between which lines are fetched
};

// A rectangle of a matrix that is fetched a few lines at a time, as a processor waits when it is asked for many at once. Passed by its
// address: a copy would wait for the stores before it.
template <class T>
struct Ahead {
    static constexpr int64_t kLine = 64 / static_cast<int64_t>(sizeof(T));
    const T* at;
    int64_t stride, across, lines;  // between rows; lines of a row; lines to go
    int64_t each, column;           // lines at a time; of the next line

    void aim(const T* from, int64_t row_stride, int64_t rows, int64_t columns, int64_t times) {
        at = from, stride = row_stride, across = ceil_div(columns, kLine), lines = rows * across;
        each = ceil_div(lines, max_of(1, times)), column = 0;
    }

    LABKIT_INLINE void fetch_some() {
        for (int64_t i = 0; i < each && lines > 0; ++i, --lines) {
            __builtin_prefetch(at + column * kLine, 0, 3);
            if (++column == across) column = 0, at += stride;
        }
    }
};

// Rows of a left operand: number (i, k) lies at data[i * stride + k], or with KMajor at data[k * stride + i]; after every
// `chunk` steps of k the next ones begin `next` further on.
template <class T>
struct Strips {
    const T* data;
    int64_t stride, chunk, next;

    template <bool KMajor>
    Strips from(int64_t i) const {
        return {data + (KMajor ? i : i * stride), stride, chunk, next};
    }
};

// c[i][column .. column + columns) (+)= sum over k < kc of a(i, k) * b[k * b_stride + ...] for R rows and V vectors. Between chunks of
// the left operand it fetches what comes later.
//
// Seven rows share a base address, from which they lie 0 to 6 strides away: so many addresses fit the registers.
template <class T, int R, int V, bool KMajor>
__attribute__((noinline)) void gemm_tile(const Strips<T>& a, const T* b, int64_t b_stride, int64_t kc, T* const* c, int64_t column,
                                         int columns, bool add, const Epilogue<T>& end, Ahead<T>* ahead = nullptr) {
    constexpr int L = lanes<T>, kGroup = 7, kBases = KMajor ? 1 : (R + kGroup - 1) / kGroup;
    const int rest = columns - (V - 1) * L < L ? columns - (V - 1) * L : L;
    const int64_t s1 = a.stride, s2 = 2 * s1, s3 = 3 * s1, s4 = 4 * s1, s5 = 5 * s1, s6 = 6 * s1, next = KMajor ? s1 : 1;
    const int64_t step[kGroup] = {0, s1, s2, s3, s4, s5, s6};
    Vec<T> sum[R][V] = {};
    for (const T* from = a.data; kc > 0; kc -= a.chunk, from += a.next) {
        if (ahead) ahead->fetch_some();
        const T* base[kBases];
        LABKIT_UNROLL
        for (int g = 0; g < kBases; ++g) base[g] = from + g * kGroup * s1;
        for (const T* last = from + (kc < a.chunk ? kc : a.chunk) * next; base[0] != last; b += b_stride) {
            Vec<T> right[V];
            LABKIT_UNROLL
            for (int v = 0; v < V; ++v) right[v] = Gemm<T>::kMasked && v == V - 1 ? load_part(b + v * L, rest) : load(b + v * L);
            LABKIT_UNROLL
            for (int i = 0; i < R; ++i) {
                const Vec<T> left = broadcast(KMajor ? base[0][i] : base[i / kGroup][step[i % kGroup]]);
                LABKIT_UNROLL
                for (int v = 0; v < V; ++v) sum[i][v] = fma(left, right[v], sum[i][v]);
            }
            LABKIT_UNROLL
            for (int g = 0; g < kBases; ++g) base[g] += next;
        }
    }
    end.store(sum, c, column, columns, add);
}

// The tile for `rows` rows: one instance for each number of rows, so that no row is computed in vain. Where columns are fewer
// than the vectors have, the right operand is filled up unless loads are masked.
template <class T, int R, bool KMajor>
LABKIT_INLINE void gemm_rows(int rows, const Strips<T>& a, const T* b, int64_t b_stride, int64_t kc, T* const* c, int64_t column,
                             int columns, bool add, const Epilogue<T>& end = {}, Ahead<T>* ahead = nullptr) {
    if constexpr (R > 1) {
        if (rows < R) return gemm_rows<T, R - 1, KMajor>(rows, a, b, b_stride, kc, c, column, columns, add, end, ahead);
    }
    if (columns > lanes<T>)
        gemm_tile<T, R, 2, KMajor>(a, b, b_stride, kc, c, column, columns, add, end, ahead);
    else
        gemm_tile<T, R, 1, KMajor>(a, b, b_stride, kc, c, column, columns, add, end, ahead);
}

}  // namespace
}  // namespace labkit
