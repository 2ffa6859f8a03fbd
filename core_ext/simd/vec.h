// A small portable vector: the compiler's own vector extension at the width of the target, so that kernel bodies are
// written once. Arithmetic operators are the built-in ones. Fused multiply-add is always written out (`fma`), never
// contracted behind our back: files are built with -ffp-contract=off.
//
// Everything lives in an unnamed namespace: a body compiled for a wide target must not leave a shared symbol that the
// linker could hand to a narrow one.
#pragma once
#include <cstdint>
#include <cstring>

#if defined(__AVX2__) || defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace labkit {
namespace {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
#elif defined(__AVX2__)
constexpr int kVectorBytes = 32;
#else
constexpr int kVectorBytes = 16;
#endif

#define LABKIT_INLINE inline __attribute__((always_inline))

template <class T>
struct VecOf {
    typedef T type __attribute__((vector_size(kVectorBytes), aligned(sizeof(T)), may_alias));
};
template <class T>
using Vec = typename VecOf<T>::type;  // alignment of one element: plain loads and stores are unaligned ones

template <class T>
constexpr int lanes = kVectorBytes / static_cast<int>(sizeof(T));

template <class T>
LABKIT_INLINE Vec<T> load(const T* p) {
    return *reinterpret_cast<const Vec<T>*>(p);
}

template <class T>
LABKIT_INLINE void store(T* p, Vec<T> v) {
    *reinterpret_cast<Vec<T>*>(p) = v;
}

template <class T>
LABKIT_INLINE Vec<T> load_part(const T* p, int n) {  // n < lanes<T>; the other lanes are zero
    Vec<T> v = {};
    __builtin_memcpy(&v, p, static_cast<size_t>(n) * sizeof(T));
    return v;
}

template <class T>
LABKIT_INLINE void store_part(T* p, Vec<T> v, int n) {
    __builtin_memcpy(p, &v, static_cast<size_t>(n) * sizeof(T));
}

template <class T>
LABKIT_INLINE Vec<T> broadcast(T x) {
    return x - Vec<T>{};
}

// a * b + c, rounded once where the target has the instruction.
LABKIT_INLINE Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) {
#if defined(__AVX512F__)
    return (Vec<float>)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__AVX2__)
    return (Vec<float>)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(__ARM_NEON) && defined(__aarch64__)
    Vec<float> r;
    for (int i = 0; i < lanes<float>; ++i) r[i] = __builtin_fmaf(a[i], b[i], c[i]);
    return r;
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
    Vec<double> r;
    for (int i = 0; i < lanes<double>; ++i) r[i] = __builtin_fma(a[i], b[i], c[i]);
    return r;
#else
    return a * b + c;
#endif
}

}  // namespace
}  // namespace labkit
