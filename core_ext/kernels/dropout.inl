// Dropout (N. Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", 2014).
// in: x, the rate (one number, float32 or float64), the draw's number; ints: the key.
//
// Element i stays, times 1 / (1 - rate), where word i of the draw is at least rate * 2^32. The mask is the same for every dtype,
// so the gradient is the same dropout of dy.
#pragma once
#include "kernels/philox.h"
#include "kernels/walk.h"
#include "labkit/kernel.h"
#include "simd/vec.h"

namespace labkit {
namespace {

template <class T>
Status run_dropout(const Call& call, int, int64_t task) {
    const double rate = call.in[1].dtype == DType::f64 ? *data<double>(call.in[1]) : *data<float>(call.in[1]);
    const double limit = rate * 4294967296.0;
    if (!(rate >= 0 && rate < 1)) return {Code::invalid_argument, rate < 0 ? -1 : 1, 1};
    const uint32_t threshold = limit >= 4294967295.0 ? 4294967295u : limit > 0 ? static_cast<uint32_t>(limit) : 0;
    const T scale = static_cast<T>(1 / (1 - rate));
    const uint64_t key = static_cast<uint64_t>(call.ints[0]), draw = static_cast<uint64_t>(*data<int64_t>(call.in[2]));
    const T* x = data<T>(call.in[0]);
    T* y = data<T>(call.out[0]);
    Range range = range_of(task, numel(call.out[0]));
    for (int64_t i = range.begin; i < range.end; i += kGroupWords) {
        uint32_t word[kGroupWords];
        philox_group(word, key, static_cast<uint64_t>(i / kGroupWords), draw);
        if (i + kGroupWords <= range.end) {
            LABKIT_INDEPENDENT
            for (int64_t k = 0; k < kGroupWords; ++k) y[i + k] = word[k] >= threshold ? x[i + k] * scale : 0;
        } else {
            for (int64_t k = 0; k < range.end - i; ++k) y[i + k] = word[k] >= threshold ? x[i + k] * scale : 0;
        }
    }
    return {};
}

#define LABKIT_DROPOUT_KERNELS(X)                              \
    X("dropout.f32", plan_elements, run_dropout<float>, true)  \
    X("dropout.f64", plan_elements, run_dropout<double>, true)

}  // namespace
}  // namespace labkit
