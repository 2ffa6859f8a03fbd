// Indices of int32 or int64: which body reads them, and whether they are in range.
#pragma once
#include "kernels/walk.h"
#include "labkit/kernel.h"

namespace labkit {
namespace {

// body(pointer to the indices as what they are).
template <class Body>
auto with_indices(const View& view, Body body) {
    return view.dtype == DType::i32 ? body(data<int32_t>(view)) : body(data<int64_t>(view));
}

// The answer for the first of n indices that is negative or not below the limit.
template <class I>
Status check_indices(const I* indices, int64_t n, int64_t limit) {
    bool bad = false;
    for (int64_t i = 0; i < n; ++i) bad |= static_cast<uint64_t>(int64_t{indices[i]}) >= static_cast<uint64_t>(limit);
    if (!bad) return {};
    int64_t i = 0;
    while (indices[i] >= 0 && indices[i] < limit) ++i;
    return {Code::index_out_of_range, indices[i], limit};
}

// The product of dimensions [begin, end).
inline int64_t extent(const View& view, int64_t begin, int64_t end) {
    int64_t n = 1;
    for (int64_t d = begin; d < end; ++d) n *= view.shape[d];
    return n;
}

// The rows that n indices of `depth` numbers each name among the first `depth` dimensions of x, in row-major order.
template <class I>
Status flat_rows(int64_t* rows, const I* indices, int64_t n, int64_t depth, const View& x) {
    for (int64_t k = 0; k < n; ++k) rows[k] = 0;
    for (int64_t d = 0; d < depth; ++d) {
        const int64_t limit = x.shape[d];
        bool bad = false;
        for (int64_t k = 0; k < n; ++k) {
            const int64_t index = indices[k * depth + d];
            bad |= static_cast<uint64_t>(index) >= static_cast<uint64_t>(limit);
            rows[k] = static_cast<int64_t>(static_cast<uint64_t>(rows[k]) * static_cast<uint64_t>(limit) +
                                           static_cast<uint64_t>(index));
        }
        for (int64_t k = 0; bad; ++k)
            if (Status status = check_indices(indices + k * depth + d, 1, limit); status.code != Code::ok) return status;
    }
    return {};
}

}  // namespace
}  // namespace labkit
