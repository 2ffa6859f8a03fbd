// Layer normalization: every example is one population (J. Ba, J. Kiros, G. Hinton, "Layer Normalization", 2016). An example is
// what the last dimensions of x hold, as many as scale has. A row's bits depend on that row alone.
#pragma once
#include "kernels/sums.h"
#include "kernels/walk.h"
#include "labkit/kernel.h"
#include "simd/vec.h"

namespace labkit {
namespace {

Columns examples_of(const View& x, const View& scale) {
    int64_t rows = 1;
    for (int d = 0; d < x.rank - scale.rank; ++d) rows *= x.shape[d];
    return {rows, numel(scale)};
}

int64_t examples_per_task(const Columns& c) { return max_of(1, kTaskElements / 2 / max_of(1, c.width)); }

// x, scale, offset -> y, mean, 1 / deviation

void plan_layer_norm(const Call& call, Work& work) {
    const Columns c = examples_of(call.in[0], call.in[1]);
    work.tasks[0] = ceil_div(c.rows, examples_per_task(c));
}

template <class T>
Status run_layer_norm(const Call& call, int, int64_t task) {
    const Columns c = examples_of(call.in[0], call.in[1]);
    const T *scale = data<T>(call.in[1]), *offset = data<T>(call.in[2]);
    const Range range = range_of(task, c.rows, examples_per_task(c));
    for (int64_t r = range.begin; r < range.end; ++r) {
        const T* x = data<T>(call.in[0]) + r * c.width;
        T* y = data<T>(call.out[0]) + r * c.width;
        const double count = static_cast<double>(c.width);
        const T mean = static_cast<T>(sum_row<T>(c.width, [&](int64_t i, int64_t n) { return load_n(x + i, n); }) / count);
        const double spread = sum_row<T>(c.width, [&](int64_t i, int64_t n) {
            const Vec<T> distance = load_n(x + i, n) - mean;
            return distance * distance;
        });
        const T inverse = static_cast<T>(1 / __builtin_sqrt(spread / count + call.reals[0]));
        LABKIT_ROW(T, c.width, i, n)
            store_n(y + i, (load_n(x + i, n) - mean) * inverse * load_n(scale + i, n) + load_n(offset + i, n), n);
        data<T>(call.out[1])[r] = mean;
        data<T>(call.out[2])[r] = inverse;
    }
    return {};
}

// dy, x, scale, mean, 1 / deviation -> dx, dscale, doffset
//
// With h = (x - mean) / deviation, g = dy scale and the means over one example:
// dx = (g - mean(g) - h mean(g h)) / deviation; dscale and doffset are sums of dy h and dy over the examples.

void plan_layer_norm_grad(const Call& call, Work& work) {
    const Columns c = examples_of(call.in[0], call.in[2]);
    work.phases = 3;
    work.tasks[0] = ceil_div(c.rows, examples_per_task(c));
    work.tasks[1] = c.tasks();
    work.tasks[2] = c.blocks;
    work.scratch_bytes = 2 * c.chunks * c.width * size_of(call.in[0].dtype);
}

template <class T>
void layer_norm_dx(const Call& call, const Columns& c, int64_t r) {
    const T *dy = data<T>(call.in[0]) + r * c.width, *x = data<T>(call.in[1]) + r * c.width, *scale = data<T>(call.in[2]);
    T* dx = data<T>(call.out[0]) + r * c.width;
    const T mean = data<T>(call.in[3])[r], inverse = data<T>(call.in[4])[r];
    const double count = static_cast<double>(c.width);
    double total[2];
    sum_row<T, 2>(c.width, total, [&](int64_t i, int64_t n, Vec<T>* t) {
        t[0] = load_n(dy + i, n) * load_n(scale + i, n);
        t[1] = t[0] * (load_n(x + i, n) - mean);
    });
    const T level = static_cast<T>(total[0] / count);
    const double along = total[1];
    const T slope = static_cast<T>(along / count * static_cast<double>(inverse) * static_cast<double>(inverse));
    LABKIT_ROW(T, c.width, i, n) {
        const Vec<T> g = load_n(dy + i, n) * load_n(scale + i, n);
        store_n(dx + i, (g - level - (load_n(x + i, n) - mean) * slope) * inverse, n);
    }
}

template <class T>
Status run_layer_norm_grad(const Call& call, int phase, int64_t task) {
    const Columns c = examples_of(call.in[0], call.in[2]);
    const T *dy = data<T>(call.in[0]), *x = data<T>(call.in[1]), *mean = data<T>(call.in[3]), *inverse = data<T>(call.in[4]);
    T *sums = reinterpret_cast<T*>(call.scratch), *products = sums + c.chunks * c.width;
    if (phase == 0) {
        const Range range = range_of(task, c.rows, examples_per_task(c));
        for (int64_t r = range.begin; r < range.end; ++r) layer_norm_dx<T>(call, c, r);
    } else if (phase == 1) {
        c.each(task, [&](int64_t chunk, int64_t first, int64_t n, int64_t begin, int64_t end) {
            const T *g = dy + first, *from = x + first;
            sum_columns(sums + chunk * c.width + first, products + chunk * c.width + first, begin, end, n,
                        [&](int64_t r, int64_t k, T& sum, T& product) {
                            sum = g[r * c.width + k];
                            product = sum * ((from[r * c.width + k] - mean[r]) * inverse[r]);
                        });
        });
    } else {
        const Range range = range_of(task, c.width, kSumColumns);
        for (int64_t k = range.begin; k < range.end; ++k) {
            data<T>(call.out[1])[k] = static_cast<T>(c.join(products, k));
            data<T>(call.out[2])[k] = static_cast<T>(c.join(sums, k));
        }
    }
    return {};
}

#define LABKIT_LAYER_NORM_KERNELS(X)                                                 \
    X("layer_norm.f32", plan_layer_norm, run_layer_norm<float>, false)               \
    X("layer_norm.f64", plan_layer_norm, run_layer_norm<double>, false)              \
    X("layer_norm_grad.f32", plan_layer_norm_grad, run_layer_norm_grad<float>, false) \
    X("layer_norm_grad.f64", plan_layer_norm_grad, run_layer_norm_grad<double>, false)

}  // namespace
}  // namespace labkit
