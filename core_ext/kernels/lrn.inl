// Local response normalization over neighbouring channels, the last dimension (A. Krizhevsky, I. Sutskever, G. Hinton,
// "ImageNet Classification with Deep Convolutional Neural Networks", 2012, section 3.3):
// y[i] = x[i] n[i]^-beta with n[i] = bias + alpha (x[i-r]^2 + ... + x[i+r]^2). ints: r; reals: bias, alpha, beta.
#pragma once
#include "kernels/walk.h"
#include "labkit/kernel.h"
#include "simd/math.h"
#include "simd/vec.h"

namespace labkit {
namespace {

constexpr int64_t kLrnBlock = 256;  // channels that are summed side by side

struct Lrn {
    int64_t rows = 1, width, radius, per_task;
    double bias, alpha, beta;

    Lrn(const Call& call)
        : width(call.in[0].shape[call.in[0].rank - 1]), radius(min_of(call.ints[0], width)), bias(call.reals[0]),
          alpha(call.reals[1]), beta(call.reals[2]) {
        for (int d = 0; d + 1 < call.in[0].rank; ++d) rows *= call.in[0].shape[d];
        per_task = max_of(1, kTaskElements / 4 / max_of(1, width));
    }

    // sum[k] = the sum of term(j) over the channels j within the radius of channel first + k, for k < n.
    template <class T, class Term>
    LABKIT_INLINE void window(T* __restrict__ sum, int64_t first, int64_t n, Term term) const {
        for (int64_t k = 0; k < n; ++k) sum[k] = 0;
        for (int64_t d = -radius; d <= radius; ++d) {
            const int64_t begin = max_of(0, -(first + d)), end = min_of(n, width - first - d);
            LABKIT_INDEPENDENT
            for (int64_t k = begin; k < end; ++k) sum[k] += term(first + k + d);
        }
    }

    // n[k] for channels first + k, and n[k]^-beta.
    template <class T>
    void norms(T* norm, T* power, const T* x, int64_t first, int64_t n) const {
        window(norm, first, n, [&](int64_t j) { return x[j] * x[j]; });
        const T a = static_cast<T>(alpha), b = static_cast<T>(bias);
        for (int64_t k = 0; k < n; ++k) norm[k] = b + a * norm[k];
        to_power(power, norm, n);
    }
    void to_power(float* power, const float* norm, int64_t n) const {
        for (int64_t k = 0; k < n; k += lanes<double>) {
            const int part = static_cast<int>(min_of(lanes<double>, n - k));
            store_narrowed(power + k, pow_float(load_widened(norm + k, part), broadcast(-beta)), part);
        }
    }
    void to_power(double* power, const double* norm, int64_t n) const {
        for (int64_t k = 0; k < n; ++k) power[k] = __builtin_pow(norm[k], -beta);
    }
};

void plan_lrn(const Call& call, Work& work) {
    const Lrn lrn(call);
    work.tasks[0] = ceil_div(lrn.rows, lrn.per_task);
}

template <class T>
Status run_lrn(const Call& call, int, int64_t task) {
    const Lrn lrn(call);
    const Range range = range_of(task, lrn.rows, lrn.per_task);
    for (int64_t r = range.begin; r < range.end; ++r) {
        const T* x = data<T>(call.in[0]) + r * lrn.width;
        T* y = data<T>(call.out[0]) + r * lrn.width;
        for (int64_t first = 0; first < lrn.width; first += kLrnBlock) {
            T norm[kLrnBlock], power[kLrnBlock];
            const int64_t n = min_of(kLrnBlock, lrn.width - first);
            lrn.norms(norm, power, x, first, n);
            for (int64_t k = 0; k < n; ++k) y[first + k] = x[first + k] * power[k];
        }
    }
    return {};
}

// dy, x -> dx[i] = dy[i] n[i]^-beta - 2 alpha beta x[i] sum over the neighbours j of dy[j] x[j] n[j]^(-beta - 1)

void plan_lrn_grad(const Call& call, Work& work) {
    plan_lrn(call, work);
    work.phases = 2;
    work.tasks[1] = work.tasks[0];
    work.scratch_bytes = numel(call.in[0]) * size_of(call.in[0].dtype);
}

template <class T>
Status run_lrn_grad(const Call& call, int phase, int64_t task) {
    const Lrn lrn(call);
    const Range range = range_of(task, lrn.rows, lrn.per_task);
    const T slope = static_cast<T>(2 * lrn.alpha * lrn.beta);
    for (int64_t r = range.begin; r < range.end; ++r) {
        const int64_t at = r * lrn.width;
        const T *dy = data<T>(call.in[0]) + at, *x = data<T>(call.in[1]) + at;
        T *dx = data<T>(call.out[0]) + at, *term = reinterpret_cast<T*>(call.scratch) + at;
        for (int64_t first = 0; first < lrn.width; first += kLrnBlock) {
            T norm[kLrnBlock], power[kLrnBlock];
            const int64_t n = min_of(kLrnBlock, lrn.width - first);
            if (phase == 0) {
                lrn.norms(norm, power, x, first, n);
                for (int64_t k = 0; k < n; ++k) {
                    dx[first + k] = dy[first + k] * power[k];
                    term[first + k] = dx[first + k] * x[first + k] / norm[k];
                }
            } else {
                lrn.window(norm, first, n, [&](int64_t j) { return term[j]; });
                for (int64_t k = 0; k < n; ++k) dx[first + k] -= slope * x[first + k] * norm[k];
            }
        }
    }
    return {};
}

#define LABKIT_LRN_KERNELS(X)                                   \
    X("lrn.f32", plan_lrn, run_lrn<float>, false)               \
    X("lrn.f64", plan_lrn, run_lrn<double>, false)              \
    X("lrn_grad.f32", plan_lrn_grad, run_lrn_grad<float>, false) \
    X("lrn_grad.f64", plan_lrn_grad, run_lrn_grad<double>, false)

}  // namespace
}  // namespace labkit
