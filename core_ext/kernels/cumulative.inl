// Running sums and products along an axis, and the recurrence that their gradients need. ints: axis, exclusive, reverse.
//
// Reals are accumulated in float64, one element after the other. Long sums are cut into stretches of kStretch, whose totals
// are added up first; products are not cut: a total may overflow where the running product, being 0, does not.
#pragma once
#include "kernels/walk.h"
#include "labkit/kernel.h"
#include "simd/vec.h"

namespace labkit {
namespace {

constexpr int64_t kStretch = 16384;
constexpr int64_t kLines = 128;  // neighbouring lines that are followed side by side

template <class T>
struct Accumulator { using type = double; };
template <>
struct Accumulator<int32_t> { using type = uint32_t; };
template <>
struct Accumulator<int64_t> { using type = uint64_t; };
template <>
struct Accumulator<uint8_t> { using type = uint8_t; };

struct RunningSum {
    static constexpr bool in_stretches = true;
    static constexpr int first = 0;
    template <class A>
    static A of(A a, A b) { return static_cast<A>(a + b); }
};
struct RunningProduct {
    static constexpr bool in_stretches = false;
    static constexpr int first = 1;
    template <class A>
    static A of(A a, A b) { return static_cast<A>(a * b); }
};

// The lines along the axis, in blocks of neighbours. A unit is a stretch of one block.
struct Lines {
    int64_t length, inner, count;
    int64_t stretches, blocks, units_per_task;
    bool reverse;

    Lines(const Call& call, int axis, bool reversed, bool in_stretches) : reverse(reversed) {
        const View& x = call.in[0];
        length = x.shape[axis];
        inner = 1;
        for (int d = axis + 1; d < x.rank; ++d) inner *= x.shape[d];
        count = numel(x) / length;  // a call without elements does not come here
        stretches = in_stretches ? ceil_div(length, kStretch) : 1;
        blocks = count / inner * ceil_div(inner, kLines);
        units_per_task = max_of(1, kTaskElements / (min_of(length, in_stretches ? kStretch : length) * min_of(inner, kLines)));
        if (stretches > 1 && inner == 1) units_per_task = 4;  // which are followed side by side
    }

