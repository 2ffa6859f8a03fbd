// The filter's gradient of a 3x3 or 5x5 convolution with stride 1 by the transpose of Winograd's F(4x4, 3x3) or F(2x2, 5x5):
//
//   dW = G^T [ sum over tiles of (B^T d B) * (A dY A^T) ] G
//
// The sum is 36 products of [C, tiles] by [tiles, K], taken for 64 input channels and a panel of output channels at a time. Of
// few tiles with many channels phase 0 transforms all, and a task of phase 1 has the products of one such block and transforms
// them back. Otherwise a task has up to 128 by 128 channels and one chunk of the tiles (the number of chunks follows from the
// number of tiles alone), which it transforms piece by piece into memory of its own; a long chunk goes through several phases,
// so that tasks stay short. The last phase adds the chunks up in order and transforms back.
#pragma once
#include "kernels/conv2d_winograd.h"

namespace labkit {
namespace {

template <class T, int R>
struct WinogradFilter {
    static constexpr int L = lanes<T>, NR = Gemm<T>::NR, M = 7 - R;
    static constexpr int64_t kChunk = kWinogradChunk, kPad = kWinogradPad;
    static constexpr int64_t kPair = 2 * kChunk;   // most channels of a task, on either side
    static constexpr int64_t kTiles = 112;         // most tiles transformed together
    static constexpr int64_t kDepth = 256;         // most tiles of one chain of the sum
    static constexpr int64_t kRows = 4;            // input channels of one task of the last phase
    static constexpr int64_t kPoint = kChunk * NR + kPad, kBlock = 36 * kPoint;  // the products of a block: [36][kChunk][NR]

    const T *x, *dy;
    T* dw;
    int64_t H, W, C, OH, OW, K, pad_top, pad_left;
    int64_t rows, columns, tiles, chunks_c, panels;  // of 64 input channels, of NR output channels
    bool shared;                                     // all is transformed first
    int64_t depth, input_stride, gradient_stride;    // of what is transformed together: tiles, and numbers between points
    int64_t pairs_c, pairs_k, high, wide;            // otherwise: tasks of a chunk; how many chunks_c and panels each has
    int64_t chunks, waves;                           // of tiles; phases that each goes through

    WinogradFilter(const View& x_, const View& dy_, const View& dw_, int64_t pad_top_, int64_t pad_left_)
        : x(data<T>(x_)), dy(data<T>(dy_)), dw(data<T>(dw_)), H(x_.shape[1]), W(x_.shape[2]), C(x_.shape[3]), OH(dy_.shape[1]),
          OW(dy_.shape[2]), K(dy_.shape[3]), pad_top(pad_top_), pad_left(pad_left_) {
        rows = (OH + M - 1) / M, columns = (OW + M - 1) / M, tiles = x_.shape[0] * rows * columns;
        chunks_c = ceil_div(C, kChunk), panels = ceil_div(K, NR);
        const int64_t all = 36 * tiles * (chunks_c * kChunk + panels * NR) * static_cast<int64_t>(sizeof(T));
        shared = chunks_c * panels >= 8 && all <= int64_t{16} << 20;
        chunks = tiles / 200 < 1 ? 1 : tiles / 200 > 16 ? 16 : tiles / 200;
        high = min_of(chunks_c, kPair / kChunk), wide = min_of(panels, kPair / NR);
        const int64_t longest = ceil_div(tiles, chunks);
        for (;;) {  // tasks of fewer channels where a chunk is too long for the phases that there are
            waves = ceil_div(36 * longest * min_of(C, high * kChunk) * min_of(K, wide * NR), kTaskProducts);
            if (waves < kMaxPhases || high * wide == 1) break;
            (wide > high ? wide : high) = ceil_div(max_of(wide, high), 2);
        }
        waves = min_of(waves, kMaxPhases - 1);
        pairs_c = ceil_div(chunks_c, high), pairs_k = ceil_div(panels, wide);
        depth = shared ? tiles : ceil_div(longest, ceil_div(longest, kTiles));
        input_stride = (shared ? chunks_c : high) * depth * kChunk + kPad;
        gradient_stride = (shared ? panels : wide) * depth * NR + kPad;
    }

    static const char* name() { return winograd_name<R>(); }

