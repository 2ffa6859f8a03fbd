// The filter's gradient of a 3x3 or 5x5 convolution with stride 1 by the transpose of Winograd's F(4x4, 3x3) or F(2x2, 5x5):
//
//   dW = G^T [ sum over tiles of (B^T d B) * (A dY A^T) ] G
//
// The sum, 36 products of [C, tiles] by [tiles, K], is taken for pairs of 64 input and 64 output channels, whose result
// stays in L2, and for chunks of tiles (their number follows from the number of tiles alone); phase 1 adds the chunks up
// in order and transforms back.
#pragma once
#include "kernels/conv2d_winograd.h"

namespace labkit {
namespace {

// A y: six numbers of 7 - R.
template <class T, int R>
LABKIT_INLINE void winograd_gradient(const Vec<T>* y, Vec<T>* z, int step) {
    constexpr int M = 7 - R;
    const Vec<T> a = broadcast(T(kWinogradA)), b = broadcast(T(kWinogradB)), half = broadcast(T(0.5));
    Vec<T> even_a = y[0], odd_a = y[1], even_b = y[0], odd_b = y[1];
    if constexpr (M == 4) {
        even_a = fma(half, y[2], even_a), odd_a = fma(half, y[3], odd_a);
        even_b = even_b + (y[2] + y[2]), odd_b = odd_b + (y[3] + y[3]);
    }
    odd_a = a * odd_a, odd_b = b * odd_b;
    z[0] = y[0];
    z[step] = even_a + odd_a, z[2 * step] = even_a - odd_a;
    z[3 * step] = even_b + odd_b, z[4 * step] = even_b - odd_b;
    z[5 * step] = y[M - 1];
}

// G^T u: R numbers of six.
template <class T, int R>
LABKIT_INLINE void winograd_filter_sum(const Vec<T>* u, Vec<T>* g, int step) {
    const Vec<T> s1 = u[1] + u[2], t1 = u[1] - u[2], s2 = u[3] + u[4], t2 = u[3] - u[4];
    const Vec<T> third = broadcast(T(1 / 3.0)), less_third = broadcast(T(-1 / 3.0));
    g[0] = fma(broadcast(T(1 / 6.0)), s2, fma(broadcast(T(-2 / 3.0)), s1, u[0]));
    g[step] = fma(broadcast(T(kWinogradB / 6)), t2, broadcast(T(-2 * kWinogradA / 3)) * t1);
    if constexpr (R == 3) {
        g[2 * step] = fma(third, s2, fma(less_third, s1, u[5]));
    } else {
        g[2 * step] = fma(third, s2, less_third * s1);
        g[3 * step] = fma(broadcast(T(kWinogradB / 3)), t2, broadcast(T(-kWinogradA / 3)) * t1);
        g[4 * step] = fma(broadcast(T(2 / 3.0)), s2, fma(broadcast(T(-1 / 6.0)), s1, u[5]));
    }
}

template <class T, int R>
struct WinogradFilter {
    static constexpr int L = lanes<T>, NR = Gemm<T>::NR, M = 7 - R;
    static constexpr int64_t kBlock = kWinogradChunk;  // channels of a pair, on either side
    static constexpr int64_t kTiles = 28;              // tiles transformed together
    static constexpr int64_t kStep = kTiles * kBlock + kWinogradPad, kSums = kBlock * kBlock + kWinogradPad;  // between points
    static constexpr int64_t kRows = 4;                // input channels of one task of phase 1

    const T *x, *dy;
    T* dw;
    int64_t H, W, C, OH, OW, K, pad_top, pad_left;
    int64_t rows, columns, tiles, chunks, pairs_c, pairs;

    WinogradFilter(const View& x_, const View& dy_, const View& dw_, int64_t pad_top_, int64_t pad_left_)
        : x(data<T>(x_)), dy(data<T>(dy_)), dw(data<T>(dw_)), H(x_.shape[1]), W(x_.shape[2]), C(x_.shape[3]), OH(dy_.shape[1]),
          OW(dy_.shape[2]), K(dy_.shape[3]), pad_top(pad_top_), pad_left(pad_left_) {
        rows = (OH + M - 1) / M, columns = (OW + M - 1) / M, tiles = x_.shape[0] * rows * columns;
        chunks = tiles / 200 < 1 ? 1 : tiles / 200 > 16 ? 16 : tiles / 200;
        pairs_c = (C + kBlock - 1) / kBlock, pairs = pairs_c * ((K + kBlock - 1) / kBlock);
    }

    // Scratch: [chunk][pair] of sums [36][kBlock][kBlock], then as many pairs of transformed blocks [36][kTiles][kBlock].
    void plan(Work& work) const {
        work.phases = 2;
        work.tasks[0] = chunks * pairs;
        work.tasks[1] = (C + kRows - 1) / kRows;
        work.scratch_bytes = chunks * pairs * 36 * (kSums + 2 * kStep) * static_cast<int64_t>(sizeof(T));
    }

