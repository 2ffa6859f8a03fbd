// Powers. Of whole numbers they wrap around; a negative exponent is refused.
#pragma once
#include "kernels/whole.h"
#include "kernels/wide.h"

namespace labkit {
namespace {

struct Pow {
    static Vec<double> of(Vec<double> a, Vec<double> b) { return pow_float(a, b); }  // of float32 numbers
    static double of(double a, double b) { return __builtin_pow(flushed(a), flushed(b)); }
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

#define LABKIT_POWER_KERNELS(X)                             \
    X("pow.f32", plan_elements, WideBinary<Pow>::run, true) \
    LABKIT_BINARY(X, "pow", Pow, "f64", double)             \
    LABKIT_WHOLE(X, "pow", Pow)

}  // namespace
}  // namespace labkit
