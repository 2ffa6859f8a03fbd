// exp, log, tanh, erf, erfc, log1p, expm1, sin and cos of float64 vectors.
//
// As in math.h there is no fused multiply-add, so every target gives the same bits; errors are about one to two units in the
// last place, up to four for erfc. The polynomials are interpolations of our own at Chebyshev nodes, found in 60 digits.
// NaN stays NaN, infinities and overflow come out as C's functions have them, denormals may count as zero.
#pragma once
#include "simd/vec.h"

namespace labkit {
namespace {

// A polynomial by G. Estrin's scheme (1960), the highest power first: neighbouring terms are joined, then the joined ones. Its
// chain of dependent steps grows with the logarithm of n, where that of Horner's rule grows with n.
template <class V, int n, class C>
LABKIT_INLINE V estrin(V x, const C (&c)[n]) {
    if constexpr (n == 1) {
        return c[0];
    } else {
        constexpr int odd = n % 2;
        V joined[(n + 1) / 2];
        if constexpr (odd && sizeof(C) == sizeof(V))
            joined[0] = c[0];
        else if (odd)
            joined[0] = V{} + c[0];
        LABKIT_UNROLL
        for (int i = 0; i < n / 2; ++i) joined[i + odd] = c[2 * i + odd] * x + c[2 * i + odd + 1];
        return estrin<V, (n + 1) / 2, V>(x * x, joined);
    }
}

// The same with Horner's rule for the last two terms, where most of the rounding happens.
template <class V, int n, class C>
LABKIT_INLINE V estrin_careful(V x, const C (&c)[n]) {
    C upper[n - 2];
    LABKIT_UNROLL
    for (int i = 0; i < n - 2; ++i) upper[i] = c[i];
    return (estrin(x, upper) * x + c[n - 2]) * x + c[n - 1];
}

LABKIT_INLINE Vec<double> wide(double x) { return Vec<double>{} + x; }
LABKIT_INLINE Vec<int64_t> sign_bits(Vec<double> x) { return (Vec<int64_t>)x & INT64_MIN; }
LABKIT_INLINE Vec<double> size_of(Vec<double> x) { return (Vec<double>)((Vec<int64_t>)x & INT64_MAX); }
LABKIT_INLINE Vec<double> with_sign(Vec<double> size, Vec<int64_t> sign) { return (Vec<double>)((Vec<int64_t>)size ^ sign); }

constexpr double kInf64 = __builtin_inf(), kTiny64 = 0x1p-1022;
constexpr double kMagic64 = 6755399441055744.0;             // 1.5 * 2^52: adding it rounds to an integer, left in the low bits
constexpr double kLn2High = 0x1.62e42feep-1, kLn2Low = 0x1.a39ef35793c76p-33;  // the first has 32 bits: products with counts are exact

// x = n ln 2 + r with |r| <= ln 2 / 2; `rest` is e^r - 1.
struct Exponent64 {
    Vec<double> shifted, count, rest;  // the low bits of `shifted` are n, as an integer; `count` is n

