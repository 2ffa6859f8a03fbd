// The gradient of a convolution with respect to its filters, dw [KH, KW, C, K] = patches(x)^T . dy.
//
// The reduced length, all output pixels, is long where the result is small: it is cut into chunks (by a rule that knows
// this length alone), whose products phase 0 leaves in scratch and phase 1 adds up in order.
#pragma once
#include "kernels/conv2d_direct.h"

namespace labkit {
namespace {

struct Chunks {
    int64_t count, length;
};

template <class T>
Chunks filter_chunks(int64_t pixels) {
    constexpr int64_t KC = Gemm<T>::KC, kPixels = 4096, kMost = 32;
    const int64_t wanted = max_of(1, min_of(pixels / kPixels, kMost));
    const int64_t length = ceil_div(ceil_div(pixels, wanted), KC) * KC;
    return {length > 0 ? ceil_div(pixels, length) : 1, length};
}

constexpr int64_t kSumBlock = 16384;

// total = the sum of `count` parts of `size` numbers, one after another: block `task` of it.
template <class T>
void add_parts(const T* parts, int64_t count, int64_t size, int64_t task, T* total) {
    const Range block = range_of(task, size, kSumBlock);
    for (int64_t i = block.begin; i < block.end; ++i) total[i] = parts[i];
    for (int64_t part = 1; part < count; ++part)
        for (int64_t i = block.begin; i < block.end; ++i) total[i] += parts[part * size + i];
}

template <class T>
struct FilterGradient {
    const T *x, *dy;
    T* dw;
    Convolution c;
    int64_t rows;  // of the result: taps and channels of a group
    Chunks chunks;
    Tiling tiling;

    explicit FilterGradient(const Call& call)
        : x(data<T>(call.in[0])), dy(data<T>(call.in[1])), dw(data<T>(call.out[0])), c(call, call.in[0], call.out[0], call.in[1]) {
        rows = c.taps() * c.group_in();
        chunks = filter_chunks<T>(c.pixels());
        tiling = gemm_tiling<T>(rows, c.group_out(), min_of(chunks.length, c.pixels()), chunks.count * c.groups);
    }

    static const char* name() { return "patches"; }
    void plan(Work& work) const {
        work.tasks[0] = chunks.count * c.groups * tiling.tasks();
        if (chunks.count == 1) return;
        work.phases = 2;
        work.tasks[1] = ceil_div(rows * c.K, kSumBlock);
        work.scratch_bytes = chunks.count * rows * c.K * static_cast<int64_t>(sizeof(T));
    }

    void run(const Call& call, int phase, int64_t task) const {
        if (phase == 1) return add_parts(reinterpret_cast<T*>(call.scratch), chunks.count, rows * c.K, task, dw);
        T* parts = chunks.count == 1 ? dw : reinterpret_cast<T*>(call.scratch);
        const int64_t chunk = task / tiling.tasks() / c.groups, group = task / tiling.tasks() % c.groups;
        const int64_t begin = chunk * chunks.length, end = min_of(begin + chunks.length, c.pixels());
        const Patches<T> patches{x + group * c.group_in(), c.h, c.w, c.group_in(), c.C};
        const Matrix<T> gradient{dy + group * c.group_out(), c.K};
        const DenseRows<T> result{parts + chunk * rows * c.K + group * c.group_out(), c.K};
        gemm_task<T, true, false>(tiling, task % tiling.tasks(), patches, gradient, result, begin, end);
    }
};

// c[i][column .. column + columns) += sum over `rows` rows of `pixels` pixels of a[offset[i]] times b, R rows and V vectors.
// a goes on by `step` from pixel to pixel and by `row` from row to row, b by NR.
template <class T, int R, int V>
__attribute__((noinline)) void direct_filter_tile(const T* a, const int64_t* offset, int64_t rows, int64_t row, int64_t pixels, int64_t step,
                                                  const T* b, T* const* c, int64_t column, int columns) {
    constexpr int L = lanes<T>;
    Vec<T> sum[R][V] = {};
    for (int64_t r = 0; r < rows; ++r) {
        const T* from = a + r * row;
        for (int64_t p = 0; p < pixels; ++p, from += step, b += Gemm<T>::NR) {
            Vec<T> right[V];
            LABKIT_UNROLL
            for (int v = 0; v < V; ++v) right[v] = load(b + v * L);
            LABKIT_UNROLL
            for (int i = 0; i < R; ++i) {
                const Vec<T> left = broadcast(from[offset[i]]);
                LABKIT_UNROLL
                for (int v = 0; v < V; ++v) sum[i][v] = fma(left, right[v], sum[i][v]);
            }
        }
    }
    Epilogue<T>().store(sum, c, column, columns, true);
}

template <class T, int R>
LABKIT_INLINE void direct_filter_rows(int count, const T* a, const int64_t* offset, int64_t rows, int64_t row, int64_t pixels, int64_t step,
                                      const T* b, T* const* c, int64_t column, int columns) {
    if constexpr (R > 1) {
        if (count < R) return direct_filter_rows<T, R - 1>(count, a, offset, rows, row, pixels, step, b, c, column, columns);
    }
    if (columns > lanes<T>)
        direct_filter_tile<T, R, 2>(a, offset, rows, row, pixels, step, b, c, column, columns);
    else
        direct_filter_tile<T, R, 1>(a, offset, rows, row, pixels, step, b, c, column, columns);
}

// The same without patches. The bands of all images are cut into chunks; a task adds up its share of dw over one chunk, band
// by band, and phase 1 adds the chunks up in order.
template <class T>
struct DirectFilter {
    static constexpr int64_t NR = Gemm<T>::NR, kPixels = (int64_t{128} << 10) / (NR * sizeof(T)), kWanted = 8;
    static constexpr int64_t kFewest = 128;  // pixels of a band: with fewer, adding to dw costs more than patches do

