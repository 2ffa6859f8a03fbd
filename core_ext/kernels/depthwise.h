// Convolutions with filters of their own for each channel, images NHWC, and the gradient of the images. x [N, H, W, C], filters
// [KH, KW, C, M], y [N, OH, OW, C * M]: M results for each channel. Vectors run along the channels.
//
// Everything is computed as if M were 1: x is written to scratch with each channel repeated M times, and what the gradient
// of x has M times is added up. Phase 0 does the former and lists for each row and each column which taps it meets.
#pragma once
#include "kernels/gemm.h"
#include "kernels/window.h"

namespace labkit {
namespace {

// The taps that a pixel meets along one side: `count` of them from `tap` on, the first one at pixel `source` of the other
// image. From one tap to the next both go on by the same steps for all pixels.
struct Meeting {
    int64_t tap, count, source;
};
struct MeetingSteps {
    int64_t tap, source;
};

// What output `o` meets in the input.
Meeting output_meeting(const Side& s, int64_t o) {
    const int64_t start = s.start(o), tap = start < 0 ? ceil_div(-start, s.dilation) : 0;
    const int64_t end = start < s.in ? min_of(s.taps, ceil_div(s.in - start, s.dilation)) : 0;
    return {tap, max_of(0, end - tap), start + tap * s.dilation};
}
MeetingSteps output_steps(const Side& s) { return {1, s.dilation}; }

// n so that n * a leaves the remainder 1 (mod m), for a without a common divisor with m (Euclid's algorithm).
int64_t inverse(int64_t a, int64_t m) {
    int64_t r0 = m, r1 = a % m, n0 = 0, n1 = 1;
    while (r1 > 1) {
        const int64_t q = r0 / r1, r = r0 - q * r1, n = n0 - q * n1;
        r0 = r1, r1 = r, n0 = n1, n1 = n;
    }
    return m == 1 ? 0 : (n1 % m + m) % m;
}

// What input `i` meets in the outputs: output o by tap t where o * stride + t * dilation == i + pad.
struct InputMeetings {
    Side s;
    int64_t divisor, period, factor;  // period: from one tap to the next

    explicit InputMeetings(const Side& side) : s(side) {
        divisor = greatest_divisor(s.stride, s.dilation), period = s.stride / divisor;
        factor = inverse(s.dilation / divisor, period);
    }

    MeetingSteps step() const { return {period, -s.dilation / divisor}; }

    Meeting of(int64_t i) const {
        const int64_t place = i + s.pad, back = s.dilation / divisor;
        if (place % divisor != 0) return {0, 0, 0};
        int64_t tap = place / divisor % period * factor % period, output = (place - tap * s.dilation) / s.stride;
        if (place < tap * s.dilation) return {0, 0, 0};
        if (output >= s.out) {
            const int64_t skipped = ceil_div(output - s.out + 1, back);
            tap += skipped * period, output -= skipped * back;
        }
        if (tap >= s.taps || output < 0) return {0, 0, 0};
        return {tap, min_of((s.taps - 1 - tap) / period, output / back) + 1, output};
    }
};

// One row of an image: each pixel is the sum over the taps that it meets, row by row, of source times filter.
template <class T>
struct DepthwiseRow {
    static constexpr int L = lanes<T>;
    const T *source, *filter;  // the image that is met, and filters [KH, KW, C]
    int64_t width, KW, C;      // pixels of a row of the source
    Meeting h;
    MeetingSteps step_h, step_w;
    Epilogue<T> end;

    // Neighbours that meet the same taps are computed together: they share the loads of the filter. The last ones of a run may be
    // computed twice.
    void run(const Meeting* columns, int64_t count, T* to) const {
        for (int64_t i = 0, alike; i < count; i += alike) {
            const Meeting& w = columns[i];
            for (alike = 1; i + alike < count && columns[i + alike].tap == w.tap && columns[i + alike].count == w.count;) ++alike;
            for (int64_t k = 0; k < alike;) {
                const int64_t rest = alike - k, at = i + (alike >= 4 && rest > 1 && rest < 4 ? alike - 4 : k);
                if (alike >= 4 && rest > 1)
                    channels<4>(columns + at, to + at * C), k += 4;
                else
                    channels<1>(columns + at, to + at * C), ++k;
            }
        }
    }

