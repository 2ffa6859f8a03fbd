// Winograd's minimal filtering for convolutions with stride 1, F(4x4, 3x3) and F(2x2, 5x5): 36 products where the direct
// way has 144 and 100.
//
//   Y = A^T [ sum over c of (G g G^T) * (B^T d B) ] A        (Lavin, Gray, "Fast Algorithms for Convolutional Neural Networks")
//
// for each 6x6 tile d of the image, RxR filter g and MxM tile Y of the result, M + R - 1 = 6.
//
// A group of tiles of any images is transformed, multiplied (36 small matrix products) and transformed back. A tile's
// numbers depend on its own image alone, and each sum over c is one chain, so bits do not depend on the batch or on the
// grouping. A NaN or infinity reaches every pixel of the tiles that see it.
#pragma once
#include "kernels/conv2d_winograd_grid.h"
#include "kernels/pool.h"

namespace labkit {
namespace {

template <int R>
constexpr const char* winograd_name() { return R == 3 ? "winograd F(4x4, 3x3)" : "winograd F(2x2, 5x5)"; }

// One convolution of x [N, H, W, C] to y [N, OH, OW, K], or with `pooled` to the maxima of y's windows of 2x2 pixels and their
// places. With `gradient`, x is dy, y is dx, and the filter [R, R, K, C] is read with its taps reversed and its channels exchanged.
//
// Many groups of tiles: the filter is transformed first, and a task takes some groups, each transformed into memory of its own,
// where it stays in L2 while it is multiplied. Few: the tiles are transformed first, and a task takes some panels of the filter.
template <class T, int R>
struct Winograd {
    static constexpr int L = lanes<T>, NR = Gemm<T>::NR, M = 7 - R;
    static constexpr int64_t kTiles = 28 / Gemm<T>::MR * Gemm<T>::MR;  // most tiles of a group
    static constexpr int64_t kChunk = kWinogradChunk;   // transformed input is [36][chunk][tile][kChunk]
    static constexpr int64_t kPad = kWinogradPad;
    static constexpr int64_t kProducts = kTiles * NR + kPad;
    static constexpr int64_t kPanels = 4;               // panels of NR outputs in one task of the filter's transform

    const T *x, *w;
    T* y;
    int64_t N, H, W, C, OH, OW, K, pad_top, pad_left;
    bool gradient;
    Epilogue<T> end;
    bool pooled;
    uint8_t* places;  // of the maxima

    int64_t rows, columns, tiles, groups, chunks, panels;  // tile rows and columns of an image, tiles of the batch, ...
    int64_t input_stride, input_size, filter_stride;       // from one of the 36 matrices to the next
    bool by_panels;           // tasks take panels of the filter
    int64_t parts;            // tasks that share the groups: of each panel, or of all

    Winograd(const View& x_, const View& w_, const View& y_, int64_t pad_top_, int64_t pad_left_, bool gradient_,
             const Epilogue<T>& end_, bool pooled_ = false, uint8_t* places_ = nullptr)
        : x(data<T>(x_)), w(data<T>(w_)), y(data<T>(y_)), N(x_.shape[0]), H(x_.shape[1]), W(x_.shape[2]), C(x_.shape[3]),
          OH(y_.shape[1]), OW(y_.shape[2]), K(y_.shape[3]), pad_top(pad_top_), pad_left(pad_left_), gradient(gradient_), end(end_),
          pooled(pooled_), places(places_) {
        rows = (OH + M - 1) / M, columns = (OW + M - 1) / M, tiles = N * rows * columns;
        groups = ceil_div(tiles, kTiles), chunks = ceil_div(C, kChunk), panels = ceil_div(K, NR);
        input_stride = chunks * kTiles * kChunk + kPad, input_size = 36 * input_stride;
        by_panels = groups < panels || 36 * kTiles * C * K > kTaskProducts;
        filter_stride = (by_panels ? 1 : panels) * C * NR + kPad;
        const int64_t products = 36 * tiles * C * min_of(K, by_panels ? NR : K);  // that these tasks share
        parts = min_of(groups, max_of(by_panels ? ceil_div(16, panels) : 48, ceil_div(products, kTaskProducts)));
        end.streams = !pooled && streams<T>(y_, K);
    }

    static const char* name() { return winograd_name<R>(); }

