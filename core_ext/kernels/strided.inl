// Slices with any step, forwards and backwards. ints: for each dimension of the larger tensor the first element, the step
// and the number of elements.
#pragma once
#include "kernels/copy_runs.h"
#include "labkit/kernel.h"

namespace labkit {
namespace {

// The walk over the slice's elements in x; `start` becomes the first one's place.
Walk walk_slice(const Call& call, const View& x, int64_t& start) {
    Walk walk;
    int64_t stride = 1;
    start = 0;
    for (int d = x.rank - 1; d >= 0; --d) {
        const int64_t* cut = call.ints + 3 * d;
        walk.add(cut[2], (cut[2] > 1 ? cut[1] : 1) * stride);  // the step to a second element may be any number
        start += cut[0] * stride;
        stride *= x.shape[d];
    }
    return walk;
}

Status run_strided_slice(const Call& call, int, int64_t task) {
    int64_t start;
    Walk walk = walk_slice(call, call.in[0], start);
    return copy_walk(call, task, walk, start);
}

// ---- strided_slice_grad: the slice's elements in their places, zeros elsewhere

// One dimension of the larger tensor: elements begin, begin + step, ... hold the slice's, whose first is `first` and which
// go on by `direction`. step > 0.
struct Cut {
    int64_t size, begin, step, count, first, direction;

    bool whole() const { return begin == 0 && step == 1 && count == size && direction == 1; }
    // The slice's index that belongs to place `at`, or -1.
    int64_t index(int64_t at) const {
        int64_t from = at - begin;
        return from >= 0 && from % step == 0 && from / step < count ? first + direction * (from / step) : -1;
    }
};

int cuts_of(const int64_t* ints, const View& y, Cut* cuts) {
    int rank = 0;
    for (int d = y.rank - 1; d >= 0; --d) {
        const int64_t* given = ints + 3 * d;
        Cut cut{y.shape[d], given[0], given[1], given[2], 0, 1};
        if (cut.count <= 1) cut.step = 1;
        if (cut.count == 0) cut.begin = 0;
        if (cut.step < 0) {
            cut.begin += (cut.count - 1) * cut.step;
            cut = {cut.size, cut.begin, -cut.step, cut.count, cut.count - 1, -1};
        }
        if (rank && cuts[rank - 1].whole() && cut.step == 1 && cut.direction == 1) {
            int64_t inner = cuts[rank - 1].size;
            cuts[rank - 1] = {cut.size * inner, cut.begin * inner, 1, cut.count * inner, 0, 1};
        } else {
            cuts[rank++] = cut;
        }
    }
    if (!rank) cuts[rank++] = {1, 0, 1, 1, 0, 1};
    return rank;
}

template <class E>
void place_slice(const Call& call, const int64_t* ints, int64_t task) {
    Cut cuts[kMaxRank];
    int rank = cuts_of(ints, call.out[0], cuts);
    const Cut& inner = cuts[0];
    const E* g = data<E>(call.in[0]);
    E* y = data<E>(call.out[0]);
    Range range = range_of(task, numel(call.out[0]));
    const bool every_row = rank == 1 || (rank == 2 && cuts[1].whole());  // has elements of the slice
    const bool in_columns = every_row && inner.size > 0 && inner.step == 1 && inner.direction == 1;
    for (int64_t i = range.begin; i < range.end;) {
        if (in_columns && i % inner.size == 0 && range.end - i >= inner.size) {
            const int64_t rows = (range.end - i) / inner.size;
            __builtin_memset(y + i, 0, rows * inner.size * sizeof(E));
            if (inner.count)
                copy_columns(y + i + inner.begin, inner.size, g + i / inner.size * inner.count, inner.count, rows, inner.count);
            i += rows * inner.size;
            continue;
        }
        int64_t row = i / inner.size, column = i % inner.size, run = min_of(inner.size - column, range.end - i);
        int64_t source = 0, stride = inner.count;
        bool inside = inner.count > 0;
        for (int d = 1; d < rank; ++d) {
            int64_t index = cuts[d].index(row % cuts[d].size);
            inside = inside && index >= 0;
            source += index * stride;
            stride *= cuts[d].count;
            row /= cuts[d].size;
        }
        __builtin_memset(y + i, 0, run * sizeof(E));
        if (inside) {
            E* line = y + i - column;
            const E* from = g + source;
            int64_t k = max_of(0, ceil_div(max_of(column - inner.begin, 0), inner.step));
            int64_t end = min_of(inner.count, ceil_div(max_of(column + run - inner.begin, 0), inner.step));
            if (inner.step == 1 && inner.direction == 1) {
                if (k < end) __builtin_memcpy(line + inner.begin + k, from + k, (end - k) * sizeof(E));
            } else {
                for (; k < end; ++k) line[inner.begin + k * inner.step] = from[inner.first + k * inner.direction];
            }
        }
        i += run;
    }
}

Status run_strided_slice_grad(const Call& call, int, int64_t task) {
    LABKIT_BY_SIZE(call.out[0].dtype, place_slice, call, call.ints, task)
    return {};
}

// ---- dynamic_slice: a block whose place a run decides. in: x (or the gradient), the first element in each dimension (i64).
// ints: 1 where a negative one counts from the end.

// The first elements, counted from the front, of a block of the larger tensor, and whether it lies inside.
Status place_of(const Call& call, const View& large, const View& block, int64_t* begin) {
    for (int d = 0; d < large.rank; ++d) {
        int64_t given = data<int64_t>(call.in[1])[d], most = large.shape[d] - block.shape[d];
        begin[d] = given < 0 && call.ints[0] ? given + large.shape[d] : given;
        if (begin[d] < 0 || begin[d] > most) return {Code::index_out_of_range, given, most + 1};
    }
    return {};
}

Status run_dynamic_slice(const Call& call, int, int64_t task) {
    const View &x = call.in[0], &y = call.out[0];
    int64_t begin[kMaxRank], stride = 1, start = 0;
    if (Status status = place_of(call, x, y, begin); status.code != Code::ok) return status;
    Walk walk;
    for (int d = y.rank - 1; d >= 0; --d) {
        walk.add(y.shape[d], stride);
        start += begin[d] * stride;
        stride *= x.shape[d];
    }
    return copy_walk(call, task, walk, start);
}

Status run_dynamic_slice_grad(const Call& call, int, int64_t task) {
    const View &g = call.in[0], &y = call.out[0];
    int64_t begin[kMaxRank], ints[3 * kMaxRank];
    if (Status status = place_of(call, y, g, begin); status.code != Code::ok) return status;
    for (int d = 0; d < y.rank; ++d) {
        ints[3 * d] = begin[d];
        ints[3 * d + 1] = 1;
        ints[3 * d + 2] = g.shape[d];
    }
    LABKIT_BY_SIZE(y.dtype, place_slice, call, ints, task)
    return {};
}

#define LABKIT_STRIDED_KERNELS(X)                                                            \
    LABKIT_ALL_DTYPES(X, "strided_slice", plan_elements, run_strided_slice, false)           \
    LABKIT_ALL_DTYPES(X, "strided_slice_grad", plan_elements, run_strided_slice_grad, false) \
    LABKIT_ALL_DTYPES(X, "dynamic_slice", plan_elements, run_dynamic_slice, false)           \
    LABKIT_ALL_DTYPES(X, "dynamic_slice_grad", plan_elements, run_dynamic_slice_grad, false)

}  // namespace
}  // namespace labkit
