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
    int64_t step() const { return stride; }
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

// The right operand of a task, b[k_begin .. k_end)[n0 .. n0 + nc), panel by panel of at most KC steps by NR columns: all panels of the
// first steps, then those of the next. While a panel is multiplied the one after it is packed and a little more is fetched, piece
// by piece: of a matrix whose rows meet in the same sets of the caches no more can be fetched ahead.
template <class T, bool TransposedB>
struct RightPanels {
    static constexpr int64_t KC = Gemm<T>::KC, NR = Gemm<T>::NR, kAhead = 2;  // pieces
    const Matrix<T>& b;
    int64_t k_begin, k_end, n0, nc;
    T* memory;        // of so many panels
    int64_t buffers;  // 1, or 2 to pack ahead
    int64_t across = ceil_div(nc, NR), count = max_of(1, ceil_div(k_end - k_begin, KC)) * across;  // once for an empty sum, too

    int64_t k0(int64_t panel) const { return k_begin + panel / across * KC; }
    int64_t kc(int64_t panel) const { return max_of(0, min_of(k_end - k0(panel), KC)); }
    int64_t column(int64_t panel) const { return panel % across * NR; }
    int columns(int64_t panel) const { return static_cast<int>(min_of(nc - column(panel), NR)); }
    T* packed(int64_t panel) const { return memory + panel % buffers * KC * NR; }

    // Steps of a panel that belong to a piece.
    Range steps(int64_t panel, int64_t piece, int64_t pieces) const {
        constexpr int64_t L = lanes<T>;
        const Range vectors = share(piece, pieces, ceil_div(kc(panel), L));
        return {vectors.begin * L, min_of(vectors.end * L, kc(panel))};
    }

    void pack(int64_t panel, int64_t piece, int64_t pieces) const {
        const Range some = steps(panel, piece, pieces);
        gemm_pack_right<T, TransposedB>(b, k0(panel) + some.begin, some.end - some.begin, n0 + column(panel), columns(panel),
                                        packed(panel) + some.begin * NR);
    }

    // A piece is to be fetched while a product of `length` steps goes on.
    void fetch(int64_t panel, int64_t piece, int64_t pieces, int64_t length, Ahead<T>& ahead) const {
        const Range some = panel < count ? steps(panel, piece, pieces) : Range{0, 0};
        const int64_t k = k0(panel) + some.begin, n = n0 + column(panel), times = ceil_div(length, Gemm<T>::kStretch);
        if (TransposedB)
            ahead.aim(b.row(n) + k, b.stride, columns(panel), some.end - some.begin, times);
        else
            ahead.aim(b.row(k) + n, b.stride, some.end - some.begin, columns(panel), times);
    }

    // Packs what is to be packed beside piece `piece` of the products with a panel, and says what is to be fetched.
    void go_on(int64_t panel, int64_t piece, int64_t pieces, Ahead<T>& ahead) const {
        if (panel + 1 < count) pack(panel + 1, piece, pieces);
        fetch(panel + 1 + (piece + kAhead) / pieces, (piece + kAhead) % pieces, pieces, kc(panel), ahead);
    }
};

}  // namespace
}  // namespace labkit
