// Kernels that move elements and calculate nothing: copy, broadcast_to, slice, transpose, pad. Only the size of an element
// matters, so one body serves all dtypes of that size.
#pragma once
#include "kernels/cast.inl"
#include "kernels/copy_runs.h"
#include "labkit/kernel.h"
#include "simd/vec.h"

namespace labkit {
namespace {

Status run_copy(const Call& call, int, int64_t task) {
    int64_t bytes = size_of(call.out[0].dtype);
    Range range = range_of(task, numel(call.out[0]));
    char* y = data<char>(call.out[0]);
    const char* x = data<char>(call.in[0]);
    if (x != y) __builtin_memcpy(y + range.begin * bytes, x + range.begin * bytes, (range.end - range.begin) * bytes);
    return {};
}

// ---- y[i] = x[some strided place]: broadcast_to (strides 0), slice (a part of x), transpose (permuted strides)

Status run_broadcast_to(const Call& call, int, int64_t task) {
    const View &x = call.in[0], &y = call.out[0];
    Walk walk;
    for (int d = y.rank - 1; d >= 0; --d) walk.add(y.shape[d], broadcast_stride(x, y.rank, d));
    return copy_walk(call, task, walk, 0);
}

// ints: the first element to take, for each dimension.
Status run_slice(const Call& call, int, int64_t task) {
    const View &x = call.in[0], &y = call.out[0];
    Walk walk;
    int64_t stride = 1, start = 0;
    for (int d = y.rank - 1; d >= 0; --d) {
        walk.add(y.shape[d], stride);
        start += call.ints[d] * stride;
        stride *= x.shape[d];
    }
    return copy_walk(call, task, walk, start);
}

// ints: perm; dimension d of y is dimension perm[d] of x.
Walk walk_transpose(const Call& call) {
    const View &x = call.in[0], &y = call.out[0];
    Walk walk;
    for (int d = y.rank - 1; d >= 0; --d) {
        int64_t stride = 1;
        for (int k = static_cast<int>(call.ints[d]) + 1; k < x.rank; ++k) stride *= x.shape[k];
        walk.add(y.shape[d], stride);
    }
    return walk;
}

// Where the innermost dimension of y is not that of x, squares of kTile x kTile elements are turned at once, so that each
// cache line of x and of y is touched once. `across` is the dimension of y along which x is contiguous; tiles are numbered
// over blocks of it, and over all dimensions of y but it and the innermost.
constexpr int64_t kTile = 64;

int contiguous_dimension(const Walk& walk) {
    for (int d = 0; d < walk.rank; ++d)
        if (walk.stride[0][d] == 1) return d;
    return 0;
}

void plan_transpose(const Call& call, Work& work) {
    Walk walk = walk_transpose(call);
    int across = contiguous_dimension(walk);
    if (across == 0) return plan_elements(call, work);
    int64_t per_row = kTile * walk.size[0];  // elements of a row of tiles
    int64_t rows = numel(call.out[0]) / (walk.size[0] * walk.size[across]) * ceil_div(walk.size[across], kTile);
    work.tasks[0] = ceil_div(rows, max_of(1, kTaskElements / per_row));
}

// y[i, j] = x[j, i] for i < tall, j < wide; rows lie y_step and x_step apart. Squares of vectors are turned in registers, unless
// most of them would be empty.
template <class E>
void turn_tile(E* y, int64_t y_step, const E* x, int64_t x_step, int64_t tall, int64_t wide) {
    if constexpr (sizeof(E) >= 4) {
        constexpr int64_t L = lanes<E>;
        if (wide > L / 4 && tall > L / 4) {
            for (int64_t j = 0; j < wide; j += L)
                for (int64_t i = 0; i < tall; i += L) {
                    const int64_t across = min_of(L, wide - j), down = min_of(L, tall - i);
                    Vec<E> rows[L];
                    if (across == L && down == L) {
                        LABKIT_UNROLL
                        for (int64_t k = 0; k < L; ++k) rows[k] = load(x + (j + k) * x_step + i);
                        transpose_square<E>(rows);
                        LABKIT_UNROLL
                        for (int64_t k = 0; k < L; ++k) store(y + (i + k) * y_step + j, rows[k]);
                    } else {
                        for (int64_t k = 0; k < L; ++k) rows[k] = k < across ? load_n(x + (j + k) * x_step + i, down) : Vec<E>{};
                        transpose_square<E>(rows);
                        for (int64_t k = 0; k < down; ++k) store_n(y + (i + k) * y_step + j, rows[k], across);
                    }
                }
            return;
        }
    }
    for (int64_t i = 0; i < tall; ++i)
        for (int64_t j = 0; j < wide; ++j) y[i * y_step + j] = x[j * x_step + i];
}

template <class E>
void turn_tiles(E* y, const E* x, const Walk& walk, int across, int64_t task) {
    int64_t width = walk.size[0], height = walk.size[across], x_step = walk.stride[0][0];
    int64_t y_stride[kMaxRank], count = 1;
    for (int d = 0; d < walk.rank; ++d) {
        y_stride[d] = count;
        count *= walk.size[d];
    }
    int64_t blocks = ceil_div(height, kTile), rows = count / (width * height) * blocks;
    int64_t per_task = max_of(1, kTaskElements / (kTile * width));
    for (int64_t row = task * per_task; row < min_of(rows, (task + 1) * per_task); ++row) {
        int64_t begin = row % blocks * kTile, tall = min_of(kTile, height - begin), outer = row / blocks;
        const E* from = x + begin;
        E* to = y + begin * y_stride[across];
        for (int d = 1; d < walk.rank; ++d) {
            if (d == across) continue;
            from += outer % walk.size[d] * walk.stride[0][d];
            to += outer % walk.size[d] * y_stride[d];
            outer /= walk.size[d];
        }
        for (int64_t left = 0; left < width; left += kTile)
            turn_tile(to + left, y_stride[across], from + left * x_step, x_step, tall, min_of(kTile, width - left));
    }
}

Status run_transpose(const Call& call, int, int64_t task) {
    const View &x = call.in[0], &y = call.out[0];
    Walk walk = walk_transpose(call);
    int across = contiguous_dimension(walk);
    if (across == 0) return copy_walk(call, task, walk, 0);
    switch (size_of(y.dtype)) {
        case 1: turn_tiles(data<uint8_t>(y), data<uint8_t>(x), walk, across, task); break;
        case 4: turn_tiles(data<uint32_t>(y), data<uint32_t>(x), walk, across, task); break;
        default: turn_tiles(data<uint64_t>(y), data<uint64_t>(x), walk, across, task); break;
    }
    return {};
}

// ---- pad. ints: elements before x in each dimension; reals: the value around it.

template <class E>
void fill(E* y, int64_t n, E value) {
    for (int64_t i = 0; i < n; ++i) y[i] = value;
}

template <class E>
Status run_pad(const Call& call, int, int64_t task) {
    const View &x_view = call.in[0], &y_view = call.out[0];
    const E value = Cast<E>::of(call.reals[0]);
    // Merge dimensions outwards as long as the inner one is not padded.
    int rank = 0;
    int64_t from[kMaxRank], to[kMaxRank], begin[kMaxRank];
    for (int d = y_view.rank - 1; d >= 0; --d) {
        if (rank && from[rank - 1] == to[rank - 1]) {
            begin[rank - 1] = call.ints[d] * from[rank - 1];
            from[rank - 1] *= x_view.shape[d];
            to[rank - 1] *= y_view.shape[d];
        } else {
            begin[rank] = call.ints[d];
            from[rank] = x_view.shape[d];
            to[rank++] = y_view.shape[d];
        }
    }
    if (!rank) begin[0] = 0, from[0] = to[0] = 1;
    const E* x = data<E>(x_view);
    E* y = data<E>(y_view);
    Range range = range_of(task, numel(y_view));
    for (int64_t i = range.begin; i < range.end;) {
        int64_t row = i / to[0], column = i % to[0], run = min_of(to[0] - column, range.end - i);
        int64_t source = 0, stride = from[0];
        bool inside = from[0] > 0;
        for (int d = 1; d < rank; ++d) {
            int64_t at = row % to[d] - begin[d];
            inside = inside && at >= 0 && at < from[d];
            source += at * stride;
            stride *= from[d];
            row /= to[d];
        }
        int64_t left = inside ? min_of(max_of(begin[0] - column, 0), run) : run;
        int64_t middle = inside ? max_of(min_of(begin[0] + from[0] - column, run) - left, 0) : 0;
        fill(y + i, left, value);
        if (middle) __builtin_memcpy(y + i + left, x + source + (column + left - begin[0]), middle * sizeof(E));
        fill(y + i + left + middle, run - left - middle, value);
        i += run;
    }
    return {};
}

#define LABKIT_SHAPE_KERNELS(X)                                                 \
    LABKIT_ALL_DTYPES(X, "copy", plan_elements, run_copy, true)                 \
    LABKIT_ALL_DTYPES(X, "broadcast_to", plan_elements, run_broadcast_to, false) \
    LABKIT_ALL_DTYPES(X, "slice", plan_elements, run_slice, false)              \
    LABKIT_ALL_DTYPES(X, "transpose", plan_transpose, run_transpose, false)     \
    X("pad.f32", plan_elements, run_pad<float>, false)                          \
    X("pad.f64", plan_elements, run_pad<double>, false)                         \
    X("pad.i32", plan_elements, run_pad<int32_t>, false)                        \
    X("pad.i64", plan_elements, run_pad<int64_t>, false)                        \
    X("pad.u8", plan_elements, run_pad<uint8_t>, false)                         \
    X("pad.b8", plan_elements, run_pad<Bool>, false)

}  // namespace
}  // namespace labkit