    // What is transformed: 36 matrices of the images, then 36 of the gradient. It lies in scratch when it is shared, else in the
    // thread's own memory, and the products the other way round: [chunk][pair][block of products].
    void plan(Work& work) const {
        const int64_t transformed = 36 * (input_stride + gradient_stride) * static_cast<int64_t>(sizeof(T));
        const int64_t block = kBlock * static_cast<int64_t>(sizeof(T)), pairs = chunks * pairs_c * pairs_k;
        if (shared) {
            work.phases = 2;
            work.tasks[0] = ceil_div(tiles, kStep) * (chunks_c + panels);
            work.tasks[1] = chunks_c * panels;
            work.scratch_bytes = transformed, work.local_bytes = block, work.local_tasks = work.tasks[1];
        } else {
            work.phases = static_cast<int32_t>(waves + 1);
            for (int64_t wave = 0; wave < waves; ++wave) work.tasks[wave] = pairs;
            work.tasks[waves] = ceil_div(C, kRows);
            work.scratch_bytes = pairs * high * wide * block, work.local_bytes = transformed, work.local_tasks = pairs;
        }
    }

    void run(const Call& call, int phase, int64_t task) const {
        T *common = reinterpret_cast<T*>(call.scratch), *own = reinterpret_cast<T*>(call.local);
        if (shared)
            phase == 0 ? transform(task, common) : multiply_all(task % chunks_c, task / chunks_c, common, own);
        else if (phase < waves)
            multiply_chunk(task, phase, common + task * high * wide * kBlock, own);
        else
            add_chunks(task * kRows, min_of((task + 1) * kRows, C), common);
    }

    TileGrid<T, M> image() const { return {x, H, W, C, rows, columns, pad_top, pad_left}; }

    // A step of the tiles: 64 channels of the images to [36][C / 64][tile][64], or a panel of the gradient to [36][panel][tile][NR].
    static constexpr int64_t kStep = 28;
    void transform(int64_t task, T* to) const {
        const int64_t steps = ceil_div(tiles, kStep), begin = task % steps * kStep, count = min_of(tiles - begin, kStep), part = task / steps;
        if (part < chunks_c)
            image().transform(begin, count, part * kChunk, min_of(C - part * kChunk, kChunk), to + (part * tiles + begin) * kChunk, input_stride);
        else
            transform_gradient(begin, count, part - chunks_c, to + 36 * input_stride + ((part - chunks_c) * tiles + begin) * NR);
    }

    // The product of one block at one point for `count` tiles: to[c][k] (+)= sum of left[tile][c] * right[tile][k].
    void multiply(const T* left, const T* right, int64_t count, int64_t chunk_c, int64_t panel, T* to, bool add) const {
        using G = Gemm<T>;
        const int c_count = static_cast<int>(min_of(C - chunk_c * kChunk, kChunk)), k_count = static_cast<int>(min_of(K - panel * NR, NR));
        const int padded = (k_count + L - 1) / L * L, strips = (c_count + G::MR - 1) / G::MR;
        T* lines[kChunk];
        for (int i = 0; i < c_count; ++i) lines[i] = to + i * NR;
        for (int p = 0; p < strips; ++p) {
            const int i0 = c_count * p / strips, i1 = c_count * (p + 1) / strips;
            const Strips<T> rows_of_left{left + i0, kChunk, count, 0};
            gemm_rows<T, G::MR, true>(i1 - i0, rows_of_left, right, NR, count, lines + i0, 0, padded, add);
        }
    }

    // One block for all tiles, and back.
    void multiply_all(int64_t chunk_c, int64_t panel, const T* inputs, T* products) const {
        const T *left = inputs + chunk_c * tiles * kChunk, *right = inputs + 36 * input_stride + panel * tiles * NR;
        for (int64_t point = 0; point < 36; ++point, left += input_stride, right += gradient_stride)
            for (int64_t tile = 0; tile < tiles; tile += kDepth) {
                const int64_t count = min_of(tiles - tile, kDepth);
                multiply(left + tile * kChunk, right + tile * NR, count, chunk_c, panel, products + point * kPoint, tile > 0);
            }
        for (int64_t c = 0; c < min_of(C - chunk_c * kChunk, kChunk); ++c)
            for (int64_t k = 0; k < min_of(K - panel * NR, NR); k += L)
                transform_back(chunk_c * kChunk + c, panel * NR + k, [&](int point) { return load(products + point * kPoint + c * NR + k); });
    }

