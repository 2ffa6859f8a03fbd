// Powers. Of whole numbers they wrap around; a negative exponent is refused.
#pragma once
#include "kernels/whole.h"

namespace labkit {
namespace {

struct Pow {
    static double of(double a, double b) { return __builtin_pow(a, b); }
    template <class T>
    static T of(T a, T b) {  // by squaring
        Wrap<T> base = static_cast<Wrap<T>>(a), result = 1;
        for (Wrap<T> rest = refuses(b) ? 0 : static_cast<Wrap<T>>(b); rest; rest = static_cast<Wrap<T>>(rest >> 1)) {
            if (rest & 1) result = static_cast<Wrap<T>>(result * base);
            base = static_cast<Wrap<T>>(base * base);
        }
        return static_cast<T>(result);
    }
    static bool refuses(uint8_t) { return false; }
    static bool refuses(int32_t b) { return b < 0; }
    static bool refuses(int64_t b) { return b < 0; }
};

// float32 powers go through vectors of doubles.
struct PowFloat {
    template <bool step_a, bool step_b>
    static void loop(void* y_, const void* a_, const void* b_, int64_t n) {
        float* y = static_cast<float*>(y_);
        const float *a = static_cast<const float*>(a_), *b = static_cast<const float*>(b_);
        constexpr int step = lanes<double>;
        for (int64_t i = 0; i < n; i += step) {
            int part = static_cast<int>(min_of(step, n - i));
            Vec<double> va = step_a ? load_widened(a + i, part) : broadcast(static_cast<double>(*a));
            Vec<double> vb = step_b ? load_widened(b + i, part) : broadcast(static_cast<double>(*b));
            store_narrowed(y + i, pow_float(va, vb), part);
        }
    }
    static Status run(const Call& call, int, int64_t task) {
        return run_broadcast(call, task, {loop<true, true>, loop<true, false>, loop<false, true>}, 4, 4, false);
    }
};

#define LABKIT_POWER_KERNELS(X)                      \
    X("pow.f32", plan_elements, PowFloat::run, true) \
    LABKIT_BINARY(X, "pow", Pow, "f64", double)      \
    LABKIT_WHOLE(X, "pow", Pow)

}  // namespace
}  // namespace labkit
