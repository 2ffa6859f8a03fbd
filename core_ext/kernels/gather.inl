// Kernels that take parts of a tensor at indices. Only the size of an element matters, so one body serves all dtypes of
// that size.
//
// gather: y[b, o, k, :] = x[b, o, indices[b, k], :], where b are the first `batch_dims` dimensions, o those from there to
// `axis`. ints: axis, batch_dims, and whether a negative index gives zeros instead of an error.
// gather_nd: y[k, :] = x[indices[k, 0], indices[k, 1] ..., :]
#pragma once
#include "kernels/indices.h"
#include "kernels/shape.inl"
#include "kernels/walk.h"
#include "labkit/kernel.h"

namespace labkit {
namespace {

constexpr int64_t kAhead = 8;  // rows that are asked for before they are copied

// Rows whose size the compiler knows.
template <int bytes, class I>
void copy_small_rows(char* y, const char* x, const I* indices, int64_t count) {
    for (int64_t k = 0; k < count; ++k, y += bytes) {
        if (indices[k] < 0)
            __builtin_memset(y, 0, bytes);
        else
            __builtin_memcpy(y, x + indices[k] * bytes, bytes);
    }
}

// Rows whole but for the first `column` elements of the first, and what is beyond `elements`. The indices were checked; a
// negative one gives zeros.
template <class E, class I>
void copy_rows(E* y, const E* x, const I* indices, int64_t count, int64_t inner, int64_t column, int64_t elements) {
    if (inner == 1) {
        for (int64_t k = 0; k < elements; ++k) y[k] = indices[k] < 0 ? E{} : x[indices[k]];
        return;
    }
    const int64_t bytes = inner * static_cast<int64_t>(sizeof(E)), ahead = bytes <= 4096 ? kAhead : count;
    if (column == 0 && elements == count * inner) {
        char* to = reinterpret_cast<char*>(y);
        const char* from = reinterpret_cast<const char*>(x);
        switch (bytes) {
            case 8: return copy_small_rows<8>(to, from, indices, count);
            case 16: return copy_small_rows<16>(to, from, indices, count);
            case 32: return copy_small_rows<32>(to, from, indices, count);
            case 64: return copy_small_rows<64>(to, from, indices, count);
            default: break;
        }
    }
    for (int64_t k = 0; elements; ++k, column = 0) {
        if (k + ahead < count && indices[k + ahead] >= 0) {
            const char* next = reinterpret_cast<const char*>(x + indices[k + ahead] * inner);
            for (int64_t line = 0; line < min_of(bytes, 512); line += 64) __builtin_prefetch(next + line);
        }
        const int64_t n = min_of(inner - column, elements);
        if (indices[k] < 0)
            __builtin_memset(y, 0, n * sizeof(E));
        else
            copy_row(y, x + indices[k] * inner + column, n);
        y += n;
        elements -= n;
    }
}

template <class E, class I>
Status gather_elements(const Call& call, const I* indices, Range range) {
    const View &x = call.in[0], &y = call.out[0];
    const int64_t axis = call.ints[0], batch_dims = call.ints[1], limit = x.shape[axis];
    const bool zeros = call.ints[2] != 0;
    const int64_t inner = extent(x, axis + 1, x.rank), outer = extent(x, batch_dims, axis);
    const int64_t count = extent(call.in[1], batch_dims, call.in[1].rank);
    for (int64_t i = range.begin; i < range.end;) {
        const int64_t block = i / (count * inner), k = i / inner % count, column = i % inner;
        const int64_t elements = min_of((count - k) * inner - column, range.end - i);
        const int64_t rows = ceil_div(column + elements, inner);
        const I* own = indices + block / outer * count + k;
        if (zeros) {
            for (int64_t r = 0; r < rows; ++r)
                if (own[r] >= limit) return {Code::index_out_of_range, own[r], limit};
        } else if (Status status = check_indices(own, rows, limit); status.code != Code::ok) {
            return status;
        }
        copy_rows(data<E>(y) + i, data<E>(x) + block * limit * inner, own, rows, inner, column, elements);
        i += elements;
    }
    return {};
}

// Indices are looked at even where nothing is taken.
void plan_gather(const Call& call, Work& work) {
    plan_elements(call, work);
    if (!numel(call.out[0])) work.tasks[0] = numel(call.in[1]) > 0;
}

template <class E>
Status run_gather(const Call& call, int, int64_t task) {
    if (!numel(call.out[0])) return with_indices(call.in[1], [&](const auto* indices) -> Status {
        const int64_t limit = call.in[0].shape[call.ints[0]];
        for (int64_t i = 0, n = numel(call.in[1]); i < n; ++i)
            if (indices[i] >= limit || (indices[i] < 0 && !call.ints[2])) return {Code::index_out_of_range, indices[i], limit};
        return {};
    });
    Range range = range_of(task, numel(call.out[0]));
    return with_indices(call.in[1], [&](const auto* indices) { return gather_elements<E>(call, indices, range); });
}

template <class E>
Status run_gather_nd(const Call& call, int, int64_t task) {
    const View &x = call.in[0], &indices = call.in[1], &y = call.out[0];
    const int64_t depth = indices.shape[indices.rank - 1], inner = extent(x, depth, x.rank);
    constexpr int64_t block = 512;
    int64_t rows[block];
    if (!numel(y)) return with_indices(indices, [&](const auto* p) -> Status {
        for (int64_t i = 0, n = depth ? numel(indices) : 0; i < n; i += depth)
            if (Status status = flat_rows(rows, p + i, 1, depth, x); status.code != Code::ok) return status;
        return {};
    });
    Range range = range_of(task, numel(y));
    for (int64_t i = range.begin; i < range.end;) {
        const int64_t k = i / inner, column = i % inner;
        const int64_t elements = min_of(block * inner - column, range.end - i), n = ceil_div(column + elements, inner);
        Status status = with_indices(indices, [&](const auto* p) { return flat_rows(rows, p + k * depth, n, depth, x); });
        if (status.code != Code::ok) return status;
        copy_rows(data<E>(y) + i, data<E>(x), rows, n, inner, column, elements);
        i += elements;
    }
    return {};
}

// check_indices: y = x, whose last dimension, or each number where ints[0] is 1, is one index; ints: the limits of its numbers.
Status run_check_indices(const Call& call, int, int64_t task) {
    const View& x = call.in[0];
    Range range = range_of(task, numel(x));
    return with_indices(x, [&](const auto* p) -> Status {
        const int64_t depth = call.ints[0] ? 1 : x.shape[x.rank - 1];
        if (depth == 1) {
            Status status = check_indices(p + range.begin, range.end - range.begin, call.ints[1]);
            if (status.code != Code::ok) return status;
        } else {
            for (int64_t i = range.begin; i < range.end; ++i)
                if (Status status = check_indices(p + i, 1, call.ints[1 + i % depth]); status.code != Code::ok) return status;
        }
        return run_copy(call, 0, task);
    });
}

#define LABKIT_GATHER_OF(X, name, run)                \
    X(name ".f32", plan_gather, run<uint32_t>, false) \
    X(name ".f64", plan_gather, run<uint64_t>, false) \
    X(name ".i32", plan_gather, run<uint32_t>, false) \
    X(name ".i64", plan_gather, run<uint64_t>, false) \
    X(name ".u8", plan_gather, run<uint8_t>, false)   \
    X(name ".b8", plan_gather, run<uint8_t>, false)

#define LABKIT_GATHER_KERNELS(X)              \
    X("check_indices.i32", plan_elements, run_check_indices, true) \
    X("check_indices.i64", plan_elements, run_check_indices, true) \
    LABKIT_GATHER_OF(X, "gather", run_gather) \
    LABKIT_GATHER_OF(X, "gather_nd", run_gather_nd)

}  // namespace
}  // namespace labkit