    template <int P>
    LABKIT_INLINE void channels(const Meeting* w, T* to) const {
        constexpr int V = kVectorBytes == 64 ? 4 : 2;  // sums that fit the registers
        int64_t c = 0;
        for (; c + V * L <= C; c += V * L) pixels<P, V>(w, c, WholeVector<T>{}, to);
        for (; V > 2 && c + 2 * L <= C; c += 2 * L) pixels<P, 2>(w, c, WholeVector<T>{}, to);
        for (; c + L <= C; c += L) pixels<P, 1>(w, c, WholeVector<T>{}, to);
        if (c < C) pixels<P, 1>(w, c, C - c, to);
    }

    // P pixels, V vectors of channels from c on, n numbers in each.
    template <int P, int V, class N>
    LABKIT_INLINE void pixels(const Meeting* w, int64_t c, N n, T* to) const {
        Vec<T> sum[P][V] = {};
        for (int64_t a = 0; a < h.count; ++a) {
            const T* line = source + (h.source + a * step_h.source) * width * C + c;
            const T* f = filter + ((h.tap + a * step_h.tap) * KW + w->tap) * C + c;
            const T* x[P];
            LABKIT_UNROLL
            for (int p = 0; p < P; ++p) x[p] = line + w[p].source * C;
            for (int64_t b = 0, at = 0; b < w->count; ++b, at += step_w.source * C, f += step_w.tap * C)
                LABKIT_UNROLL
                for (int v = 0; v < V; ++v) {
                    const Vec<T> weight = load_n(f + v * L, n);
                    LABKIT_UNROLL
                    for (int p = 0; p < P; ++p) sum[p][v] = fma(load_n(x[p] + at + v * L, n), weight, sum[p][v]);
                }
        }
        T* lines[P];
        LABKIT_UNROLL
        for (int p = 0; p < P; ++p) lines[p] = to + p * C;
        end.store(sum, lines, c, static_cast<int>((V - 1) * L + n));
    }
};

// What the three passes share.
template <class T>
struct Depthwise {
    static const char* name() { return "depthwise"; }

    Convolution c;
    int64_t M, expanded;  // results for each channel; numbers of an image with M channels for each of x, all of the batch

    Depthwise(const Call& call, const View& x, const View& filter, const View& y)
        : c(call, x, filter, y), M(c.C == 0 ? 0 : c.K / c.C), expanded(c.N * c.h.in * c.w.in * c.K) {}

    int64_t expansion_bytes() const { return M == 1 ? 0 : (expanded * static_cast<int64_t>(sizeof(T)) + 63) / 64 * 64; }
    int64_t expansion_tasks() const { return M == 1 ? 0 : ceil_div(expanded, kTaskElements); }

    // Each number of x M times.
    void expand(const T* x, T* to, int64_t task) const {
        const Range range = range_of(task, expanded);
        for (int64_t i = range.begin / M, m = range.begin % M, at = range.begin; at < range.end; ++at) {
            to[at] = x[i];
            if (++m == M) m = 0, ++i;
        }
    }

    static int64_t rows_per_task(const Side& w, int64_t channels, int64_t taps) {
        return max_of(1, 4 * kTaskElements / max_of(1, w.out * channels * taps));
    }
};

template <class T>
struct DepthwiseForward : Depthwise<T> {
    using Base = Depthwise<T>;
    using Base::c;
    const T *x, *filter;
    T* y;
    int64_t task_rows;
    Epilogue<T> end;

    explicit DepthwiseForward(const Call& call)
        : Base(call, call.in[0], call.in[1], call.out[0]), x(data<T>(call.in[0])), filter(data<T>(call.in[1])), y(data<T>(call.out[0])),
          task_rows(Base::rows_per_task(c.w, c.K, c.taps())), end(bias_relu<T>(call, kReluAttribute)) {}

    void plan(Work& work) const {
        work.phases = 2;
        work.tasks[0] = 1 + Base::expansion_tasks();
        work.tasks[1] = ceil_div(c.N * c.h.out, task_rows);
        work.scratch_bytes = Base::expansion_bytes() + (c.h.out + c.w.out) * static_cast<int64_t>(sizeof(Meeting));
    }

