// Batch normalization of x[..., C]: every channel C is one population (S. Ioffe, C. Szegedy, "Batch Normalization", 2015).
//
// Mean and variance come from one pass: each chunk of 1,024 rows gives its sum and its squared distances from its own mean,
// which are joined in float64 (T. Chan, G. Golub, R. LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing
// Sample Variances", 1979), so that a mean far from 0 costs no digits.
#pragma once
#include "kernels/stream.h"
#include "kernels/sums.h"
#include "kernels/walk.h"
#include "labkit/kernel.h"
#include "simd/vec.h"

namespace labkit {
namespace {

Columns channels_of(const View& x) {
    int64_t rows = 1;
    for (int d = 0; d + 1 < x.rank; ++d) rows *= x.shape[d];
    return {rows, x.shape[x.rank - 1]};
}

// The rows that make a task of the passes that write an element for each one read.
int64_t rows_per_task(const Columns& c) { return max_of(1, kTaskElements / max_of(1, c.width)); }

template <class T>
T inverse_deviation(T variance, double epsilon) {
    return static_cast<T>(1 / __builtin_sqrt(static_cast<double>(variance) + epsilon));
}

// The rows of a task. The last ones of a large tensor come first: of what the phases before have read they are still in a cache.
Range rows_of(const View& x, const Columns& c, int64_t task) {
    const int64_t per_task = rows_per_task(c), tasks = ceil_div(c.rows, per_task);
    return range_of(is_large(x) ? tasks - 1 - task : task, c.rows, per_task);
}

// y = (x - mean) factor + offset, where factor = scale / sqrt(variance + epsilon).
template <class T>
void normalize(const Call& call, int64_t task, const T* mean, const T* factor, const T* offset) {
    const Columns c = channels_of(call.in[0]);
    const Range rows = rows_of(call.in[0], c, task);
    const bool past = streams<T>(call.out[0], c.width);
    for (int64_t r = rows.begin; r < rows.end; ++r) {
        const T* x = data<T>(call.in[0]) + r * c.width;
        T* y = data<T>(call.out[0]) + r * c.width;
        each_vector<T>(c.width, [&](int64_t k, auto n) {
            put_n(y + k, (load_n(x + k, n) - load_n(mean + k, n)) * load_n(factor + k, n) + load_n(offset + k, n), n, past);
        });
    }
    if (past) stream_end();
}

template <class T>
void find_factors(const Call& call, Range columns, const T* variance, const T* scale, T* factor) {
    for (int64_t k = columns.begin; k < columns.end; ++k)
        factor[k] = inverse_deviation(variance[k], call.reals[0]) * scale[k];
}

// ---- inference: x, mean, variance, scale, offset -> y

void plan_batch_normalize(const Call& call, Work& work) {
    const Columns c = channels_of(call.in[0]);
    work.phases = 2;
    work.tasks[0] = c.blocks;
    work.tasks[1] = ceil_div(c.rows, rows_per_task(c));
    work.scratch_bytes = c.width * size_of(call.in[0].dtype);
}

template <class T>
Status run_batch_normalize(const Call& call, int phase, int64_t task) {
    T* factor = reinterpret_cast<T*>(call.scratch);
    if (phase == 0)
        find_factors(call, range_of(task, channels_of(call.in[0]).width, kSumColumns), data<T>(call.in[2]), data<T>(call.in[3]), factor);
    else
        normalize<T>(call, task, data<T>(call.in[1]), factor, data<T>(call.in[4]));
    return {};
}

// ---- training: x, scale, offset -> y, mean, variance (of the population)

void plan_batch_norm(const Call& call, Work& work) {
    const Columns c = channels_of(call.in[0]);
    work.phases = 3;
    work.tasks[0] = c.tasks();
    work.tasks[1] = c.blocks;
    work.tasks[2] = ceil_div(c.rows, rows_per_task(c));
    work.scratch_bytes = (2 * c.chunks + 3) * c.width * size_of(call.in[0].dtype);  // sums, and numbers of each channel
}

template <class T>
Status run_batch_norm(const Call& call, int phase, int64_t task) {
    const Columns c = channels_of(call.in[0]);
    const T* x = data<T>(call.in[0]);
    T *mean = data<T>(call.out[1]), *variance = data<T>(call.out[2]);
    T *sums = reinterpret_cast<T*>(call.scratch), *squares = sums + c.chunks * c.width, *factor = squares + c.chunks * c.width;
    if (phase == 0) {
        c.each(task, [&](int64_t chunk, int64_t first, int64_t n, int64_t begin, int64_t end) {
            const T* from = x + first;
            T *sum = sums + chunk * c.width + first, center[kSumColumns];
            sum_columns(sum, begin, end, n, [&](int64_t r, int64_t k, auto m) { return load_n(from + r * c.width + k, m); });
            for (int64_t k = 0; k < n; ++k) center[k] = sum[k] / static_cast<T>(max_of(1, end - begin));
            sum_columns(squares + chunk * c.width + first, begin, end, n, [&](int64_t r, int64_t k, auto m) {
                const Vec<T> distance = load_n(from + r * c.width + k, m) - load_n(center + k, m);
                return distance * distance;
            });
        });
    } else if (phase == 1) {
        const Range range = range_of(task, c.width, kSumColumns);
        for (int64_t k = range.begin; k < range.end; ++k) {
            double middle = 0, spread = 0, count = 0;
            for (int64_t chunk = 0; chunk < c.chunks; ++chunk) {
                const double n = static_cast<double>(min_of(kSumChunk, c.rows - chunk * kSumChunk));
                const T sum = sums[chunk * c.width + k];
                const double own = static_cast<double>(sum) / n, delta = own - middle;
                // the chunk's squares were taken from its mean as rounded to T
                const double off = own - static_cast<double>(sum / static_cast<T>(n));
                spread += static_cast<double>(squares[chunk * c.width + k]) - n * off * off +
                          delta * delta * (count * n / (count + n));
                count += n;
                middle += delta * (n / count);
            }
            mean[k] = static_cast<T>(c.rows ? middle : __builtin_nan(""));
            variance[k] = static_cast<T>(c.rows ? (spread < 0 ? 0 : spread) / count : __builtin_nan(""));
        }
        find_factors(call, range, variance, data<T>(call.in[1]), factor);
    } else {
        normalize<T>(call, task, mean, factor, data<T>(call.in[2]));
    }
    return {};
}

// ---- gradient of training: dy, x, scale, mean, variance -> dx, dscale, doffset
//
// With h = (x - mean) / deviation and N rows: doffset = sum dy, dscale = sum dy h,
// dx = scale / deviation (dy - doffset / N - h dscale / N).

template <class T>
Status run_batch_norm_grad(const Call& call, int phase, int64_t task) {
    const Columns c = channels_of(call.in[0]);
    const T *dy = data<T>(call.in[0]), *x = data<T>(call.in[1]), *scale = data<T>(call.in[2]);
    const T *mean = data<T>(call.in[3]), *variance = data<T>(call.in[4]);
    T *dx = data<T>(call.out[0]), *dscale = data<T>(call.out[1]), *doffset = data<T>(call.out[2]);
    T *sums = reinterpret_cast<T*>(call.scratch), *products = sums + c.chunks * c.width, *factor = products + c.chunks * c.width;
    T *slope = factor + c.width, *shift = slope + c.width;
    if (phase == 0) {
        c.each(task, [&](int64_t chunk, int64_t first, int64_t n, int64_t begin, int64_t end) {
            const T *g = dy + first, *from = x + first, *m = mean + first;
            sum_columns(sums + chunk * c.width + first, products + chunk * c.width + first, begin, end, n,
                        [&](int64_t r, int64_t k, auto part, Vec<T>& sum, Vec<T>& product) {
                            sum = load_n(g + r * c.width + k, part);
                            product = sum * (load_n(from + r * c.width + k, part) - load_n(m + k, part));
                        });
        });
    } else if (phase == 1) {
        const Range range = range_of(task, c.width, kSumColumns);
        for (int64_t k = range.begin; k < range.end; ++k) {
            const double inverse = 1 / __builtin_sqrt(static_cast<double>(variance[k]) + call.reals[0]);
            doffset[k] = static_cast<T>(c.join(sums, k));
            dscale[k] = static_cast<T>(c.join(products, k) * inverse);
            slope[k] = inverse_deviation(variance[k], call.reals[0]) * dscale[k] / static_cast<T>(c.rows);
            shift[k] = doffset[k] / static_cast<T>(c.rows);
        }
        find_factors(call, range, variance, scale, factor);
    } else {
        const Range rows = rows_of(call.in[0], c, task);
        const bool past = streams<T>(call.out[0], c.width);
        for (int64_t r = rows.begin; r < rows.end; ++r) {
            const T *g = dy + r * c.width, *from = x + r * c.width;
            T* to = dx + r * c.width;
            each_vector<T>(c.width, [&](int64_t k, auto n) {
                const Vec<T> distance = load_n(from + k, n) - load_n(mean + k, n);
                const Vec<T> own = load_n(g + k, n) - load_n(shift + k, n) - distance * load_n(slope + k, n);
                put_n(to + k, load_n(factor + k, n) * own, n, past);
            });
        }
        if (past) stream_end();
    }
    return {};
}

#define LABKIT_BATCH_NORM_KERNELS(X)                                                        \
    X("batch_normalize.f32", plan_batch_normalize, run_batch_normalize<float>, false)       \
    X("batch_normalize.f64", plan_batch_normalize, run_batch_normalize<double>, false)      \
    X("batch_norm.f32", plan_batch_norm, run_batch_norm<float>, false)                      \
    X("batch_norm.f64", plan_batch_norm, run_batch_norm<double>, false)                     \
    X("batch_norm_grad.f32", plan_batch_norm, run_batch_norm_grad<float>, false)            \
    X("batch_norm_grad.f64", plan_batch_norm, run_batch_norm_grad<double>, false)

}  // namespace
}  // namespace labkit
