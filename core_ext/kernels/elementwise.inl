#include "labkit/kernel.h"
#include "simd/vec.h"

namespace labkit {
namespace {

void plan_relu(const Call& call, Work& work) { work.tasks[0] = (numel(call.in[0]) + 65535) / 65536; }

template <class T>
Status run_relu(const Call& call, int, int64_t task) {
    const T* x = data<T>(call.in[0]);
    T* y = data<T>(call.out[0]);
    int64_t n = numel(call.in[0]), end = (task + 1) * 65536 < n ? (task + 1) * 65536 : n;
    for (int64_t i = task * 65536; i < end; ++i) y[i] = x[i] > 0 ? x[i] : 0;
    return {};
}

#define LABKIT_ELEMENTWISE_KERNELS(X)                  \
    X("relu.f32", plan_relu, run_relu<float>, true)    \
    X("relu.f64", plan_relu, run_relu<double>, true)

}  // namespace
}  // namespace labkit