    // The first element of block b, and how many lines the block has.
    int64_t start(int64_t b, int64_t& lines) const {
        const int64_t per_row = ceil_div(inner, kLines), column = b % per_row * kLines;
        lines = min_of(inner - column, kLines);
        return b / per_row * length * inner + column;
    }
    // Where the k-th element to be visited lies.
    int64_t place(int64_t k) const { return (reverse ? length - 1 - k : k) * inner; }
};

template <bool in_stretches>
void plan_running(const Call& call, Work& work) {
    Lines lines(call, static_cast<int>(call.ints[0]), call.ints[2], in_stretches);
    work.tasks[0] = ceil_div(lines.blocks * lines.stretches, lines.units_per_task);
    if (lines.stretches == 1) return;
    work.phases = 3;
    work.tasks[1] = lines.blocks;
    work.tasks[2] = work.tasks[0];
    work.scratch_bytes = lines.blocks * lines.stretches * kLines * 8;
}

// Runs over elements k in [begin, end) of n lines from `total` on; writes what there is before (exclusive) or after each.
template <class Op, class T, class A>
void run_along(const Lines& lines, T* y, const T* x, A* total, int64_t begin, int64_t end, int64_t n, bool exclusive) {
    if (n == 1) {
        A one = *total;
        for (int64_t k = begin; k < end; ++k) {
            const int64_t at = lines.place(k);
            const A next = Op::of(one, static_cast<A>(x[at]));
            if (y) y[at] = static_cast<T>(exclusive ? one : next);
            one = next;
        }
        *total = one;
        return;
    }
    for (int64_t k = begin; k < end; ++k) {
        const int64_t at = lines.place(k);
        LABKIT_INDEPENDENT
        for (int64_t c = 0; c < n; ++c) {
            const A next = Op::of(total[c], static_cast<A>(x[at + c]));
            if (y) y[at + c] = static_cast<T>(exclusive ? total[c] : next);
            total[c] = next;
        }
    }
}

// The same for four units of single lines, whose elements follow each other, at once: a step waits for the one before it.
constexpr int kBeside = 4;

template <class Op, class T, class A>
void run_beside(T* const* y, const T* const* x, A* total, int64_t count, int64_t step, bool exclusive) {
    A one[kBeside];
    for (int u = 0; u < kBeside; ++u) one[u] = total[u];
    for (int64_t k = 0, at = 0; k < count; ++k, at += step) {
        LABKIT_UNROLL
        for (int u = 0; u < kBeside; ++u) {
            const A next = Op::of(one[u], static_cast<A>(x[u][at]));
            if (y) y[u][at] = static_cast<T>(exclusive ? one[u] : next);
            one[u] = next;
        }
    }
    for (int u = 0; u < kBeside; ++u) total[u] = one[u];
}

template <class Op, class T>
Status run_running(const Call& call, int phase, int64_t task) {
    using A = typename Accumulator<T>::type;
    const Lines lines(call, static_cast<int>(call.ints[0]), call.ints[2], Op::in_stretches);
    const bool exclusive = call.ints[1];
    A* scratch = reinterpret_cast<A*>(call.scratch);  // [blocks][stretches][kLines]: totals, then where each stretch starts
    if (phase == 1) {
        A sum[kLines] = {};
        for (int64_t s = 0; s < lines.stretches; ++s) {
            A* total = scratch + (task * lines.stretches + s) * kLines;
            for (int64_t c = 0; c < kLines; ++c) {
                const A own = total[c];
                total[c] = sum[c];
                sum[c] = Op::of(sum[c], own);
            }
        }
        return {};
    }
    const Range range = range_of(task, lines.blocks * lines.stretches, lines.units_per_task);
    int64_t unit = range.begin;
    for (; lines.inner == 1 && unit + kBeside <= range.end; unit += kBeside) {
        const bool write = lines.stretches == 1 || phase == 2;
        int64_t count[kBeside];
        A total[kBeside];
        const T* x[kBeside];
        T* y[kBeside];
        for (int u = 0; u < kBeside; ++u) {
            const int64_t begin = (unit + u) % lines.stretches * kStretch, n = lines.length - begin;
            const int64_t first = (unit + u) / lines.stretches * lines.length + lines.place(begin);
            count[u] = lines.stretches == 1 ? n : min_of(kStretch, n);
            x[u] = data<T>(call.in[0]) + first;
            y[u] = data<T>(call.out[0]) + first;
            total[u] = phase == 0 ? static_cast<A>(Op::first) : scratch[(unit + u) * kLines];
        }
        if (count[0] != count[1] || count[0] != count[2] || count[0] != count[3]) break;
        run_beside<Op, T, A>(write ? y : nullptr, x, total, count[0], lines.reverse ? -1 : 1, exclusive);
        if (!write)
            for (int u = 0; u < kBeside; ++u) scratch[(unit + u) * kLines] = total[u];
    }
    for (; unit < range.end; ++unit) {
        const int64_t stretch = unit % lines.stretches;
        const int64_t begin = stretch * kStretch, end = lines.stretches == 1 ? lines.length : min_of(begin + kStretch, lines.length);
        int64_t n;
        const int64_t start = lines.start(unit / lines.stretches, n);
        A fresh[kLines];
        A* total = lines.stretches == 1 ? fresh : scratch + unit * kLines;
        if (phase == 0)
            for (int64_t c = 0; c < kLines; ++c) total[c] = static_cast<A>(Op::first);
        const bool write = lines.stretches == 1 || phase == 2;
        run_along<Op, T, A>(lines, write ? data<T>(call.out[0]) + start : nullptr, data<T>(call.in[0]) + start, total, begin, end,
                            n, exclusive);
    }
    return {};
}

// y[0] = 0, y[k] = v[k - 1] + x[k - 1] y[k - 1]. ints: axis, reverse.
void plan_recurrence(const Call& call, Work& work) {
    Lines lines(call, static_cast<int>(call.ints[0]), call.ints[1], false);
    work.tasks[0] = ceil_div(lines.blocks, lines.units_per_task);
}

template <class T>
Status run_recurrence(const Call& call, int, int64_t task) {
    const Lines lines(call, static_cast<int>(call.ints[0]), call.ints[1], false);
    const Range range = range_of(task, lines.blocks, lines.units_per_task);
    for (int64_t block = range.begin; block < range.end; ++block) {
        int64_t n;
        const int64_t start = lines.start(block, n);
        const T *x = data<T>(call.in[0]) + start, *v = data<T>(call.in[1]) + start;
        T* y = data<T>(call.out[0]) + start;
        double state[kLines] = {};
        for (int64_t k = 0; k < lines.length; ++k) {
            const int64_t at = lines.place(k);
            LABKIT_INDEPENDENT
            for (int64_t c = 0; c < n; ++c) {
                const double next = static_cast<double>(v[at + c]) + static_cast<double>(x[at + c]) * state[c];
                y[at + c] = static_cast<T>(state[c]);
                state[c] = next;
            }
        }
    }
    return {};
}

#define LABKIT_RUNNING(X, name, Op)                                                     \
    X(name ".f32", plan_running<Op::in_stretches>, (run_running<Op, float>), true)      \
    X(name ".f64", plan_running<Op::in_stretches>, (run_running<Op, double>), true)     \
    X(name ".i32", plan_running<Op::in_stretches>, (run_running<Op, int32_t>), true)    \
    X(name ".i64", plan_running<Op::in_stretches>, (run_running<Op, int64_t>), true)    \
    X(name ".u8", plan_running<Op::in_stretches>, (run_running<Op, uint8_t>), true)

#define LABKIT_CUMULATIVE_KERNELS(X)                                 \
    LABKIT_RUNNING(X, "cumsum", RunningSum)                          \
    LABKIT_RUNNING(X, "cumprod", RunningProduct)                     \
    X("recurrence.f32", plan_recurrence, run_recurrence<float>, true) \
    X("recurrence.f64", plan_recurrence, run_recurrence<double>, true)

}  // namespace
}  // namespace labkit
