// erf, erfc, log1p and expm1 of vectors.
//
// float32 follows the rules of math.h: no fused multiply-add, the same bits on every target, about one to two units in the
// last place. The polynomials are minimax ones of our own (Remez's algorithm in 60 digits). math64.h has float64.
#pragma once
#include "simd/wide.h"

namespace labkit {
namespace {

LABKIT_INLINE Vec<int32_t> sign_bits(Vec<float> x) { return (Vec<int32_t>)x & INT32_MIN; }

// Below 1: x + x p(x^2). From 1 on: 1 - exp(-q(|x|)), with q = -log(erfc); beyond 4 the result is 1.
LABKIT_INLINE Vec<float> erf(Vec<float> x) {
    const float near[] = {7.889123174e-5f,   -8.020842371e-4f, 5.189535462e-3f, -2.685444466e-2f,
                          1.128360018e-1f, -3.761262714e-1f, 1.283791659e-1f};
    const float far[] = {-1.879715879e-4f, 2.964005185e-3f, -2.190647286e-2f, 1.032561964e-1f,
                         6.37965005e-1f,   1.127202274f,    3.124704809e-4f};
    Vec<int32_t> sign = sign_bits(x);
    Vec<float> size = (Vec<float>)((Vec<int32_t>)x ^ sign);
    Vec<float> small = estrin_careful(x * x, near) * x + x;
    Vec<float> large = 1.0f - exp(-estrin_careful(at_most(size, 4.0f), far));
    return size < 1.0f ? small : (Vec<float>)((Vec<int32_t>)large | sign);  // NaN goes through the large branch
}

// log(u) for u = 1 + x, corrected by what the sum lost (W. Kahan); the polynomial is that of log in math.h.
LABKIT_INLINE Vec<float> log1p(Vec<float> x) {
    const float c[] = {7.0376836292e-2f,  -1.1514610310e-1f, 1.1676998740e-1f,  -1.2420140846e-1f, 1.4249322787e-1f,
                       -1.6668057665e-1f, 2.0000714765e-1f,  -2.4999993993e-1f, 3.3333331174e-1f};
    Vec<float> u = 1.0f + x;
    Vec<float> lost = x < 1.0f ? x - (u - 1.0f) : 1.0f - (u - x);
    Vec<uint32_t> bits = (Vec<uint32_t>)u;
    Vec<int32_t> e = (Vec<int32_t>)(bits - 0x3f3504f3) >> 23;
    Vec<float> m = (Vec<float>)(bits - ((Vec<uint32_t>)e << 23)) - 1.0f;
    Vec<float> exponent = __builtin_convertvector(e, Vec<float>);
    m = e == 0 ? x : m;  // then m is exact
    Vec<float> rest = e == 0 ? Vec<float>{} : lost / u;
    Vec<float> z = m * m;
    Vec<float> y = estrin_careful(m, c) * m * z + exponent * -2.12194440e-4f - z * 0.5f + rest;
    y = (m + y) + exponent * 0.693359375f;
    y = u < kInf ? y : u;  // infinity and NaN
    y = u == 0.0f ? broadcast(-kInf) : y;
    y = u < 0.0f ? broadcast(kNan) : y;
    return x == 0.0f ? x : y;  // keeps the sign of zero
}

// x = n ln 2 + r as in exp; e^x - 1 = 2^n ((e^r - 1) + (1 - 2^-n)).
LABKIT_INLINE Vec<float> expm1(Vec<float> x) {
    const float c[] = {1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f,
                       4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f};
    Vec<float> bounded = x > 89.0f ? broadcast(89.0f) : x;  // overflows; below -20 the result is -1
    bounded = bounded < -20.0f ? broadcast(-20.0f) : bounded;
    const float magic = 12582912.0f;
    Vec<float> shifted = bounded * 1.44269504f + magic;
    Vec<int32_t> n = (Vec<int32_t>)shifted - 0x4b400000;
    Vec<float> count = shifted - magic;
    Vec<float> r = bounded - count * 0.693359375f;
    r = r - count * -2.12194440e-4f;
    Vec<float> p = polynomial(r, c) * (r * r) + r;
    Vec<float> one_less = 1.0f - power_of_two(n > 64 ? Vec<int32_t>{} - 64 : -n);
    Vec<int32_t> half = n >> 1;
    Vec<float> y = (p + one_less) * power_of_two(half) * power_of_two(n - half);
    return x == 0.0f ? x : y;
}

// float32 numbers in vectors of doubles. Below 1: 1 - erf; from 1 on: exp(-x^2) times a polynomial in 2 / (2 + x).
LABKIT_INLINE Vec<double> erfc_wide(Vec<double> x) {
    const double near[] = {1.0601172810584295e-6,  -1.3914059846641701e-5, 0.00011957330025368088,
                           -0.00085427029870490002, 0.0052237865264434117, -0.026866134012143352,
                           0.11283791318331108,     -0.37612638890099284,  1.1283791670947131};
    const double far[] = {-0.065656553128433908, 0.20440118411075058,  -0.16935281162244549, -0.049023569312578989,
                          0.018666604707787111,  0.070252032076348118, 0.18008918494955399,  0.24623704200250516,
                          0.28214547032323482,   0.28209298065703111};
    Vec<double> size = size_of(x);
    size = size > 10.7 ? wide(10.7) : size;  // e^(-10.7^2) is below every float
    Vec<double> z = size * size, t = 2.0 / (2.0 + size);
    Vec<double> tail = exp_wide(-z) * t * estrin(t, far);
    return size_of(x) < 1.0 ? 1.0 - estrin(x * x, near) * x : x < 0.0 ? 2.0 - tail : tail;
}

}  // namespace
}  // namespace labkit
