// The gradient of a convolution with respect to its images, dx [N, H, W, C], as matrix products.
//
// Along each side the pixels of dx with the same remainder (mod stride) see the same taps of the filter, and see them as a
// convolution of dy with stride 1 by these taps in reverse order: one such convolution for each class of pixels. Phase 0
// writes the filter as [class][group][taps of the class, reversed][K][C], cut into panels along C where the convolutions run
// without patches. Where a stride is longer than the filter, or has a divisor in common with the dilation, there are pixels
// that no tap reaches: then phase 0 sets all of dx to zero, and only classes that have taps follow.
#pragma once
#include "kernels/conv2d_direct.h"

namespace labkit {
namespace {

// One class along one side. Taps r, r + period, ... reach it, where period = stride / divisor: for these tap * dilation
// has the same remainder.
struct InputClass {
    int64_t before;        // taps of all classes before this one
    int64_t first, count;  // its pixels of dx: first + stride * u for u < count
    Side dy;               // pixel u meets dy by the reversed taps as an output of stride 1 meets its input

    InputClass(const Side& s, int64_t r) {
        const int64_t divisor = greatest_divisor(s.stride, s.dilation), period = s.stride / divisor;
        const int64_t rest = s.taps % period;  // so many classes have one tap more than the others
        before = r * (s.taps / period) + (r < rest ? r : rest);
        first = ((r * s.dilation - s.pad) % s.stride + s.stride) % s.stride;
        count = steps(s.in, first, s.stride);
        const int64_t taps = steps(s.taps, r, period), dilation = s.dilation / divisor;
        const int64_t nearest = (first + s.pad - r * s.dilation) / s.stride;  // what pixel `first` meets by tap r
        dy = {s.out, count, taps, 1, (taps - 1) * dilation - nearest, dilation};
    }
};

int64_t period(const Side& s) { return s.stride / greatest_divisor(s.stride, s.dilation); }

// The classes that have taps: so many along the height and along the width, for each group.
template <class T>
struct InputClasses {
    int64_t high, wide;
    bool cover;   // whether every pixel belongs to one of them
    bool direct;  // whether all of them run without patches

    explicit InputClasses(const Convolution& c) {
        high = min_of(period(c.h), c.h.taps), wide = min_of(period(c.w), c.w.taps);
        cover = high == c.h.stride && wide == c.w.stride;
        direct = true;
        for (int64_t number = 0; number < high * wide; ++number) direct = direct && bands(c, h(c, number), w(c, number)).fit();
    }

    int64_t count() const { return high * wide; }
    InputClass h(const Convolution& c, int64_t number) const { return InputClass(c.h, number / wide); }
    InputClass w(const Convolution& c, int64_t number) const { return InputClass(c.w, number % wide); }

    static Bands<T> bands(const Convolution& c, const InputClass& h, const InputClass& w) {
        return Bands<T>(h.dy, w.dy, c.N, c.group_out(), c.group_in(), Bands<T>::kBuffer, c.groups);
    }

    static Tiling tiling(const Convolution& c, const InputClass& h, const InputClass& w, int64_t products) {
        return gemm_tiling<T>(c.N * h.count * w.count, c.group_in(), h.dy.taps * w.dy.taps * c.group_out(), products);
    }

    // Of one class.
    int64_t tasks(const Convolution& c, int64_t number) const {
        const InputClass rows = h(c, number), columns = w(c, number);
        if (rows.count * columns.count == 0) return 0;
        return direct ? bands(c, rows, columns).tasks(c.N) : c.groups * tiling(c, rows, columns, count() * c.groups).tasks();
    }
};

// The pixels of one class as rows of the result.
template <class T>
struct ClassRows {
    T* dx;
    const Convolution& c;
    const InputClass &h, &w;

    T* row(int64_t r) const {
        const int64_t v = r % w.count, u = r / w.count % h.count, n = r / w.count / h.count;
        return dx + ((n * c.h.in + h.first + c.h.stride * u) * c.w.in + w.first + c.w.stride * v) * c.C;
    }
    int64_t step() const { return c.w.stride * c.C; }  // to the next pixel in a row of the image
};

template <class T>
struct InputGradient {
    static constexpr int64_t kZeroBlock = 1 << 16;  // numbers of dx that one task of phase 0 sets to zero

