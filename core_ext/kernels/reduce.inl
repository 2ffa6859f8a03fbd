// Reductions over any set of axes.
//
// The order of a sum is fixed by the reduced length alone, not by the layout, the other dimensions, the target or the number
// of threads: the n reduced elements of an output are cut into chunks of kChunk; in a chunk, element r goes to lane
// r % kLanes; the lanes are added as a tree, and the chunks in order, in float64. So one column of a matrix gives
// the same bits as the same numbers in a row, and float32 sums keep a relative error of a few 1e-7 at any length.
#pragma once
#include "kernels/walk.h"
#include "labkit/kernel.h"
#include "simd/vec.h"

namespace labkit {
namespace {

constexpr int64_t kChunk = 1024;
constexpr int kLanes = 16;
constexpr int64_t kColumns = 256;  // outputs that are summed side by side when the last dimension stays

template <class T>
constexpr bool is_real = static_cast<T>(0.5) != 0;

template <class T>
constexpr T lowest() {
    if (is_real<T>) return static_cast<T>(-__builtin_inf());
    return sizeof(T) == 4 ? static_cast<T>(INT32_MIN) : static_cast<T>(INT64_MIN);
}
template <class T>
constexpr T highest() {
    if (is_real<T>) return static_cast<T>(__builtin_inf());
    return sizeof(T) == 4 ? static_cast<T>(INT32_MAX) : static_cast<T>(INT64_MAX);
}

// An operation: its neutral element, the step for numbers and vectors alike, and how chunks are joined.
template <class T>
struct Sum {
    using Total = double;
    static constexpr T neutral = 0;
    template <class V>
    static V of(V a, V b) { return a + b; }
    static T finish(Total total, int64_t) { return static_cast<T>(total); }
};
template <class T>
struct Mean : Sum<T> {
    static T finish(double total, int64_t n) { return static_cast<T>(total / static_cast<double>(n)); }
};
template <class T>
struct WrappingSum : Sum<T> {  // of unsigned integers
    using Total = T;
    static T finish(Total total, int64_t) { return total; }
};
template <class T>
struct Max {
    using Total = T;
    static constexpr T neutral = lowest<T>();
    template <class V>
    static V of(V a, V b) { return (a > b) | (a != a) ? a : b; }
    static T finish(Total total, int64_t) { return total; }
};
template <class T>
struct Min {
    using Total = T;
    static constexpr T neutral = highest<T>();
    template <class V>
    static V of(V a, V b) { return (a < b) | (a != a) ? a : b; }
    static T finish(Total total, int64_t) { return total; }
};
struct All {
    using Total = uint8_t;
    static constexpr uint8_t neutral = 1;
    template <class V>
    static V of(V a, V b) { return a & b; }
    static uint8_t finish(Total total, int64_t) { return total; }
};
struct Any {
    using Total = uint8_t;
    static constexpr uint8_t neutral = 0;
    template <class V>
    static V of(V a, V b) { return a | b; }
    static uint8_t finish(Total total, int64_t) { return total; }
};

// What the shapes say. A unit is one chunk of one output, or of up to kColumns neighbouring outputs.
struct Reduction {
    Walk kept, reduced;
    int64_t outputs, length, chunks;
    int64_t width;    // neighbouring outputs that lie side by side in memory; 1 when the last dimension is reduced
    int64_t columns;  // of them in a unit
    int64_t units, units_per_task;

