// What the operators of vectors lack, lane by lane. Included through simd/vec.h.
#pragma once
#include "simd/vec/type.h"

namespace labkit {
namespace {

// a * b + c, rounded once where the target has the instruction.
LABKIT_INLINE Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) {
#if defined(__AVX512F__)
    return (Vec<float>)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__AVX2__)
    return (Vec<float>)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(__ARM_NEON) && defined(__aarch64__)
    return (Vec<float>)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
    return a * b + c;
#endif
}

LABKIT_INLINE Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) {
#if defined(__AVX512F__)
    return (Vec<double>)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
#elif defined(__AVX2__)
    return (Vec<double>)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
#elif defined(__ARM_NEON) && defined(__aarch64__)
    return (Vec<double>)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
#else
    return a * b + c;
#endif
}

LABKIT_INLINE Vec<uint32_t> fma(Vec<uint32_t> a, Vec<uint32_t> b, Vec<uint32_t> c) { return a * b + c; }
LABKIT_INLINE Vec<uint64_t> fma(Vec<uint64_t> a, Vec<uint64_t> b, Vec<uint64_t> c) { return a * b + c; }

// x, but no more than a limit, or no less; NaN stays. One instruction each, which the compiler does not find in a comparison.
#if defined(__AVX512F__)
LABKIT_INLINE Vec<float> at_most(Vec<float> x, float limit) {
    return (Vec<float>)_mm512_maskz_min_ps(0xffff, (__m512)broadcast(limit), (__m512)x);
}
LABKIT_INLINE Vec<float> at_least(Vec<float> x, float limit) {
    return (Vec<float>)_mm512_maskz_max_ps(0xffff, (__m512)broadcast(limit), (__m512)x);
}
#elif defined(__AVX2__)
LABKIT_INLINE Vec<float> at_most(Vec<float> x, float limit) { return (Vec<float>)_mm256_min_ps((__m256)broadcast(limit), (__m256)x); }
LABKIT_INLINE Vec<float> at_least(Vec<float> x, float limit) { return (Vec<float>)_mm256_max_ps((__m256)broadcast(limit), (__m256)x); }
#else
LABKIT_INLINE Vec<float> at_most(Vec<float> x, float limit) { return x > limit ? broadcast(limit) : x; }
LABKIT_INLINE Vec<float> at_least(Vec<float> x, float limit) { return x < limit ? broadcast(limit) : x; }
#endif
LABKIT_INLINE Vec<double> at_most(Vec<double> x, double limit) { return x > limit ? broadcast(limit) : x; }
LABKIT_INLINE Vec<double> at_least(Vec<double> x, double limit) { return x < limit ? broadcast(limit) : x; }

// v, in a register. GCC 12 ties a variable to the memory that its halves are taken from, and would store an accumulator there
// in every step of its loop.
template <class V>
LABKIT_INLINE V in_register(V v) {
#if defined(__AVX512F__)
    __asm__("" : "+v"(v));
#elif defined(__SSE2__)
    __asm__("" : "+x"(v));
#elif defined(__ARM_NEON) && defined(__aarch64__)
    __asm__("" : "+w"(v));
#endif
    return v;
}

// Whether any lane of a comparison's result is true.
LABKIT_INLINE bool any(Vec<int64_t> mask) {
#if defined(__AVX512F__)
    return _mm512_test_epi64_mask((__m512i)mask, (__m512i)mask) != 0;
#elif defined(__AVX2__)
    return !_mm256_testz_si256((__m256i)mask, (__m256i)mask);
#elif defined(__SSE2__)
    return _mm_movemask_epi8((__m128i)mask) != 0;
#else
    int64_t all = 0;
    for (int i = 0; i < lanes<double>; ++i) all |= mask[i];
    return all != 0;
#endif
}

}  // namespace
}  // namespace labkit
