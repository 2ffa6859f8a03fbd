// range: start, start + step, ... ints, or reals where the dtype is real: the start and the step.
#pragma once
#include "kernels/walk.h"
#include "labkit/kernel.h"

namespace labkit {
namespace {

template <class T>
Status run_range(const Call& call, int, int64_t task) {  // reals: each from the start, so that errors do not add up
    T* y = data<T>(call.out[0]);
    Range range = range_of(task, numel(call.out[0]));
    for (int64_t i = range.begin; i < range.end; ++i)
        y[i] = static_cast<T>(call.reals[0] + static_cast<double>(i) * call.reals[1]);
    return {};
}

template <class T>
Status run_whole_range(const Call& call, int, int64_t task) {  // integers wrap
    uint64_t start = static_cast<uint64_t>(call.ints[0]), step = static_cast<uint64_t>(call.ints[1]);
    T* y = data<T>(call.out[0]);
    Range range = range_of(task, numel(call.out[0]));
    for (int64_t i = range.begin; i < range.end; ++i) y[i] = static_cast<T>(start + static_cast<uint64_t>(i) * step);
    return {};
}

#define LABKIT_RANGE_KERNELS(X)                                     \
    X("range.f32", plan_elements, run_range<float>, false)          \
    X("range.f64", plan_elements, run_range<double>, false)         \
    X("range.i32", plan_elements, run_whole_range<int32_t>, false)  \
    X("range.i64", plan_elements, run_whole_range<int64_t>, false)

}  // namespace
}  // namespace labkit
