// Copies a strided part of one tensor to the dense elements of another, run by run.
#pragma once
#include "kernels/walk.h"
#include "labkit/kernel.h"
#include "simd/vec.h"

namespace labkit {
namespace {

// A row of a few to a few hundred bytes: a call of memcpy would take as long. The last vector, or half of one, may copy some
// elements again.
template <class E>
LABKIT_INLINE void copy_row(E* __restrict__ to, const E* __restrict__ from, int64_t n) {
    constexpr int64_t L = lanes<E>, half = 8;
    if (sizeof(E) >= 4 && n >= L && n <= 16 * L) {
        for (int64_t i = 0; i + L <= n; i += L) store(to + i, load(from + i));
        if (n % L) store(to + n - L, load(from + n - L));
    } else if (sizeof(E) >= 4 && n >= half && n < L) {
        __builtin_memcpy(to, from, half * sizeof(E));
        __builtin_memcpy(to + n - half, from + n - half, half * sizeof(E));
    } else {
        __builtin_memcpy(to, from, static_cast<size_t>(n) * sizeof(E));
    }
}

template <int width, class E>
void copy_short_rows(E* to, int64_t to_step, const E* from, int64_t from_step, int64_t rows) {
    for (int64_t r = 0; r < rows; ++r) __builtin_memcpy(to + r * to_step, from + r * from_step, width * sizeof(E));
}

// Copies `rows` rows of `width` elements between two matrices whose rows lie `to_step` and `from_step` apart. A call of memcpy
// for each of a few elements would cost more than they do.
template <class E>
void copy_columns(E* to, int64_t to_step, const E* from, int64_t from_step, int64_t rows, int64_t width) {
    switch (width) {
        case 1:
            for (int64_t r = 0; r < rows; ++r) to[r * to_step] = from[r * from_step];
            break;
        case 2: return copy_short_rows<2>(to, to_step, from, from_step, rows);
        case 3: return copy_short_rows<3>(to, to_step, from, from_step, rows);
        case 4: return copy_short_rows<4>(to, to_step, from, from_step, rows);
        case 5: return copy_short_rows<5>(to, to_step, from, from_step, rows);
        case 6: return copy_short_rows<6>(to, to_step, from, from_step, rows);
        case 7: return copy_short_rows<7>(to, to_step, from, from_step, rows);
        case 8: return copy_short_rows<8>(to, to_step, from, from_step, rows);
        default:
            for (int64_t r = 0; r < rows; ++r) copy_row(to + r * to_step, from + r * from_step, width);
    }
}

template <class E>
void copy_runs(E* y, const E* x, const Walk& walk, Range range) {
    Cursor cursor(walk, range.begin);
    int64_t step = walk.rank ? walk.stride[0][0] : 0;
    const bool in_rows = walk.rank > 1 && step == 1;
    for (int64_t i = range.begin; i < range.end;) {
        if (in_rows && cursor.index[0] == 0 && range.end - i >= walk.size[0]) {
            const int64_t width = walk.size[0], rows = min_of(cursor.rest_of_rows(), (range.end - i) / width);
            copy_columns(y + i, width, x + cursor.offset[0], walk.stride[0][1], rows, width);
            cursor.advance_rows(rows);
            i += rows * width;
            continue;
        }
        int64_t run = min_of(cursor.rest_of_run(), range.end - i);
        const E* from = x + cursor.offset[0];
        if (step == 1)
            copy_row(y + i, from, run);
        else if (step == 0)
            for (int64_t k = 0; k < run; ++k) y[i + k] = *from;
        else if (step == -1)
            for (int64_t k = 0; k < run; ++k) y[i + k] = from[-k];
        else
            for (int64_t k = 0; k < run; ++k) y[i + k] = from[k * step];
        cursor.advance(run);
        i += run;
    }
}

Status copy_walk(const Call& call, int64_t task, const Walk& walk, int64_t start) {
    const View &x = call.in[0], &y = call.out[0];
    Range range = range_of(task, numel(y));
    switch (size_of(y.dtype)) {
        case 1: copy_runs(data<uint8_t>(y), data<uint8_t>(x) + start, walk, range); break;
        case 4: copy_runs(data<uint32_t>(y), data<uint32_t>(x) + start, walk, range); break;
        default: copy_runs(data<uint64_t>(y), data<uint64_t>(x) + start, walk, range); break;
    }
    return {};
}

// Calls FUNCTION<E>(...) with the unsigned integer that is as wide as the dtype's elements.
#define LABKIT_BY_SIZE(dtype, FUNCTION, ...)                 \
    switch (size_of(dtype)) {                                \
        case 1: FUNCTION<uint8_t>(__VA_ARGS__); break;       \
        case 4: FUNCTION<uint32_t>(__VA_ARGS__); break;      \
        default: FUNCTION<uint64_t>(__VA_ARGS__); break;     \
    }

// A kernel for each dtype, of which only the size matters.
#define LABKIT_ALL_DTYPES(X, name, plan, run, in_place) \
    X(name ".f32", plan, run, in_place)                 \
    X(name ".f64", plan, run, in_place)                 \
    X(name ".i32", plan, run, in_place)                 \
    X(name ".i64", plan, run, in_place)                 \
    X(name ".u8", plan, run, in_place)                  \
    X(name ".b8", plan, run, in_place)

}  // namespace
}  // namespace labkit