    LABKIT_INLINE explicit Exponent64(Vec<double> x) {
        const double c[] = {2.510040371657669e-08,  2.7620112139572367e-07, 2.7557268421682613e-06, 2.4801521246131495e-05,
                            0.0001984126986307828,  0.0013888888917245787,  0.008333333333330056,   0.041666666666624066,
                            0.16666666666666669,    0.5000000000000001};
        shifted = x * 1.4426950408889634074 + kMagic64;
        count = shifted - kMagic64;
        Vec<double> r = x - count * kLn2High - count * kLn2Low;
        rest = estrin(r, c) * (r * r) + r;
    }
};

LABKIT_INLINE Vec<double> exp(Vec<double> x) {
    Exponent64 e(x);
    Vec<double> p = e.rest + 1.0;
    Vec<double> y = (Vec<double>)((Vec<uint64_t>)p + ((Vec<uint64_t>)e.shifted << 52));  // times 2^n
    y = x <= 0x1.62e42fefa39efp+9 ? y : x * kInf64;                                      // log of the largest number
    return x < -0x1.6232bdd7abcd2p+9 ? Vec<double>{} : y;                                // of the smallest normal one
}

// 2^n of integers in the low bits of vectors, -1022 <= n <= 1023.
LABKIT_INLINE Vec<double> power_of_two(Vec<double> low_bits) {
    return (Vec<double>)(((Vec<uint64_t>)low_bits + 1023) << 52);
}

// e^x - 1 = 2^n ((e^r - 1) + (1 - 2^-n))
LABKIT_INLINE Vec<double> expm1(Vec<double> x) {
    Vec<double> bounded = x > 710.0 ? wide(710.0) : x;  // overflows; below -40 the result is -1
    Exponent64 e(bounded < -40.0 ? wide(-40.0) : bounded);
    Vec<double> one_less = 1.0 - power_of_two(kMagic64 - (e.count > 64.0 ? wide(64.0) : e.count));
    Vec<double> y = (e.rest + one_less) * power_of_two(e.shifted - 1.0) * 2.0;
    return x == 0.0 ? x : y;
}

// t / (t + 2) with t = e^(2x) - 1; from 22 on the result is 1.
LABKIT_INLINE Vec<double> tanh(Vec<double> x) {
    Vec<double> size = size_of(x);
    Vec<double> t = expm1((size > 22.0 ? wide(22.0) : size) * 2.0);
    return with_sign(t / (t + 2.0), sign_bits(x));
}

// u = 2^k (1 + f) with 1 + f in [sqrt(1/2), sqrt(2))
struct Mantissa64 {
    Vec<double> count, f;  // k

    LABKIT_INLINE explicit Mantissa64(Vec<double> u) {
        Vec<uint64_t> bits = (Vec<uint64_t>)u, biased = (bits - 0x3fe6a09e667f3bcdULL + (1024ULL << 52)) >> 52;  // k + 1024
        count = (Vec<double>)(biased | 0x4330000000000000ULL) - (4503599627370496.0 + 1024.0);
        f = (Vec<double>)(bits - ((biased - 1024) << 52)) - 1.0;
    }