    // Scratch: what phase 0 transforms. A thread's own: what it transforms for itself, and the products of a group with a panel.
    void plan(Work& work) const {
        const int64_t filter = 36 * filter_stride, input = groups * input_size, products = 36 * kProducts;
        work.phases = 2;
        work.tasks[0] = by_panels ? groups * chunks : ceil_div(C, L) * ceil_div(panels, kPanels);
        work.tasks[1] = by_panels ? panels * parts : parts;
        work.scratch_bytes = (by_panels ? input : filter) * static_cast<int64_t>(sizeof(T));
        work.local_tasks = work.tasks[1];
        work.local_bytes = (products + (by_panels ? filter : input_size)) * static_cast<int64_t>(sizeof(T));
    }

    void run(const Call& call, int phase, int64_t task) const {
        T *transformed = reinterpret_cast<T*>(call.scratch), *products = reinterpret_cast<T*>(call.local), *own = products + 36 * kProducts;
        if (phase == 0) {
            if (by_panels) return transform_input(task / chunks, task % chunks, transformed + task / chunks * input_size);
            const int64_t blocks = ceil_div(C, L), k0 = task / blocks * kPanels * NR;
            return transform_filter(task % blocks * L, k0, min_of(k0 + kPanels * NR, K), transformed);
        }
        const Range mine = share(task % parts, parts, groups);
        if (by_panels) {
            const int64_t panel = task / parts;
            for (int64_t c = 0; c < C; c += L) transform_filter(c, panel * NR, min_of(panel * NR + NR, K), own);
            for (int64_t group = mine.begin; group < mine.end; ++group) multiply(group, panel, transformed + group * input_size, own, products);
        } else {
            for (int64_t group = mine.begin; group < mine.end; ++group) {
                for (int64_t chunk = 0; chunk < chunks; ++chunk) transform_input(group, chunk, own);
                for (int64_t panel = 0; panel < panels; ++panel) multiply(group, panel, own, transformed + panel * C * NR, products);
            }
        }
        stream_end();
    }

    int64_t first_tile(int64_t group) const { return tiles * group / groups; }

    // L input channels by some panels of output channels, to [36][panel][C][NR].
    void transform_filter(int64_t c0, int64_t k_begin, int64_t k_end, T* filter) const {
        const int64_t c_count = min_of(C - c0, L), first = by_panels ? k_begin : 0;
        for (int64_t k = k_begin; k < k_end; k += L) {
            const int64_t k_count = min_of(k_end - k, L);
            Vec<T> taps[R * R][L];  // [tap][c], vectors over k
            for (int tap = 0; tap < R * R; ++tap) {
                for (int i = 0; i < L; ++i)
                    if (gradient)
                        taps[tap][i] = i < k_count ? load_n(w + ((R * R - 1 - tap) * K + k + i) * C + c0, c_count) : Vec<T>{};
                    else
                        taps[tap][i] = i < c_count ? load_n(w + (tap * C + c0 + i) * K + k, k_count) : Vec<T>{};
                if (gradient) transpose_square<T>(taps[tap]);
            }
            T* to = filter + ((k - first) / NR * C + c0) * NR + k % NR;
            for (int i = 0; i < c_count; ++i, to += NR) {
                Vec<T> half[6 * R], u[6];
                LABKIT_UNROLL
                for (int j = 0; j < R; ++j) winograd_filter<T, R>(&taps[j][i], R * L, half + j, R);
                LABKIT_UNROLL
                for (int h = 0; h < 6; ++h) {
                    winograd_filter<T, R>(half + R * h, 1, u, 1);
                    LABKIT_UNROLL
                    for (int j = 0; j < 6; ++j) store(to + (6 * h + j) * filter_stride, u[j]);
                }
            }
        }
    }

    TileGrid<T, M> image() const { return {x, H, W, C, rows, columns, pad_top, pad_left}; }

    // One chunk of channels of a group of tiles.
    void transform_input(int64_t group, int64_t chunk, T* input) const {
        const int64_t begin = first_tile(group), c0 = chunk * kChunk;
        image().transform(begin, first_tile(group + 1) - begin, c0, C - c0 < kChunk ? C - c0 : kChunk, input + c0 * kTiles, input_stride);
    }

    // The 36 products of a group with one panel of the filter, and their way back.
    void multiply(int64_t group, int64_t panel, const T* input, const T* filter, T* products) const {
        using G = Gemm<T>;
        T* lines[kTiles];
        const int64_t begin = first_tile(group);
        const int count = static_cast<int>(first_tile(group + 1) - begin), strips = (count + G::MR - 1) / G::MR;
        const int width = static_cast<int>(min_of(K - panel * NR, NR)), padded = (width + L - 1) / L * L;
        for (int i = 0; i < count; ++i) lines[i] = products + i * NR;
        for (int64_t point = 0; point < 36; ++point) {
            const T* right = filter + point * filter_stride;
            for (int p = 0; p < strips; ++p) {
                const int i0 = count * p / strips, i1 = count * (p + 1) / strips;
                winograd_rows<T, G::MR>(i1 - i0, input + point * input_stride + i0 * kChunk, kTiles * kChunk, right, C, lines + i0,
                                        point * kProducts, padded);
            }
        }
        for (int i = 0; i < count; ++i) transform_output(begin + i, panel, width, products + i * NR);
    }

