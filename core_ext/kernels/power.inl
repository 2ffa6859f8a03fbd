// Powers. Of whole numbers they wrap around; a negative exponent is refused. Floats have special cases as in C.
//
// Some exponents need no logarithm. They are answered alike whether the exponent stands still or is one of many, so that the
// bits do not depend on how it is broadcast.
#pragma once
#include "kernels/whole.h"
#include "kernels/wide.h"

namespace labkit {
namespace {

// What the rounding of p = a b loses (T. Dekker, 1971), up to a rest that is beyond the digits of a corrected result.
inline double lost(double a, double b, double p) {
    auto high = [](double x) {
        uint64_t bits;
        __builtin_memcpy(&bits, &x, 8);
        bits &= ~0x7ffffffULL;
        __builtin_memcpy(&x, &bits, 8);
        return x;
    };
    const double ah = high(a), al = a - ah, bh = high(b), bl = b - bh;
    return ((ah * bh - p) + (ah * bl + al * bh)) + al * bl;
}

template <class T>
T power_zero(T) { return 1; }
template <class T>
T power_one(T x) { return flushed(x); }
template <class T>
T power_two(T x) { return x * x; }
template <class T>
T power_less_one(T x) { return 1 / x; }
template <class T>
T power_half(T x) { return x == -static_cast<T>(kInf) ? static_cast<T>(kInf) : Sqrt::of(x) + 0; }  // of -0 it is 0

inline float power_three(float x) { return static_cast<float>(static_cast<double>(x) * x * x); }
inline double power_three(double x) {
    const double square = x * x, cube = square * x;
    const double rest = lost(square, x, cube) + lost(x, x, square) * x;
    return (cube != 0) & (__builtin_fabs(cube) < kInf64) ? cube + rest : cube;
}

// The reciprocal of the square root, and one step of Newton's method in doubles.
inline float power_less_half(float x) {
    const float y = 1 / power_half(x);
    const double wide = y;
    const float better = static_cast<float>(wide + wide * (0.5 - 0.5 * x * wide * wide));
    return (x > 0) & (x < kInf) ? better : y;
}
inline double power_less_half(double x) {
    const double root = power_half(x), y = 1 / root, square = root * root, one = y * root;
    const double root_lost = (x - square) - lost(root, root, square), y_lost = (1 - one) - lost(y, root, one);
    return (x > 0) & (x < kInf64) ? y + y * (y_lost - root_lost * y * y * 0.5) : y;
}

template <class T, T (*power)(T)>
void power_loop(T* y, const T* x, int64_t n) {
    LABKIT_INDEPENDENT
    for (int64_t i = 0; i < n; ++i) y[i] = power(x[i]);
}

template <class T>
struct PlainPower {
    double exponent;
    T (*of)(T);
    void (*loop)(T* y, const T* x, int64_t n);
};

// nullptr for an exponent that does need a logarithm.
template <class T>
const PlainPower<T>* plain_power(T exponent) {
#define LABKIT_PLAIN_POWER(exponent, power) {exponent, power, power_loop<T, power>}
    static constexpr PlainPower<T> plain[] = {
        LABKIT_PLAIN_POWER(0.0, power_zero),       LABKIT_PLAIN_POWER(1.0, power_one),   LABKIT_PLAIN_POWER(2.0, power_two),
        LABKIT_PLAIN_POWER(-1.0, power_less_one),  LABKIT_PLAIN_POWER(0.5, power_half),  LABKIT_PLAIN_POWER(3.0, power_three),
        LABKIT_PLAIN_POWER(-0.5, power_less_half),
    };
#undef LABKIT_PLAIN_POWER
    if (!(exponent >= -1 && exponent <= 3)) return nullptr;
    for (const PlainPower<T>& p : plain)
        if (p.exponent == exponent) return &p;
    return nullptr;
}

// Whether an exponent may be one of these: its double is whole, and not too large.
LABKIT_INLINE Vec<int64_t> may_be_plain(Vec<double> exponent) {
    const Vec<double> twice = exponent + exponent;
    return (twice >= -2.0) & (twice <= 6.0) & ((twice + kMagic64) - kMagic64 == twice);
}

struct Pow {
    static Vec<double> of(Vec<double> a, Vec<double> b) {  // of float32 numbers
        Vec<double> y = pow_float(a, b);
        if (any(may_be_plain(b)))
            for (int i = 0; i < lanes<double>; ++i)
                if (const auto* plain = plain_power(static_cast<float>(b[i]))) y[i] = plain->of(static_cast<float>(a[i]));
        return y;
    }
    static double of(double a, double b) {
        const auto* plain = plain_power(b);
        return plain ? plain->of(a) : __builtin_pow(flushed(a), flushed(b));
    }
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

template <class T, class General>
struct FloatPow {
    static void one_exponent(void* y, const void* a, const void* b, int64_t n) {
        if (const auto* plain = plain_power(*static_cast<const T*>(b)))
            plain->loop(static_cast<T*>(y), static_cast<const T*>(a), n);
        else
            General::template loop<true, false>(y, a, b, n);
    }
    static Status run(const Call& call, int, int64_t task) {
        const BinaryLoops loops{General::template loop<true, true>, one_exponent, General::template loop<false, true>};
        return run_broadcast(call, task, loops, sizeof(T), sizeof(T), false);
    }
};

#define LABKIT_POWER_KERNELS(X)                                                           \
    X("pow.f32", plan_elements, (FloatPow<float, WideBinary<Pow>>::run), true)            \
    X("pow.f64", plan_elements, (FloatPow<double, Binary<Pow, double, double>>::run), true) \
    LABKIT_WHOLE(X, "pow", Pow)

}  // namespace
}  // namespace labkit