    // log(1 + f) + k ln 2 + rest. With s = f / (2 + f), log(1 + f) = 2 atanh(s) = f - f^2 / 2 + s (f^2 / 2 + z p(z)), z = s^2.
    LABKIT_INLINE Vec<double> log(Vec<double> rest) const {
        const double c[] = {0.14616576421689886, 0.15331711346668644, 0.18182889433757676, 0.22222211130560723,
                            0.28571428626001427, 0.3999999999989945,  0.666666666666667};
        Vec<double> s = f / (2.0 + f), z = s * s, half = f * f * 0.5;
        return count * kLn2High - ((half - (s * (half + estrin(z, c) * z) + (count * kLn2Low + rest))) - f);
    }
};

LABKIT_INLINE Vec<double> log(Vec<double> x) {
    Vec<double> y = Mantissa64(x).log(Vec<double>{});
    y = x < kInf64 ? y : x;  // infinity and NaN
    y = x < kTiny64 ? wide(-kInf64) : y;
    return x <= -kTiny64 ? wide(__builtin_nan("")) : y;
}

// log(u) for u = 1 + x, corrected by what the sum lost (W. Kahan).
LABKIT_INLINE Vec<double> log1p(Vec<double> x) {
    Vec<double> u = 1.0 + x, lost = x < 1.0 ? x - (u - 1.0) : 1.0 - (u - x);
    Mantissa64 m(u);
    Vec<int64_t> near = m.count == 0.0;
    m.f = near ? x : m.f;  // then 1 + f is exact
    Vec<double> y = m.log(near ? Vec<double>{} : lost / u);
    y = u < kInf64 ? y : u;
    y = u == 0.0 ? wide(-kInf64) : y;
    y = u < 0.0 ? wide(__builtin_nan("")) : y;
    return x == 0.0 ? x : y;
}

// e^(x^2) erfc(x) for 0 <= x <= 28.5, a polynomial in s = 1 / (1 + 0.4 x).
LABKIT_INLINE Vec<double> erfcx(Vec<double> x) {
    const double c[] = {0.005950492261591672,  0.00160480719331483,  -0.014667565951740878,  0.0022326298747441277,
                        0.017666832966370997,  -0.012123541471934151, -0.011753619816346195, 0.021642030598285306,
                        -0.0007844687954782941, -0.026537960397739774, 0.01687984212637166,  0.027329735303157333,
                        -0.036350791401704635, -0.02861912190642196, 0.06452977879511797,    0.044507229785778195,
                        -0.11391676023909945,  -0.1360558256315344,  0.15710356842449918,    0.575196066698141,
                        0.7937595280500832,    0.7045599312960473,   0.4485866535122474};
    Vec<double> s = 1.0 / (1.0 + x * 0.4);
    return estrin_careful(s - 0.5400390625, c) * s;
}

// e^(-share x^2) for |x| <= 1e100: the part of x^2 that its rounding loses is made up for (T. Dekker, 1971).
LABKIT_INLINE Vec<double> exp_of_square(Vec<double> x, double share) {
    Vec<double> high = (Vec<double>)((Vec<uint64_t>)x & ~0x7ffffffULL), low = x - high, square = x * x;
    Vec<double> lost = ((high * high - square) + high * low * 2.0) + low * low, y = exp(square * -share);
    return y - y * (lost * share);
}

// For |x| <= 1: x + x p(x^2).
LABKIT_INLINE Vec<double> erf_near(Vec<double> x) {
    const double c[] = {-7.795898826998504e-10, 1.3720064546775592e-08, -1.620848380187118e-07, 1.6447424703317288e-06,
                        -1.4924736907419654e-05, 0.00012055294904839707, -0.0008548325975389692, 0.0052239776071164225,
                        -0.02686617064323777,   0.11283791670945006,    -0.37612638903183543,   0.12837916709551256};
    return estrin(x * x, c) * x + x;
}

LABKIT_INLINE Vec<double> erfc(Vec<double> x) {
    Vec<double> size = size_of(x), bounded = size > 28.5 ? wide(28.5) : size;  // where it is 0
    Vec<double> tail = exp_of_square(bounded, 1.0) * erfcx(bounded);
    return size < 0.7 ? 1.0 - erf_near(x) : x < 0.0 ? 2.0 - tail : tail;
}

// From 1 on 1 - erfc; beyond 6 the result is 1.
LABKIT_INLINE Vec<double> erf(Vec<double> x) {
    Vec<double> size = size_of(x), bounded = size > 6.0 ? wide(6.0) : size;
    Vec<double> far = 1.0 - exp(-bounded * bounded) * erfcx(bounded);
    return size < 1.0 ? erf_near(x) : with_sign(far, sign_bits(x));
}

// x = k pi/2 + r as `turned` in wide.h does it, with one part of pi/2 more and polynomials for all of float64's digits.
struct Turned64 {
    Vec<double> sine, cosine;
    Vec<int64_t> quarter;

    LABKIT_INLINE explicit Turned64(Vec<double> x) {
        const double s[] = {1.5918128935277157e-10,  -2.505113184000549e-08, 2.7557316102528404e-06,
                            -0.00019841269836758528, 0.008333333333330948,   -0.16666666666666666};
        const double c[] = {-1.138263220056588e-11, 2.0876146265276436e-09,  -2.755731727171476e-07,
                            2.480158729876566e-05,  -0.0013888888888887398, 0.041666666666666664};
        Vec<double> shifted = x * 0.63661977236758134308 + kMagic64, k = shifted - kMagic64;
        Vec<double> r = x - k * 0x1.921fb5p+0 - k * 0x1.110b46p-26 - k * 0x1.1a6263p-54 - k * 0x1.8a2e03707344ap-81;
        Vec<double> z = r * r, half = z * 0.5, near = 1.0 - half;
        sine = estrin(z, s) * (z * r) + r;
        cosine = near + (((1.0 - near) - half) + estrin(z, c) * (z * z));
        quarter = (Vec<int64_t>)shifted;
    }
};

}  // namespace
}  // namespace labkit
