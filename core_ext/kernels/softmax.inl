// Softmax along the last dimension, and the two cross-entropies on it.
//
// Every row is shifted by its largest element first, so no exponential overflows. A row's bits depend on that row alone.
#pragma once
#include "kernels/walk.h"
#include "labkit/kernel.h"
#include "simd/math.h"
#include "simd/vec.h"

namespace labkit {
namespace {

// The rows of a tensor, and how many of them make a task.
struct Rows {
    int64_t width, count, per_task;

    Rows(const View& x) : width(x.rank ? x.shape[x.rank - 1] : 1), count(1) {
        for (int d = 0; d + 1 < x.rank; ++d) count *= x.shape[d];
        per_task = max_of(1, kTaskElements / 2 / max_of(1, width));
    }
};

void plan_rows(const Call& call, Work& work) {
    Rows rows(call.in[0]);
    work.tasks[0] = ceil_div(rows.count, rows.per_task);
}

constexpr int64_t kRowBlock = 1024;

struct Plus {
    template <class T>
    static T of(T a, T b) { return a + b; }
};
struct Larger {
    template <class T>
    static T of(T a, T b) { return a > b ? a : b; }
};

template <class Op, class T>
LABKIT_INLINE T fold(Vec<T> v) {
    T lane[lanes<T>];
    store(lane, v);
    return fold_lanes<Op, T, lanes<T>>(lane);
}

// The largest element; NaN is ignored here, as it comes back through the exponentials.
template <class T>
T row_max(const T* x, int64_t width) {
    const T low = static_cast<T>(-kInf);
    Vec<T> best[4], all = broadcast(low);  // four at once, as a step waits for the one before it
    for (int k = 0; k < 4; ++k) best[k] = all;
    int64_t whole = 0;
    for (; whole + 4 * lanes<T> <= width; whole += 4 * lanes<T>) {
        LABKIT_UNROLL
        for (int k = 0; k < 4; ++k) best[k] = Larger::of(load(x + whole + k * lanes<T>), best[k]);
    }
    LABKIT_ROW(T, width - whole, i, n) {
        Vec<T> v = load_n(x + whole + i, n);
        if (n < lanes<T>) v = first_lanes<T>(n) ? v : broadcast(low);
        all = Larger::of(v, all);
    }
    for (int k = 0; k < 4; ++k) all = Larger::of(best[k], all);
    return fold<Larger, T>(all);
}

// The sum of e^(x - max); the terms themselves go to y where it is given. Long rows are summed in blocks, joined in float64.
template <class T>
T row_exp(const T* x, T* y, T max, int64_t width) {
    double total = 0;
    for (int64_t begin = 0; begin < width; begin += kRowBlock) {
        Vec<T> sum = {};
        int64_t block = min_of(kRowBlock, width - begin);
        LABKIT_ROW(T, block, i, n) {
            Vec<T> e = exp(load_n(x + begin + i, n) - max);
            if (n < lanes<T>) e = first_lanes<T>(n) ? e : Vec<T>{};
            if (y) store_n(y + begin + i, e, n);
            sum += e;
        }
        total += fold<Plus, T>(sum);
    }
    return static_cast<T>(total);
}

template <class T>
T log_of(T x) {
    return log(broadcast(x))[0];
}

template <class T>
Status run_softmax(const Call& call, int, int64_t task) {
    Rows rows(call.in[0]);
    Range range = range_of(task, rows.count, rows.per_task);
    for (int64_t r = range.begin; r < range.end; ++r) {
        const T* x = data<T>(call.in[0]) + r * rows.width;
        T* y = data<T>(call.out[0]) + r * rows.width;
        T sum = row_exp(x, y, row_max(x, rows.width), rows.width);
        LABKIT_ROW(T, rows.width, i, n) store_n(y + i, load_n(y + i, n) / sum, n);
    }
    return {};
}

template <class T>
Status run_log_softmax(const Call& call, int, int64_t task) {
    Rows rows(call.in[0]);
    Range range = range_of(task, rows.count, rows.per_task);
    for (int64_t r = range.begin; r < range.end; ++r) {
        const T* x = data<T>(call.in[0]) + r * rows.width;
        T* y = data<T>(call.out[0]) + r * rows.width;
        T max = row_max(x, rows.width), log_sum = log_of(row_exp<T>(x, nullptr, max, rows.width));
        LABKIT_ROW(T, rows.width, i, n) store_n(y + i, load_n(x + i, n) - max - log_sum, n);
    }
    return {};
}

// The losses of a few rows are finished together: one logarithm of a vector instead of one for each row.
constexpr int64_t kLossRows = 16;

// loss = log(sum e^(x - max)) - (x[label] - max); backprop = softmax - onehot(label).
template <class T, class L>
Status sparse_cross_entropy(const Call& call, int64_t task) {
    Rows rows(call.in[0]);
    Range range = range_of(task, rows.count, rows.per_task);
    const L* labels = data<L>(call.in[1]);
    T* loss = data<T>(call.out[0]);
    for (int64_t first = range.begin; first < range.end; first += kLossRows) {
        T sums[kLossRows], shifts[kLossRows];
        int64_t count = min_of(kLossRows, range.end - first);
        for (int64_t k = 0; k < count; ++k) {
            const T* x = data<T>(call.in[0]) + (first + k) * rows.width;
            T* dx = data<T>(call.out[1]) + (first + k) * rows.width;
            int64_t label = labels[first + k];
            if (label < 0 || label >= rows.width) return {Code::index_out_of_range, label, rows.width};
            T max = row_max(x, rows.width), sum = row_exp(x, dx, max, rows.width);
            LABKIT_ROW(T, rows.width, i, n) store_n(dx + i, load_n(dx + i, n) / sum, n);
            dx[label] -= 1;
            sums[k] = sum;
            shifts[k] = x[label] - max;
        }
        LABKIT_ROW(T, count, i, n) store_n(loss + first + i, log(load_n(sums + i, n)) - load_n(shifts + i, n), n);
    }
    return {};
}

template <class T>
Status run_sparse_cross_entropy(const Call& call, int, int64_t task) {
    return call.in[1].dtype == DType::i32 ? sparse_cross_entropy<T, int32_t>(call, task)
                                          : sparse_cross_entropy<T, int64_t>(call, task);
}

// loss = sum(labels) log(sum e^(x - max)) - sum labels (x - max), where a label of 0 adds nothing even if x is infinite;
// backprop = softmax * sum(labels) - labels.
template <class T>
Status run_cross_entropy(const Call& call, int, int64_t task) {
    Rows rows(call.in[0]);
    Range range = range_of(task, rows.count, rows.per_task);
    for (int64_t first = range.begin; first < range.end; first += kLossRows) {
        T sums[kLossRows], weights[kLossRows], shifts[kLossRows];
        int64_t count = min_of(kLossRows, range.end - first);
        for (int64_t k = 0; k < count; ++k) {
            const T* x = data<T>(call.in[0]) + (first + k) * rows.width;
            const T* labels = data<T>(call.in[1]) + (first + k) * rows.width;
            T* dx = data<T>(call.out[1]) + (first + k) * rows.width;
            T max = row_max(x, rows.width), sum = row_exp(x, dx, max, rows.width);
            double weight = 0, shift = 0;
            for (int64_t begin = 0; begin < rows.width; begin += kRowBlock) {
                Vec<T> weight_sum = {}, shift_sum = {};
                int64_t block = min_of(kRowBlock, rows.width - begin);
                LABKIT_ROW(T, block, i, n) {
                    Vec<T> p = load_n(labels + begin + i, n);
                    weight_sum += p;
                    shift_sum += p == Vec<T>{} ? p : p * (load_n(x + begin + i, n) - max);
                }
                weight += fold<Plus, T>(weight_sum);
                shift += fold<Plus, T>(shift_sum);
            }
            T scale = static_cast<T>(weight) / sum;
            LABKIT_ROW(T, rows.width, i, n) store_n(dx + i, load_n(dx + i, n) * scale - load_n(labels + i, n), n);
            sums[k] = rows.width ? sum : 1;  // without classes the loss is 0
            weights[k] = static_cast<T>(weight);
            shifts[k] = static_cast<T>(shift);
        }
        T* loss = data<T>(call.out[0]) + first;
        LABKIT_ROW(T, count, i, n)
            store_n(loss + i, load_n(weights + i, n) * log(load_n(sums + i, n)) - load_n(shifts + i, n), n);
    }
    return {};
}

#define LABKIT_ROWS_REALS(X, name, run, in_place)    \
    X(name ".f32", plan_rows, run<float>, in_place)  \
    X(name ".f64", plan_rows, run<double>, in_place)

#define LABKIT_SOFTMAX_KERNELS(X)                                                                 \
    LABKIT_ROWS_REALS(X, "softmax", run_softmax, true)                                            \
    LABKIT_ROWS_REALS(X, "log_softmax", run_log_softmax, true)                                    \
    LABKIT_ROWS_REALS(X, "sparse_softmax_cross_entropy", run_sparse_cross_entropy, false)         \
    LABKIT_ROWS_REALS(X, "softmax_cross_entropy", run_cross_entropy, false)

}  // namespace
}  // namespace labkit