    void run(const Call& call, int phase, int64_t task) const {
        Meeting* rows = reinterpret_cast<Meeting*>(call.scratch + Base::expansion_bytes());
        Meeting* columns = rows + c.h.out;
        T* repeated = reinterpret_cast<T*>(call.scratch);
        if (phase == 0 && task > 0) return Base::expand(x, repeated, task - 1);
        if (phase == 0) {
            for (int64_t o = 0; o < c.h.out; ++o) rows[o] = output_meeting(c.h, o);
            for (int64_t o = 0; o < c.w.out; ++o) columns[o] = output_meeting(c.w, o);
            return;
        }
        const T* images = Base::M == 1 ? x : repeated;
        const Range range = range_of(task, c.N * c.h.out, task_rows);
        for (int64_t r = range.begin; r < range.end; ++r) {
            const T* image = images + r / c.h.out * c.h.in * c.w.in * c.K;
            DepthwiseRow<T>{image, filter, c.w.in, c.w.taps, c.K, rows[r % c.h.out], output_steps(c.h), output_steps(c.w), end}.run(
                columns, c.w.out, y + r * c.w.out * c.K);
        }
    }
};

template <class T>
struct DepthwiseInput : Depthwise<T> {
    using Base = Depthwise<T>;
    using Base::c;
    const T *filter, *dy;
    T* dx;
    int64_t task_rows;
    InputMeetings h, w;
    Epilogue<T> end;

    explicit DepthwiseInput(const Call& call)
        : Base(call, call.out[0], call.in[0], call.in[1]), filter(data<T>(call.in[0])), dy(data<T>(call.in[1])), dx(data<T>(call.out[0])),
          task_rows(0), h(c.h), w(c.w), end(masked<T>(call)) {
        Side side = c.w;
        side.out = side.in;
        task_rows = Base::rows_per_task(side, c.K, c.taps());
    }

    void plan(Work& work) const {
        work.phases = Base::M == 1 ? 2 : 3;
        work.tasks[1] = ceil_div(c.N * c.h.in, task_rows);
        work.tasks[2] = ceil_div(c.N * c.h.in * c.w.in * c.C, sums_per_task());
        work.scratch_bytes = Base::expansion_bytes() + (c.h.in + c.w.in) * static_cast<int64_t>(sizeof(Meeting));
    }

    void run(const Call& call, int phase, int64_t task) const {
        Meeting* rows = reinterpret_cast<Meeting*>(call.scratch + Base::expansion_bytes());
        Meeting* columns = rows + c.h.in;
        T* repeated = Base::M == 1 ? dx : reinterpret_cast<T*>(call.scratch);
        if (phase == 0) {
            for (int64_t i = 0; i < c.h.in; ++i) rows[i] = h.of(i);
            for (int64_t i = 0; i < c.w.in; ++i) columns[i] = w.of(i);
            return;
        }
        if (phase == 2) return add_results(repeated, task);
        const Range range = range_of(task, c.N * c.h.in, task_rows);
        for (int64_t r = range.begin; r < range.end; ++r) {
            const T* image = dy + r / c.h.in * c.h.out * c.w.out * c.K;
            DepthwiseRow<T>{image, filter, c.w.out, c.w.taps, c.K, rows[r % c.h.in], h.step(), w.step(),
                            Base::M == 1 ? end : Epilogue<T>{}}.run(columns, c.w.in, repeated + r * c.w.in * c.K);
        }
    }

    int64_t sums_per_task() const { return max_of(1, kTaskElements / max_of(1, Base::M)); }

    void add_results(const T* repeated, int64_t task) const {
        const Range range = range_of(task, c.N * c.h.in * c.w.in * c.C, sums_per_task());
        for (int64_t i = range.begin; i < range.end; ++i) {
            T sum = 0;
            for (int64_t m = 0; m < Base::M; ++m) sum += repeated[i * Base::M + m];
            dx[i] = end.mask && !(end.mask[i] > 0) ? 0 : sum;
        }
    }
};

}  // namespace
}  // namespace labkit
