// Bags of rows: y[b, :] = the sum of weights[k] x[ids[k], :] over the positions k of bag b, in order, without the rows ever
// lying side by side in memory. Bag b holds positions [offsets[b], offsets[b + 1]), the last one the rest; without offsets
// the ids have two dimensions and their rows are the bags.
//
// embedding_bag: in x, ids, offsets, and weights or nothing. bag_ids: the bag of each position; in offsets, ints: the length
// of every bag where there are no offsets.
#pragma once
#include "kernels/indices.h"
#include "kernels/walk.h"
#include "labkit/kernel.h"
#include "simd/vec.h"

namespace labkit {
namespace {

template <class O>
struct Bags {
    const O* offsets;  // null: all bags hold `length` positions
    int64_t bags, length, positions;

    Range of(int64_t b) const {
        if (!offsets) return {b * length, (b + 1) * length};
        return {offsets[b], b + 1 < bags ? int64_t{offsets[b + 1]} : positions};
    }
    // The first bag begins at 0; none begins before the one before it, or after the last position.
    Status check(int64_t b) const {
        const Range range = of(b);
        if (b == 0 && range.begin != 0) return {Code::index_out_of_range, range.begin, 1};
        if (range.end > positions) return {Code::index_out_of_range, range.end, positions + 1};
        if (range.begin < 0 || range.begin > range.end) return {Code::index_out_of_range, range.begin, max_of(0, range.end) + 1};
        return {};
    }
};

int64_t bags_per_task(const Call& call) {
    const int64_t bags = max_of(1, call.out[0].shape[0]), width = max_of(1, call.out[0].shape[1]);
    return max_of(1, kTaskElements / (width * ceil_div(numel(call.in[1]) + bags, bags)));
}

void plan_embedding_bag(const Call& call, Work& work) {
    work.tasks[0] = ceil_div(call.out[0].shape[0], bags_per_task(call));
}

constexpr int64_t kRowsAhead = 8;  // rows that are asked for before they are added, in later bags too

// Columns [column, column + vectors) of one bag; the sums stay in registers. `left`: checked ids from here on.
template <int vectors, class T, bool weighted, class I>
void sum_columns(T* y, const T* x, const I* ids, const T* weights, int64_t count, int64_t left, int64_t width, int64_t column) {
    Vec<T> sum[vectors] = {};
    for (int64_t k = 0; k < count; ++k) {
        const T* row = x + ids[k] * width + column;
        if (k + kRowsAhead < left) {
            const char* next = reinterpret_cast<const char*>(x + ids[k + kRowsAhead] * width + column);
            LABKIT_UNROLL
            for (int line = 0; line < vectors * kVectorBytes; line += 64) __builtin_prefetch(next + line);
        }
        LABKIT_UNROLL
        for (int v = 0; v < vectors; ++v)
            sum[v] += weighted ? weights[k] * load(row + v * lanes<T>) : load(row + v * lanes<T>);
    }
    LABKIT_UNROLL
    for (int v = 0; v < vectors; ++v) store(y + column + v * lanes<T>, sum[v]);
}

template <class T, bool weighted, class I>
void sum_bag(T* y, const T* x, const I* ids, const T* weights, int64_t count, int64_t left, int64_t width) {
    int64_t column = 0;
    auto rest = [&] { return (width - column) / lanes<T>; };
    for (; rest() >= 8; column += 8 * lanes<T>) sum_columns<8, T, weighted>(y, x, ids, weights, count, left, width, column);
    for (; rest() >= 4; column += 4 * lanes<T>) sum_columns<4, T, weighted>(y, x, ids, weights, count, left, width, column);
    for (; rest() >= 1; column += lanes<T>) sum_columns<1, T, weighted>(y, x, ids, weights, count, left, width, column);
    const int64_t n = width - column;
    if (!n) return;
    Vec<T> sum = {};
    for (int64_t k = 0; k < count; ++k) {
        const Vec<T> row = load_n(x + ids[k] * width + column, n);
        sum += weighted ? weights[k] * row : row;
    }
    store_n(y + column, sum, n);
}

template <class T, class I, class O>
Status sum_bags(const Call& call, const I* ids, const O* offsets, int64_t task) {
    const View &x = call.in[0], &index = call.in[1];
    const bool listed = index.rank == 1;
    const int64_t width = x.shape[1], count = call.out[0].shape[0];
    const Bags<O> bags{listed ? offsets : nullptr, count, listed ? 0 : index.shape[1], numel(index)};
    const T* weights = call.n_in > 3 ? data<T>(call.in[3]) : nullptr;
    const Range own = range_of(task, count, bags_per_task(call));
    for (int64_t b = own.begin; b < own.end; ++b)
        if (Status status = bags.check(b); status.code != Code::ok) return status;
    const int64_t first = bags.of(own.begin).begin, last = bags.of(own.end - 1).end;
    if (Status status = check_indices(ids + first, last - first, x.shape[0]); status.code != Code::ok) return status;
    for (int64_t b = own.begin; b < own.end; ++b) {
        const Range in = bags.of(b);
        const int64_t n = in.end - in.begin, left = last - in.begin;
        T* y = data<T>(call.out[0]) + b * width;
        if (weights)
            sum_bag<T, true>(y, data<T>(x), ids + in.begin, weights + in.begin, n, left, width);
        else
            sum_bag<T, false>(y, data<T>(x), ids + in.begin, weights, n, left, width);
    }
    return {};
}

template <class T>
Status run_embedding_bag(const Call& call, int, int64_t task) {
    return with_indices(call.in[1], [&](const auto* ids) {
        return with_indices(call.in[2], [&](const auto* offsets) { return sum_bags<T>(call, ids, offsets, task); });
    });
}

constexpr int64_t kBagsOfTask = 4096;

void plan_bag_ids(const Call& call, Work& work) {
    if (call.ints[0]) return plan_elements(call, work);
    work.phases = 2;
    work.tasks[0] = work.tasks[1] = max_of(1, ceil_div(numel(call.in[0]), kBagsOfTask));
}

template <class O>
Status run_bag_ids(const Call& call, int phase, int64_t task) {
    O* y = data<O>(call.out[0]);
    if (const int64_t length = call.ints[0]) {
        const Range range = range_of(task, numel(call.out[0]));
        for (int64_t i = range.begin; i < range.end; ++i) y[i] = static_cast<O>(i / length);
        return {};
    }
    const Bags<O> bags{data<O>(call.in[0]), numel(call.in[0]), 0, numel(call.out[0])};
    if (!bags.bags) return {Code::invalid_argument, 0, 0};  // positions, and no bag for them
    const Range own = range_of(task, bags.bags, kBagsOfTask);
    for (int64_t b = own.begin; b < own.end; ++b) {
        if (phase == 0) {
            if (Status status = bags.check(b); status.code != Code::ok) return status;
            continue;
        }
        const Range in = bags.of(b);
        for (int64_t i = in.begin; i < in.end; ++i) y[i] = static_cast<O>(b);
    }
    return {};
}

#define LABKIT_EMBEDDING_KERNELS(X)                                            \
    X("embedding_bag.f32", plan_embedding_bag, run_embedding_bag<float>, false)  \
    X("embedding_bag.f64", plan_embedding_bag, run_embedding_bag<double>, false) \
    X("bag_ids.i32", plan_bag_ids, run_bag_ids<int32_t>, false)                \
    X("bag_ids.i64", plan_bag_ids, run_bag_ids<int64_t>, false)

}  // namespace
}  // namespace labkit