    Reduction(const Call& call) {
        const View& x = call.in[0];
        int64_t stride = 1;
        for (int d = x.rank - 1; d >= 0; --d) {
            bool is_reduced = false;
            for (int k = 0; k < call.n_ints; ++k) is_reduced |= call.ints[k] == d;
            (is_reduced ? reduced : kept).add(x.shape[d], stride);
            stride *= x.shape[d];
        }
        outputs = kept.count();
        length = reduced.count();
        chunks = max_of(1, ceil_div(length, kChunk));
        width = kept.rank && kept.stride[0][0] == 1 ? kept.size[0] : 1;
        columns = min_of(width, kColumns);
        units = width ? outputs / width * ceil_div(width, columns) * chunks : 0;
        units_per_task = columns ? max_of(1, kTaskElements / (max_of(1, min_of(length, kChunk)) * columns)) : 1;
    }
};

void plan_reduce(const Call& call, Work& work) {
    Reduction r(call);
    if (r.length == 0) return;
    work.tasks[0] = ceil_div(r.units, r.units_per_task);
    if (r.chunks == 1) return;
    work.phases = 2;
    work.tasks[1] = ceil_div(r.outputs, kColumns);
    work.scratch_bytes = r.outputs * r.chunks * size_of(call.out[0].dtype);
}

// Lane (first + i) % kLanes takes p[i], for i < n, number by number.
template <class Op, class T>
void reduce_numbers(T* lane, int64_t first, const T* p, int64_t n) {
    for (int64_t i = 0; i < n; ++i) lane[(first + i) % kLanes] = Op::of(lane[(first + i) % kLanes], p[i]);
}

// One output: elements r in [begin, end) of the reduced ones, which lie in contiguous runs.
template <class Op, class T>
T reduce_runs(const T* x, const Walk& reduced, int64_t begin, int64_t end) {
    constexpr int vectors = sizeof(T) < 4 ? 0 : kLanes / lanes<T>;  // none for bytes: number by number
    T lane[kLanes];
    for (int l = 0; l < kLanes; ++l) lane[l] = Op::neutral;
    Cursor cursor(reduced, begin);
    for (int64_t r = begin; r < end;) {
        const int64_t run = min_of(cursor.rest_of_run(), end - r);
        const T* p = x + cursor.offset[0];
        if constexpr (vectors > 0) {
            int64_t i = min_of(run, (kLanes - r % kLanes) % kLanes);
            reduce_numbers<Op>(lane, r, p, i);
            Vec<T> acc[vectors], neutral = broadcast(Op::neutral);
            for (int v = 0; v < vectors; ++v) acc[v] = load(lane + v * lanes<T>);
            for (; i + kLanes <= run; i += kLanes)
                for (int v = 0; v < vectors; ++v) acc[v] = Op::of(acc[v], load(p + i + v * lanes<T>));
            for (int v = 0; v < vectors; ++v) {
                const int64_t n = min_of(run - i - v * lanes<T>, lanes<T>);
                if (n > 0) acc[v] = Op::of(acc[v], first_lanes<T>(n) ? load_n(p + i + v * lanes<T>, n) : neutral);
            }
            for (int v = 0; v < vectors; ++v) store(lane + v * lanes<T>, acc[v]);
        } else {
            reduce_numbers<Op>(lane, r, p, run);
        }
        cursor.advance(run);
        r += run;
    }
    return fold_lanes<Op, T, kLanes>(lane);
}

// n <= kColumns neighbouring outputs; row r of the reduced elements starts at its offset.
template <class Op, class T>
void reduce_columns(T* result, const T* x, const Walk& reduced, int64_t begin, int64_t end, int64_t n) {
    T lane[kLanes * kColumns];
    Cursor cursor(reduced, begin);
    for (int64_t r = begin; r < end; ++r) {
        T* __restrict__ acc = lane + (r - begin) % kLanes * kColumns;
        const T* __restrict__ p = x + cursor.offset[0];
        if (r - begin < kLanes)
            for (int64_t c = 0; c < n; ++c) acc[c] = Op::of(Op::neutral, p[c]);
        else
            for (int64_t c = 0; c < n; ++c) acc[c] = Op::of(acc[c], p[c]);
        cursor.advance(1);
    }
    if (begin == end)
        for (int64_t c = 0; c < n; ++c) lane[c] = Op::neutral;
    for (int half = kLanes / 2; half; half /= 2)
        for (int l = 0; l < half && l + half < end - begin; ++l) {
            T* __restrict__ a = lane + l * kColumns;
            const T* __restrict__ b = lane + (l + half) * kColumns;
            for (int64_t c = 0; c < n; ++c) a[c] = Op::of(a[c], b[c]);
        }
    for (int64_t c = 0; c < n; ++c) result[c] = lane[c];
}

template <class Op, class T>
Status run_reduce(const Call& call, int phase, int64_t task) {
    Reduction r(call);
    const T* x = data<T>(call.in[0]);
    T* y = data<T>(call.out[0]);
    if (r.length == 0) {
        for (int64_t i = 0; i < numel(call.out[0]); ++i) y[i] = Op::finish(Op::neutral, 0);
        return {};
    }
    T* partial = r.chunks == 1 ? y : reinterpret_cast<T*>(call.scratch);  // [chunks][outputs]
    if (phase == 0) {
        int64_t blocks = ceil_div(r.width, r.columns);
        for (int64_t unit = task * r.units_per_task; unit < min_of((task + 1) * r.units_per_task, r.units); ++unit) {
            int64_t chunk = unit % r.chunks, place = unit / r.chunks;
            int64_t first = place / blocks * r.width + place % blocks * r.columns;  // output
            int64_t n = min_of(r.columns, r.width - place % blocks * r.columns);
            int64_t begin = chunk * kChunk, end = min_of(begin + kChunk, r.length);
            const T* from = x + r.kept.offset(0, first);
            T* to = partial + chunk * r.outputs + first;
            if (r.width == 1)
                *to = reduce_runs<Op>(from, r.reduced, begin, end);
            else
                reduce_columns<Op>(to, from, r.reduced, begin, end, n);
            if (r.chunks == 1)
                for (int64_t i = 0; i < n; ++i) to[i] = Op::finish(to[i], r.length);
        }
        return {};
    }
    Range range = range_of(task, r.outputs, kColumns);
    using Total = typename Op::Total;
    Total total[kColumns];
    for (int64_t i = range.begin; i < range.end; ++i) total[i - range.begin] = partial[i];
    for (int64_t chunk = 1; chunk < r.chunks; ++chunk)
        for (int64_t i = range.begin; i < range.end; ++i)
            total[i - range.begin] = Op::of(total[i - range.begin], static_cast<Total>(partial[chunk * r.outputs + i]));
    for (int64_t i = range.begin; i < range.end; ++i) y[i] = Op::finish(total[i - range.begin], r.length);
    return {};
}

#define LABKIT_REDUCE(X, name, Op, dtype, T) X(name "." dtype, plan_reduce, (run_reduce<Op<T>, T>), false)

#define LABKIT_REDUCE_KERNELS(X)                                       \
    LABKIT_REDUCE(X, "reduce_sum", Sum, "f32", float)                  \
    LABKIT_REDUCE(X, "reduce_sum", Sum, "f64", double)                 \
    LABKIT_REDUCE(X, "reduce_sum", WrappingSum, "i32", uint32_t)       \
    LABKIT_REDUCE(X, "reduce_sum", WrappingSum, "i64", uint64_t)       \
    LABKIT_REDUCE(X, "reduce_mean", Mean, "f32", float)                \
    LABKIT_REDUCE(X, "reduce_mean", Mean, "f64", double)               \
    LABKIT_REDUCE(X, "reduce_max", Max, "f32", float)                  \
    LABKIT_REDUCE(X, "reduce_max", Max, "f64", double)                 \
    LABKIT_REDUCE(X, "reduce_max", Max, "i32", int32_t)                \
    LABKIT_REDUCE(X, "reduce_max", Max, "i64", int64_t)                \
    LABKIT_REDUCE(X, "reduce_min", Min, "f32", float)                  \
    LABKIT_REDUCE(X, "reduce_min", Min, "f64", double)                 \
    LABKIT_REDUCE(X, "reduce_min", Min, "i32", int32_t)                \
    LABKIT_REDUCE(X, "reduce_min", Min, "i64", int64_t)                \
    X("reduce_all.b8", plan_reduce, (run_reduce<All, uint8_t>), false) \
    X("reduce_any.b8", plan_reduce, (run_reduce<Any, uint8_t>), false)

}  // namespace
}  // namespace labkit
