// cast: any dtype to any other. The nearest representable value where the target is real; integers truncate towards zero and
// saturate: a value out of range becomes the nearest end of the range, NaN becomes 0. Boolean means "not zero", so NaN is true.
#pragma once
#include "kernels/walk.h"
#include "labkit/kernel.h"
#include "simd/vec.h"

namespace labkit {
namespace {

struct Bool { uint8_t value; };  // tells b8 from u8

template <class T>
struct Limits;
template <>
struct Limits<uint8_t> { static constexpr int64_t low = 0, high = 255; };
template <>
struct Limits<int32_t> { static constexpr int64_t low = INT32_MIN, high = INT32_MAX; };
template <>
struct Limits<int64_t> { static constexpr int64_t low = INT64_MIN, high = INT64_MAX; };

template <class D>
struct Cast {
    static D of(int64_t x) {
        return static_cast<D>(x < Limits<D>::low ? Limits<D>::low : x > Limits<D>::high ? Limits<D>::high : x);
    }
    static D of(double x) {
        constexpr double low = static_cast<double>(Limits<D>::low), high = static_cast<double>(Limits<D>::high);
        if (sizeof(D) == 8) return x >= high ? Limits<D>::high : x >= low ? static_cast<D>(x) : x < low ? Limits<D>::low : 0;
        return static_cast<D>(static_cast<int32_t>(x >= high ? high : x <= low ? low : x == x ? x : 0));
    }
    static D of(float x) {
        if (sizeof(D) == 8) return of(static_cast<double>(x));
        // the largest int32 is no float32, but what lies above it begins at one
        constexpr float low = static_cast<float>(Limits<D>::low), high = static_cast<float>(Limits<D>::high);
        const bool above = x >= high, below = x <= low;
        const int32_t whole = static_cast<int32_t>((above | below | (x != x)) ? 0.0f : x);
        return static_cast<D>(above ? Limits<D>::high : below ? Limits<D>::low : whole);
    }
    static D of(int32_t x) { return of(static_cast<int64_t>(x)); }
    static D of(uint8_t x) { return x; }
};
template <>
struct Cast<float> {
    template <class S>
    static float of(S x) { return static_cast<float>(x); }
};
template <>
struct Cast<double> {
    template <class S>
    static double of(S x) { return static_cast<double>(x); }
};
template <>
struct Cast<Bool> {
    template <class S>
    static Bool of(S x) { return {x != 0}; }
};

template <class S, class D>
void cast_loop(const View& x_view, const View& y_view, Range range) {
    const S* x = data<S>(x_view);
    D* y = data<D>(y_view);
    LABKIT_INDEPENDENT
    for (int64_t i = range.begin; i < range.end; ++i) y[i] = Cast<D>::of(x[i]);
}

template <class S>
Status run_cast(const Call& call, int, int64_t task) {
    const View &x = call.in[0], &y = call.out[0];
    Range range = range_of(task, numel(y));
    switch (y.dtype) {
        case DType::f32: cast_loop<S, float>(x, y, range); break;
        case DType::f64: cast_loop<S, double>(x, y, range); break;
        case DType::i32: cast_loop<S, int32_t>(x, y, range); break;
        case DType::i64: cast_loop<S, int64_t>(x, y, range); break;
        case DType::u8: cast_loop<S, uint8_t>(x, y, range); break;
        case DType::b8: cast_loop<S, Bool>(x, y, range); break;
    }
    return {};
}

#define LABKIT_CAST_KERNELS(X)                               \
    X("cast.f32", plan_elements, run_cast<float>, true)      \
    X("cast.f64", plan_elements, run_cast<double>, true)     \
    X("cast.i32", plan_elements, run_cast<int32_t>, true)    \
    X("cast.i64", plan_elements, run_cast<int64_t>, true)    \
    X("cast.u8", plan_elements, run_cast<uint8_t>, true)     \
    X("cast.b8", plan_elements, run_cast<uint8_t>, true)

}  // namespace
}  // namespace labkit