    const T *x, *dy;
    T* dw;
    Convolution c;
    Bands<T> bands;
    int64_t depth, chunks, panels, blocks, panel_parts, block_parts;  // of MR rows of dw: blocks

    explicit DirectFilter(const Call& call)
        : x(data<T>(call.in[0])), dy(data<T>(call.in[1])), dw(data<T>(call.out[0])), c(call, call.in[0], call.out[0], call.in[1]),
          bands(c.h, c.w, c.N, c.group_in(), c.group_out(), kPixels) {
        depth = c.taps() * c.group_in();
        chunks = max_of(1, min_of(filter_chunks<T>(c.pixels()).count, c.N * bands.bands));
        panels = ceil_div(c.group_out(), NR), blocks = ceil_div(depth, Gemm<T>::MR);
        const int64_t wanted = max_of(1, kWanted / (chunks * c.groups));
        const int64_t units = ceil_div(c.N * bands.bands, chunks);  // bands of a chunk
        const int64_t needed = ceil_div(units * bands.high * c.w.out * depth * c.group_out(), kTaskProducts);
        panel_parts = min_of(panels, max_of(wanted, needed));
        block_parts = panels > 0 ? min_of(blocks, max_of(wanted / panel_parts, ceil_div(needed, panel_parts))) : 0;
    }

    bool fit() const {
        const int64_t pixels = bands.high * c.w.out;
        return bands.fit() && c.w.out <= kPixels && pixels >= kFewest && panels > 0 && blocks > 0;
    }

    static const char* name() { return "direct"; }
    void plan(Work& work) const {
        work.tasks[0] = chunks * c.groups * panel_parts * block_parts;
        if (chunks == 1) return;
        work.phases = 2;
        work.tasks[1] = ceil_div(depth * c.K, kSumBlock);
        work.scratch_bytes = chunks * depth * c.K * static_cast<int64_t>(sizeof(T));
    }

    void run(const Call& call, int phase, int64_t task) const {
        if (phase == 1) return add_parts(reinterpret_cast<T*>(call.scratch), chunks, depth * c.K, task, dw);
        const int64_t block_part = task % block_parts, panel_part = task / block_parts % panel_parts;
        const int64_t group = task / block_parts / panel_parts % c.groups, chunk = task / block_parts / panel_parts / c.groups;
        const Range some_blocks{blocks * block_part / block_parts, blocks * (block_part + 1) / block_parts};
        const Range some_panels{panels * panel_part / panel_parts, panels * (panel_part + 1) / panel_parts};
        T* sums = (chunks == 1 ? dw : reinterpret_cast<T*>(call.scratch) + chunk * depth * c.K) + group * c.group_out();
        const int64_t first_row = depth * some_blocks.begin / blocks, last_row = depth * some_blocks.end / blocks;
        const int64_t first_column = some_panels.begin * NR, columns = min_of(some_panels.end * NR, c.group_out()) - first_column;
        for (int64_t r = first_row; r < last_row; ++r) zero_run(sums + r * c.K + first_column, columns);

        alignas(64) T image[Bands<T>::kBuffer];
        alignas(64) T gradient[kPixels * NR];
        const int64_t units = c.N * bands.bands;
        for (int64_t unit = units * chunk / chunks; unit < units * (chunk + 1) / chunks; ++unit) {
            const int64_t n = unit / bands.bands, begin = unit % bands.bands * bands.high, end = min_of(begin + bands.high, c.h.out);
            bands.copy(n, begin, end, x + group * c.group_in(), c.C, c.group_in(), c.h, c.w, image);
            for (int64_t panel = some_panels.begin; panel < some_panels.end; ++panel) {
                const int64_t column = panel * NR, width = min_of(c.group_out() - column, NR);
                const T* from = dy + (n * c.h.out + begin) * c.w.out * c.K + group * c.group_out() + column;
                const int64_t pixels = (end - begin) * c.w.out;
                if (width < NR) zero_run(gradient, pixels * NR);
                copy_columns(gradient, NR, from, c.K, pixels, width);
                for (int64_t block = some_blocks.begin; block < some_blocks.end; ++block)
                    add_block(block, end - begin, image, gradient, sums, column, static_cast<int>(width));
            }
        }
    }

    void add_block(int64_t block, int64_t rows, const T* image, const T* gradient, T* sums, int64_t column, int width) const {
        constexpr int MR = Gemm<T>::MR;
        int64_t offset[MR];
        T* to[MR];
        const int64_t begin = depth * block / blocks, end = depth * (block + 1) / blocks, C = c.group_in();
        for (int64_t r = begin; r < end; ++r) {
            const int64_t kh = r / C / c.w.taps, kw = r / C % c.w.taps;
            offset[r - begin] = kh * c.h.dilation * bands.row + kw * c.w.dilation * bands.pixel + r % C;
            to[r - begin] = sums + r * c.K;
        }
        direct_filter_rows<T, MR>(static_cast<int>(end - begin), image, offset, rows, c.h.stride * bands.row, c.w.out, c.w.stride * bands.pixel,
                                  gradient, to, column, width);
    }
};

}  // namespace
}  // namespace labkit
