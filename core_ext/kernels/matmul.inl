// matmul: y[M, N] = op(a) . op(b), where op transposes its matrix if the attribute says so.
// ints: transpose_a, transpose_b.
#include "kernels/gemm.h"

namespace labkit {
namespace {

template <class T>
Tiling matmul_tiling(const Call& call) {
    return gemm_tiling<T>(call.out[0].shape[0], call.out[0].shape[1], call.in[0].shape[call.ints[0] ? 0 : 1]);
}

template <class T>
void plan_matmul(const Call& call, Work& work) {
    work.tasks[0] = matmul_tiling<T>(call).tasks();
}

template <class T>
Status run_matmul(const Call& call, int, int64_t task) {
    const Tiling tiling = matmul_tiling<T>(call);
    const bool transpose_a = call.ints[0] != 0, transpose_b = call.ints[1] != 0;
    const int64_t K = call.in[0].shape[transpose_a ? 0 : 1];
    const Matrix<T> a{data<T>(call.in[0]), call.in[0].shape[1]}, b{data<T>(call.in[1]), call.in[1].shape[1]};
    const DenseRows<T> y{data<T>(call.out[0]), tiling.N};
    if (transpose_a)
        transpose_b ? gemm_task<T, true, true>(tiling, task, a, b, y, 0, K) : gemm_task<T, true, false>(tiling, task, a, b, y, 0, K);
    else
        transpose_b ? gemm_task<T, false, true>(tiling, task, a, b, y, 0, K) : gemm_task<T, false, false>(tiling, task, a, b, y, 0, K);
    return {};
}

#define LABKIT_MATMUL_KERNELS(X)                                      \
    X("matmul.f32", plan_matmul<float>, run_matmul<float>, false)     \
    X("matmul.f64", plan_matmul<double>, run_matmul<double>, false)

}  // namespace
}  // namespace labkit
