// Diagonals and bands of matrices, which are the last two dimensions. Elements are moved by their size, whatever they mean.
//   matrix_diag: x[..., n] becomes the diagonals of y[..., n, n], zero elsewhere. ints: n.
//   matrix_diag_part: y[..., min(rows, columns)] is the diagonals of x[..., rows, columns]. ints: rows, columns.
//   matrix_set_diag: y is x with other diagonals, d[..., min(rows, columns)]. ints: rows, columns.
//   matrix_band_part: y is x on and within `lower` diagonals below the main one and `upper` above it, zero elsewhere; a
//   negative number means all of them. ints: lower, upper.
#include "kernels/walk.h"
#include "labkit/kernel.h"
#include "simd/vec.h"

namespace labkit {
namespace {

template <class E>
void copy_or_zero(E* y, const E* x, int64_t from, int64_t kept, int64_t to, int64_t end) {
    // y[from, end) = 0 ... x[kept, to) ... 0, where y may be x
    __builtin_memset(y + from, 0, static_cast<size_t>(kept - from) * sizeof(E));
    if (y != x) __builtin_memcpy(y + kept, x + kept, static_cast<size_t>(to - kept) * sizeof(E));
    __builtin_memset(y + to, 0, static_cast<size_t>(end - to) * sizeof(E));
}

// y[place of diagonal element q] = d[q] for every such place in [begin, end), of matrices of `rows` x `columns`.
template <class E>
void put_diagonals(E* y, const E* d, int64_t begin, int64_t end, int64_t rows, int64_t columns) {
    const int64_t size = rows * columns, length = min_of(rows, columns);
    for (int64_t at = begin; at < end; at += size - at % size) {  // matrix by matrix
        const int64_t matrix = at / size, first = at % size, last = min_of(end - matrix * size, size);
        for (int64_t i = ceil_div(first, columns + 1); i < length && i * (columns + 1) < last; ++i)
            y[matrix * size + i * (columns + 1)] = d[matrix * length + i];
    }
}

template <class E>
Status run_matrix_diag(const Call& call, int, int64_t task) {
    const int64_t n = call.ints[0];
    E* y = data<E>(call.out[0]);
    const Range range = range_of(task, numel(call.out[0]));
    __builtin_memset(y + range.begin, 0, static_cast<size_t>(range.end - range.begin) * sizeof(E));
    put_diagonals(y, data<E>(call.in[0]), range.begin, range.end, n, n);
    return {};
}

template <class E>
Status run_matrix_diag_part(const Call& call, int, int64_t task) {
    const int64_t rows = call.ints[0], columns = call.ints[1], length = min_of(rows, columns);
    const E* x = data<E>(call.in[0]);
    E* y = data<E>(call.out[0]);
    const Range range = range_of(task, numel(call.out[0]));
    for (int64_t i = range.begin; i < range.end; ++i) y[i] = x[i / length * rows * columns + i % length * (columns + 1)];
    return {};
}

template <class E>
Status run_matrix_set_diag(const Call& call, int, int64_t task) {
    E* y = data<E>(call.out[0]);
    const Range range = range_of(task, numel(call.out[0]));
    copy_or_zero(y, static_cast<const E*>(data<E>(call.in[0])), range.begin, range.begin, range.end, range.end);
    put_diagonals(y, data<E>(call.in[1]), range.begin, range.end, call.ints[0], call.ints[1]);
    return {};
}

template <class E>
Status run_matrix_band_part(const Call& call, int, int64_t task) {
    const View& view = call.in[0];
    const int64_t rows = view.shape[view.rank - 2], columns = view.shape[view.rank - 1];
    const int64_t lower = call.ints[0] < 0 ? rows : min_of(call.ints[0], rows);
    const int64_t upper = call.ints[1] < 0 ? columns : min_of(call.ints[1], columns);
    const E* x = data<E>(view);
    E* y = data<E>(call.out[0]);
    const Range range = range_of(task, numel(view));
    for (int64_t at = range.begin; at < range.end;) {  // row by row
        const int64_t row = at / columns, i = row % rows, start = row * columns;
        const int64_t end = min_of(start + columns, range.end);
        auto inside = [&](int64_t column) { return min_of(max_of(start + column, at), end); };
        const int64_t kept = inside(i - lower);
        copy_or_zero(y, x, at, kept, max_of(kept, inside(i + upper + 1)), end);
        at = end;
    }
    return {};
}

#define LABKIT_DIAGONAL(X, name, run, in_place)         \
    X(name ".f32", plan_elements, run<uint32_t>, in_place) \
    X(name ".f64", plan_elements, run<uint64_t>, in_place) \
    X(name ".i32", plan_elements, run<uint32_t>, in_place) \
    X(name ".i64", plan_elements, run<uint64_t>, in_place) \
    X(name ".u8", plan_elements, run<uint8_t>, in_place)   \
    X(name ".b8", plan_elements, run<uint8_t>, in_place)

#define LABKIT_DIAGONAL_KERNELS(X)                                        \
    LABKIT_DIAGONAL(X, "matrix_diag", run_matrix_diag, false)             \
    LABKIT_DIAGONAL(X, "matrix_diag_part", run_matrix_diag_part, false)   \
    LABKIT_DIAGONAL(X, "matrix_set_diag", run_matrix_set_diag, true)      \
    LABKIT_DIAGONAL(X, "matrix_band_part", run_matrix_band_part, true)

}  // namespace
}  // namespace labkit
