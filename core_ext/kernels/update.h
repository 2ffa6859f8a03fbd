// The steps of optimizers: a rule for one weight, taken by all weights of a variable or by some of its rows.
//
// A rule has a number of slots, the variables beside the weights; a constructor that reads its numbers, the inputs before the
// gradient; and an operator for one weight: (gradient, weight, slot ...). Variables appear among the outputs only, and are
// read and written through them, in one pass over the memory.
#pragma once
#include "kernels/indices.h"
#include "kernels/walk.h"
#include "labkit/kernel.h"
#include "simd/vec.h"

namespace labkit {
namespace {

template <class T>
T scalar(const View& view) {
    return *data<T>(view);
}

// n steps; the outputs' elements from `at` on.
template <class Rule, class T>
LABKIT_INLINE void take_steps(const Rule rule, const Call& call, int64_t at, const T* __restrict__ grad, int64_t n) {
    T* __restrict__ var = data<T>(call.out[0]) + at;
    if constexpr (Rule::slots == 0) {
        for (int64_t i = 0; i < n; ++i) rule(grad[i], var[i]);
    } else if constexpr (Rule::slots == 1) {
        T* __restrict__ a = data<T>(call.out[1]) + at;
        for (int64_t i = 0; i < n; ++i) rule(grad[i], var[i], a[i]);
    } else if constexpr (Rule::slots == 2) {
        T* __restrict__ a = data<T>(call.out[1]) + at;
        T* __restrict__ b = data<T>(call.out[2]) + at;
        for (int64_t i = 0; i < n; ++i) rule(grad[i], var[i], a[i], b[i]);
    } else {
        T* __restrict__ a = data<T>(call.out[1]) + at;
        T* __restrict__ b = data<T>(call.out[2]) + at;
        T* __restrict__ c = data<T>(call.out[3]) + at;
        for (int64_t i = 0; i < n; ++i) rule(grad[i], var[i], a[i], b[i], c[i]);
    }
}

template <class Rule, class T>
Status run_steps(const Call& call, int, int64_t task) {
    Range range = range_of(task, numel(call.out[0]));
    const T* grad = data<T>(call.in[call.n_in - 1]) + range.begin;
    take_steps<Rule, T>(Rule(call), call, range.begin, grad, range.end - range.begin);
    return {};
}

// Rows: the last inputs are their gradients and their numbers. The gradients of a row that comes several times are added up
// in order of position, and the row takes one step.
//
//     phase 0: the positions of each row become a chain, in order; only its first one keeps the row's number, others have -1.
//     phase 1: each chain is summed, and its row takes a step.
struct UpdatedRows {
    static constexpr int64_t kColumns = 1024;  // of a task
    int64_t rows, count, inner, places, column_ranges, positions;

    explicit UpdatedRows(const Call& call) {
        const View& var = call.out[0];
        rows = var.shape[0];
        count = numel(call.in[call.n_in - 1]);
        inner = extent(var, 1, var.rank);
        for (places = 2; places < 2 * count;) places *= 2;
        column_ranges = max_of(1, ceil_div(inner, kColumns));
        positions = max_of(1, kTaskElements / max_of(1, min_of(inner, kColumns)));
    }
};

void plan_rows(const Call& call, Work& work) {
    const UpdatedRows u(call);
    work.phases = 2;
    work.tasks[1] = max_of(1, ceil_div(u.count, u.positions)) * u.column_ranges;
    work.scratch_bytes = (2 * u.count + u.places) * 8;
}

inline Status chain_rows(const Call& call, const UpdatedRows& u) {
    int64_t* row = reinterpret_cast<int64_t*>(call.scratch);
    int64_t *next = row + u.count, *first = next + u.count;  // `first` is a hash table of the rows' first positions
    return with_indices(call.in[call.n_in - 1], [&](const auto* indices) {
        Status status = check_indices(indices, u.count, u.rows);
        if (status.code != Code::ok) return status;
        for (int64_t p = 0; p < u.places; ++p) first[p] = -1;
        for (int64_t k = u.count - 1; k >= 0; --k) {
            row[k] = indices[k];
            uint64_t hash = static_cast<uint64_t>(row[k]) * 0x9e3779b97f4a7c15;
            uint64_t place = (hash >> 32) & static_cast<uint64_t>(u.places - 1);
            while (first[place] >= 0 && row[first[place]] != row[k]) place = (place + 1) & static_cast<uint64_t>(u.places - 1);
            next[k] = first[place];
            if (next[k] >= 0) row[next[k]] = -1;
            first[place] = k;
        }
        return status;
    });
}

template <class Rule, class T>
Status run_rows(const Call& call, int phase, int64_t task) {
    const UpdatedRows u(call);
    if (phase == 0) return chain_rows(call, u);
    const int64_t *row = reinterpret_cast<const int64_t*>(call.scratch), *next = row + u.count;
    const Rule rule(call);
    const T* grad = data<T>(call.in[call.n_in - 2]);
    const Range columns = range_of(task % u.column_ranges, u.inner, UpdatedRows::kColumns);
    const Range range = range_of(task / u.column_ranges, u.count, u.positions);
    const int64_t n = columns.end - columns.begin;
    T sum[UpdatedRows::kColumns];
    for (int64_t k = range.begin; k < range.end; ++k) {
        if (row[k] < 0) continue;
        const T* g = grad + k * u.inner + columns.begin;
        if (next[k] >= 0) {
            __builtin_memcpy(sum, g, static_cast<size_t>(n) * sizeof(T));
            for (int64_t other = next[k]; other >= 0; other = next[other]) {
                const T* __restrict__ more = grad + other * u.inner + columns.begin;
                for (int64_t i = 0; i < n; ++i) sum[i] += more[i];
            }
            g = sum;
        }
        take_steps<Rule, T>(rule, call, row[k] * u.inner + columns.begin, g, n);
    }
    return {};
}

}  // namespace
}  // namespace labkit
