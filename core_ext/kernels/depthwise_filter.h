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
                const T* gradient = dy + r * c.w.out * c.K + c0;
                if (c.w.taps == 3)  // the usual ones share the loads of dy
                    add_row<3>(line, gradient, 0, channels, a + 1 == h.count, sums);
                else
                    for (int64_t kw = 0; kw < c.w.taps; ++kw) add_row<1>(line, gradient, kw, channels, a + 1 == h.count && kw == 0, sums + kw * c.K);
            }
        }
    }

    // Outputs of one row that meet a tap inside the image.
    Range meeting(int64_t kw) const {
        const int64_t offset = kw * c.w.dilation - c.w.pad;  // of x from the first output's start
        const int64_t begin = offset < 0 ? ceil_div(-offset, c.w.stride) : 0;
        const int64_t end = offset < c.w.in ? min_of(c.w.out, ceil_div(c.w.in - offset, c.w.stride)) : 0;
        return {begin, max_of(begin, end)};
    }

    // For G taps from kw on: sums += over the outputs of one row that meet the tap, of x times dy.
    template <int G>
    LABKIT_INLINE void add_row(const T* line, const T* gradient, int64_t kw, int64_t channels, bool fetch, T* sums) const {
        Range range[G];
        LABKIT_UNROLL
        for (int k = 0; k < G; ++k) range[k] = meeting(kw + k);
        line += (kw * c.w.dilation - c.w.pad) * c.K;
        int64_t i = 0;
        for (; i + 4 * L <= channels; i += 4 * L) add_taps<G, 4>(range, line + i, gradient + i, WholeVector<T>{}, fetch, sums + i);
        for (; i + 2 * L <= channels; i += 2 * L) add_taps<G, 2>(range, line + i, gradient + i, WholeVector<T>{}, fetch, sums + i);
        for (; i + L <= channels; i += L) add_taps<G, 1>(range, line + i, gradient + i, WholeVector<T>{}, fetch, sums + i);
        if (i < channels) add_taps<G, 1>(range, line + i, gradient + i, channels - i, fetch, sums + i);
    }

    // Output o meets tap k at line[(o * stride + k * dilation) * K]. What all taps meet is gone through once for all of them, before
    // and after it each goes its own way.
    template <int G, int V, class N>
    LABKIT_INLINE void add_taps(const Range (&range)[G], const T* line, const T* gradient, N n, bool fetch, T* sums) const {
        const int64_t step = c.w.stride * c.K, tap = c.w.dilation * c.K;
        int64_t begin = range[0].begin, end = range[0].end;
        LABKIT_UNROLL
        for (int k = 1; k < G; ++k) begin = max_of(begin, range[k].begin), end = min_of(end, range[k].end);
        Vec<T> sum[G][V] = {};
        auto add = [&](int k, int64_t first, int64_t last) __attribute__((always_inline)) {
            for (int64_t o = first; o < last; ++o)
                LABKIT_UNROLL
                for (int v = 0; v < V; ++v)
                    sum[k][v] = fma(load_n(line + o * step + k * tap + v * L, n), load_n(gradient + o * c.K + v * L, n), sum[k][v]);
        };
        LABKIT_UNROLL
        for (int k = 0; k < G; ++k) add(k, range[k].begin, begin < end ? begin : range[k].end);
        for (int64_t o = begin; o < end; ++o)
            LABKIT_UNROLL
            for (int v = 0; v < V; ++v) {
                const Vec<T> g = load_n(gradient + o * c.K + v * L, n);
                if (fetch) {  // the rows to come
                    __builtin_prefetch(gradient + (o + c.w.out) * c.K + v * L);
                    __builtin_prefetch(line + o * step + c.w.in * c.K + v * L);
                }
                LABKIT_UNROLL
                for (int k = 0; k < G; ++k) sum[k][v] = fma(load_n(line + o * step + k * tap + v * L, n), g, sum[k][v]);
            }
        LABKIT_UNROLL
        for (int k = 0; k < G; ++k) {
            if (begin < end) add(k, end, range[k].end);
            if (range[k].begin < range[k].end)
                LABKIT_UNROLL
                for (int v = 0; v < V; ++v) store_n(sums + k * c.K + v * L, load_n(sums + k * c.K + v * L, n) + sum[k][v], n);
        }
    }
};

}  // namespace
}  // namespace labkit