    void run(char* scratch, int phase, int64_t task) const {
        T* sums = reinterpret_cast<T*>(scratch);
        if (phase == 0)
            multiply(task / pairs, task % pairs, sums + task * 36 * kSums, sums + 36 * (chunks * pairs * kSums + task * 2 * kStep));
        else
            transform_back(task * kRows, (task + 1) * kRows < C ? (task + 1) * kRows : C, sums);
    }

    void multiply(int64_t chunk, int64_t pair, T* sums, T* inputs) const {
        using G = Gemm<T>;
        T* gradients = inputs + 36 * kStep;
        T* lines[kBlock];
        const int64_t c0 = pair % pairs_c * kBlock, k0 = pair / pairs_c * kBlock;
        const int c_count = static_cast<int>(C - c0 < kBlock ? C - c0 : kBlock), k_count = static_cast<int>(K - k0 < kBlock ? K - k0 : kBlock);
        const int k_padded = (k_count + L - 1) / L * L, parts = (c_count + G::MR - 1) / G::MR;
        for (int i = 0; i < c_count; ++i) lines[i] = sums + i * kBlock;
        const TileGrid<T, M> image{x, H, W, C, rows, columns, pad_top, pad_left};
        const int64_t begin = tiles * chunk / chunks, end = tiles * (chunk + 1) / chunks;
        for (int64_t tile = begin; tile < end; tile += kTiles) {
            const int64_t count = end - tile < kTiles ? end - tile : kTiles;
            image.transform(tile, count, c0, c_count, inputs, kStep);
            transform_gradient(tile, count, k0, k_count, gradients);
            for (int64_t point = 0; point < 36; ++point)
                for (int k = 0; k < k_count; k += NR)
                    for (int p = 0; p < parts; ++p) {
                        const int i0 = c_count * p / parts, i1 = c_count * (p + 1) / parts;
                        gemm_rows<T, G::MR, 1, kBlock, kTiles>(i1 - i0, inputs + point * kStep + i0, 0, gradients + point * kStep + k * kTiles,
                                                               NR, count, lines + i0, point * kSums + k, k_padded - k < NR ? k_padded - k : NR,
                                                               tile > begin);
                    }
        }
    }

    // A dY A^T, to [36][panel of NR channels][tile][NR].
    void transform_gradient(int64_t begin, int64_t count, int64_t k0, int64_t channels, T* to) const {
        alignas(64) static const T kZeros[kBlock] = {};
        for (int64_t t = 0; t < count; ++t) {
            const int64_t tile = begin + t, h0 = tile / columns % rows * M, w0 = tile % columns * M;
            const T* pixel[M * M];
            for (int i = 0; i < M; ++i)
                for (int j = 0; j < M; ++j) {
                    const bool inside = h0 + i < OH && w0 + j < OW;
                    pixel[M * i + j] = inside ? dy + ((tile / columns / rows * OH + h0 + i) * OW + w0 + j) * K + k0 : kZeros;
                }
            for (int64_t k = 0; k < channels; k += L) {
                T* target = to + (k / NR * kTiles + t) * NR + k % NR;
                Vec<T> half[6 * M], z[6];
                LABKIT_UNROLL
                for (int j = 0; j < M; ++j) {
                    Vec<T> column[M];
                    LABKIT_UNROLL
                    for (int i = 0; i < M; ++i) column[i] = load_n(pixel[M * i + j] + k, min_of(channels - k, L));
                    winograd_gradient<T, R>(column, half + j, M);
                }
                LABKIT_UNROLL
                for (int i = 0; i < 6; ++i) {
                    winograd_gradient<T, R>(half + M * i, z, 1);
                    LABKIT_UNROLL
                    for (int j = 0; j < 6; ++j) store(target + (6 * i + j) * kStep, z[j]);
                }
            }
        }
    }

    void transform_back(int64_t c_begin, int64_t c_end, const T* sums) const {
        for (int64_t c = c_begin; c < c_end; ++c)
            for (int64_t k = 0; k < K; k += L) {
                const T* from = sums + (k / kBlock * pairs_c + c / kBlock) * 36 * kSums + c % kBlock * kBlock + k % kBlock;
                Vec<T> half[6 * R], g[R];
                LABKIT_UNROLL
                for (int j = 0; j < 6; ++j) {
                    Vec<T> column[6];
                    LABKIT_UNROLL
                    for (int i = 0; i < 6; ++i) {
                        const T* term = from + (6 * i + j) * kSums;
                        column[i] = load(term);
                        for (int64_t chunk = 1; chunk < chunks; ++chunk) column[i] = column[i] + load(term + chunk * pairs * 36 * kSums);
                    }
                    winograd_filter_sum<T, R>(column, half + j, 6);
                }
                LABKIT_UNROLL
                for (int i = 0; i < R; ++i) {
                    winograd_filter_sum<T, R>(half + 6 * i, g, 1);
                    LABKIT_UNROLL
                    for (int j = 0; j < R; ++j) store_n(dw + ((R * i + j) * C + c) * K + k, g[j], min_of(K - k, L));
                }
            }
    }
};

}  // namespace
}  // namespace labkit
