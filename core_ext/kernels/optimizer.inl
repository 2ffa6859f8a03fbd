// Updates of variables in place: a variable appears among the outputs only, and is read and written through them. One pass
// over the memory. Scalars are tensors of one element.
#pragma once
#include "kernels/walk.h"
#include "labkit/kernel.h"
#include "simd/vec.h"

namespace labkit {
namespace {

template <class T>
T scalar(const View& view) {
    return *data<T>(view);
}

template <class T, bool add>
Status run_assign(const Call& call, int, int64_t task) {  // T unsigned for integers: they wrap
    const T* __restrict__ x = data<T>(call.in[0]);
    T* __restrict__ var = data<T>(call.out[0]);
    Range range = range_of(task, numel(call.out[0]));
    for (int64_t i = range.begin; i < range.end; ++i) var[i] = add ? var[i] + x[i] : var[i] - x[i];
    return {};
}

// var -= lr grad
template <class T>
Status run_gradient_descent(const Call& call, int, int64_t task) {
    const T lr = scalar<T>(call.in[0]);
    const T* __restrict__ grad = data<T>(call.in[1]);
    T* __restrict__ var = data<T>(call.out[0]);
    Range range = range_of(task, numel(call.out[0]));
    for (int64_t i = range.begin; i < range.end; ++i) var[i] -= lr * grad[i];
    return {};
}

// accum = momentum accum + grad; var -= lr accum, or with Nesterov's look-ahead var -= lr (grad + momentum accum)
template <class T>
Status run_momentum(const Call& call, int, int64_t task) {
    const T lr = scalar<T>(call.in[0]), momentum = scalar<T>(call.in[2]);
    const T* __restrict__ grad = data<T>(call.in[1]);
    T* __restrict__ var = data<T>(call.out[0]);
    T* __restrict__ accum = data<T>(call.out[1]);
    Range range = range_of(task, numel(call.out[0]));
    const bool nesterov = call.ints[0] != 0;
    for (int64_t i = range.begin; i < range.end; ++i) {
        T a = momentum * accum[i] + grad[i];
        accum[i] = a;
        var[i] -= lr * (nesterov ? grad[i] + momentum * a : a);
    }
    return {};
}

// D. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization" (2015), end of section 2: with
// lr_t = lr sqrt(1 - beta2^t) / (1 - beta1^t), m += (1 - beta1)(grad - m), v += (1 - beta2)(grad^2 - v),
// var -= lr_t m / (sqrt(v) + epsilon).
template <class T>
Status run_adam(const Call& call, int, int64_t task) {
    double beta1_power = scalar<T>(call.in[1]), beta2_power = scalar<T>(call.in[2]);
    const T lr = static_cast<T>(scalar<T>(call.in[0]) * __builtin_sqrt(1 - beta2_power) / (1 - beta1_power));
    const T rate1 = 1 - scalar<T>(call.in[3]), rate2 = 1 - scalar<T>(call.in[4]), epsilon = scalar<T>(call.in[5]);
    const T* __restrict__ grad = data<T>(call.in[6]);
    T* __restrict__ var = data<T>(call.out[0]);
    T* __restrict__ m = data<T>(call.out[1]);
    T* __restrict__ v = data<T>(call.out[2]);
    Range range = range_of(task, numel(call.out[0]));
    for (int64_t i = range.begin; i < range.end; ++i) {
        T g = grad[i];
        T mean = m[i] + rate1 * (g - m[i]), square = v[i] + rate2 * (g * g - v[i]);
        m[i] = mean;
        v[i] = square;
        T root = static_cast<T>(sizeof(T) == 4 ? __builtin_sqrtf(static_cast<float>(square)) : __builtin_sqrt(square));
        var[i] -= lr * mean / (root + epsilon);
    }
    return {};
}

#define LABKIT_ASSIGN(X, name, add)                                 \
    X(name ".f32", plan_elements, (run_assign<float, add>), false)    \
    X(name ".f64", plan_elements, (run_assign<double, add>), false)   \
    X(name ".i32", plan_elements, (run_assign<uint32_t, add>), false) \
    X(name ".i64", plan_elements, (run_assign<uint64_t, add>), false)
#define LABKIT_APPLY(X, name, run)                   \
    X(name ".f32", plan_elements, run<float>, false) \
    X(name ".f64", plan_elements, run<double>, false)

#define LABKIT_OPTIMIZER_KERNELS(X)                                    \
    LABKIT_ASSIGN(X, "assign_add", true)                               \
    LABKIT_ASSIGN(X, "assign_sub", false)                              \
    LABKIT_APPLY(X, "apply_gradient_descent", run_gradient_descent)    \
    LABKIT_APPLY(X, "apply_momentum", run_momentum)                    \
    LABKIT_APPLY(X, "apply_adam", run_adam)

}  // namespace
}  // namespace labkit
