// The blocked matrix product that matmul and the convolutions share.
//
// The scheme is that of "Anatomy of High-Performance Matrix Multiplication" (Goto, van de Geijn) and "BLIS" (Van Zee, van
// de Geijn): the result is cut into blocks that stay in L2 while the reduced dimension passes by in steps of KC; each
// block is computed by a register tile of MR x NR. Operands are anything that can copy a rectangle of itself into a
// packed buffer, so a convolution is a product whose left operand is gathered from the image while it is packed.
//
// Bits: an element of the result is the sum, in order, of one term for each step of KC; a term is one chain of
// multiply-adds. Neither depends on the other dimensions, on the tile an element falls into, or on the layout of the
// packed operands. Sums of integers have no order. Everything about tiling may therefore be chosen by speed; KC may not.
#pragma once
#include "kernels/epilogue.h"
#include "labkit/kernel.h"
#include "simd/vec.h"

namespace labkit {
namespace {

template <class T>
struct Gemm {
    static constexpr bool kReal = static_cast<T>(0.5) != 0;  // integers wrap, are unsigned here, and get a smaller tile
#if defined(__AVX512F__)
    static constexpr int MR = kReal ? 14 : 4;
#elif defined(__AVX2__)
    static constexpr int MR = kReal ? 6 : 4;
#elif defined(__ARM_NEON) && defined(__aarch64__)
    static constexpr int MR = kReal ? 12 : 4;  // 24 of 32 registers are sums
#else
    static constexpr int MR = 4;
#endif
    static constexpr int L = lanes<T>, NR = 2 * L;
    static constexpr int KC = 1024 / static_cast<int>(sizeof(T));
    static constexpr int MC = 112 / MR * MR;
    static constexpr int NC = 512 / static_cast<int>(sizeof(T));
    static constexpr int kRow = KC + 64 / static_cast<int>(sizeof(T));  // row stride: off the powers of two that collide in L1
    static constexpr int kBlockA = MC * kRow, kBlockB = KC * NC;         // about 120 and 128 KB, on the stack of a task
};

template <class T>
LABKIT_INLINE void copy_run(T* to, const T* from, int64_t n) {
    constexpr int L = lanes<T>;
    if (n < L) {
        store_part(to, load_part(from, static_cast<int>(n)), static_cast<int>(n));
        return;
    }
    for (int64_t i = 0; i + L <= n; i += L) store(to + i, load(from + i));
    store(to + n - L, load(from + n - L));  // the last ones, some of them a second time
}

template <class T>
LABKIT_INLINE void zero_run(T* to, int64_t n) {
    constexpr int L = lanes<T>;
    int64_t i = 0;
    for (; i + L <= n; i += L) store(to + i, Vec<T>{});
    if (i < n) store_part(to + i, Vec<T>{}, static_cast<int>(n - i));
}

// to[j * to_stride + i] = from[i * from_stride + j] for i < rows, j < columns, in squares of one vector.
template <class T>
void transpose_copy(const T* from, int64_t from_stride, int64_t rows, int64_t columns, T* to, int64_t to_stride) {
    constexpr int L = lanes<T>;
    for (int64_t i0 = 0; i0 < rows; i0 += L) {
        const int height = rows - i0 < L ? static_cast<int>(rows - i0) : L;
        for (int64_t j0 = 0; j0 < columns; j0 += L) {
            const T* source = from + i0 * from_stride + j0;
            T* target = to + j0 * to_stride + i0;
            const int width = columns - j0 < L ? static_cast<int>(columns - j0) : L;
            Vec<T> square[L];
            if (height == L && width == L) {
                LABKIT_UNROLL
                for (int i = 0; i < L; ++i) square[i] = load(source + i * from_stride);
                transpose_square<T>(square);
                LABKIT_UNROLL
                for (int j = 0; j < L; ++j) store(target + j * to_stride, square[j]);
            } else {
                for (int j = 0; j < width; ++j)
                    for (int i = 0; i < height; ++i) target[j * to_stride + i] = source[i * from_stride + j];
            }
        }
    }
}

// A dense row-major matrix as an operand: rows `stride` elements apart.
template <class T>
struct Matrix {
    const T* data;
    int64_t stride;

    const T* row(int64_t r) const { return data + r * stride; }

    void pack(int64_t r0, int64_t rows, int64_t c0, int64_t columns, T* to, int64_t to_stride) const {
        for (int64_t r = 0; r < rows; ++r) copy_run(to + r * to_stride, row(r0 + r) + c0, columns);
    }
};

// Rows of the result, `stride` elements apart.
template <class T>
struct DenseRows {
    T* data;
    int64_t stride;

