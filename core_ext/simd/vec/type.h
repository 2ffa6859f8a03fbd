// The vector, and how the compiler is told what to do with it. Included through simd/vec.h.
#pragma once
#include <cstdint>
#include <cstring>

#if defined(__AVX2__) || defined(__AVX512F__)
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__ARM_NEON) && defined(__aarch64__)
#include <arm_neon.h>
#endif

// Put before a loop whose iterations touch elements of the same index only, so that y may be the very same memory as x.
#if defined(__clang__)
#define LABKIT_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define LABKIT_INDEPENDENT _Pragma("GCC ivdep")
#endif

#define LABKIT_INLINE inline __attribute__((always_inline))

// A function of which one copy is enough, however often it is called: what it does takes longer than a call.
#define LABKIT_APART __attribute__((noinline))

// Before a loop over registers: they stay registers only when it is unrolled in full.
#if defined(__clang__)
#define LABKIT_UNROLL _Pragma("clang loop unroll(full)")
#else
#define LABKIT_UNROLL _Pragma("GCC unroll 32")
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

template <class T>
struct VecOf {
    typedef T type __attribute__((vector_size(kVectorBytes), aligned(sizeof(T)), may_alias));
};
template <class T>
using Vec = typename VecOf<T>::type;  // alignment of one element: plain loads and stores are unaligned ones

template <class T>
constexpr int lanes = kVectorBytes / static_cast<int>(sizeof(T));

// The signed integer as wide as T: a comparison of vectors gives all ones or zero in it.
template <class T>
struct LaneOf { using type = int32_t; };
template <>
struct LaneOf<double> { using type = int64_t; };
template <>
struct LaneOf<int64_t> { using type = int64_t; };
template <>
struct LaneOf<uint64_t> { using type = int64_t; };
template <class T>
using Lane = typename LaneOf<T>::type;

template <class T>
LABKIT_INLINE Vec<T> broadcast(T x) {
    return x - Vec<T>{};
}

}  // namespace
}  // namespace labkit
