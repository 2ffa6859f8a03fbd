// Cross-entropy of the logistic function, from logits x and labels z:
// -z log(sigmoid(x)) - (1 - z) log(1 - sigmoid(x)) = max(x, 0) - x z + log(1 + e^-|x|), which overflows nowhere.
#pragma once
#include "kernels/walk.h"
#include "labkit/kernel.h"
#include "simd/math.h"
#include "simd/vec.h"

namespace labkit {
namespace {

// log(1 + e) for e in [0, 1]: rounding of 1 + e is made up for by the factor e / ((1 + e) - 1).
LABKIT_INLINE Vec<float> log_one_plus(Vec<float> e) {
    const Vec<float> u = e + 1.0f;
    return u == 1.0f ? e : log(u) * e / (u - 1.0f);
}
LABKIT_INLINE Vec<double> log_one_plus(Vec<double> e) { return log1p(e); }

template <class T>
Status run_sigmoid_cross_entropy(const Call& call, int, int64_t task) {
    const Range range = range_of(task, numel(call.out[0]));
    const T *logits = data<T>(call.in[0]) + range.begin, *labels = data<T>(call.in[1]) + range.begin;
    T* y = data<T>(call.out[0]) + range.begin;
    LABKIT_ROW(T, range.end - range.begin, i, n) {
        const Vec<T> x = load_n(logits + i, n), z = load_n(labels + i, n), zero = {};
        const Vec<T> size = x < zero ? -x : x;
        store_n(y + i, (x < zero ? zero : x) - x * z + log_one_plus(exp(-size)), n);
    }
    return {};
}

#define LABKIT_SIGMOID_CROSS_ENTROPY_KERNELS(X)                                               \
    X("sigmoid_cross_entropy.f32", plan_elements, run_sigmoid_cross_entropy<float>, true)     \
    X("sigmoid_cross_entropy.f64", plan_elements, run_sigmoid_cross_entropy<double>, true)

}  // namespace
}  // namespace labkit
