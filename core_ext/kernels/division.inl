// Division to whole numbers and its remainders. "Floored": the quotient is rounded down, the remainder has the divisor's sign,
// as in Python; "truncated": the quotient is rounded towards zero, the remainder has the dividend's sign, as in C.
//
// Whole numbers: a divisor of 0 is refused, the smallest number divided by -1 wraps around to itself. Floats: quotients are
// the exact ones, rounded down or cut (1 // 0.1 is 9, because the double 0.1 is a little more than a tenth), with NumPy's
// answers for zero and infinity.
#pragma once
#include "kernels/whole.h"

namespace labkit {
namespace {

// One division for floats, with the remainder by C's fmod, which is exact.
inline double floored_quotient(double a, double b) {
    if (b == 0) return a / b;
    double r = __builtin_fmod(a, b), q = (a - r) / b;
    if (r != 0 && (b < 0) != (r < 0)) q -= 1;
    return q == 0 ? __builtin_copysign(0.0, a / b) : __builtin_rint(q);
}
inline double floored_remainder(double a, double b) {
    double r = __builtin_fmod(a, b);
    if (r == 0) return __builtin_copysign(r, b);
    return (b < 0) != (r < 0) ? r + b : r;
}
inline double truncated_quotient(double a, double b) {
    if (b == 0) return a / b;
    double q = (a - __builtin_fmod(a, b)) / b;
    return q == 0 ? __builtin_copysign(0.0, a / b) : __builtin_rint(q);
}

// float32: the quotient as a double is on the right side of every whole number below 2^24.
inline bool quick(double q, float b) { return __builtin_fabs(q) < 16777216.0 && __builtin_fabsf(b) < kInf; }

// Divisors 0 and -1 are kept from the processor, which traps.
template <class T>
bool divides(T b) { return b != 0 && b != static_cast<T>(-1); }
template <>
inline bool divides(uint8_t b) { return b != 0; }

// The processor divides short numbers faster.
template <class T>
T quotient(T a, T b) {
    if (sizeof(T) == 8 && a == static_cast<int32_t>(a) && b == static_cast<int32_t>(b) && a != INT32_MIN)
        return static_cast<T>(static_cast<int32_t>(a) / static_cast<int32_t>(b));
    return static_cast<T>(a / b);
}
template <class T>
T remainder(T a, T b) { return static_cast<T>(a - quotient(a, b) * b); }

struct NoZero {
    template <class T>
    static bool refuses(T b) { return b == 0; }
};

struct FloorDiv : NoZero {
    template <class T>
    static T of(T a, T b) {
        if (!divides(b)) return b == 0 ? T(0) : Neg::of(a);
        T q = quotient(a, b);
        return static_cast<T>(q - ((q * b != a) & ((a < 0) != (b < 0))));
    }
    static double of(double a, double b) { return floored_quotient(a, b); }
    static float of(float a, float b) {
        double q = __builtin_floor(static_cast<double>(a) / static_cast<double>(b));
        return static_cast<float>(quick(q, b) ? q : floored_quotient(static_cast<double>(a), static_cast<double>(b)));
    }
};
struct FloorMod : NoZero {
    template <class T>
    static T of(T a, T b) {
        if (!divides(b)) return 0;
        T r = remainder(a, b);
        return static_cast<T>(r + b * ((r != 0) & ((r < 0) != (b < 0))));  // no branch: signs are hard to predict
    }
    static double of(double a, double b) { return floored_remainder(a, b); }
    static float of(float a, float b) {
        double x = static_cast<double>(a), y = static_cast<double>(b), q = __builtin_floor(x / y);
        if (!quick(q, b)) return static_cast<float>(floored_remainder(x, y));
        double r = x - q * y;
        return static_cast<float>(r == 0 ? __builtin_copysign(r, y) : r);
    }
};
struct TruncateDiv : NoZero {
    template <class T>
    static T of(T a, T b) {
        if (!divides(b)) return b == 0 ? T(0) : Neg::of(a);
        return quotient(a, b);
    }
    static double of(double a, double b) { return truncated_quotient(a, b); }
    static float of(float a, float b) {
        double q = __builtin_trunc(static_cast<double>(a) / static_cast<double>(b));
        return static_cast<float>(quick(q, b) ? q : truncated_quotient(static_cast<double>(a), static_cast<double>(b)));
    }
};
struct TruncateMod : NoZero {
    template <class T>
    static T of(T a, T b) { return divides(b) ? remainder(a, b) : T(0); }
    static double of(double a, double b) { return __builtin_fmod(a, b); }
    static float of(float a, float b) {
        double x = static_cast<double>(a), y = static_cast<double>(b), q = __builtin_trunc(x / y);
        return static_cast<float>(quick(q, b) ? __builtin_copysign(x - q * y, x) : __builtin_fmod(x, y));
    }
};
struct DivNoNan {
    template <class T>
    static T of(T a, T b) { return b == 0 ? 0 : a / b; }
};

#define LABKIT_DIVISION(X, name, Op) LABKIT_BINARY_REALS(X, name, Op) LABKIT_WHOLE(X, name, Op)

#define LABKIT_DIVISION_KERNELS(X)                  \
    LABKIT_DIVISION(X, "floor_div", FloorDiv)       \
    LABKIT_DIVISION(X, "floor_mod", FloorMod)       \
    LABKIT_DIVISION(X, "truncate_div", TruncateDiv) \
    LABKIT_DIVISION(X, "truncate_mod", TruncateMod) \
    LABKIT_BINARY_REALS(X, "div_no_nan", DivNoNan)

}  // namespace
}  // namespace labkit
