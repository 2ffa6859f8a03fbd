// The logarithm of the gamma function and its derivatives, in double precision.
#pragma once
#include "simd/wide.h"

extern "C" double lgamma_r(double, int*);  // C's lgamma would write a global variable

namespace labkit {
namespace {

inline double log_gamma(double x) {
    int sign;
    return lgamma_r(flushed(x), &sign);
}

// The logarithmic derivative psi of the gamma function. By recurrence, psi(x + 1) = psi(x) + 1/x, to [1, 2], where it is the
// distance from its root times a polynomial of our own (by interpolation in 50 digits); above 10 the asymptotic series;
// below 0 reflection, psi(x) = psi(1 - x) - pi / tan(pi x). (Abramowitz and Stegun, 6.3.5, 6.3.18, 6.3.7.)
inline double digamma(double x) {
    constexpr double root = 1.4616321449683622, root_rest = 9.549995429965697e-17, pi = 3.14159265358979323846;
    const double c[] = {-0.00017312261802727393, 0.00025968482126430747, -0.00015148586836773366, 0.00022723316609873759,
                        -0.00048219905305667889, 0.00072332662792875542, -0.0010376374098418605,  0.0015566317474486839,
                        -0.002345267632540769,   0.003519006401502276,   -0.0052799648732574042,  0.007926944646403796,
                        -0.011908218001568645,   0.017907252439451199,   -0.026975796756138249,   0.040760833812420736,
                        -0.061922133273064532,   0.094988724454941213,   -0.14840492305390886,    0.24054248424077422,
                        -0.4236274212814605,     0.95105587603183289};
    const double series[] = {-1.0 / 12, 691.0 / 32760, -1.0 / 132, 1.0 / 240, -1.0 / 252, 1.0 / 120, -1.0 / 12};
    if (x == 0) return __builtin_copysign(__builtin_inf(), -x);
    double rest = 0;
    if (x < 0) {
        const double part = x - __builtin_rint(x);
        if (part == 0 || part != part) return __builtin_nan("");  // a pole, or minus infinity
        rest = -pi / __builtin_tan(pi * part);
        x = 1 - x;
    }
    if (x >= 10) {
        const double z = 1 / (x * x);
        return __builtin_log(x) - 0.5 / x + polynomial(z, series) * z + rest;
    }
    for (; x > 2; x -= 1) rest += 1 / (x - 1);
    if (x < 1) {
        rest -= 1 / x;
        x += 1;
    }
    return (x - root - root_rest) * polynomial(x - 1.5, c) + rest;
}

// ---- both for float32 numbers in vectors of doubles

// x >= 0 moved by 8 steps of the recurrence to where the asymptotic series are good to 2e-15. The steps' product, and its
// derivative, say what that changes; from 8 on there is no step.
struct Moved {
    Vec<double> x, product, slope;

