// Softmax along the last dimension, and the two cross-entropies on it.
//
// Every row is shifted by its largest element first, so no exponential overflows. A row's bits depend on that row alone.
#pragma once
#include "kernels/sums.h"
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

struct Larger {
    template <class T>
    static T of(T a, T b) { return a > b ? a : b; }
};

template <class Op, class T>
LABKIT_INLINE T fold(Vec<T> v) {
    const Vec<T> one[] = {v};
    return fold_vectors<Op, T>(one);
}

// The largest element; NaN is ignored here, as it comes back through the exponentials.
template <class T>
LABKIT_INLINE T row_max(const T* x, int64_t width) {
    const T low = static_cast<T>(-kInf);
    Vec<T> best[4], all = broadcast(low);  // four at once, as a step waits for the one before it
    LABKIT_UNROLL
    for (int k = 0; k < 4; ++k) best[k] = all;
    int64_t whole = 0;
    for (; whole + 4 * lanes<T> <= width; whole += 4 * lanes<T>) {
        LABKIT_UNROLL
        for (int k = 0; k < 4; ++k) best[k] = Larger::of(load(x + whole + k * lanes<T>), best[k]);
    }
    each_vector<T>(width - whole, [&](int64_t i, auto n) {
        Vec<T> v = load_n(x + whole + i, n);
        if (n < lanes<T>) v = first_lanes<T>(n) ? v : broadcast(low);
        all = Larger::of(v, all);
    });
    LABKIT_UNROLL
    for (int k = 0; k < 4; ++k) all = Larger::of(best[k], all);
    return fold<Larger, T>(all);
}

// The sum of e^(x - max); the terms themselves go to y where they are kept. Long rows are summed in blocks, joined in float64.
template <bool keep, class T>
LABKIT_INLINE T row_exp(const T* x, T* y, T max, int64_t width) {
    double total = 0;
    for (int64_t begin = 0; begin < width; begin += kRowBlock) {
        Vec<T> sum = {};
        each_vector<T>(min_of(kRowBlock, width - begin), [&](int64_t i, auto n) {
            Vec<T> e = exp(load_n(x + begin + i, n) - max);
            if (n < lanes<T>) e = first_lanes<T>(n) ? e : Vec<T>{};
            if (keep) store_n(y + begin + i, e, n);
            sum += e;
        });
        total += fold<AddLanes, T>(sum);
    }
    return static_cast<T>(total);
}

// A few rows are taken side by side: what one of them waits for is filled with the work of the others, and their logarithms
// are one vector's. Long rows go one by one, so that they stay in the first cache.
constexpr int64_t kRowsBeside = 16;

template <class T>
struct RowSums {
    T max[kRowsBeside], sum[kRowsBeside];

    template <bool keep>
    LABKIT_INLINE void take(const T* x, T* y, int64_t rows, int64_t width) {
        for (int64_t r = 0; r < rows; ++r) max[r] = row_max(x + r * width, width);
        for (int64_t r = 0; r < rows; ++r) sum[r] = row_exp<keep>(x + r * width, y + r * width, max[r], width);
    }
};

// Calls body(first row, how many) for the rows of a task.
template <class Body>
LABKIT_INLINE Status each_rows(const Rows& rows, int64_t task, Body body) {
    const Range range = range_of(task, rows.count, rows.per_task);
    const int64_t beside = max_of(1, min_of(kRowsBeside, 4096 / max_of(1, rows.width)));
    for (int64_t r = range.begin; r < range.end; r += beside)
        if (Status status = body(r, min_of(beside, range.end - r)); status.code != Code::ok) return status;
    return {};
}

template <class T>
Status run_softmax(const Call& call, int, int64_t task) {
    const Rows rows(call.in[0]);
    const int64_t width = rows.width;
    return each_rows(rows, task, [&](int64_t first, int64_t count) -> Status {
        T* y = data<T>(call.out[0]) + first * width;
        RowSums<T> row;
        row.template take<true>(data<T>(call.in[0]) + first * width, y, count, width);
        for (int64_t r = 0; r < count; ++r) {
            T* to = y + r * width;
            each_vector<T>(width, [&](int64_t i, auto n) { store_n(to + i, load_n(to + i, n) / row.sum[r], n); });
        }
        return {};
    });
}

