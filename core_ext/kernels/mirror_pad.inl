// mirror_pad: a tensor with a border of its own elements, mirrored; mirror_pad_grad: what arrives at them, folded back.
// ints: 1 where the outermost element is the mirror's axis, 0 where it is mirrored, too; then the elements before x in each
// dimension.
#pragma once
#include "kernels/copy_runs.h"
#include "labkit/kernel.h"

namespace labkit {
namespace {

// One dimension: `size` elements, `before` of the border, `padded` in all. A border is no longer than what it mirrors.
struct Mirror {
    int64_t size, before, padded, axis;

    int64_t source(int64_t at) const {  // the element that place `at` of the padded tensor shows
        int64_t i = at - before;
        return i < 0 ? -i - 1 + axis : i < size ? i : 2 * size - 1 - axis - i;
    }
    // The places of the padded tensor that show element `i`, at most three.
    int places(int64_t i, int64_t* at) const {
        int n = 0;
        if (int64_t left = before - 1 + axis - i; left >= 0 && left < before) at[n++] = left;
        at[n++] = before + i;
        if (int64_t right = before + 2 * size - 1 - axis - i; right >= before + size && right < padded) at[n++] = right;
        return n;
    }
};

// The dimensions, innermost first; those that are not padded merge with the one inside.
int mirrors_of(const Call& call, const View& x, const View& padded, Mirror* dims) {
    int rank = 0;
    for (int d = x.rank - 1; d >= 0; --d) {
        Mirror own{x.shape[d], call.ints[d + 1], padded.shape[d], call.ints[0]};
        if (rank && own.size == own.padded && dims[rank - 1].size == dims[rank - 1].padded) {
            dims[rank - 1].size *= own.size;
            dims[rank - 1].padded *= own.padded;
        } else {
            dims[rank++] = own;
        }
    }
    if (!rank) dims[rank++] = {1, 0, 1, 0};
    return rank;
}

template <class E>
void mirror_rows(const Call& call, int64_t task) {
    Mirror dims[kMaxRank];
    int rank = mirrors_of(call, call.in[0], call.out[0], dims);
    const Mirror& inner = dims[0];
    const E* x = data<E>(call.in[0]);
    E* y = data<E>(call.out[0]);
    Range range = range_of(task, numel(call.out[0]));
    for (int64_t i = range.begin; i < range.end;) {
        int64_t row = i / inner.padded, column = i % inner.padded, end = min_of(inner.padded, column + range.end - i);
        int64_t source = 0, stride = inner.size;
        for (int d = 1; d < rank; ++d) {
            source += dims[d].source(row % dims[d].padded) * stride;
            stride *= dims[d].size;
            row /= dims[d].padded;
        }
        E* to = y + i - column;
        const E* from = x + source;
        i += end - column;
        for (; column < min_of(end, inner.before); ++column) to[column] = from[inner.source(column)];
        if (int64_t middle = min_of(end, inner.before + inner.size) - column; middle > 0) {
            __builtin_memcpy(to + column, from + (column - inner.before), middle * sizeof(E));
            column += middle;
        }
        for (; column < end; ++column) to[column] = from[inner.source(column)];
    }
}

Status run_mirror_pad(const Call& call, int, int64_t task) {
    LABKIT_BY_SIZE(call.out[0].dtype, mirror_rows, call, task)
    return {};
}

// Adds the row `g`, folded, to elements `begin` to `end` of the row `y`.
template <class T>
void add_folded(T* y, const T* g, const Mirror& inner, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) y[i] += g[inner.before + i];
    int64_t left_end = min_of(end, inner.before + inner.axis);
    for (int64_t i = max_of(begin, inner.axis); i < left_end; ++i) y[i] += g[inner.before - 1 + inner.axis - i];
    int64_t last = inner.size - inner.axis, after = inner.padded - inner.before - inner.size;
    for (int64_t i = max_of(begin, last - after); i < min_of(end, last); ++i)
        y[i] += g[inner.before + inner.size + last - 1 - i];
}

template <class T>
Status run_mirror_pad_grad(const Call& call, int, int64_t task) {
    Mirror dims[kMaxRank];
    int rank = mirrors_of(call, call.out[0], call.in[0], dims);
    const Mirror& inner = dims[0];
    const T* g = data<T>(call.in[0]);
    T* y = data<T>(call.out[0]);
    Range range = range_of(task, numel(call.out[0]));
    for (int64_t i = range.begin; i < range.end;) {
        int64_t row = i / inner.size, column = i % inner.size, end = min_of(inner.size, column + range.end - i);
        int64_t at[kMaxRank][3];
        int counts[kMaxRank], chosen[kMaxRank] = {};
        for (int d = 1; d < rank; ++d) {
            counts[d] = dims[d].places(row % dims[d].size, at[d]);
            row /= dims[d].size;
        }
        T* to = y + i - column;
        i += end - column;
        for (int64_t k = column; k < end; ++k) to[k] = 0;
        for (bool more = true; more;) {  // every combination of the places that show this row
            int64_t source = 0, stride = inner.padded;
            for (int d = 1; d < rank; ++d) {
                source += at[d][chosen[d]] * stride;
                stride *= dims[d].padded;
            }
            add_folded(to, g + source, inner, column, end);
            more = false;
            for (int d = 1; d < rank && !more; ++d) {
                more = ++chosen[d] < counts[d];
                if (!more) chosen[d] = 0;
            }
        }
    }
    return {};
}

#define LABKIT_MIRROR_PAD_KERNELS(X)                                             \
    LABKIT_ALL_DTYPES(X, "mirror_pad", plan_elements, run_mirror_pad, false)     \
    X("mirror_pad_grad.f32", plan_elements, run_mirror_pad_grad<float>, false)   \
    X("mirror_pad_grad.f64", plan_elements, run_mirror_pad_grad<double>, false)

}  // namespace
}  // namespace labkit
