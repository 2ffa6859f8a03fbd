// The blocked matrix product that matmul and the convolutions share.
//
// The scheme is that of "Anatomy of High-Performance Matrix Multiplication" (Goto, van de Geijn) and "BLIS" (Van Zee, van
// de Geijn): the result is cut into blocks whose rows of the left operand stay in L2 while panels of the right one, NR columns
// by KC steps of the reduced dimension, pass through L1; a register tile of MR x NR computes. Operands are anything that can
// copy a rectangle of itself into a packed buffer, so a convolution is a product whose left operand is gathered from the image
// while it is packed. A matrix whose rows the tile can read where they lie is not packed at all.
//
// Bits: an element of the result is the sum, in order, of one term for each step of KC; a term is one chain of
// multiply-adds. Neither depends on the other dimensions, on the tile an element falls into, or on the layout of the
// packed operands. Sums of integers have no order. Everything about tiling may therefore be chosen by speed; KC may not.
#pragma once
#include "kernels/gemm_pack.h"

namespace labkit {
namespace {

// How a result of M x N is cut into tasks. Purely a matter of speed.
struct Tiling {
    int64_t m_blocks, n_blocks, M, N, nc;

    int64_t tasks() const { return m_blocks * n_blocks; }
};

template <class T>
struct GemmBlock {
    static constexpr int MC = 168 / Gemm<T>::MR * Gemm<T>::MR;
    static constexpr int NC = 1024 / static_cast<int>(sizeof(T));
    static constexpr int kRow = Gemm<T>::KC + 64 / static_cast<int>(sizeof(T));  // off the powers of two that collide in L1
};

// `products`: how many products of this size there are to compute at the same time.
template <class T>
Tiling gemm_tiling(int64_t M, int64_t N, int64_t K, int64_t products = 1) {
    constexpr int64_t MR = Gemm<T>::MR, NR = Gemm<T>::NR, MC = GemmBlock<T>::MC, NC = GemmBlock<T>::NC;
    constexpr int64_t kMost = int64_t{1} << 27, kLeast = int64_t{1} << 19;  // multiply-adds of one task
    constexpr int64_t kWanted = 16;                                         // tasks, so that many threads have work
    int64_t mc = M < 1 ? 1 : M < MC ? M : MC;  // of an empty result too there are blocks: none
    int64_t nc = N < 1 ? NR : N < NC ? (N + NR - 1) / NR * NR : NC;
    auto count = [](int64_t n, int64_t block) { return (n + block - 1) / block; };
    for (;;) {
        const int64_t work = mc * nc * (K > 0 ? K : 1);
        if (work < 2 * kLeast) break;
        if (work <= kMost && count(M, mc) * count(N, nc) >= kWanted / products) break;
        if (nc > 2 * NR || (nc > NR && mc <= 4 * MR))  // few rows: rather not pack the same columns twice
            nc = count(nc / 2, NR) * NR;
        else if (mc > MR)
            mc = count(count(mc, 2), MR) * MR < mc ? count(count(mc, 2), MR) * MR : MR;
        else
            break;
    }
    return {count(M, mc), count(N, nc), M, N, nc};
}

// Whether rows that far apart meet in the same sets of L1.
template <class T>
bool gemm_collide(int64_t stride) { return stride * static_cast<int64_t>(sizeof(T)) % 4096 == 0; }

// Whether tiles read a left operand where it lies: a matrix whose rows do not collide, or one for few columns.
template <class T>
bool gemm_reads_left(const Matrix<T>& a, bool k_major, int64_t nc) {
    constexpr int64_t NR = Gemm<T>::NR;
    return k_major ? nc <= 2 * NR && !gemm_collide<T>(a.stride) : nc <= NR || !gemm_collide<T>(a.stride);
}

// Rows m0 .. m0 + mc of a for k in k0 .. k0 + kc, to be multiplied by nc columns; in `block` unless they can be read where they lie.
template <class T, bool KMajor, class Left>
Strips<T> gemm_left(const Left& a, int64_t m0, int64_t mc, int64_t k0, int64_t kc, int64_t nc, T* block) {
    constexpr int64_t stride = KMajor ? GemmBlock<T>::MC : GemmBlock<T>::kRow, kStretch = Gemm<T>::kStretch;
    if constexpr (is_matrix<Left>)
        if (gemm_reads_left<T>(a, KMajor, nc)) return {KMajor ? a.row(k0) + m0 : a.row(m0) + k0, a.stride, kStretch, (KMajor ? a.stride : 1) * kStretch};
    if (KMajor)
        a.pack(k0, kc, m0, mc, block, stride);
    else
        a.pack(m0, mc, k0, kc, block, stride);
    return {block, stride, kStretch, (KMajor ? stride : 1) * kStretch};
}

// One task: block `task` of c = a . b over k in [k_begin, k_end), finished as `epilogue` says. With KMajor, rows of `a` run along
// M (one for each k), otherwise along K (one for each m).
template <class T, bool KMajor, bool TransposedB, class Left, class Rows>
void gemm_task(const Tiling& tiling, int64_t task, const Left& a, const Matrix<T>& b, const Rows& c, int64_t k_begin, int64_t k_end,
               const Epilogue<T>& epilogue = {}) {
    using G = Gemm<T>;
    using Block = GemmBlock<T>;
    constexpr int64_t NR = G::NR, kFew = 42;       // rows that do not pay for packing the right operand
    constexpr int64_t kCached = int64_t{1} << 20;  // bytes of it that stay in a cache once they are there
    alignas(64) T a_block[KMajor ? G::KC * Block::MC : Block::MC * Block::kRow];  // about 180 KB
    alignas(64) T b_panels[2 * G::KC * NR];                                       // 64 KB
    T* rows[Block::MC];

    const int64_t m_block = task % tiling.m_blocks, n_block = task / tiling.m_blocks;
    const int64_t m0 = tiling.M * m_block / tiling.m_blocks, m1 = tiling.M * (m_block + 1) / tiling.m_blocks;
    const int64_t n0 = n_block * tiling.nc, nc = tiling.N - n0 < tiling.nc ? tiling.N - n0 : tiling.nc;
    const int mc = static_cast<int>(m1 - m0), strips = (mc + G::MR - 1) / G::MR;
    for (int i = 0; i < mc; ++i) rows[i] = c.row(m0 + i) + n0;
    const bool pack = TransposedB || mc > kFew || (strips > 1 && gemm_collide<T>(b.stride));
    const bool far = tiling.N * (k_end - k_begin) >= kCached / static_cast<int64_t>(sizeof(T));
    const RightPanels<T, TransposedB> panels{b, k_begin, k_end, n0, nc, b_panels, far ? 2 : 1};
    if (pack && far) panels.pack(0, 0, 1);

    Strips<T> left{};
    Ahead<T> ahead;
    for (int64_t panel = 0; panel < panels.count;) {
        const int64_t k0 = panels.k0(panel), kc = panels.kc(panel), n = panels.column(panel);
        const int columns = panels.columns(panel);
        const bool add = k0 > k_begin;
        const Epilogue<T> end = k0 + kc < k_end ? Epilogue<T>{} : epilogue.from(n0);
        if (n == 0) left = gemm_left<T, KMajor>(a, m0, mc, k0, kc, nc, a_block);
        const T* right = b.row(k0) + n0 + n;
        int64_t right_stride = b.stride;
        if (pack || !(G::kMasked || columns % G::L == 0)) {  // the tile reads whole vectors
            if (!(pack && far)) panels.pack(panel, 0, 1);
            right = panels.packed(panel), right_stride = NR;
        } else if (mc == 1 && n + 4 * NR <= nc) {  // wider tiles, as it is the right operand that passes through
            gemm_tile<T, 1, 8, KMajor>(left, right, right_stride, kc, rows, n, 4 * NR, add, end);
            panel += 4;
            continue;
        }
        for (int p = 0; p < strips; ++p) {
            const int i0 = mc * p / strips, i1 = mc * (p + 1) / strips;
            if (far && pack)
                panels.go_on(panel, p, strips, ahead);
            else if (far)
                panels.fetch(panel + panels.across, p, strips, kc, ahead);  // of the next steps
            gemm_rows<T, G::MR, KMajor>(i1 - i0, left.template from<KMajor>(i0), right, right_stride, kc, rows + i0, n, columns, add, end,
                                        far ? &ahead : nullptr);
        }
        ++panel;
    }
}

}  // namespace
}  // namespace labkit
