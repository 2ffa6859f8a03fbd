// The filter's gradient of a 3x3 or 5x5 convolution with stride 1 by the transpose of Winograd's F(4x4, 3x3) or F(2x2, 5x5):
//
//   dW = G^T [ sum over tiles of (B^T d B) * (A dY A^T) ] G
//
// The sum is 36 products of [C, tiles] by [tiles, K]. Of few tiles with many channels phase 0 transforms all, and a task of phase
// 1 has the products of 64 input channels with one panel of output channels and transforms them back. Otherwise the sum is
// taken for pairs of 64 input and 64 output channels, whose result stays in L2, and for chunks of tiles (their number follows
// from the number of tiles alone), each transformed as it comes; the last phase adds the chunks up in order and transforms
// back. A long chunk goes on through several phases, and its output channels are divided, so that tasks stay short.
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
    static constexpr int64_t kRows = 4;                // input channels of one task of the last phase
    static constexpr int64_t kDepth = 256;             // most tiles of one chain of the sum, where all are transformed first
    static constexpr int64_t kPanel = kBlock * NR + kWinogradPad;  // between points of a task's products then

    const T *x, *dy;
    T* dw;
    int64_t H, W, C, OH, OW, K, pad_top, pad_left;
    int64_t rows, columns, tiles, chunks, pairs_c, pairs, panels;
    bool shared;  // all is transformed first
    int64_t input_stride, gradient_stride;  // then: from one point to the next
    int64_t waves, parts;  // otherwise: phases that a chunk goes through, and tasks that share the output channels of a pair

    WinogradFilter(const View& x_, const View& dy_, const View& dw_, int64_t pad_top_, int64_t pad_left_)
        : x(data<T>(x_)), dy(data<T>(dy_)), dw(data<T>(dw_)), H(x_.shape[1]), W(x_.shape[2]), C(x_.shape[3]), OH(dy_.shape[1]),
          OW(dy_.shape[2]), K(dy_.shape[3]), pad_top(pad_top_), pad_left(pad_left_) {
        rows = (OH + M - 1) / M, columns = (OW + M - 1) / M, tiles = x_.shape[0] * rows * columns;
        chunks = tiles / 200 < 1 ? 1 : tiles / 200 > 16 ? 16 : tiles / 200;
        pairs_c = ceil_div(C, kBlock), pairs = pairs_c * ceil_div(K, kBlock), panels = ceil_div(K, NR);
        input_stride = pairs_c * tiles * kBlock + kWinogradPad, gradient_stride = panels * tiles * NR + kWinogradPad;
        shared = pairs >= 8 && 36 * (input_stride + gradient_stride) * static_cast<int64_t>(sizeof(T)) <= int64_t{16} << 20;
        const int64_t products = 36 * ceil_div(tiles, chunks) * min_of(C, kBlock) * min_of(K, kBlock);  // of a chunk and pair
        waves = max_of(1, min_of(kMaxPhases - 1, ceil_div(products, kTaskProducts)));
        parts = max_of(1, min_of(ceil_div(min_of(K, kBlock), NR), ceil_div(products, waves * kTaskProducts)));
    }

    int64_t blocks() const { return ceil_div(tiles, kTiles); }

    static const char* name() { return winograd_name<R>(); }

    // Scratch: [chunk][pair] of sums [36][kBlock][kBlock], then [chunk][pair][part] of two transformed blocks [36][kTiles][kBlock].
    void plan(Work& work) const {
        if (shared) {
            work.phases = 2;
            work.tasks[0] = blocks() * (pairs_c + panels);
            work.tasks[1] = pairs_c * panels;
            work.scratch_bytes = 36 * (input_stride + gradient_stride) * static_cast<int64_t>(sizeof(T));
            return;
        }
        work.phases = static_cast<int32_t>(waves + 1);
        for (int64_t wave = 0; wave < waves; ++wave) work.tasks[wave] = chunks * pairs * parts;
        work.tasks[waves] = (C + kRows - 1) / kRows;
        work.scratch_bytes = chunks * pairs * 36 * (kSums + parts * 2 * kStep) * static_cast<int64_t>(sizeof(T));
    }

    void run(char* scratch, int phase, int64_t task) const {
        T* sums = reinterpret_cast<T*>(scratch);
        if (shared)
            phase == 0 ? transform(task, sums) : multiply_panel(task % pairs_c * kBlock, task / pairs_c, sums);
        else if (phase < waves)
            multiply(task / parts, phase, task % parts, sums + task / parts * 36 * kSums,
                     sums + 36 * (chunks * pairs * kSums + task * 2 * kStep));
        else
            add_chunks(task * kRows, (task + 1) * kRows < C ? (task + 1) * kRows : C, sums);
    }

    // A block of tiles: 64 channels of the images to [36][C / 64][tile][64], or a panel of the gradient to [36][panel][tile][NR].
    void transform(int64_t task, T* inputs) const {
        const int64_t begin = task % blocks() * kTiles, count = min_of(tiles - begin, kTiles), part = task / blocks();
        if (part < pairs_c) {
            const TileGrid<T, M> image{x, H, W, C, rows, columns, pad_top, pad_left};
            const int64_t c0 = part * kBlock;
            return image.transform(begin, count, c0, min_of(C - c0, kBlock), inputs + (part * tiles + begin) * kBlock, input_stride);
        }
        const int64_t panel = part - pairs_c;
        transform_gradient(begin, count, panel * NR, min_of(K - panel * NR, NR), inputs + 36 * input_stride + (panel * tiles + begin) * NR,
                           tiles, gradient_stride);
    }

    // 64 input channels from c0 on by one panel of output channels, for all tiles, and back.
    void multiply_panel(int64_t c0, int64_t panel, const T* inputs) const {
        using G = Gemm<T>;
        alignas(64) T products[36 * kPanel];  // about 300 KB
        T* lines[kBlock];
        const T *left = inputs + c0 * tiles, *right = inputs + 36 * input_stride + panel * tiles * NR;
        const int c_count = static_cast<int>(min_of(C - c0, kBlock)), k_count = static_cast<int>(min_of(K - panel * NR, NR));
        const int padded = (k_count + L - 1) / L * L, parts = (c_count + G::MR - 1) / G::MR;
        for (int i = 0; i < c_count; ++i) lines[i] = products + i * NR;
        for (int64_t point = 0; point < 36; ++point, left += input_stride, right += gradient_stride)
            for (int64_t tile = 0; tile < tiles; tile += kDepth)
                for (int p = 0; p < parts; ++p) {
                    const int i0 = c_count * p / parts, i1 = c_count * (p + 1) / parts;
                    const Range next = share(p, parts, point < 35 ? min_of(tiles - tile, kDepth) : 0);  // the next point's numbers
                    prefetch(left + input_stride + (tile + next.begin) * kBlock, (next.end - next.begin) * kBlock);
                    prefetch(right + gradient_stride + (tile + next.begin) * NR, (next.end - next.begin) * NR);
                    const int64_t depth = min_of(tiles - tile, kDepth);
                    const Strips<T> rows{left + tile * kBlock + i0, kBlock, depth, 0};
                    gemm_rows<T, G::MR, true>(i1 - i0, rows, right + tile * NR, NR, depth, lines + i0, point * kPanel, padded, tile > 0);
                }
        for (int c = 0; c < c_count; ++c)
            for (int k = 0; k < k_count; k += L)
                transform_back(c0 + c, panel * NR + k, [&](int point) { return load(products + point * kPanel + c * NR + k); });
    }

    // What one phase and part does of a chunk and pair.
    void multiply(int64_t product, int64_t wave, int64_t part, T* sums, T* inputs) const {
        using G = Gemm<T>;
        T* gradients = inputs + 36 * kStep;
        T* lines[kBlock];
        const int64_t chunk = product / pairs, pair = product % pairs, c0 = pair % pairs_c * kBlock, pair_k0 = pair / pairs_c * kBlock;
        const Range mine = share(part, parts, ceil_div(min_of(K - pair_k0, kBlock), NR));  // panels
        const int64_t k0 = pair_k0 + mine.begin * NR;
        const int c_count = static_cast<int>(C - c0 < kBlock ? C - c0 : kBlock);
        const int k_count = static_cast<int>(min_of(K - k0, (mine.end - mine.begin) * NR));
        if (k_count <= 0) return;
        const int k_padded = (k_count + L - 1) / L * L, blocks_c = (c_count + G::MR - 1) / G::MR;
        for (int i = 0; i < c_count; ++i) lines[i] = sums + i * kBlock + mine.begin * NR;
        const TileGrid<T, M> image{x, H, W, C, rows, columns, pad_top, pad_left}, gradient{dy, OH, OW, K, rows, columns, 0, 0};
        const int panels_here = (k_count + NR - 1) / NR;
        const Range all = share(chunk, chunks, tiles), steps = share(wave, waves, ceil_div(all.end - all.begin, kTiles));
        const int64_t end = min_of(all.begin + steps.end * kTiles, all.end);
        for (int64_t tile = all.begin + steps.begin * kTiles; tile < end; tile += kTiles) {
            const int64_t count = end - tile < kTiles ? end - tile : kTiles;
            image.transform(tile, count, c0, c_count, inputs, kStep);
            transform_gradient(tile, count, k0, k_count, gradients, kTiles, kStep);
            for (int64_t point = 0; point < 36; ++point)
                for (int k = 0; k < k_count; k += NR)
                    for (int p = 0; p < blocks_c; ++p) {
                        const int i0 = c_count * p / blocks_c, i1 = c_count * (p + 1) / blocks_c;
                        const Range next = share((point * panels_here + k / NR) * blocks_c + p, 36 * panels_here * blocks_c,
                                                 max_of(0, min_of(end - tile - count, kTiles)) * M);
                        for (int64_t row = next.begin; row < next.end; ++row) {
                            image.fetch_row(tile + count + row / M, row % M, c0, c_count);
                            gradient.fetch_row(tile + count + row / M, row % M, k0, k_count);
                        }
                        const Strips<T> left{inputs + point * kStep + i0, kBlock, count, 0};
                        gemm_rows<T, G::MR, true>(i1 - i0, left, gradients + point * kStep + k * kTiles, NR, count, lines + i0, point * kSums + k,
                                                  k_padded - k < NR ? k_padded - k : NR, tile > all.begin);
                    }
        }
    }

    // A dY A^T, to [36][panel of NR channels][tile][NR], `stride` numbers for a point and `depth` tiles for a panel.
    void transform_gradient(int64_t begin, int64_t count, int64_t k0, int64_t channels, T* to, int64_t depth, int64_t stride) const {
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
                T* target = to + (k / NR * depth + t) * NR + k % NR;
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
                    for (int j = 0; j < 6; ++j) store(target + (6 * i + j) * stride, z[j]);
                }
            }
        }
    }

    void add_chunks(int64_t c_begin, int64_t c_end, const T* sums) const {
        for (int64_t c = c_begin; c < c_end; ++c)
            for (int64_t k = 0; k < K; k += L) {
                const T* from = sums + (k / kBlock * pairs_c + c / kBlock) * 36 * kSums + c % kBlock * kBlock + k % kBlock;
                transform_back(c, k, [&](int point) {
                    Vec<T> sum = load(from + point * kSums);
                    for (int64_t chunk = 1; chunk < chunks; ++chunk) sum = sum + load(from + point * kSums + chunk * pairs * 36 * kSums);
                    return sum;
                });
            }
    }

    // G^T u G for one input channel and a vector of output channels from k on; sum(point) is u.
    template <class Sum>
    LABKIT_INLINE void transform_back(int64_t c, int64_t k, Sum sum) const {
        Vec<T> half[6 * R], g[R];
        LABKIT_UNROLL
        for (int j = 0; j < 6; ++j) {
            Vec<T> column[6];
            LABKIT_UNROLL
            for (int i = 0; i < 6; ++i) column[i] = sum(6 * i + j);
            winograd_filter_sum<T, R>(column, half + j, 6);
        }
        LABKIT_UNROLL
        for (int i = 0; i < R; ++i) {
            winograd_filter_sum<T, R>(half + 6 * i, g, 1);
            LABKIT_UNROLL
            for (int j = 0; j < R; ++j) store_n(dw + ((R * i + j) * C + c) * K + k, g[j], min_of(K - k, L));
        }
    }
};

}  // namespace
}  // namespace labkit
