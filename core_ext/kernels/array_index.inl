// array_index: the indices of elements of a TensorArray as int64, once it is known that they may be used. Inputs: indices [k],
// and for each element [n] what is known of it (u8): 0 not written, 1 written, 2 whatever is asked. ints: what has to be so, 1
// for elements that are read and 0 for elements that are written. Another element is refused with its index.
#pragma once
#include "kernels/indices.h"

namespace labkit {
namespace {

inline void plan_array_index(const Call&, Work&) {}

Status run_array_index(const Call& call, int, int64_t) {
    const View& states = call.in[1];
    const uint8_t *state = data<uint8_t>(states), wanted = call.ints[0] != 0;
    int64_t* y = data<int64_t>(call.out[0]);
    const int64_t count = numel(call.in[0]), limit = states.shape[0];
    return with_indices(call.in[0], [&](const auto* p) -> Status {
        Status status = check_indices(p, count, limit);
        if (status.code != Code::ok) return status;
        for (int64_t k = 0; k < count; ++k) {
            if (state[p[k]] != wanted && state[p[k]] != 2) return {Code::invalid_argument, p[k], limit};
            y[k] = p[k];
        }
        return {};
    });
}

#define LABKIT_ARRAY_INDEX_KERNELS(X)                                  \
    X("array_index.i32", plan_array_index, run_array_index, false)     \
    X("array_index.i64", plan_array_index, run_array_index, false)

}  // namespace
}  // namespace labkit