template <class T>
Status run_log_softmax(const Call& call, int, int64_t task) {
    const Rows rows(call.in[0]);
    const int64_t width = rows.width;
    return each_rows(rows, task, [&](int64_t first, int64_t count) -> Status {
        const T* x = data<T>(call.in[0]) + first * width;
        T* y = data<T>(call.out[0]) + first * width;
        RowSums<T> row;
        row.template take<false>(x, y, count, width);
        LABKIT_ROW(T, count, i, n) store_n(row.sum + i, log(load_n(row.sum + i, n)), n);
        for (int64_t r = 0; r < count; ++r) {
            const T *from = x + r * width, max = row.max[r], log_sum = row.sum[r];
            T* to = y + r * width;
            each_vector<T>(width, [&](int64_t i, auto n) { store_n(to + i, load_n(from + i, n) - max - log_sum, n); });
        }
        return {};
    });
}

// loss = log(sum e^(x - max)) - (x[label] - max); backprop = softmax - onehot(label).
template <class T, class L>
Status sparse_cross_entropy(const Call& call, int64_t task) {
    const Rows rows(call.in[0]);
    const int64_t width = rows.width;
    return each_rows(rows, task, [&](int64_t first, int64_t count) -> Status {
        const T* x = data<T>(call.in[0]) + first * width;
        const L* labels = data<L>(call.in[1]) + first;
        T *loss = data<T>(call.out[0]) + first, *dx = data<T>(call.out[1]) + first * width;
        T shifts[kRowsBeside];
        for (int64_t r = 0; r < count; ++r)
            if (labels[r] < 0 || labels[r] >= width) return {Code::index_out_of_range, labels[r], width};
        RowSums<T> row;
        row.template take<true>(x, dx, count, width);
        for (int64_t r = 0; r < count; ++r) {
            T* to = dx + r * width;
            each_vector<T>(width, [&](int64_t i, auto n) { store_n(to + i, load_n(to + i, n) / row.sum[r], n); });
            to[labels[r]] -= 1;
            shifts[r] = x[r * width + labels[r]] - row.max[r];
        }
        LABKIT_ROW(T, count, i, n) store_n(loss + i, log(load_n(row.sum + i, n)) - load_n(shifts + i, n), n);
        return {};
    });
}

template <class T>
Status run_sparse_cross_entropy(const Call& call, int, int64_t task) {
    return call.in[1].dtype == DType::i32 ? sparse_cross_entropy<T, int32_t>(call, task)
                                          : sparse_cross_entropy<T, int64_t>(call, task);
}

// The sum of the labels, and of labels (x - max), where a label of 0 adds nothing even if x is infinite.
template <class T>
LABKIT_INLINE void label_sums(const T* labels, const T* x, T max, int64_t width, T& weight, T& shift) {
    double weights = 0, shifts = 0;
    for (int64_t begin = 0; begin < width; begin += kRowBlock) {
        Vec<T> weight_sum = {}, shift_sum = {};
        each_vector<T>(min_of(kRowBlock, width - begin), [&](int64_t i, auto n) {
            const Vec<T> p = load_n(labels + begin + i, n);
            weight_sum += p;
            shift_sum += p == Vec<T>{} ? p : p * (load_n(x + begin + i, n) - max);
        });
        weights += fold<AddLanes, T>(weight_sum);
        shifts += fold<AddLanes, T>(shift_sum);
    }
    weight = static_cast<T>(weights);
    shift = static_cast<T>(shifts);
}

// loss = sum(labels) log(sum e^(x - max)) - sum labels (x - max); backprop = softmax * sum(labels) - labels.
template <class T>
Status run_cross_entropy(const Call& call, int, int64_t task) {
    const Rows rows(call.in[0]);
    const int64_t width = rows.width;
    return each_rows(rows, task, [&](int64_t first, int64_t count) -> Status {
        const T *x = data<T>(call.in[0]) + first * width, *labels = data<T>(call.in[1]) + first * width;
        T *loss = data<T>(call.out[0]) + first, *dx = data<T>(call.out[1]) + first * width;
        T weights[kRowsBeside], shifts[kRowsBeside];
        RowSums<T> row;
        row.template take<true>(x, dx, count, width);
        for (int64_t r = 0; r < count; ++r)
            label_sums(labels + r * width, x + r * width, row.max[r], width, weights[r], shifts[r]);
        for (int64_t r = 0; r < count; ++r) {
            const T *own = labels + r * width, scale = weights[r] / row.sum[r];
            T* to = dx + r * width;
            each_vector<T>(width, [&](int64_t i, auto n) { store_n(to + i, load_n(to + i, n) * scale - load_n(own + i, n), n); });
            if (!width) row.sum[r] = 1;  // without classes the loss is 0
        }
        LABKIT_ROW(T, count, i, n)
            store_n(loss + i, load_n(weights + i, n) * log(load_n(row.sum + i, n)) - load_n(shifts + i, n), n);
        return {};
    });
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
