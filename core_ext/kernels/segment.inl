// Reductions of rows by segment: y[s, :] = op over the rows k of x with ids[k] = s, in order of k; the operation's neutral
// element where there is none. unsorted_segment_*: rows with a negative id are left out. weighted_bincount: those with an id
// that is too large are.
#pragma once
#include "kernels/scatter.h"

namespace labkit {
namespace {

Scatter scatter_of_segments(const Call& call) {
    const View& y = call.out[0];
    return Scatter(1, 1, y.shape[0], numel(call.in[1]), extent(y, 1, y.rank));
}

void plan_segment(const Call& call, Work& work) { scatter_of_segments(call).plan(work, true); }

template <class Op, class T, bool bincount = false>
Status run_segment(const Call& call, int phase, int64_t task) {
    const Scatter s = scatter_of_segments(call);
    T* y = data<T>(call.out[0]);
    if (phase == 0) {
        const Range fresh = s.stretch(task);
        for (int64_t i = fresh.begin; i < fresh.end; ++i) y[i] = Op::neutral;
        return number_rows(call.in[1], s.rows, !bincount, bincount, call.scratch, task);
    }
    const Scatter::Part part = s.part(task);
    combine_rows<Op>(y, data<T>(call.in[0]), call.scratch, s, part);
    return {};
}

#define LABKIT_SEGMENT(X, name, Op, I32, I64)                             \
    X(name ".f32", plan_segment, (run_segment<Op<float>, float>), false)   \
    X(name ".f64", plan_segment, (run_segment<Op<double>, double>), false) \
    X(name ".i32", plan_segment, (run_segment<Op<I32>, I32>), false)       \
    X(name ".i64", plan_segment, (run_segment<Op<I64>, I64>), false)

#define LABKIT_SEGMENT_KERNELS(X)                                         \
    X("weighted_bincount.f32", plan_segment, (run_segment<Plus<float>, float, true>), false)       \
    X("weighted_bincount.f64", plan_segment, (run_segment<Plus<double>, double, true>), false)     \
    X("weighted_bincount.i32", plan_segment, (run_segment<Plus<uint32_t>, uint32_t, true>), false) \
    X("weighted_bincount.i64", plan_segment, (run_segment<Plus<uint64_t>, uint64_t, true>), false) \
    LABKIT_SEGMENT(X, "unsorted_segment_sum", Plus, uint32_t, uint64_t)   \
    LABKIT_SEGMENT(X, "unsorted_segment_prod", Times, uint32_t, uint64_t) \
    LABKIT_SEGMENT(X, "unsorted_segment_max", Max, int32_t, int64_t)      \
    LABKIT_SEGMENT(X, "unsorted_segment_min", Min, int32_t, int64_t)

}  // namespace
}  // namespace labkit
