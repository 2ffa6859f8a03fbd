// matmul: y[..., M, N] = op(a) . op(b), where op transposes the last two dimensions if the attribute says so; the dimensions
// before them are broadcast. ints: transpose_a, transpose_b[, epilogue]. What becomes of results (epilogue.h) stands in that
// third one: 1 is relu; with 2 the third input is a mask of y's shape. Otherwise a third input is a bias [N].
//
// Each matrix is a product of its own by narrow.h, where b is a handful of long columns, or by gemm.h. Bits depend on K and on
// whether N is a handful, so a row of a product has the same bits whatever rows stand beside it.
#include "kernels/gemm.h"
#include "kernels/narrow.h"

namespace labkit {
namespace {

// What the shapes say. A task is one block of one matrix, or `group` small matrices.
template <class T>
struct Products {
    Walk matrices;  // their places in a and in b
    Tiling tiling;
    int64_t K, a_stride, b_stride, count, group;
    bool transpose_a, transpose_b, narrow;

    Products(const Call& call) {
        const View &a = call.in[0], &b = call.in[1], &y = call.out[0];
        transpose_a = call.ints[0] != 0, transpose_b = call.ints[1] != 0;
        a_stride = a.shape[a.rank - 1];
        b_stride = b.shape[b.rank - 1];
        K = transpose_a ? a.shape[a.rank - 2] : a_stride;
        for (int d = y.rank - 3; d >= 0; --d) matrices.add(y.shape[d], broadcast_stride(a, y.rank, d), broadcast_stride(b, y.rank, d));
        int64_t rows = y.shape[y.rank - 2];
        const int64_t columns = y.shape[y.rank - 1];
        if (matrices.rank && !transpose_a && matrices.stride[1][0] == 0 && matrices.stride[0][0] == rows * K) {
            rows *= matrices.size[0];  // many matrices times one: one product of all their rows
            for (int d = 1; d < matrices.rank; ++d) {
                matrices.size[d - 1] = matrices.size[d];
                for (int i = 0; i < 2; ++i) matrices.stride[i][d - 1] = matrices.stride[i][d];
            }
            --matrices.rank;
        }
        if (transpose_a && (rows == 1 || K == 1)) transpose_a = false, a_stride = K;  // a vector lies alike either way
        if (transpose_b && (columns == 1 || K == 1)) transpose_b = false, b_stride = columns;
        narrow = Narrow<T>::serves(columns, K);
        tiling = narrow ? Tiling{Narrow<T>::tasks(rows, columns, K), 1, rows, columns, columns} : gemm_tiling<T>(rows, columns, K);
        count = matrices.count();
        const int64_t work = rows * columns * K + 4096;  // with what a small product costs besides
        group = tiling.tasks() > 1 ? 1 : max_of(1, (int64_t{1} << 19) / work);
    }

    int64_t tasks() const { return group > 1 ? ceil_div(count, group) : count * tiling.tasks(); }

    void multiply(const T* left, const T* right, T* to, int64_t block, const Epilogue<T>& end) const {
        const Matrix<T> a{left, a_stride}, b{right, b_stride};
        const DenseRows<T> y{to, tiling.N};
        if constexpr (Gemm<T>::kReal)
            if (narrow) return narrow_task<T>(a, transpose_a, b, transpose_b, tiling, block, K, to, end);
        if (transpose_a)
            transpose_b ? gemm_task<T, true, true>(tiling, block, a, b, y, 0, K, end) : gemm_task<T, true, false>(tiling, block, a, b, y, 0, K, end);
        else
            transpose_b ? gemm_task<T, false, true>(tiling, block, a, b, y, 0, K, end) : gemm_task<T, false, false>(tiling, block, a, b, y, 0, K, end);
    }
};

template <class T>
Epilogue<T> matmul_epilogue(const Call& call) {
    return call.n_ints > 2 && call.ints[2] == 2 ? masked<T>(call) : bias_relu<T>(call, 2);
}

template <class T>
void plan_matmul(const Call& call, Work& work) {
    work.tasks[0] = Products<T>(call).tasks();
}

template <class T>
Status run_matmul(const Call& call, int, int64_t task) {
    const Products<T> p(call);
    const Epilogue<T> end = matmul_epilogue<T>(call);
    const int64_t tiles = p.group > 1 ? 1 : p.tiling.tasks(), block = task % tiles;
    const int64_t first = p.group > 1 ? task * p.group : task / tiles, last = min_of(first + p.group, p.count);
    Cursor cursor(p.matrices, first);
    for (int64_t i = first; i < last; ++i, cursor.advance(1))
        p.multiply(data<T>(call.in[0]) + cursor.offset[0], data<T>(call.in[1]) + cursor.offset[1],
                   data<T>(call.out[0]) + i * p.tiling.M * p.tiling.N, block, end);
    return {};
}

#define LABKIT_MATMUL_KERNELS(X)                                      \
    X("matmul.f32", plan_matmul<float>, run_matmul<float>, false)      \
    X("matmul.f64", plan_matmul<double>, run_matmul<double>, false)    \
    X("matmul.i32", plan_matmul<uint32_t>, run_matmul<uint32_t>, false) \
    X("matmul.i64", plan_matmul<uint64_t>, run_matmul<uint64_t>, false)

}  // namespace
}  // namespace labkit