    // What one phase does of a chunk and pair.
    void multiply_chunk(int64_t task, int64_t wave, T* sums, T* inputs) const {
        const int64_t chunk = task / (pairs_c * pairs_k), c0 = task % pairs_c * high, p0 = task / pairs_c % pairs_k * wide;
        const int64_t c1 = min_of(c0 + high, chunks_c), p1 = min_of(p0 + wide, panels), blocks = (c1 - c0) * (p1 - p0);
        T* gradients = inputs + 36 * input_stride;
        const Range all = share(chunk, chunks, tiles), steps = share(wave, waves, ceil_div(all.end - all.begin, depth));
        const int64_t end = min_of(all.begin + steps.end * depth, all.end);
        for (int64_t tile = all.begin + steps.begin * depth; tile < end; tile += depth) {
            const int64_t count = min_of(end - tile, depth);
            for (int64_t c = c0; c < c1; ++c)
                image().transform(tile, count, c * kChunk, min_of(C - c * kChunk, kChunk), inputs + (c - c0) * depth * kChunk, input_stride);
            for (int64_t p = p0; p < p1; ++p) transform_gradient(tile, count, p, gradients + (p - p0) * depth * NR);
            for (int64_t point = 0; point < 36; ++point)
                for (int64_t block = 0; block < blocks; ++block) {
                    const int64_t c = block % (c1 - c0), p = block / (c1 - c0);
                    const T *left = inputs + point * input_stride, *right = gradients + point * gradient_stride;
                    T* to = sums + (p * high + c) * kBlock + point * kPoint;
                    multiply(left + c * depth * kChunk, right + p * depth * NR, count, c0 + c, p0 + p, to, tile > all.begin);
                }
        }
    }

    // A dY A^T of one panel, to [36][tile][NR].
    void transform_gradient(int64_t begin, int64_t count, int64_t panel, T* to) const {
        alignas(64) static const T kZeros[NR] = {};
        const TileGrid<T, M> gradient{dy, OH, OW, K, rows, columns, 0, 0};
        const int64_t k0 = panel * NR, channels = min_of(K - k0, NR);
        for (int64_t tile = begin; tile < begin + count; ++tile, to += NR) {
            const int64_t h0 = tile / columns % rows * M, w0 = tile % columns * M;
            if (tile + 1 < begin + count) gradient.fetch(tile + 1, M, k0, channels);
            const T* pixel[M * M];
            for (int i = 0; i < M; ++i)
                for (int j = 0; j < M; ++j) {
                    const bool inside = h0 + i < OH && w0 + j < OW;
                    pixel[M * i + j] = inside ? dy + ((tile / columns / rows * OH + h0 + i) * OW + w0 + j) * K + k0 : kZeros;
                }
            for (int64_t k = 0; k < channels; k += L) {
                if (channels - k >= L)
                    transform_gradient_vector<true>(pixel, k, L, to + k);
                else
                    transform_gradient_vector<false>(pixel, k, channels - k, to + k);
            }
        }
    }

    // n channels from k on; the others of the vector are written as zeros.
    template <bool Full>
    LABKIT_INLINE void transform_gradient_vector(const T* const* pixel, int64_t k, int64_t n, T* to) const {
        Vec<T> half[6 * M], z[6];
        LABKIT_UNROLL
        for (int j = 0; j < M; ++j) {
            Vec<T> column[M];
            LABKIT_UNROLL
            for (int i = 0; i < M; ++i) column[i] = Full ? load(pixel[M * i + j] + k) : load_part(pixel[M * i + j] + k, static_cast<int>(n));
            winograd_gradient<T, R>(column, half + j, M);
        }
        LABKIT_UNROLL
        for (int i = 0; i < 6; ++i) {
            winograd_gradient<T, R>(half + M * i, z, 1);
            LABKIT_UNROLL
            for (int j = 0; j < 6; ++j) store(to + (6 * i + j) * gradient_stride, z[j]);
        }
    }

    void add_chunks(int64_t c_begin, int64_t c_end, const T* sums) const {
        const int64_t pair_size = high * wide * kBlock;
        for (int64_t c = c_begin; c < c_end; ++c)
            for (int64_t k = 0; k < K; k += L) {
                const int64_t chunk_c = c / kChunk, panel = k / NR, pair = panel / wide * pairs_c + chunk_c / high;
                const T* from = sums + pair * pair_size + (panel % wide * high + chunk_c % high) * kBlock + c % kChunk * NR + k % NR;
                transform_back(c, k, [&](int point) {
                    Vec<T> sum = load(from + point * kPoint);
                    for (int64_t chunk = 1; chunk < chunks; ++chunk)
                        sum = sum + load(from + point * kPoint + chunk * pairs_c * pairs_k * pair_size);
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