    T* row(int64_t r) const { return data + r * stride; }
};

// c[i][column .. column + columns) (+)= sum over k < kc of a(i, k) * b[k * b_stride + ...] for R rows and V vectors, where
// a(i, k) = a[i * RS + k * CS], and after every Chunk steps of k the next ones lie at a += a_next.
template <class T, int R, int V, int RS, int CS, int Chunk>
__attribute__((noinline)) void gemm_tile(const T* a, int64_t a_next, const T* b, int64_t b_stride, int64_t kc, T* const* c,
                                         int64_t column, int columns, bool add) {
    constexpr int L = lanes<T>;
    Vec<T> sum[R][V] = {};
    for (; kc > 0; kc -= Chunk, a += a_next) {
        const T* left_column = a;
        for (const T* end = a + (kc < Chunk ? kc : Chunk) * CS; left_column != end; left_column += CS, b += b_stride) {
            Vec<T> right[V];
            LABKIT_UNROLL
            for (int v = 0; v < V; ++v) right[v] = load(b + v * L);
            LABKIT_UNROLL
            for (int i = 0; i < R; ++i) {
                const Vec<T> left = broadcast(left_column[i * RS]);
                LABKIT_UNROLL
                for (int v = 0; v < V; ++v) sum[i][v] = fma(left, right[v], sum[i][v]);
            }
        }
    }
    LABKIT_UNROLL
    for (int i = 0; i < R; ++i) {
        T* to = c[i] + column;
        LABKIT_UNROLL
        for (int v = 0; v < V; ++v) {
            const int n = columns - v * L;
            if (n >= L)
                store(to + v * L, add ? load(to + v * L) + sum[i][v] : sum[i][v]);
            else if (n > 0)
                store_part(to + v * L, add ? load_part(to + v * L, n) + sum[i][v] : sum[i][v], n);
        }
    }
}

// The tile for `rows` rows: one instance for each number of rows, so that no row is computed in vain.
template <class T, int R, int RS, int CS, int Chunk>
LABKIT_INLINE void gemm_rows(int rows, const T* a, int64_t a_next, const T* b, int64_t b_stride, int64_t kc, T* const* c,
                             int64_t column, int columns, bool add) {
    if constexpr (R > 1) {
        if (rows < R) return gemm_rows<T, R - 1, RS, CS, Chunk>(rows, a, a_next, b, b_stride, kc, c, column, columns, add);
    }
    if (columns > lanes<T>)
        gemm_tile<T, R, 2, RS, CS, Chunk>(a, a_next, b, b_stride, kc, c, column, columns, add);
    else
        gemm_tile<T, R, 1, RS, CS, Chunk>(a, a_next, b, b_stride, kc, c, column, columns, add);
}

// Packs b[k0 .. k0 + kc)[n0 .. n0 + nc) into panels of NR columns; missing columns of the last vector are zero (nothing
// is made of them, but they should not be slow numbers).
template <class T, bool TransposedB>
void gemm_pack_right(const Matrix<T>& b, int64_t k0, int64_t kc, int64_t n0, int64_t nc, T* to) {
    constexpr int L = lanes<T>, NR = Gemm<T>::NR;
    for (int64_t n = 0; n < nc; n += NR, to += kc * NR) {
        const int64_t columns = nc - n < NR ? nc - n : NR;
        const int64_t padded = columns > L ? 2 * L : L;
        if (columns < padded)
            for (int64_t k = 0; k < kc; ++k) store(to + k * NR + padded - L, Vec<T>{});
        if (TransposedB)
            transpose_copy(b.row(n0 + n) + k0, b.stride, columns, kc, to, NR);
        else if (columns == NR)
            for (int64_t k = 0; k < kc; ++k) {
                const T* from = b.row(k0 + k) + n0 + n;
                store(to + k * NR, load(from));
                store(to + k * NR + L, load(from + L));
            }
        else
            b.pack(k0, kc, n0 + n, columns, to, NR);
    }
}

// How a result of M x N is cut into tasks. Purely a matter of speed.
struct Tiling {
    int64_t m_blocks, n_blocks, M, N, nc;

