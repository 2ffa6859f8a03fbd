// Colors [..., 3] from red, green, blue to hue, saturation, value and back (A. R. Smith, "Color Gamut Transform Pairs", 1978).
// Hue is a share of the circle: 0 is red, 1/3 green, 2/3 blue; it is 0 for grays.
#pragma once
#include "kernels/walk.h"
#include "labkit/kernel.h"

namespace labkit {
namespace {

constexpr int64_t kColorsPerTask = kTaskElements / 12;

void plan_colors(const Call& call, Work& work) { work.tasks[0] = ceil_div(numel(call.in[0]) / 3, kColorsPerTask); }

struct ToHsv {
    template <class T>
    static void of(const T* x, T* y) {
        const T r = x[0], g = x[1], b = x[2];
        if (r != r || g != g || b != b) {  // NaN is no color
            y[0] = y[1] = y[2] = r + g + b;
            return;
        }
        const T high = r > g ? (r > b ? r : b) : (g > b ? g : b), low = r < g ? (r < b ? r : b) : (g < b ? g : b);
        const T range = high - low, scale = range > 0 ? 1 / (6 * range) : 0;
        const T hue = high == r   ? scale * (g - b)
                      : high == g ? scale * (b - r) + static_cast<T>(1.0 / 3)
                                  : scale * (r - g) + static_cast<T>(2.0 / 3);
        y[0] = range > 0 ? (hue < 0 ? hue + 1 : hue) : 0;
        y[1] = high > 0 ? range / high : 0;
        y[2] = high;
    }
};

struct ToRgb {
    // The share of one of the three colors in a hue that is `distance` sixths of the circle from it.
    template <class T>
    static T part(T distance) {
        return distance < 0 ? 0 : distance > 1 ? 1 : distance;
    }
    static float floor(float x) { return __builtin_floorf(x); }
    static double floor(double x) { return __builtin_floor(x); }
    static float abs(float x) { return __builtin_fabsf(x); }
    static double abs(double x) { return __builtin_fabs(x); }

    template <class T>
    static void of(const T* x, T* y) {
        const T hue = (x[0] - floor(x[0])) * 6, s = x[1], v = x[2];
        y[0] = (1 - s + s * part(abs(hue - 3) - 1)) * v;
        y[1] = (1 - s + s * part(2 - abs(hue - 2))) * v;
        y[2] = (1 - s + s * part(2 - abs(hue - 4))) * v;
    }
};

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
