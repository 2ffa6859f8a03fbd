// The gradient of depthwise filters: a sum over all output pixels. Rows of pixels are shared out to chunks by the number of
// pixels alone; phase 2 adds the chunks up in order. Within a chunk each row is summed on its own.
#pragma once
#include "kernels/conv2d_filter.h"
#include "kernels/depthwise.h"

namespace labkit {
namespace {

template <class T>
struct DepthwiseFilter : Depthwise<T> {
    using Base = Depthwise<T>;
    using Base::c;
    static constexpr int L = lanes<T>;
    static constexpr int64_t kBlock = 4 * L;  // channels of one task
    const T *x, *dy;
    T* dw;
    int64_t chunks, rows, blocks;  // rows of pixels in a chunk; blocks of channels

    explicit DepthwiseFilter(const Call& call)
        : Base(call, call.in[0], call.out[0], call.in[1]), x(data<T>(call.in[0])), dy(data<T>(call.in[1])), dw(data<T>(call.out[0])) {
        const int64_t all = c.N * c.h.out;
        rows = max_of(1, ceil_div(all, max_of(1, min_of(c.pixels() / 4096, 32))));
        chunks = max_of(1, ceil_div(all, rows)), blocks = ceil_div(c.K, kBlock);
    }

    int64_t size() const { return c.taps() * c.K; }

    void plan(Work& work) const {
        work.phases = 3;
        work.tasks[0] = Base::expansion_tasks();
        work.tasks[1] = chunks * blocks;
        work.tasks[2] = ceil_div(size(), kSumBlock);
        work.scratch_bytes = Base::expansion_bytes() + chunks * size() * static_cast<int64_t>(sizeof(T));
    }

    void run(const Call& call, int phase, int64_t task) const {
        T* parts = reinterpret_cast<T*>(call.scratch + Base::expansion_bytes());
        if (phase == 0) return Base::expand(x, reinterpret_cast<T*>(call.scratch), task);
        if (phase == 2) return add_parts(parts, chunks, size(), task, dw);
        add_rows(Base::M == 1 ? x : reinterpret_cast<T*>(call.scratch), task / blocks, task % blocks * kBlock, parts + task / blocks * size());
    }

    void add_rows(const T* images, int64_t chunk, int64_t c0, T* part) const {
        const int64_t channels = min_of(c.K - c0, kBlock);
        for (int64_t tap = 0; tap < c.taps(); ++tap) zero_run(part + tap * c.K + c0, channels);
        const Range range = range_of(chunk, c.N * c.h.out, rows);
        for (int64_t r = range.begin; r < range.end; ++r) {
            const Meeting h = output_meeting(c.h, r % c.h.out);
            for (int64_t a = 0; a < h.count; ++a) {
                const T* line = images + (r / c.h.out * c.h.in + h.source + a * c.h.dilation) * c.w.in * c.K + c0;
                T* sums = part + (h.tap + a) * c.w.taps * c.K + c0;
                for (int64_t kw = 0; kw < c.w.taps; ++kw, sums += c.K) add_row(line, dy + r * c.w.out * c.K + c0, kw, channels, sums);
            }
        }
    }

    // sums += over the outputs of one row that meet tap kw inside the image: x times dy.
    void add_row(const T* line, const T* gradient, int64_t kw, int64_t channels, T* sums) const {
        const int64_t offset = kw * c.w.dilation - c.w.pad;  // of x from the first output's start
        const int64_t begin = offset < 0 ? ceil_div(-offset, c.w.stride) : 0;
        const int64_t end = offset < c.w.in ? min_of(c.w.out, ceil_div(c.w.in - offset, c.w.stride)) : 0;
        if (begin >= end) return;
        line += (begin * c.w.stride + offset) * c.K, gradient += begin * c.K;
        if (channels == kBlock) return add_vectors<4>(line, gradient, end - begin, L, sums);
        LABKIT_ROW(T, channels, i, n) add_vectors<1>(line + i, gradient + i, end - begin, n, sums + i);
    }

    template <int V>
    LABKIT_INLINE void add_vectors(const T* line, const T* gradient, int64_t count, int64_t n, T* sums) const {
        Vec<T> sum[V] = {};
        for (int64_t i = 0; i < count; ++i, line += c.w.stride * c.K, gradient += c.K)
            LABKIT_UNROLL
            for (int v = 0; v < V; ++v) sum[v] = fma(load_n(line + v * L, n), load_n(gradient + v * L, n), sum[v]);
        LABKIT_UNROLL
        for (int v = 0; v < V; ++v) store_n(sums + v * L, load_n(sums + v * L, n) + sum[v], n);
    }
};

}  // namespace
}  // namespace labkit
