// matmul: y[..., M, N] = op(a) . op(b), where op transposes the last two dimensions if the attribute says so; the dimensions
// before them are broadcast. ints: transpose_a, transpose_b[, epilogue]. A third input goes into the epilogue (epilogue.h): with
// bit 1 of that attribute it is a mask of y's shape, otherwise a bias [N]; bit 0 is relu.
//
// Each matrix is a product of its own by gemm.h, or where b is one long column a sum along each row of a. Bits depend on K
// and on whether b is a column, so a product has the same bits in any batch.
#include "kernels/gemm.h"
#include "kernels/sums.h"

namespace labkit {
namespace {

// What the shapes say. A task is one block of one matrix, or `group` small matrices.
template <class T>
struct Products {
    Walk matrices;  // their places in a and in b
    Tiling tiling;
    int64_t K, a_stride, b_stride, count, group;

    Products(const Call& call) {
        const View &a = call.in[0], &b = call.in[1], &y = call.out[0];
        const bool transpose_a = call.ints[0] != 0;
        a_stride = a.shape[a.rank - 1];
        b_stride = b.shape[b.rank - 1];
        K = transpose_a ? a.shape[a.rank - 2] : a_stride;
        for (int d = y.rank - 3; d >= 0; --d) matrices.add(y.shape[d], broadcast_stride(a, y.rank, d), broadcast_stride(b, y.rank, d));
        int64_t rows = y.shape[y.rank - 2];
        if (matrices.rank && !transpose_a && matrices.stride[1][0] == 0 && matrices.stride[0][0] == rows * K) {
            rows *= matrices.size[0];  // many matrices times one: one product of all their rows
            for (int d = 1; d < matrices.rank; ++d) {
                matrices.size[d - 1] = matrices.size[d];
                for (int i = 0; i < 2; ++i) matrices.stride[i][d - 1] = matrices.stride[i][d];
            }
            --matrices.rank;
        }
        tiling = gemm_tiling<T>(rows, y.shape[y.rank - 1], K);
        count = matrices.count();
        const int64_t work = tiling.M * tiling.N * K + 4096;  // with what a small product costs besides
        group = tiling.tasks() > 1 ? 1 : max_of(1, (int64_t{1} << 19) / work);
    }

    int64_t tasks() const { return group > 1 ? ceil_div(count, group) : count * tiling.tasks(); }
};

constexpr int64_t kColumnLength = 64;  // from here on summing along rows pays

// Rows [begin, end) of y[M, 1] = a . b for a column b.
template <class T>
void times_column(const Matrix<T>& a, const T* b, int64_t K, const DenseRows<T>& y, int64_t begin, int64_t end, const Epilogue<T>& epilogue) {
    for (int64_t r = begin; r < end; ++r) {
        const T* row = a.row(r);
        *y.row(r) = static_cast<T>(sum_row<T>(K, [&](int64_t k, int64_t n) {
            return n == lanes<T> ? load(row + k) * load(b + k) : load_part(row + k, static_cast<int>(n)) * load_part(b + k, static_cast<int>(n));
        }));
        T* const to = y.row(r);
        if (epilogue) epilogue.finish(&to, 1, 0, 1);
    }
}

template <class T>
Epilogue<T> epilogue_of(const Call& call) {
    const int64_t kinds = call.n_ints > 2 ? call.ints[2] : 0;
    const T* extra = call.n_in > 2 ? data<T>(call.in[2]) : nullptr;
    const bool masked = kinds & 2;
    return {masked ? nullptr : extra, (kinds & 1) != 0, masked ? extra : nullptr, data<T>(call.out[0])};
}

template <class T>
void plan_matmul(const Call& call, Work& work) {
    work.tasks[0] = Products<T>(call).tasks();
}

template <class T>
Status run_matmul(const Call& call, int, int64_t task) {
    const Products<T> p(call);
    const bool transpose_a = call.ints[0] != 0, transpose_b = call.ints[1] != 0;
    const int64_t tiles = p.group > 1 ? 1 : p.tiling.tasks(), block = task % tiles;
    const int64_t first = p.group > 1 ? task * p.group : task / tiles, end = min_of(first + p.group, p.count);
    const Epilogue<T> epilogue = epilogue_of<T>(call);
    Cursor cursor(p.matrices, first);
    for (int64_t i = first; i < end; ++i, cursor.advance(1)) {
        const Matrix<T> a{data<T>(call.in[0]) + cursor.offset[0], p.a_stride};
        const Matrix<T> b{data<T>(call.in[1]) + cursor.offset[1], p.b_stride};
        const DenseRows<T> y{data<T>(call.out[0]) + i * p.tiling.M * p.tiling.N, p.tiling.N};
        if (Gemm<T>::kReal && !transpose_a && p.tiling.N == 1 && p.K >= kColumnLength)
            times_column<T>(a, b.data, p.K, y, p.tiling.M * block / tiles, p.tiling.M * (block + 1) / tiles, epilogue);
        else if (transpose_a)
            transpose_b ? gemm_task<T, true, true>(p.tiling, block, a, b, y, 0, p.K, epilogue)
                        : gemm_task<T, true, false>(p.tiling, block, a, b, y, 0, p.K, epilogue);
        else
            transpose_b ? gemm_task<T, false, true>(p.tiling, block, a, b, y, 0, p.K, epilogue)
                        : gemm_task<T, false, false>(p.tiling, block, a, b, y, 0, p.K, epilogue);
    }
    return {};
}

#define LABKIT_MATMUL_KERNELS(X)                                      \
    X("matmul.f32", plan_matmul<float>, run_matmul<float>, false)     \
    X("matmul.f64", plan_matmul<double>, run_matmul<double>, false)   \
    X("matmul.i32", plan_matmul<uint32_t>, run_matmul<uint32_t>, false) \
    X("matmul.i64", plan_matmul<uint64_t>, run_matmul<uint64_t>, false)

}  // namespace
}  // namespace labkit