    // A^T m A for one tile and one panel of channels, out of the 36 products at `from`.
    void transform_output(int64_t tile, int64_t panel, int width, const T* from) const {
        const int64_t h0 = tile / columns % rows * M, w0 = tile % columns * M;
        const int64_t height = OH - h0 < M ? OH - h0 : M, breadth = OW - w0 < M ? OW - w0 : M;
        const Epilogue<T> finish = end.from(panel * NR);
        T* lines[M * M];  // of pixels; those outside of the result are not used
        for (int j = 0; j < M * M; ++j) lines[j] = y + ((tile / columns / rows * OH + h0 + j / M) * OW + w0 + j % M) * K + panel * NR;
        for (int k = 0; k < width; k += L) {
            Vec<T> half[6 * M], pixels[M * M];
            LABKIT_UNROLL
            for (int j = 0; j < 6; ++j) {
                Vec<T> column[6];
                LABKIT_UNROLL
                for (int h = 0; h < 6; ++h) column[h] = load(from + k + (6 * h + j) * kProducts);
                winograd_output<T, R>(column, half + j, 6);
            }
            LABKIT_UNROLL
            for (int h = 0; h < M; ++h) winograd_output<T, R>(half + 6 * h, pixels + M * h, 1);
            if (pooled) {
                pool_pixels(pixels, tile, panel * NR + k, min_of(width - k, L));
                continue;
            }
            Vec<T> result[M * M][1];
            LABKIT_UNROLL
            for (int j = 0; j < M * M; ++j) result[j][0] = pixels[j];
            if (height == M && breadth == M) {
                finish.store(result, lines, k, width - k);
            } else {
                Vec<T> kept[M * M];  // apart, so that `result` stays in registers
                LABKIT_UNROLL
                for (int j = 0; j < M * M; ++j) kept[j] = pixels[j];
                for (int64_t j = 0; j < M * height; ++j) {
                    Vec<T> one[1][1] = {{kept[j]}};
                    if (j % M < breadth) finish.store(one, lines + j, k, width - k);
                }
            }
        }
    }

    // The maxima of a tile's windows, of n <= L channels from k on. OH and OW are even, so no window is cut.
    LABKIT_INLINE void pool_pixels(Vec<T>* pixels, int64_t tile, int64_t k, int64_t n) const {
        LABKIT_UNROLL
        for (int j = 0; j < M * M; ++j) pixels[j] = end.of(pixels[j], nullptr, k, n);
        const int64_t h0 = tile / columns % rows * (M / 2), w0 = tile % columns * (M / 2);
        LABKIT_UNROLL
        for (int i = 0; i < M / 2; ++i)
            LABKIT_UNROLL
            for (int j = 0; j < M / 2; ++j) {
                if (2 * (h0 + i) >= OH || 2 * (w0 + j) >= OW) continue;
                Best<T> best(0);
                LABKIT_UNROLL
                for (int place = 0; place < 4; ++place) best.take(pixels[M * (2 * i + place / 2) + 2 * j + place % 2], place);
                const int64_t to = ((tile / columns / rows * (OH / 2) + h0 + i) * (OW / 2) + w0 + j) * K + k;
                best.store(y + to, places + to, n);
            }
    }
};

// The filter's taps along a side, 3 or 5, where Winograd's algorithm serves and, unless it is asked for, pays; else 0. Decided by
// the layer and the size of its images, never by their number.
template <class T>
int winograd_taps(const Convolution& c) {
    const auto taps = c.h.taps;
    auto fits = [taps](const Side& side) { return side.taps == taps && side.stride == 1 && side.dilation == 1; };
    const bool serves = sizeof(T) == 4 && (taps == 3 || taps == 5) && fits(c.h) && fits(c.w) && c.groups == 1 && c.pixels() > 0;
    if (!serves || c.choice == kDirect) return 0;
    const int64_t m = 7 - taps, covered = (c.h.out + m - 1) / m * ((c.w.out + m - 1) / m) * m * m;
    const bool pays = c.C >= 16 && c.K >= 16 && 2 * c.h.out * c.w.out > covered;
    return pays || c.choice == kWinograd ? static_cast<int>(taps) : 0;
}

}  // namespace
}  // namespace labkit
