// Loads, stores, and a row of any length as vectors, the last one partial. Included through simd/vec.h.
#pragma once
#include "simd/vec/type.h"

namespace labkit {
namespace {

template <class T>
LABKIT_INLINE Vec<T> load(const T* p) {
    return *reinterpret_cast<const Vec<T>*>(p);
}

template <class T>
LABKIT_INLINE void store(T* p, Vec<T> v) {
    *reinterpret_cast<Vec<T>*>(p) = v;
}

#if defined(__AVX2__) && !defined(__AVX512F__)
LABKIT_INLINE __m256i first_mask32(int n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
LABKIT_INLINE __m256i first_mask64(int n) {
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3));
}
#endif

// The first n < lanes<T> elements; the other lanes are zero. Nothing beyond them is touched.
template <class T>
LABKIT_INLINE Vec<T> load_part(const T* p, int n) {
#if defined(__AVX512F__)
    if (sizeof(T) == 4) return (Vec<T>)_mm512_maskz_loadu_epi32(static_cast<__mmask16>((1u << n) - 1), p);
    if (sizeof(T) == 8) return (Vec<T>)_mm512_maskz_loadu_epi64(static_cast<__mmask8>((1u << n) - 1), p);
#elif defined(__AVX2__)
    if (sizeof(T) == 4) return (Vec<T>)_mm256_maskload_epi32(reinterpret_cast<const int*>(p), first_mask32(n));
    if (sizeof(T) == 8) return (Vec<T>)_mm256_maskload_epi64(reinterpret_cast<const long long*>(p), first_mask64(n));
#endif
    Vec<T> v = {};
    const int known = n < lanes<T> ? n : lanes<T>;  // GCC 11 would warn of a copy beyond v
    __builtin_memcpy(&v, p, static_cast<size_t>(known) * sizeof(T));
    return v;
}

template <class T>
LABKIT_INLINE void store_part(T* p, Vec<T> v, int n) {
#if defined(__AVX512F__)
    if (sizeof(T) == 4) return _mm512_mask_storeu_epi32(p, static_cast<__mmask16>((1u << n) - 1), (__m512i)v);
    if (sizeof(T) == 8) return _mm512_mask_storeu_epi64(p, static_cast<__mmask8>((1u << n) - 1), (__m512i)v);
#elif defined(__AVX2__)
    if (sizeof(T) == 4) return _mm256_maskstore_epi32(reinterpret_cast<int*>(p), first_mask32(n), (__m256i)v);
    if (sizeof(T) == 8) return _mm256_maskstore_epi64(reinterpret_cast<long long*>(p), first_mask64(n), (__m256i)v);
#endif
    __builtin_memcpy(p, &v, static_cast<size_t>(n) * sizeof(T));
}

#if defined(__AVX512F__)
// Parts by mask registers.
LABKIT_INLINE Vec<float> load_part(const float* p, int n) {
    return (Vec<float>)_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1), p);
}
LABKIT_INLINE Vec<double> load_part(const double* p, int n) {
    return (Vec<double>)_mm512_maskz_loadu_pd(static_cast<__mmask8>((1u << n) - 1), p);
}
LABKIT_INLINE void store_part(float* p, Vec<float> v, int n) {
    _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << n) - 1), (__m512)v);
}
LABKIT_INLINE void store_part(double* p, Vec<double> v, int n) {
    _mm512_mask_storeu_pd(p, static_cast<__mmask8>((1u << n) - 1), (__m512d)v);
}
#endif

// ---- a row

// for i = 0, lanes, 2 lanes ... below width, with n = lanes but in the last round
#define LABKIT_ROW(T, width, i, n)                                                                                        \
    for (int64_t i = 0, n = (width) < lanes<T> ? (width) : lanes<T>; i < (width);                                         \
         i += lanes<T>, n = (width) - i < lanes<T> ? (width) - i : lanes<T>)

template <class T>
LABKIT_INLINE Vec<T> load_n(const T* p, int64_t n) {
    return n == lanes<T> ? load(p) : load_part(p, static_cast<int>(n));
}

template <class T>
LABKIT_INLINE void store_n(T* p, Vec<T> v, int64_t n) {
    if (n == lanes<T>)
        store(p, v);
    else
        store_part(p, v, static_cast<int>(n));
}

// lanes<T>, as a type: what depends on it is settled when the code is compiled.
template <class T>
struct WholeVector {
    constexpr operator int64_t() const { return lanes<T>; }
};

// The same row for bodies that are worth compiling twice, for whole vectors and for a part of one: body(i, n), n lanes from i on.
template <class T, class Body>
LABKIT_INLINE void each_vector(int64_t width, Body body) {
    int64_t i = 0;
    for (; i + lanes<T> <= width; i += lanes<T>) body(i, WholeVector<T>{});
    if (i < width) body(i, width - i);
}

// All ones in the first n lanes.
template <class T>
LABKIT_INLINE Vec<Lane<T>> first_lanes(int64_t n) {
    Vec<Lane<T>> index;
    for (int l = 0; l < lanes<T>; ++l) index[l] = l;
    return index < static_cast<Lane<T>>(n);
}

}  // namespace
}  // namespace labkit
