// From lane to lane: folds, shuffles, transposes. Included through simd/vec.h.
#pragma once
#include "simd/vec/arithmetic.h"
#include "simd/vec/row.h"

namespace labkit {
namespace {

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
