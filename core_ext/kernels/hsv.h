// Colors from red, green, blue to hue, saturation, value and back (A. R. Smith, "Color Gamut Transform Pairs", 1978). Hue is a
// share of the circle: 0 is red, 1/3 green, 2/3 blue; it is 0 for grays.
#pragma once
#include "labkit/kernel.h"

namespace labkit {
namespace {

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

}  // namespace
}  // namespace labkit
