// The overlapping tiles of images that Winograd's algorithms transform, and how they are fetched ahead of time.
#pragma once
#include "kernels/conv2d_winograd_tile.h"
#include "kernels/conv2d_winograd_transforms.h"
#include "kernels/window.h"

namespace labkit {
namespace {

constexpr int64_t kWinogradPad = 16;    // between 36 matrices: off the strides that collide in L1

// Fetches n numbers, which are too scattered for the processor to foresee.
template <class T>
LABKIT_INLINE void prefetch(const T* p, int64_t n) {
    for (int64_t i = 0; i < n; i += 64 / static_cast<int64_t>(sizeof(T))) {
        __builtin_prefetch(p + i, 0, 3);
        asm volatile("");  // GCC takes a function that only fetches for one without effect, and drops its calls
    }
}

// The overlapping 6x6 tiles of images [N, H, W, C], in steps of M: rows x columns of them for each image.
template <class T, int M>
struct TileGrid {
    const T* x;
    int64_t H, W, C, rows, columns, pad_top, pad_left;

    // B^T d B for tiles begin, begin + 1, ... and `channels` channels from c0: to[point * stride + tile * kWinogradChunk + c].
    void transform(int64_t begin, int64_t tiles, int64_t c0, int64_t channels, T* to, int64_t stride) const {
        alignas(64) static const T kZeros[kWinogradChunk] = {};
        for (int64_t tile = begin; tile < begin + tiles; ++tile, to += kWinogradChunk) {
            const int64_t h0 = tile / columns % rows * M - pad_top, w0 = tile % columns * M - pad_left;
            if (tile + 1 < begin + tiles) fetch(tile + 1, 6, c0, channels);
            const T* image = x + tile / columns / rows * H * W * C;
            const T* pixel[36];
            for (int i = 0; i < 6; ++i)
                for (int j = 0; j < 6; ++j) {
                    const bool inside = h0 + i >= 0 && h0 + i < H && w0 + j >= 0 && w0 + j < W;
                    pixel[6 * i + j] = inside ? image + ((h0 + i) * W + w0 + j) * C + c0 : kZeros;
                }
            for (int64_t c = 0; c < channels; c += lanes<T>) {
                if (channels - c >= lanes<T>)
                    transform_vector<true>(pixel, c, lanes<T>, to + c, stride);
                else
                    transform_vector<false>(pixel, c, channels - c, to + c, stride);
            }
        }
    }

    // Fetches the pixels of a tile of `size` pixels a side that the one to its left does not hold.
    void fetch(int64_t tile, int64_t size, int64_t c0, int64_t channels) const {
        const int64_t h0 = tile / columns % rows * M - pad_top, w0 = tile % columns * M - pad_left;
        for (int64_t h = max_of(h0, 0); h < min_of(h0 + size, H); ++h)
            for (int64_t w = max_of(w0 + size - M, 0); w < min_of(w0 + size, W); ++w)
                prefetch(x + ((tile / columns / rows * H + h) * W + w) * C + c0, channels);
    }

    // n channels from c on; the others of the vector are written as zeros.
    template <bool Full>
    static LABKIT_INLINE void transform_vector(const T* const* pixel, int64_t c, int64_t n, T* to, int64_t stride) {
        Vec<T> d[36], v[6];
        LABKIT_UNROLL
        for (int j = 0; j < 6; ++j) {
            Vec<T> column[6];
            LABKIT_UNROLL
            for (int i = 0; i < 6; ++i) column[i] = Full ? load(pixel[6 * i + j] + c) : load_part(pixel[6 * i + j] + c, static_cast<int>(n));
            winograd_input<T>(column, d + j, 6);
        }
        LABKIT_UNROLL
        for (int i = 0; i < 6; ++i) {
            winograd_input<T>(d + 6 * i, v, 1);
            LABKIT_UNROLL
            for (int j = 0; j < 6; ++j) store(to + (6 * i + j) * stride, v[j]);
        }
    }
};

}  // namespace
}  // namespace labkit
