// Trigonometric and hyperbolic functions and their inverses: float32 numbers in vectors of doubles.
//
// Half as many lanes, but the arithmetic of doubles makes short formulas exact to half a unit in the last place of the float32
// result, without special care for cancellation, and the same on every target. The polynomials are minimax ones of our own
// (Remez's algorithm in 60 digits), good to 1e-10.
#pragma once
#include "simd/math.h"

namespace labkit {
namespace {

LABKIT_INLINE Vec<double> root_wide(Vec<double> x) {
    for (int i = 0; i < lanes<double>; ++i) x[i] = __builtin_sqrt(x[i]);
    return x;
}
LABKIT_INLINE Vec<double> exp_wide(Vec<double> x) { return exp2_wide(x * 1.4426950408889634074); }
LABKIT_INLINE Vec<double> log_wide(Vec<double> x) { return log2_wide(x) * 0.69314718055994530942; }

// ---- sine, cosine, tangent

// x = k pi/2 + r with |r| <= pi/4: its sine and cosine, and k. pi/2 is cut into parts of 25, 25 and 53 bits: the products
// with k are exact up to |x| = 1e8 (W. Cody, W. Waite, "Software Manual for the Elementary Functions", 1980).
struct Turned {
    Vec<double> sine, cosine;
    Vec<int64_t> quarter;
};
constexpr double kTurnable = 1e8;

LABKIT_INLINE Turned turned(Vec<double> x) {
    const double sine[] = {2.7246945949344397e-6, -0.00019840063762536378, 0.0083333318323157399, -0.16666666663747206};
    const double cosine[] = {-2.7234011563828912e-7, 2.4799828330363581e-5, -0.0013888884979322426, 0.041666666636243477,
                             -0.49999999999962118};
    const double magic = 6755399441055744.0;  // 1.5 * 2^52 rounds to an integer and leaves it in the low bits
    Vec<double> shifted = x * 0.63661977236758134308 + magic, k = shifted - magic;
    Vec<double> r = x - k * 0x1.921fb5p+0 - k * 0x1.110b46p-26 - k * 0x1.1a62633145c07p-54;
    Vec<double> z = r * r;
    return {(polynomial(z, sine) * z + 1.0) * r, polynomial(z, cosine) * z + 1.0, (Vec<int64_t>)shifted};
}

// Lanes of x that are too large for `turned`, or infinite or NaN, are left to the C library.
#define LABKIT_TURNED(name, function, angle, formula)                                      \
    LABKIT_INLINE Vec<double> name(Vec<double> x) {                                        \
        const auto t = angle;                                                              \
        Vec<int64_t> swap = (t.quarter & 1) != 0;                                          \
        Vec<double> y = formula;                                                           \
        Vec<int64_t> outside = ~(size_of(x) < wide(kTurnable));                            \
        if (__builtin_expect(any(outside), 0))                                             \
            for (int i = 0; i < lanes<double>; ++i)                                        \
                if (outside[i]) y[i] = function(x[i]);                                     \
        return y;                                                                          \
    }
LABKIT_TURNED(sin_wide, __builtin_sin, turned(x), with_sign(swap ? t.cosine : t.sine, (t.quarter & 2) << 62))
LABKIT_TURNED(cos_wide, __builtin_cos, turned(x), with_sign(swap ? t.sine : t.cosine, ((t.quarter + 1) & 2) << 62))
LABKIT_TURNED(tan_wide, __builtin_tan, turned(x), swap ? -t.cosine / t.sine : t.sine / t.cosine)
// the same for float64
LABKIT_TURNED(sin, __builtin_sin, Turned64(x), x == 0.0 ? x : with_sign(swap ? t.cosine : t.sine, (t.quarter & 2) << 62))
LABKIT_TURNED(cos, __builtin_cos, Turned64(x), with_sign(swap ? t.sine : t.cosine, ((t.quarter + 1) & 2) << 62))
#undef LABKIT_TURNED

// ---- and their inverses

// Sizes above tan(3 pi/8) and tan(pi/8) are turned by pi/2 and pi/4.
LABKIT_INLINE Vec<double> atan_wide(Vec<double> x) {
    const double c[] = {-0.040343453812874306, 0.071315584692389632, -0.09028413520692348, 0.11107458584636495,
                        -0.14285611619084073,  0.1999999891280092,   -0.33333333331451043};
    Vec<double> size = size_of(x);
    Vec<int64_t> large = size > 2.4142135623730950488, middle = (size > 0.41421356237309504880) & ~large;
    Vec<double> top = large ? wide(-1.0) : middle ? size - 1.0 : size;
    Vec<double> bottom = large ? size : middle ? size + 1.0 : wide(1.0);
    Vec<double> base = large ? wide(1.57079632679489661923) : middle ? wide(0.78539816339744830962) : wide(0.0);
    Vec<double> y = top / bottom, z = y * y;
    return with_sign((polynomial(z, c) * z + 1.0) * y + base, sign_bits(x));
}
LABKIT_INLINE Vec<double> asin_wide(Vec<double> x) { return atan_wide(x / root_wide((1.0 - x) * (1.0 + x))); }
LABKIT_INLINE Vec<double> acos_wide(Vec<double> x) { return 2.0 * atan_wide(root_wide((1.0 - x) / (1.0 + x))); }

// The angle of the point (x, y), from -pi to pi; the signs of zeros count, infinite coordinates are equal ones.
LABKIT_INLINE Vec<double> atan2_wide(Vec<double> y, Vec<double> x) {
    Vec<double> height = size_of(y), width = size_of(x);
    Vec<double> slope = height == width ? (width == 0.0 ? wide(0.0) : wide(1.0)) : height / width;
    Vec<double> angle = atan_wide(slope);
    return with_sign(sign_bits(x) != 0 ? 3.14159265358979323846 - angle : angle, sign_bits(y));
}

// ---- hyperbolic functions

LABKIT_INLINE Vec<double> sinh_wide(Vec<double> x) {
    const double c[] = {2.8063006223552967e-6, 0.00019838098914288133, 0.0083333396873695536, 0.16666666646778531};
    Vec<double> z = x * x, e = exp_wide(x);
    return size_of(x) < 1.0 ? (polynomial(z, c) * z + 1.0) * x : 0.5 * (e - 1.0 / e);
}
LABKIT_INLINE Vec<double> cosh_wide(Vec<double> x) {
    Vec<double> e = exp_wide(x);
    return 0.5 * (e + 1.0 / e);
}

// Near 0, where the logarithm's argument would be 1 and little else, two or three terms of the series are enough.
LABKIT_INLINE Vec<double> asinh_wide(Vec<double> x) {
    Vec<double> size = size_of(x), z = x * x;
    Vec<double> y = with_sign(log_wide(size + root_wide(z + 1.0)), sign_bits(x));
    return size < 1e-4 ? (1.0 - z * (1.0 / 6)) * x : y;
}
LABKIT_INLINE Vec<double> acosh_wide(Vec<double> x) {
    Vec<double> y = log_wide(x + root_wide((x - 1.0) * (x + 1.0)));
    return x < 1.0 ? wide(static_cast<double>(kNan)) : y;
}
LABKIT_INLINE Vec<double> atanh_wide(Vec<double> x) {
    Vec<double> size = size_of(x), z = x * x;
    Vec<double> y = with_sign(0.5 * log_wide((1.0 + size) / (1.0 - size)), sign_bits(x));
    y = size < 1e-3 ? ((z * 0.2 + 1.0 / 3) * z + 1.0) * x : y;
    return size > 1.0 ? wide(static_cast<double>(kNan)) : y;
}

}  // namespace
}  // namespace labkit
