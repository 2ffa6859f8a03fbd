// exp, log, tanh, pow of vectors, and the pieces that random numbers need.
//
// No fused multiply-add in here, so every target gives the same bits. float32 polynomials follow the Cephes library
// (S. Moshier); errors are about one to two units in the last place. NaN stays NaN, infinities and overflow come out as
// C's functions have them, denormals may count as zero. math64.h has them for float64.
#pragma once
#include "simd/math64.h"
#include "simd/vec.h"

namespace labkit {
namespace {

constexpr float kInf = __builtin_inff();
constexpr float kNan = __builtin_nanf("");

// A denormal number as zero where no arithmetic flushes it, and for functions of the C library: they take numbers apart and then
// calculate, so that only some of what they have got is flushed.
inline float flushed(float x) { return __builtin_fabsf(x) < __FLT_MIN__ ? __builtin_copysignf(0.0f, x) : x; }
inline double flushed(double x) { return __builtin_fabs(x) < __DBL_MIN__ ? __builtin_copysign(0.0, x) : x; }

// Horner's rule, the highest power first.
template <class V, int n, class T>
LABKIT_INLINE V polynomial(V x, const T (&c)[n]) {
    V y = x * c[0] + c[1];
    for (int i = 2; i < n; ++i) y = y * x + c[i];
    return y;
}

LABKIT_INLINE Vec<float> power_of_two(Vec<int32_t> n) {  // -126 <= n <= 127
    return (Vec<float>)(((Vec<uint32_t>)n + 127) << 23);
}

// e^x for x <= 88, of which the caller makes sure; NaN gives anything.
LABKIT_INLINE Vec<float> exp_below(Vec<float> x) {
    // x = n ln 2 + r. Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits.
    const float magic = 12582912.0f;
    const float c[] = {1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f,
                       4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f};
    Vec<float> shifted = x * 1.44269504f + magic;
    Vec<float> count = shifted - magic;
    Vec<float> r = x - count * 0.693359375f;  // ln 2 in two parts: the product with the short first one is exact
    r = r - count * -2.12194440e-4f;
    Vec<float> p = (estrin(r, c) * (r * r) + r) + 1.0f;
    Vec<float> y = (Vec<float>)((Vec<uint32_t>)p + ((Vec<uint32_t>)shifted << 23));  // times 2^n
    return x < -87.3365402f ? Vec<float>{} : y;                                       // log of the smallest normal number
}
LABKIT_INLINE Vec<double> exp_below(Vec<double> x) { return exp(x); }

LABKIT_INLINE Vec<float> exp(Vec<float> x) {
    return x <= 88.7228317f ? exp_below(x) : x * kInf;  // log of the largest number; NaN stays
}

// 2^u for -126 <= u < 127.5, of which the caller makes sure; NaN gives anything. The polynomial is a minimax one of our own.
LABKIT_INLINE Vec<float> exp2_within(Vec<float> u) {
    const float magic = 12582912.0f;  // as above; here the rest is exact
    Vec<float> shifted = u + magic;
    Vec<float> r = u - (shifted - magic), z = r * r;
    Vec<float> high = z * 1.53533620e-4f + (r * 1.33988747e-3f + 9.61843736e-3f);
    Vec<float> p = (high * z + (r * 5.55033247e-2f + 2.40226479e-1f)) * z + (r * 6.93147203e-1f + 1.0f);
    return (Vec<float>)((Vec<uint32_t>)p + ((Vec<uint32_t>)shifted << 23));
}

LABKIT_INLINE Vec<float> log(Vec<float> x) {
    // x = 2^e m with m in [sqrt(1/2), sqrt(2))
    Vec<uint32_t> bits = (Vec<uint32_t>)x;
    Vec<int32_t> e = (Vec<int32_t>)(bits - 0x3f3504f3) >> 23;
    Vec<float> m = (Vec<float>)(bits - ((Vec<uint32_t>)e << 23)) - 1.0f;
    Vec<float> exponent = __builtin_convertvector(e, Vec<float>);
    Vec<float> z = m * m;
    const float c[] = {7.0376836292e-2f,  -1.1514610310e-1f, 1.1676998740e-1f,  -1.2420140846e-1f, 1.4249322787e-1f,
                       -1.6668057665e-1f, 2.0000714765e-1f,  -2.4999993993e-1f, 3.3333331174e-1f};
    Vec<float> p = estrin_careful(m, c);
    Vec<float> y = p * m * z + exponent * -2.12194440e-4f - z * 0.5f;
    y = (m + y) + exponent * 0.693359375f;
    y = x < kInf ? y : x;  // infinity and NaN
    y = x < 1.17549435e-38f ? broadcast(-kInf) : y;
    return x <= -1.17549435e-38f ? broadcast(kNan) : y;
}

LABKIT_INLINE Vec<float> tanh(Vec<float> x) {
    Vec<int32_t> sign = (Vec<int32_t>)x & static_cast<int32_t>(0x80000000);
    Vec<float> size = (Vec<float>)((Vec<int32_t>)x ^ sign);
    Vec<float> z = x * x;
    Vec<float> p = z * -5.70498872745e-3f + 2.06390887954e-2f;
    p = p * z + -5.37397155531e-2f;
    p = p * z + 1.33314422036e-1f;
    p = p * z + -3.33332819422e-1f;
    Vec<float> small = p * z * x + x;  // which loses the sign of -0
    Vec<float> large = 1.0f - 2.0f / (exp(size + size) + 1.0f);
    return (Vec<float>)((Vec<int32_t>)(size < 0.625f ? small : large) | sign);
}

LABKIT_INLINE Vec<float> square_root(Vec<float> x) {
    for (int i = 0; i < lanes<float>; ++i) x[i] = __builtin_sqrtf(x[i]);
    return x;
}

// cos and sin of 2 pi u for u in [0, 1).
LABKIT_INLINE void cos_sin_turns(Vec<float> u, Vec<float>& cosine, Vec<float>& sine) {
    const float magic = 12582912.0f;
    Vec<float> shifted = u * 4.0f + magic;
    Vec<int32_t> quarter = (Vec<int32_t>)shifted;
    Vec<float> x = (u - (shifted - magic) * 0.25f) * 6.28318531f;  // the difference is exact; |x| <= pi/4
    Vec<float> z = x * x;
    Vec<float> s = z * -1.9515295891e-4f + 8.3321608736e-3f;
    s = s * z + -1.6666654611e-1f;
    s = s * z * x + x;
    Vec<float> c = z * 2.443315711809948e-5f + -1.388731625493765e-3f;
    c = c * z + 4.166664568298827e-2f;
    c = c * z * z - z * 0.5f + 1.0f;
    Vec<int32_t> swap = (quarter & 1) != 0;
    Vec<int32_t> sign_c = ((quarter + 1) & 2) << 30, sign_s = (quarter & 2) << 30;
    cosine = (Vec<float>)((Vec<int32_t>)(swap ? s : c) ^ sign_c);
    sine = (Vec<float>)((Vec<int32_t>)(swap ? c : s) ^ sign_s);
}

// The inverse error function for |x| <= 0.955, the central part of M. Giles, "Approximating the erfinv function" (2010).
LABKIT_INLINE Vec<float> erfinv_central(Vec<float> x) {
    Vec<float> w = -log(1.0f - x * x) - 2.5f;
    Vec<float> p = w * 2.81022636e-08f + 3.43273939e-07f;
    p = p * w + -3.5233877e-06f;
    p = p * w + -4.39150654e-06f;
    p = p * w + 0.00021858087f;
    p = p * w + -0.00125372503f;
    p = p * w + -0.00417768164f;
    p = p * w + 0.246640727f;
    p = p * w + 1.50140941f;
    return p * x;
}

inline double erfinv_central(double x) {
    const double c[] = {-3.6444120640178196996e-21, -1.685059138182016589e-19, 1.2858480715256400167e-18,
                        1.115787767802518096e-17,   -1.333171662854620906e-16, 2.0972767875968561637e-17,
                        6.6376381343583238325e-15,  -4.0545662729752068639e-14, -8.1519341976054721522e-14,
                        2.6335093153082322977e-12,  -1.2975133253453532498e-11, -5.4154120542946279317e-11,
                        1.051212273321532285e-09,   -4.1126339803469836976e-09, -2.9070369957882005086e-08,
                        4.2347877827932403518e-07,  -1.3654692000834678645e-06, -1.3882523362786468719e-05,
                        0.0001867342080340571352,   -0.00074070253416626697512, -0.0060336708714301490533,
                        0.24015818242558961693,     1.6536545626831027356};
    double w = -__builtin_log(1 - x * x) - 3.125, p = c[0];
    for (int i = 1; i < 23; ++i) p = p * w + c[i];
    return p * x;
}

// ---- float32 through float64

typedef float HalfFloats __attribute__((vector_size(kVectorBytes / 2), aligned(4), may_alias));

LABKIT_INLINE Vec<double> load_widened(const float* p, int n = lanes<double>) {  // n <= lanes<double>; the rest is zero
    HalfFloats v = {};
    if (n == lanes<double>)
        __builtin_memcpy(&v, p, sizeof(v));
    else
        __builtin_memcpy(&v, p, static_cast<size_t>(n) * 4);
    return __builtin_convertvector(v, Vec<double>);
}

LABKIT_INLINE void store_narrowed(float* p, Vec<double> x, int n = lanes<double>) {
    HalfFloats v = __builtin_convertvector(x, HalfFloats);
    if (n == lanes<double>)
        __builtin_memcpy(p, &v, sizeof(v));
    else
        __builtin_memcpy(p, &v, static_cast<size_t>(n) * 4);
}

// The base-2 logarithm of positive finite numbers that were float32, with a relative error near 1e-11.
LABKIT_INLINE Vec<double> log2_ordinary(Vec<double> size) {
    // size = 2^e m with m in [sqrt(1/2), sqrt(2)); ln m = 2 atanh(s), atanh(s) = s + s z p(z)
    const double c[] = {0.0968134761059807, 0.11095699040575621, 0.14285877298315852, 0.19999999398420154, 0.333333333336881};
    Vec<uint64_t> bits = (Vec<uint64_t>)size;
    Vec<uint64_t> biased = (bits - 0x3fe6a09e667f3bcdULL + (1024ULL << 52)) >> 52;  // e + 1024
    Vec<double> m = (Vec<double>)(bits - ((biased - 1024) << 52));
    Vec<double> e = (Vec<double>)(biased | 0x4330000000000000ULL) - (4503599627370496.0 + 1024.0);  // integer to double by bits
    Vec<double> s = (m - 1.0) / (m + 1.0), z = s * s;
    return e + (estrin(z, c) * (z * s) + s) * 2.8853900817779268147;
}

// Of sizes >= 0; NaN stays.
LABKIT_INLINE Vec<double> log2_wide(Vec<double> size) {
    const Vec<double> zero = {}, inf = zero + static_cast<double>(kInf);
    return size == zero ? -inf : size < inf ? log2_ordinary(size) : size;
}

// 2 to the power t, with a relative error near 1e-12 where the result is within float32's range; NaN gives anything.
LABKIT_INLINE Vec<double> exp2_ordinary(Vec<double> t) {
    const double magic = 6755399441055744.0;  // 1.5 * 2^52 rounds to an integer
    const double c[] = {1.3250805518701454e-06, 1.530370071137188e-05, 0.00015403475186524516, 0.0013333478473685407,
                        0.00961812913523615,    0.055504109063258665,  0.24022650695888503,    0.6931471805568324};
    t = at_least(at_most(t, 1000.0), -1000.0);
    Vec<double> shifted = t + magic, r = t - (shifted - magic);
    Vec<double> p = estrin(r, c) * r + 1.0;
    return (Vec<double>)((Vec<uint64_t>)p + ((Vec<uint64_t>)shifted << 52));  // the low bits of `shifted` are the integer
}

// NaN stays.
LABKIT_INLINE Vec<double> exp2_wide(Vec<double> t) {
    Vec<double> result = exp2_ordinary(t);
    return t == t ? result : t;
}

// x to the power y, for values that were float32 and become float32 again: 2^(y log2 |x|). Special cases as in C:
// pow(x, 0) = pow(1, y) = 1, a negative base needs a whole exponent.
LABKIT_INLINE Vec<double> pow_float(Vec<double> x, Vec<double> y) {
    const Vec<double> zero = {}, one = zero + 1.0, inf = zero + static_cast<double>(kInf);
    Vec<double> size = size_of(x), y_size = size_of(y);
    if (!any(~((x > zero) & (x < inf) & (y_size < inf)))) return exp2_ordinary(y * log2_ordinary(x));
    Vec<double> result = exp2_wide(y * log2_wide(size));
    // the sign: y is whole when rounding leaves it alone, odd when y / 2 is not whole
    Vec<double> half = y_size * 0.5;
    const double two52 = 4503599627370496.0;
    Vec<int64_t> whole = (y_size >= two52) | ((y_size + two52) - two52 == y_size);
    Vec<int64_t> odd = whole & (half < two52) & ((half + two52) - two52 != half);
    result = size == one ? (y == y ? one : y) : result;
    result = (Vec<double>)((Vec<int64_t>)result ^ (odd & sign_bits(x)));
    result = ((x < zero) & (whole == 0) & (size < inf)) ? zero + static_cast<double>(kNan) : result;
    return ((y == zero) | (x == one)) ? one : result;
}

}  // namespace
}  // namespace labkit
