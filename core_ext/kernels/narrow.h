// y[M, N] = a . b for a handful of columns and a long reduced dimension: vectors run along K.
//
// Bits: of every chunk of K, lane l of L sums the terms k = l, l + L, l + 2L ... in one chain of multiply-adds; the L sums are
// added as halves laid on each other, and chunks in order. So bits depend on K and on whether N is a handful.
#pragma once
#include "kernels/gemm.h"
#include "kernels/sums.h"

namespace labkit {
namespace {

template <class T>
struct Narrow {
    static constexpr int L = lanes<T>;
    static constexpr int64_t kColumns = 4, kLength = 64, kChunk = 2048;
    static constexpr int64_t kTask = int64_t{1} << 17;  // multiply-adds

    static bool serves(int64_t N, int64_t K) { return Gemm<T>::kReal && N >= 1 && N <= kColumns && K >= kLength; }
    static int64_t tasks(int64_t M, int64_t N, int64_t K) { return ceil_div(M, max_of(1, kTask / (N * K))); }
};

// Puts C sums for each of R rows to their places.
template <class T, int R, int C>
LABKIT_INLINE void narrow_store(const T (&sum)[R][C], T* to, bool add, const Epilogue<T>& end) {
    constexpr int L = lanes<T>, V = (C + L - 1) / L;
    Vec<T> x[R][V];
    T* rows[R];
    for (int i = 0; i < R; ++i) {
        T lane[V * L] = {};
        for (int c = 0; c < C; ++c) lane[c] = sum[i][c];
        for (int v = 0; v < V; ++v) x[i][v] = load(lane + v * L);
        rows[i] = to + i * C;
    }
    end.store(x, rows, 0, C, add);
}

// R rows of `a` by C rows of b, all along k.
template <class T, int R, int C>
__attribute__((noinline)) void narrow_rows(const T* a, int64_t a_stride, const T* b, int64_t b_stride, int64_t kc, T* y, bool add,
                                           const Epilogue<T>& end) {
    constexpr int L = lanes<T>;
    Vec<T> sum[R][C] = {}, right[C];
    int64_t k = 0;
    for (; k + L <= kc; k += L) {
        LABKIT_UNROLL
        for (int c = 0; c < C; ++c) right[c] = load(b + c * b_stride + k);
        LABKIT_UNROLL
        for (int i = 0; i < R; ++i) {
            const Vec<T> left = load(a + i * a_stride + k);
            LABKIT_UNROLL
            for (int c = 0; c < C; ++c) sum[i][c] = fma(left, right[c], sum[i][c]);
        }
    }
    if (k < kc) {
        const int n = static_cast<int>(kc - k);
        const Vec<Lane<T>> some = first_lanes<T>(n);
        LABKIT_UNROLL
        for (int c = 0; c < C; ++c) right[c] = load_part(b + c * b_stride + k, n);
        LABKIT_UNROLL
        for (int i = 0; i < R; ++i) {
            const Vec<T> left = load_part(a + i * a_stride + k, n);
            LABKIT_UNROLL
            for (int c = 0; c < C; ++c) sum[i][c] = some ? fma(left, right[c], sum[i][c]) : sum[i][c];
        }
    }
    T total[R][C];
    LABKIT_UNROLL
    for (int i = 0; i < R; ++i)
        LABKIT_UNROLL
        for (int c = 0; c < C; ++c) {
            T lane[L];
            store(lane, sum[i][c]);
            total[i][c] = fold_lanes<AddLanes, T, L>(lane);
        }
    narrow_store<T, R, C>(total, y, add, end);
}

template <class T, int R, int C>
LABKIT_INLINE void narrow_rest(int64_t rows, const T* a, int64_t a_stride, const T* b, int64_t b_stride, int64_t kc, T* y, bool add,
                               const Epilogue<T>& end) {
    if constexpr (R > 1) {
        if (rows < R) return narrow_rest<T, R - 1, C>(rows, a, a_stride, b, b_stride, kc, y, add, end);
    }
    narrow_rows<T, R, C>(a, a_stride, b, b_stride, kc, y, add, end);
}

// V vectors of rows, where `a` runs along M: the chains of one lane after another, to the same bits.
template <class T, int V, int C>
__attribute__((noinline)) void narrow_columns(int64_t rows, const T* a, int64_t a_stride, const T* b, int64_t b_stride, int64_t kc, T* y,
                                              bool add, const Epilogue<T>& end) {
    constexpr int L = lanes<T>;
    Vec<T> sums[L][C][V];
    for (int l = 0; l < L; ++l) {
        Vec<T> sum[C][V] = {};
        for (int64_t k = l; k < kc; k += L) {
            Vec<T> left[V];
            LABKIT_UNROLL
            for (int v = 0; v < V; ++v) left[v] = V > 1 ? load(a + k * a_stride + v * L) : load_n(a + k * a_stride, rows);
            LABKIT_UNROLL
            for (int c = 0; c < C; ++c) {
                const Vec<T> right = broadcast(b[c * b_stride + k]);
                LABKIT_UNROLL
                for (int v = 0; v < V; ++v) sum[c][v] = fma(left[v], right, sum[c][v]);
            }
        }
        for (int c = 0; c < C; ++c)
            for (int v = 0; v < V; ++v) sums[l][c][v] = sum[c][v];
    }
    for (int half = L / 2; half; half /= 2)
        for (int l = 0; l < half; ++l)
            for (int c = 0; c < C; ++c)
                for (int v = 0; v < V; ++v) sums[l][c][v] = sums[l][c][v] + sums[l + half][c][v];
    for (int64_t i = 0; i < rows; ++i) {
        T total[1][C];
        for (int c = 0; c < C; ++c) total[0][c] = sums[0][c][i / L][i % L];
        narrow_store<T, 1, C>(total, y + i * C, add, end);
    }
}

// The same for one column and many rows, in the order in which `a` lies: all chains go on side by side, in the first cache.
template <class T, int V>
__attribute__((noinline)) void narrow_long_columns(const T* a, int64_t a_stride, const T* b, int64_t kc, T* y, bool add,
                                                   const Epilogue<T>& end) {
    constexpr int L = lanes<T>;
    alignas(64) T sums[L][V * L] = {};
    for (int64_t k = 0; k < kc; ++k) {
        T* sum = sums[k % L];
        const Vec<T> right = broadcast(b[k]);
        LABKIT_UNROLL
        for (int v = 0; v < V; ++v) store(sum + v * L, fma(load(a + k * a_stride + v * L), right, load(sum + v * L)));
    }
    for (int half = L / 2; half; half /= 2)
        for (int l = 0; l < half; ++l)
            for (int v = 0; v < V; ++v) store(sums[l] + v * L, load(sums[l] + v * L) + load(sums[l + half] + v * L));
    for (int i = 0; i < V * L; ++i) {
        const T total[1][1] = {{sums[0][i]}};
        narrow_store<T, 1, 1>(total, y + i, add, end);
    }
}

// Rows [begin, end) of y[M, C], where `a` has a row for each of them, or with k_major one for each k.
template <class T, int C>
void narrow_block(const Matrix<T>& a, bool k_major, const Matrix<T>& b, bool transposed_b, int64_t K, T* y, int64_t begin, int64_t end,
                  const Epilogue<T>& epilogue) {
    using N = Narrow<T>;
    constexpr int64_t R = C == 1 ? 8 : C == 2 ? 6 : 4, wide = 4 * N::L;
    alignas(64) T b_chunk[(C > 1 ? C : 0) * N::kChunk + 1];
    for (int64_t k0 = 0; k0 < K; k0 += N::kChunk) {
        const int64_t kc = min_of(K - k0, N::kChunk);
        const Epilogue<T> finish = k0 + kc < K ? Epilogue<T>{} : epilogue;
        const T* right = b.data + k0;
        int64_t stride = b.stride;
        if constexpr (C > 1)
            if (!transposed_b) {
                transpose_copy(b.row(k0), b.stride, kc, C, b_chunk, N::kChunk);
                right = b_chunk, stride = N::kChunk;
            }
        int64_t m = begin;
        if constexpr (C == 1)
            for (; k_major && m + 2 * wide <= end; m += 2 * wide)
                narrow_long_columns<T, 8>(a.row(k0) + m, a.stride, right, kc, y + m, k0 > 0, finish);
        while (m < end) {
            const int64_t rows = k_major ? (end - m >= wide ? wide : min_of(end - m, N::L)) : min_of(end - m, R);
            const T* left = k_major ? a.row(k0) + m : a.row(m) + k0;
            if (!k_major)
                narrow_rest<T, R, C>(rows, left, a.stride, right, stride, kc, y + m * C, k0 > 0, finish);
            else if (rows == wide)
                narrow_columns<T, 4, C>(rows, left, a.stride, right, stride, kc, y + m * C, k0 > 0, finish);
            else
                narrow_columns<T, 1, C>(rows, left, a.stride, right, stride, kc, y + m * C, k0 > 0, finish);
            m += rows;
        }
    }
}

// One task: the rows of block `task`.
template <class T>
void narrow_task(const Matrix<T>& a, bool k_major, const Matrix<T>& b, bool transposed_b, const Tiling& tiling, int64_t task, int64_t K, T* y,
                 const Epilogue<T>& epilogue) {
    const int64_t begin = tiling.M * task / tiling.m_blocks, end = tiling.M * (task + 1) / tiling.m_blocks, N = tiling.N;
    if (N == 1) narrow_block<T, 1>(a, k_major, b, transposed_b, K, y, begin, end, epilogue);
    if (N == 2) narrow_block<T, 2>(a, k_major, b, transposed_b, K, y, begin, end, epilogue);
    if (N == 3) narrow_block<T, 3>(a, k_major, b, transposed_b, K, y, begin, end, epilogue);
    if (N == 4) narrow_block<T, 4>(a, k_major, b, transposed_b, K, y, begin, end, epilogue);
}

}  // namespace
}  // namespace labkit
