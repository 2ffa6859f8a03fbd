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

// A function of which one copy is enough, however often it is called: what it does takes longer than a call.
#define LABKIT_APART __attribute__((noinline))

// Before a loop over registers: they stay registers only when it is unrolled in full.
#if defined(__clang__)
#define LABKIT_UNROLL _Pragma("clang loop unroll(full)")
#else
#define LABKIT_UNROLL _Pragma("GCC unroll 32")
#endif

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
    __builtin_memcpy(&v, p, static_cast<size_t>(n) * sizeof(T));
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

template <class T>
LABKIT_INLINE Vec<T> broadcast(T x) {
    return x - Vec<T>{};
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

// ---- a row of any length as vectors, the last one partial

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

// All ones in the first n lanes.
template <class T>
LABKIT_INLINE Vec<Lane<T>> first_lanes(int64_t n) {
    Vec<Lane<T>> index;
    for (int l = 0; l < lanes<T>; ++l) index[l] = l;
    return index < static_cast<Lane<T>>(n);
}

// op of n numbers, n a power of two: halves are laid on each other until one number is left.
template <class T, int n>
struct PartOf {
    typedef T type __attribute__((vector_size(n * sizeof(T))));
};

template <class Op, class T, int n>
LABKIT_INLINE T fold_lanes(const T* lane) {
    typename PartOf<T, n>::type v;
    __builtin_memcpy(&v, lane, sizeof(v));
    if constexpr (n == 2) {
        typename PartOf<T, n>::type turned = {v[1], v[0]};
        return Op::of(v, turned)[0];
    } else {
        typename PartOf<T, n / 2>::type low, high;
        __builtin_memcpy(&low, &v, sizeof(low));
        __builtin_memcpy(&high, reinterpret_cast<const char*>(&v) + sizeof(low), sizeof(high));
        low = Op::of(low, high);
        T half[n / 2];
        __builtin_memcpy(half, &low, sizeof(half));
        return fold_lanes<Op, T, n / 2>(half);
    }
}

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

#if defined(__clang__)
#define LABKIT_SHUFFLE(T, a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define LABKIT_SHUFFLE(T, a, b, ...) (Vec<T>)__builtin_shuffle(a, b, (typename ShuffleOf<T>::type){__VA_ARGS__})
#endif

template <class T>
struct ShuffleOf {
    typedef Lane<T> type __attribute__((vector_size(kVectorBytes)));
};

// a0 b0 a1 b1 ... of the lower halves, and of the upper halves.
template <class T>
LABKIT_INLINE Vec<T> interleave_low(Vec<T> a, Vec<T> b) {
    if constexpr (lanes<T> == 2) return LABKIT_SHUFFLE(T, a, b, 0, 2);
    if constexpr (lanes<T> == 4) return LABKIT_SHUFFLE(T, a, b, 0, 4, 1, 5);
    if constexpr (lanes<T> == 8) return LABKIT_SHUFFLE(T, a, b, 0, 8, 1, 9, 2, 10, 3, 11);
    if constexpr (lanes<T> == 16) return LABKIT_SHUFFLE(T, a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

template <class T>
LABKIT_INLINE Vec<T> interleave_high(Vec<T> a, Vec<T> b) {
    if constexpr (lanes<T> == 2) return LABKIT_SHUFFLE(T, a, b, 1, 3);
    if constexpr (lanes<T> == 4) return LABKIT_SHUFFLE(T, a, b, 2, 6, 3, 7);
    if constexpr (lanes<T> == 8) return LABKIT_SHUFFLE(T, a, b, 4, 12, 5, 13, 6, 14, 7, 15);
    if constexpr (lanes<T> == 16)
        return LABKIT_SHUFFLE(T, a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

// The upper half in both halves.
template <class T>
LABKIT_INLINE Vec<T> upper_half(Vec<T> v) {
    if constexpr (lanes<T> == 2) return LABKIT_SHUFFLE(T, v, v, 1, 1);
    if constexpr (lanes<T> == 4) return LABKIT_SHUFFLE(T, v, v, 2, 3, 2, 3);
    if constexpr (lanes<T> == 8) return LABKIT_SHUFFLE(T, v, v, 4, 5, 6, 7, 4, 5, 6, 7);
    if constexpr (lanes<T> == 16)
        return LABKIT_SHUFFLE(T, v, v, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15);
}

// op of the lanes of n vectors, both powers of two, as fold_lanes has it.
template <class Op, class T, int n>
LABKIT_INLINE T fold_vectors(const Vec<T> (&v)[n]) {
    if constexpr (n > 1) {
        Vec<T> half[n / 2];
        LABKIT_UNROLL
        for (int i = 0; i < n / 2; ++i) half[i] = Op::of(v[i], v[i + n / 2]);
        return fold_vectors<Op, T, n / 2>(half);
    } else {
        const Vec<T> all = in_register(v[0]);
        T lane[lanes<T>];
        if constexpr (kVectorBytes == 64) {
            store(lane, Op::of(all, upper_half<T>(all)));
            return fold_lanes<Op, T, lanes<T> / 2>(lane);
        } else {
            store(lane, all);
            return fold_lanes<Op, T, lanes<T>>(lane);
        }
    }
}

// Transposes a square of one vector by lanes<T> vectors: log2(lanes) perfect shuffles of its rows.
template <class T>
LABKIT_INLINE void transpose_square(Vec<T>* rows) {
    constexpr int L = lanes<T>;
    LABKIT_UNROLL
    for (int step = 1; step < L; step *= 2) {
        Vec<T> shuffled[L];
        LABKIT_UNROLL
        for (int i = 0; i < L / 2; ++i) {
            shuffled[2 * i] = interleave_low<T>(rows[i], rows[i + L / 2]);
            shuffled[2 * i + 1] = interleave_high<T>(rows[i], rows[i + L / 2]);
        }
        LABKIT_UNROLL
        for (int i = 0; i < L; ++i) rows[i] = shuffled[i];
    }
}

}  // namespace
}  // namespace labkit
