// Layer normalization: every example is one population (J. Ba, J. Kiros, G. Hinton, "Layer Normalization", 2016). An example is
// what the last dimensions of x hold, as many as scale has. A row's bits depend on that row alone.
#pragma once
#include "kernels/stream.h"
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

// Rows that are taken side by side: the steps of one, which wait for each other, are filled with those of the others.
constexpr int64_t kExampleBlock = 8;
int64_t examples_side_by_side(const Columns& c) { return max_of(1, min_of(kExampleBlock, 4096 / max_of(1, c.width))); }

template <class T>
Status run_layer_norm(const Call& call, int, int64_t task) {
    const Columns c = examples_of(call.in[0], call.in[1]);
    const T *scale = data<T>(call.in[1]), *offset = data<T>(call.in[2]);
    const Range range = range_of(task, c.rows, examples_per_task(c));
    const double count = static_cast<double>(c.width);
    const int64_t block = examples_side_by_side(c);
    const bool past = streams<T>(call.out[0], c.width);
    for (int64_t first = range.begin; first < range.end; first += block) {
        const int64_t rows = min_of(block, range.end - first);
        const T* x = data<T>(call.in[0]) + first * c.width;
        T *y = data<T>(call.out[0]) + first * c.width, *mean = data<T>(call.out[1]) + first, *inverse = data<T>(call.out[2]) + first;
        double spread[kExampleBlock];
        for (int64_t r = 0; r < rows; ++r)
            mean[r] = static_cast<T>(
                sum_row<T>(c.width, [&](int64_t i, auto n) { return load_n(x + r * c.width + i, n); }) / count);
        for (int64_t r = 0; r < rows; ++r) {
            const T middle = mean[r];
            spread[r] = sum_row<T>(c.width, [&](int64_t i, auto n) {
                const Vec<T> distance = load_n(x + r * c.width + i, n) - middle;
                return distance * distance;
            });
        }
        for (int64_t r = 0; r < rows; ++r)
            inverse[r] = static_cast<T>(1 / __builtin_sqrt(spread[r] / count + call.reals[0]));
        for (int64_t r = 0; r < rows; ++r) {
            const T *from = x + r * c.width, middle = mean[r], factor = inverse[r];
            T* to = y + r * c.width;
            each_vector<T>(c.width, [&](int64_t i, auto n) {
                if (past) __builtin_prefetch(from + block * c.width + i);
                put_n(to + i, (load_n(from + i, n) - middle) * factor * load_n(scale + i, n) + load_n(offset + i, n), n, past);
            });
        }
    }
    if (past) stream_end();
    return {};
}

// dy, x, scale, mean, 1 / deviation -> dx, dscale, doffset
//
// With h = (x - mean) / deviation, g = dy scale and the means over one example:
// dx = (g - mean(g) - h mean(g h)) / deviation; dscale and doffset are sums of dy h and dy over the examples.

// dscale and doffset are summed by chunks of kSummedRows examples, one after the other, and the chunks in float64: a chunk's
// examples are read once, for dx and for both sums.
constexpr int64_t kSummedRows = 32;

int64_t chunks_per_task(const Columns& c) { return max_of(1, kTaskElements / max_of(1, kSummedRows * c.width)); }

void plan_layer_norm_grad(const Call& call, Work& work) {
    const Columns c = examples_of(call.in[0], call.in[2]);
    const int64_t chunks = ceil_div(c.rows, kSummedRows);
    work.phases = 2;
    work.tasks[0] = ceil_div(chunks, chunks_per_task(c));
    work.tasks[1] = c.blocks;
    work.scratch_bytes = 2 * chunks * c.width * size_of(call.in[0].dtype);
}

// dx of examples [first, first + rows); they are added to the sums of dy and of dy h.
template <class T>
void layer_norm_rows(const Call& call, const Columns& c, int64_t first, int64_t rows, bool fresh, bool past, T* sums, T* products) {
    const T *scale = data<T>(call.in[2]), *mean = data<T>(call.in[3]) + first, *inverse = data<T>(call.in[4]) + first;
    const T *dy = data<T>(call.in[0]) + first * c.width, *x = data<T>(call.in[1]) + first * c.width;
    T* dx = data<T>(call.out[0]) + first * c.width;
    const double count = static_cast<double>(c.width);
    T level[kExampleBlock], slope[kExampleBlock];
    for (int64_t r = 0; r < rows; ++r) {
        const T *g = dy + r * c.width, *from = x + r * c.width, middle = mean[r];
        double sum, product;
        sum_row<T>(c.width, sum, product, [&](int64_t i, auto n, Vec<T>& a, Vec<T>& b) {
            a = load_n(g + i, n) * load_n(scale + i, n);
            b = a * (load_n(from + i, n) - middle);
        });
        level[r] = static_cast<T>(sum / count);
        slope[r] = static_cast<T>(product / count * static_cast<double>(inverse[r]) * static_cast<double>(inverse[r]));
    }
    each_vector<T>(c.width, [&](int64_t k, auto n) {
        Vec<T> sum = {}, product = {};
        if (!fresh) sum = load_n(sums + k, n), product = load_n(products + k, n);
        const Vec<T> factor = load_n(scale + k, n);
        for (int64_t r = 0; r < rows; ++r) {
            const int64_t at = r * c.width + k, next = rows * (c.width + k) + r * lanes<T>;
            if (past) __builtin_prefetch(dy + next), __builtin_prefetch(x + next);  // the examples to come, line by line
            const Vec<T> g = load_n(dy + at, n), distance = load_n(x + at, n) - mean[r];
            put_n(dx + at, (g * factor - level[r] - distance * slope[r]) * inverse[r], n, past);
            sum += g;
            product += g * (distance * inverse[r]);
        }
        store_n(sums + k, sum, n);
        store_n(products + k, product, n);
    });
}

template <class T>
Status run_layer_norm_grad(const Call& call, int phase, int64_t task) {
    const Columns c = examples_of(call.in[0], call.in[2]);
    const int64_t chunks = ceil_div(c.rows, kSummedRows);
    T *sums = reinterpret_cast<T*>(call.scratch), *products = sums + chunks * c.width;  // [chunks][width]
    if (phase == 0) {
        const int64_t block = examples_side_by_side(c);
        const bool past = streams<T>(call.out[0], c.width);
        const Range range = range_of(task, chunks, chunks_per_task(c));
        for (int64_t chunk = range.begin; chunk < range.end; ++chunk) {
            const Range rows = range_of(chunk, c.rows, kSummedRows);
            for (int64_t r = rows.begin; r < rows.end; r += block)
                layer_norm_rows<T>(call, c, r, min_of(block, rows.end - r), r == rows.begin, past, sums + chunk * c.width,
                                   products + chunk * c.width);
        }
        if (past) stream_end();
        return {};
    }
    const Range range = range_of(task, c.width, kSumColumns);
    double sum[kSumColumns] = {}, product[kSumColumns] = {};
    for (int64_t chunk = 0; chunk < chunks; ++chunk)
        for (int64_t k = range.begin; k < range.end; ++k) {
            sum[k - range.begin] += static_cast<double>(sums[chunk * c.width + k]);
            product[k - range.begin] += static_cast<double>(products[chunk * c.width + k]);
        }
    for (int64_t k = range.begin; k < range.end; ++k) {
        data<T>(call.out[1])[k] = static_cast<T>(product[k - range.begin]);
        data<T>(call.out[2])[k] = static_cast<T>(sum[k - range.begin]);
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
