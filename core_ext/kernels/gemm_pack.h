// Copies of rectangles of a matrix, and the matrices that products take.
#pragma once
#include "kernels/gemm_tile.h"

namespace labkit {
namespace {

template <class T>
LABKIT_INLINE void copy_run(T* to, const T* from, int64_t n) {
    constexpr int L = lanes<T>;
    if (n < L) {
        store_part(to, load_part(from, static_cast<int>(n)), static_cast<int>(n));
        return;
    }
    for (int64_t i = 0; i + L <= n; i += L) store(to + i, load(from + i));
    store(to + n - L, load(from + n - L));  // the last ones, some of them a second time
}

template <class T>
LABKIT_INLINE void zero_run(T* to, int64_t n) {
    constexpr int L = lanes<T>;
    int64_t i = 0;
    for (; i + L <= n; i += L) store(to + i, Vec<T>{});
    if (i < n) store_part(to + i, Vec<T>{}, static_cast<int>(n - i));
}

// to[j * to_stride + i] = from[i * from_stride + j] for i < rows, j < columns, in squares of one vector.
template <class T>
void transpose_copy(const T* from, int64_t from_stride, int64_t rows, int64_t columns, T* to, int64_t to_stride) {
    constexpr int L = lanes<T>;
    for (int64_t i0 = 0; i0 < rows; i0 += L) {
        const int height = rows - i0 < L ? static_cast<int>(rows - i0) : L;
        for (int64_t j0 = 0; j0 < columns; j0 += L) {
            const T* source = from + i0 * from_stride + j0;
            T* target = to + j0 * to_stride + i0;
            const int width = columns - j0 < L ? static_cast<int>(columns - j0) : L;
            Vec<T> square[L];
            if (height == L && width == L) {
                LABKIT_UNROLL
                for (int i = 0; i < L; ++i) square[i] = load(source + i * from_stride);
                transpose_square<T>(square);
                LABKIT_UNROLL
                for (int j = 0; j < L; ++j) store(target + j * to_stride, square[j]);
            } else if (width <= 2) {
                for (int j = 0; j < width; ++j)
                    for (int i = 0; i < height; ++i) target[j * to_stride + i] = source[i * from_stride + j];
            } else {
                LABKIT_UNROLL
                for (int i = 0; i < L; ++i) square[i] = i < height ? load_n(source + i * from_stride, width) : Vec<T>{};
                transpose_square<T>(square);
                LABKIT_UNROLL
                for (int j = 0; j < L; ++j)
                    if (j < width) store_n(target + j * to_stride, square[j], height);
            }
        }
    }
}

// A dense row-major matrix as an operand: rows `stride` elements apart.
template <class T>
struct Matrix {
    const T* data;
    int64_t stride;

    const T* row(int64_t r) const { return data + r * stride; }

    void pack(int64_t r0, int64_t rows, int64_t c0, int64_t columns, T* to, int64_t to_stride) const {
        for (int64_t r = 0; r < rows; ++r) copy_run(to + r * to_stride, row(r0 + r) + c0, columns);
    }
};

template <class Operand>
constexpr bool is_matrix = false;
template <class T>
constexpr bool is_matrix<Matrix<T>> = true;

// Rows of the result, `stride` elements apart.
template <class T>
struct DenseRows {
    T* data;
    int64_t stride;

    T* row(int64_t r) const { return data + r * stride; }
};

// Packs b[k0 .. k0 + kc)[n0 .. n0 + columns), at most NR columns, into rows of NR. Missing columns of the last vector are zero
// (nothing is made of them, but they should not be slow numbers).
template <class T, bool TransposedB>
void gemm_pack_right(const Matrix<T>& b, int64_t k0, int64_t kc, int64_t n0, int64_t columns, T* to) {
    constexpr int L = lanes<T>, NR = Gemm<T>::NR;
    const int64_t padded = columns > L ? 2 * L : L;
    if (columns < padded)
        for (int64_t k = 0; k < kc; ++k) store(to + k * NR + padded - L, Vec<T>{});
    if (TransposedB)
        transpose_copy(b.row(n0) + k0, b.stride, columns, kc, to, NR);
    else if (columns == NR)
        for (int64_t k = 0; k < kc; ++k) {
            const T* from = b.row(k0 + k) + n0;
            store(to + k * NR, load(from));
            store(to + k * NR + L, load(from + L));
        }
    else
        b.pack(k0, kc, n0, columns, to, NR);
}

// Asks for part `part` of `parts` of b[k0 .. k0 + kc)[n0 .. n0 + nc), which will be needed soon.
template <class T, bool TransposedB>
LABKIT_INLINE void gemm_prefetch(const Matrix<T>& b, int64_t k0, int64_t kc, int64_t n0, int64_t nc, int64_t part, int64_t parts) {
    constexpr int64_t kLine = 64 / static_cast<int64_t>(sizeof(T));
    const int64_t rows = TransposedB ? nc : kc, width = TransposedB ? kc : nc;
    for (int64_t r = rows * part / parts; r < rows * (part + 1) / parts; ++r) {
        const T* row = TransposedB ? b.row(n0 + r) + k0 : b.row(k0 + r) + n0;
        for (int64_t i = 0; i < width; i += kLine) __builtin_prefetch(row + i, 0, 2);
    }
}

}  // namespace
}  // namespace labkit