    LABKIT_INLINE explicit Moved(Vec<double> from) : product(wide(1.0)), slope(wide(0.0)) {
        LABKIT_UNROLL
        for (int k = 0; k < 8; ++k) {
            const Vec<double> factor = from + static_cast<double>(k);
            slope = slope * factor + product;
            product = product * factor;
        }
        const Vec<int64_t> near = from < 8.0;
        x = near ? from + 8.0 : from;
        product = near ? product : wide(1.0);
        slope = near ? slope : wide(0.0);
    }
};

// The distance from the nearest whole number; floats beyond 2^24 are whole.
LABKIT_INLINE Vec<double> off_whole(Vec<double> x) {
    const Vec<double> part = x - ((x + kMagic64) - kMagic64);
    return size_of(x) > 0x1p30 ? x - x : part;
}

// Stirling's series; below 0 reflection, log gamma(-x) = log(pi / (x |sin(pi x)|)) - log gamma(x). (Abramowitz and Stegun,
// 6.1.41 and 6.1.17.)
LABKIT_INLINE Vec<double> log_gamma_wide(Vec<double> x) {
    const double series[] = {1.0 / 156, -691.0 / 360360, 1.0 / 1188, -1.0 / 1680, 1.0 / 1260, -1.0 / 360, 1.0 / 12};
    const Vec<double> size = size_of(x), inf = wide(kInf64);
    const Moved m(size);
    const Vec<double> inverse = 1.0 / m.x;
    Vec<double> y = (m.x - 0.5) * log(m.x) - m.x + 0.91893853320467274178;
    y = y + estrin(inverse * inverse, series) * inverse - log(m.product);
    y = size == inf ? inf : y;
    const Vec<int64_t> below = x < 0.0;
    if (any(below)) {
        const Vec<double> part = off_whole(size);
        const Vec<double> reflected = log(3.14159265358979323846 / (size * size_of(sin(part * 3.14159265358979323846)))) - y;
        y = below ? (((part == 0.0) | (size == inf)) ? inf : reflected) : y;
    }
    return y;
}

// As digamma above, but by 8 steps at once: the sum of 1 / (x + k) is the product's slope over the product.
LABKIT_INLINE Vec<double> digamma_wide(Vec<double> x) {
    constexpr double pi = 3.14159265358979323846;
    const double series[] = {-1.0 / 12, 691.0 / 32760, -1.0 / 132, 1.0 / 240, -1.0 / 252, 1.0 / 120, -1.0 / 12};
    const Vec<int64_t> below = x < 0.0;
    const Moved m(below ? 1.0 - x : x);
    const Vec<double> inverse = 1.0 / m.x, z = inverse * inverse;
    Vec<double> y = log(m.x) - 0.5 * inverse + estrin(z, series) * z - m.slope / m.product;
    if (any(below)) {
        const Vec<double> part = off_whole(x), angle = part * pi;
        const Vec<double> reflected = part == 0.0 ? wide(__builtin_nan("")) : y - pi * cos(angle) / sin(angle);
        y = below ? reflected : y;
    }
    return x == 0.0 ? with_sign(wide(-kInf64), sign_bits(x)) : y;
}

// ---- its derivatives

inline double inverse_power(double x, int64_t n) {
    double result = 1;
    for (double base = 1 / x; n; n >>= 1, base *= base)
        if (n & 1) result *= base;
    return result;
}

// Hurwitz' zeta function, the sum of (x + k)^-s over k >= 0, for x > 0 and whole s >= 2, by Euler and Maclaurin's formula.
inline double hurwitz_zeta(int64_t s, double x) {
    const double bernoulli[] = {  // B_2j / (2j)!
        0.083333333333333333333,    -0.0013888888888888888889,  0.000033068783068783068783,  -8.2671957671957671958e-7,
        2.0876756987868098979e-8,   -5.2841901386874931848e-10, 1.3382536530684678833e-11,   -3.3896802963225828668e-13,
        8.5860620562778445641e-15,  -2.174868698558061873e-16,  5.5090028283602295152e-18,   -1.3954464685812523341e-19};
    const double power = static_cast<double>(s);
    double sum = 0;
    for (; x < 10 + power; x += 1) {
        const double term = inverse_power(x, s);
        sum += term;
        if (x > 1 && term < sum * 1e-18) return sum;
    }
    const double last = inverse_power(x, s);
    sum += last * x / (power - 1) + last / 2;
    double factor = last * power / x;
    for (int j = 0; j < 12; ++j) {
        sum += bernoulli[j] * factor;
        factor *= (power + 2 * j + 1) * (power + 2 * j + 2) / (x * x);
    }
    return sum;
}

// The derivative of this order >= 1 of digamma: (-1)^(n + 1) n! zeta(n + 1, x). (Abramowitz and Stegun, 6.4.10.)
inline double polygamma(int64_t order, double x) {
    double scale = order % 2 ? 1 : -1;
    for (int64_t k = 2; k <= order; ++k) scale *= static_cast<double>(k);
    const double part = x - __builtin_rint(x);
    if (x > 0) return x < kInf ? scale * hurwitz_zeta(order + 1, x) : 0;
    if (part == 0) return scale * __builtin_inf();
    if (part != part) return __builtin_nan("");
    // x = low - m with low in (0, 1): the terms of 1 - low, ..., m - low have their signs turned
    const double low = part > 0 ? part : 1 + part, high = part > 0 ? 1 - part : -part;
    const double first = hurwitz_zeta(order + 1, low), other = hurwitz_zeta(order + 1, high);
    const double rest = hurwitz_zeta(order + 1, 1 - x);
    return scale * (order % 2 ? (first + other) - rest : (first - other) + rest);
}

}  // namespace
}  // namespace labkit
