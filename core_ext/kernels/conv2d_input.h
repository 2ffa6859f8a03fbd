// The gradient of a convolution with respect to its images, dx [N, H, W, C], as matrix products.
//
// Along each side the pixels of dx with the same remainder (mod stride) see the same taps of the filter, and see them as a
// convolution of dy with stride 1 by these taps in reverse order: one product for each such class of pixels. Phase 0
// writes the filter as [class][group][taps of the class, reversed][K][C]. Where a stride is longer than the filter, or has
// a divisor in common with the dilation, there are pixels that no tap reaches: then phase 0 sets all of dx to zero, and
// only classes that have taps follow.
#pragma once
#include "kernels/conv2d_patches.h"

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

// The classes that have taps: so many along the height and along the width, for each group, each cut into as many tasks as
// the largest.
template <class T>
struct InputClasses {
    int64_t high, wide, groups;
    Tiling tiling;
    bool cover;  // whether every pixel belongs to one of them

    explicit InputClasses(const Convolution& c) : groups(c.groups) {
        high = min_of(period(c.h), c.h.taps), wide = min_of(period(c.w), c.w.taps);
        tiling = gemm_tiling<T>(c.N * steps(c.h.in, 0, c.h.stride) * steps(c.w.in, 0, c.w.stride), c.group_in(),
                                steps(c.h.taps, 0, period(c.h)) * steps(c.w.taps, 0, period(c.w)) * c.group_out(), high * wide * groups);
        cover = high == c.h.stride && wide == c.w.stride;
    }

    int64_t tasks() const { return high * wide * groups * tiling.tasks(); }
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
};

template <class T>
struct InputGradient {
    static constexpr int64_t kFilterRows = 64;     // rows of C that one task of phase 0 transposes
    static constexpr int64_t kZeroBlock = 1 << 16;  // numbers of dx that one task of phase 0 sets to zero

    const T *filter, *dy;
    T* dx;
    Convolution c;

    explicit InputGradient(const Call& call)
        : filter(data<T>(call.in[0])), dy(data<T>(call.in[1])), dx(data<T>(call.out[0])), c(call, call.out[0], call.in[0], call.in[1]) {}

    int64_t size() const { return c.N * c.h.in * c.w.in * c.C; }
    int64_t filter_blocks() const { return ceil_div(c.group_in(), kFilterRows); }
    int64_t filter_tasks() const { return c.taps() * filter_blocks(); }

    void plan(Work& work) const {
        const InputClasses<T> classes(c);
        work.phases = 2;
        work.tasks[0] = filter_tasks() + (classes.cover ? 0 : ceil_div(size(), kZeroBlock));
        work.tasks[1] = classes.tasks();
        work.scratch_bytes = c.taps() * c.group_in() * c.K * static_cast<int64_t>(sizeof(T));
    }

    void run(char* scratch, int phase, int64_t task) const {
        T* turned = reinterpret_cast<T*>(scratch);
        if (phase == 1)
            multiply(task, turned);
        else if (task < filter_tasks())
            turn_filter(task, turned);
        else {
            const int64_t begin = (task - filter_tasks()) * kZeroBlock;
            zero_run(dx + begin, min_of(size() - begin, kZeroBlock));
        }
    }

    void turn_filter(int64_t task, T* turned) const {
        const int64_t tap = task / filter_blocks(), c0 = task % filter_blocks() * kFilterRows, C = c.group_in(), K = c.group_out();
        const int64_t kh = tap / c.w.taps, kw = tap % c.w.taps;
        const InputClass h(c.h, kh % period(c.h)), w(c.w, kw % period(c.w));
        const int64_t place = (h.dy.taps - 1 - kh / period(c.h)) * w.dy.taps + w.dy.taps - 1 - kw / period(c.w);
        for (int64_t group = 0; group < c.groups; ++group)
            transpose_copy(filter + (tap * C + c0) * c.K + group * K, c.K, min_of(C - c0, kFilterRows), K,
                           turned + first(h, w, group) + place * K * C + c0, C);
    }

    // Where the filters of a class and group start.
    int64_t first(const InputClass& h, const InputClass& w, int64_t group) const {
        const int64_t taps = h.before * c.w.taps + h.dy.taps * w.before;
        return (taps * c.groups + group * h.dy.taps * w.dy.taps) * c.group_out() * c.group_in();
    }

    void multiply(int64_t task, const T* turned) const {
        InputClasses<T> classes(c);
        Tiling& tiling = classes.tiling;
        const int64_t number = task / tiling.tasks(), group = number / (classes.high * classes.wide), C = c.group_in(), K = c.group_out();
        const InputClass h(c.h, number / classes.wide % classes.high), w(c.w, number % classes.wide);
        tiling.M = c.N * h.count * w.count;
        if (tiling.M == 0) return;
        const Patches<T> patches{dy + group * K, h.dy, w.dy, K, c.K};
        const ClassRows<T> rows{dx + group * C, c, h, w};
        gemm_task<T, false, false>(tiling, task % tiling.tasks(), patches, Matrix<T>{turned + first(h, w, group), C}, rows, 0,
                                   h.dy.taps * w.dy.taps * K);
    }
};

}  // namespace
}  // namespace labkit
