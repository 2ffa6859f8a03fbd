// Colors [..., 3] from red, green, blue to hue, saturation, value and back, one after the other.
#pragma once
#include "kernels/hsv.h"
#include "kernels/walk.h"
#include "labkit/kernel.h"

namespace labkit {
namespace {

constexpr int64_t kColorsPerTask = kTaskElements / 12;

void plan_colors(const Call& call, Work& work) { work.tasks[0] = ceil_div(numel(call.in[0]) / 3, kColorsPerTask); }

template <class Op, class T>
Status run_colors(const Call& call, int, int64_t task) {
    const Range range = range_of(task, numel(call.in[0]) / 3, kColorsPerTask);
    const T* x = data<T>(call.in[0]);
    T* y = data<T>(call.out[0]);
    for (int64_t i = range.begin; i < range.end; ++i) Op::of(x + 3 * i, y + 3 * i);
    return {};
}

#define LABKIT_HSV_KERNELS(X)                                            \
    X("rgb_to_hsv.f32", plan_colors, (run_colors<ToHsv, float>), false)  \
    X("rgb_to_hsv.f64", plan_colors, (run_colors<ToHsv, double>), false) \
    X("hsv_to_rgb.f32", plan_colors, (run_colors<ToRgb, float>), false)  \
    X("hsv_to_rgb.f64", plan_colors, (run_colors<ToRgb, double>), false)

}  // namespace
}  // namespace labkit