    int64_t tasks() const { return m_blocks * n_blocks; }
};

// `products`: how many products of this size there are to compute at the same time.
template <class T>
Tiling gemm_tiling(int64_t M, int64_t N, int64_t K, int64_t products = 1) {
    using G = Gemm<T>;
    constexpr int64_t kMost = int64_t{1} << 27, kLeast = int64_t{1} << 19;  // multiply-adds of one task
    constexpr int64_t kWanted = 16;                                         // tasks, so that many threads have work
    int64_t mc = M < 1 ? 1 : M < G::MC ? M : G::MC;  // of an empty result too there are blocks: none
    int64_t nc = N < 1 ? G::NR : N < G::NC ? (N + G::NR - 1) / G::NR * G::NR : G::NC;
    auto count = [](int64_t n, int64_t block) { return (n + block - 1) / block; };
    for (;;) {
        const int64_t work = mc * nc * (K > 0 ? K : 1);
        const bool few = count(M, mc) * count(N, nc) < kWanted / products && work >= 2 * kLeast;
        if (work <= kMost && !few) break;
        if (nc > 2 * G::NR || (nc > G::NR && mc <= 4 * G::MR))  // few rows: rather not pack the same columns twice
            nc = count(nc / 2, G::NR) * G::NR;
        else if (mc > G::MR)
            mc = count(count(mc, 2), G::MR) * G::MR < mc ? count(count(mc, 2), G::MR) * G::MR : G::MR;
        else
            break;
    }
    return {count(M, mc), count(N, nc), M, N, nc};
}

// One task: block `task` of c = a . b over k in [k_begin, k_end). With KMajor, `a` packs rows that run along M (one for
// each k), otherwise rows that run along K (one for each m). `epilogue` is for the whole sum, so the last step of k ends with it.
template <class T, bool KMajor, bool TransposedB, class Left, class Rows>
void gemm_task(const Tiling& tiling, int64_t task, const Left& a, const Matrix<T>& b, const Rows& c, int64_t k_begin, int64_t k_end,
               const Epilogue<T>& epilogue = {}) {
    using G = Gemm<T>;
    constexpr int RS = KMajor ? 1 : G::kRow, CS = KMajor ? G::MC : 1;
    static_assert(G::KC * G::MC <= G::kBlockA, "either layout fits the block");
    alignas(64) T a_block[G::kBlockA];
    alignas(64) T b_block[G::kBlockB];
    T* rows[G::MC];

    const int64_t m_block = task % tiling.m_blocks, n_block = task / tiling.m_blocks;
    const int64_t m0 = tiling.M * m_block / tiling.m_blocks, m1 = tiling.M * (m_block + 1) / tiling.m_blocks;
    const int64_t n0 = n_block * tiling.nc, nc = tiling.N - n0 < tiling.nc ? tiling.N - n0 : tiling.nc;
    const int mc = static_cast<int>(m1 - m0), panels = (mc + G::MR - 1) / G::MR;
    for (int i = 0; i < mc; ++i) rows[i] = c.row(m0 + i) + n0;
    const Epilogue<T> end = epilogue.from(n0);
    if (k_begin >= k_end) {
        for (int i = 0; i < mc; ++i) zero_run(rows[i], nc);
        if (end) end.finish(rows, mc, 0, nc);
    }

    for (int64_t k0 = k_begin; k0 < k_end; k0 += G::KC) {
        const int64_t kc = k_end - k0 < G::KC ? k_end - k0 : G::KC;
        const bool finish = end && k0 + kc == k_end;
        if (KMajor)
            a.pack(k0, kc, m0, mc, a_block, G::MC);
        else
            a.pack(m0, mc, k0, kc, a_block, G::kRow);
        // A handful of rows does not pay for packing the right operand; only its last, incomplete panel is packed then.
        const int64_t direct = !TransposedB && mc <= 4 ? nc / G::NR * G::NR : 0;
        if (direct < nc) gemm_pack_right<T, TransposedB>(b, k0, kc, n0 + direct, nc - direct, b_block);
        int64_t n = 0;
        if constexpr (RS != 1) {  // one row: wider tiles, as it is the right operand that passes through
            constexpr int kWide = 4 * G::NR;
            for (; mc == 1 && n + kWide <= direct; n += kWide) {
                gemm_tile<T, 1, 8, RS, CS, G::KC>(a_block, 0, b.row(k0) + n0 + n, b.stride, kc, rows, n, kWide, k0 > k_begin);
                if (finish) end.finish(rows, 1, n, kWide);
            }
        }
        for (; n < nc; n += G::NR) {
            const int columns = nc - n < G::NR ? static_cast<int>(nc - n) : G::NR;
            const T* right = n < direct ? b.row(k0) + n0 + n : b_block + (n - direct) * kc;
            const int64_t right_stride = n < direct ? b.stride : G::NR;
            for (int p = 0; p < panels; ++p) {
                const int i0 = mc * p / panels, i1 = mc * (p + 1) / panels;
                gemm_rows<T, G::MR, RS, CS, G::KC>(i1 - i0, a_block + i0 * RS, 0, right, right_stride, kc, rows + i0, n, columns,
                                                   k0 > k_begin);
                if (finish) end.finish(rows + i0, i1 - i0, n, columns);
            }
        }
    }
}

}  // namespace
}  // namespace labkit