    const T *filter, *dy;
    T* dx;
    Convolution c;
    InputClasses<T> classes;
    Epilogue<T> end;

    explicit InputGradient(const Call& call)
        : filter(data<T>(call.in[0])), dy(data<T>(call.in[1])), dx(data<T>(call.out[0])), c(call, call.out[0], call.in[0], call.in[1]),
          classes(c), end(masked<T>(call)) {}

    int64_t size() const { return c.N * c.h.in * c.w.in * c.C; }
    Panels<T> panels(int64_t taps) const { return {taps * c.group_out(), c.group_in()}; }
    int64_t filter_tasks() const { return c.taps() * panels(1).count(); }

    const char* name() const { return classes.direct ? "direct" : "patches"; }
    void plan(Work& work) const {
        work.phases = 2;
        work.tasks[0] = filter_tasks() + (classes.cover ? 0 : ceil_div(size(), kZeroBlock));
        work.tasks[1] = 0;
        for (int64_t number = 0; number < classes.count(); ++number) work.tasks[1] += classes.tasks(c, number);
        work.scratch_bytes = c.groups * panels(c.taps()).size() * static_cast<int64_t>(sizeof(T));
    }

    void run(const Call& call, int phase, int64_t task) const {
        T* turned = reinterpret_cast<T*>(call.scratch);
        if (phase == 1)
            multiply(task, turned);
        else if (task < filter_tasks())
            turn_filter(task, turned);
        else {
            const int64_t begin = (task - filter_tasks()) * kZeroBlock;
            zero_run(dx + begin, min_of(size() - begin, kZeroBlock));
        }
    }

    // One tap, for NR channels of C.
    void turn_filter(int64_t task, T* turned) const {
        constexpr int64_t NR = Gemm<T>::NR;
        const int64_t tap = task / panels(1).count(), panel = task % panels(1).count(), C = c.group_in(), K = c.group_out();
        const int64_t kh = tap / c.w.taps, kw = tap % c.w.taps, width = panels(1).width(panel);
        const InputClass h(c.h, kh % period(c.h)), w(c.w, kw % period(c.w));
        const int64_t place = (h.dy.taps - 1 - kh / period(c.h)) * w.dy.taps + w.dy.taps - 1 - kw / period(c.w);
        const int64_t row = classes.direct ? NR : C, first_row = place * K + (classes.direct ? panel * h.dy.taps * w.dy.taps * K : 0);
        for (int64_t group = 0; group < c.groups; ++group) {
            T* to = turned + first(h, w, group) + first_row * row + (classes.direct ? 0 : panel * NR);
            transpose_copy(filter + (tap * C + panel * NR) * c.K + group * K, c.K, width, K, to, row);
            for (int64_t k = 0; k < (classes.direct && width < NR ? K : 0); ++k) zero_run(to + k * NR + width, NR - width);
        }
    }

    // Where the filters of a class and group start.
    int64_t first(const InputClass& h, const InputClass& w, int64_t group) const {
        const int64_t taps = h.before * c.w.taps + h.dy.taps * w.before;
        return c.groups * panels(taps).size() + group * panels(h.dy.taps * w.dy.taps).size();
    }

    void multiply(int64_t task, const T* turned) const {
        int64_t number = 0, each = classes.tasks(c, 0);
        for (; task >= each; each = classes.tasks(c, ++number)) task -= each;
        const InputClass h = classes.h(c, number), w = classes.w(c, number);
        const int64_t C = c.group_in(), K = c.group_out();
        if (classes.direct) {
            const Bands<T> bands = classes.bands(c, h, w);
            return each_group(bands, task, [&](int64_t group, int64_t rest) {
                direct_task<T>(bands, rest, dy + group * K, c.K, h.dy, w.dy, K, C, turned + first(h, w, group),
                               ClassRows<T>{dx + group * C, c, h, w}, end);
            });
        }
        const Tiling tiling = classes.tiling(c, h, w, classes.count() * c.groups);
        const int64_t group = task / tiling.tasks();
        gemm_task<T, false, false>(tiling, task % tiling.tasks(), Patches<T>{dy + group * K, h.dy, w.dy, K, c.K},
                                   Matrix<T>{turned + first(h, w, group), C}, ClassRows<T>{dx + group * C, c, h, w}, 0,
                                   h.dy.taps * w.dy.taps * K, end);
    }
};

}  // namespace
}  // namespace labkit
