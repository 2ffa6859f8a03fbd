// one_hot: for each index a row of `off` with `on` at its place; an index outside has no place. in: indices, on, off. ints:
// the axis of the result that the places lie along.
#pragma once
#include "kernels/copy_runs.h"
#include "labkit/kernel.h"

namespace labkit {
namespace {

int64_t index_at(const View& indices, int64_t i) {
    if (indices.dtype == DType::i64) return data<int64_t>(indices)[i];
    return indices.dtype == DType::i32 ? data<int32_t>(indices)[i] : data<uint8_t>(indices)[i];
}

template <class E>
void set_places(const Call& call, int64_t task) {
    const View &indices = call.in[0], &y_view = call.out[0];
    const E on = *data<E>(call.in[1]), off = *data<E>(call.in[2]);
    int64_t axis = call.ints[0], depth = y_view.shape[axis], inner = 1;
    for (int64_t d = axis + 1; d < y_view.rank; ++d) inner *= y_view.shape[d];
    E* y = data<E>(y_view);
    Range range = range_of(task, numel(y_view));
    for (int64_t i = range.begin; i < range.end; ++i) y[i] = off;
    if (inner == 1) {  // each index has a stretch of the result of its own
        for (int64_t k = range.begin / depth; k * depth < range.end; ++k) {
            int64_t index = index_at(indices, k), place = k * depth + index;
            if (index >= 0 && index < depth && place >= range.begin && place < range.end) y[place] = on;
        }
        return;
    }
    for (int64_t i = range.begin; i < range.end;) {
        int64_t row = i / inner, column = i % inner, run = min_of(inner - column, range.end - i);
        int64_t first = row / depth * inner + column, place = row % depth;
        for (int64_t k = 0; k < run; ++k)
            if (index_at(indices, first + k) == place) y[i + k] = on;
        i += run;
    }
}

Status run_one_hot(const Call& call, int, int64_t task) {
    LABKIT_BY_SIZE(call.out[0].dtype, set_places, call, task)
    return {};
}

#define LABKIT_ONE_HOT_KERNELS(X) LABKIT_ALL_DTYPES(X, "one_hot", plan_elements, run_one_hot, false)

}  // namespace
}  // namespace labkit
