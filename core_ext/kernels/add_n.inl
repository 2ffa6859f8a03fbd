// add_n: the sum of any number of tensors of one shape, added in their order.
#pragma once
#include "kernels/elementwise.inl"

namespace labkit {
namespace {

// Blocks that stay in the first cache are summed aside, so that the result may take the memory of any operand.
template <class T>
Status run_add_n(const Call& call, int, int64_t task) {
    constexpr int64_t kBlock = 1024;
    T sum[kBlock];
    Range range = range_of(task, numel(call.out[0]));
    for (int64_t begin = range.begin; begin < range.end; begin += kBlock) {
        const int64_t n = min_of(kBlock, range.end - begin);
        const T *first = data<T>(call.in[0]) + begin, *last = data<T>(call.in[call.n_in - 1]) + begin;
        T* y = data<T>(call.out[0]) + begin;
        if (call.n_in == 1) {
            __builtin_memmove(y, first, static_cast<size_t>(n) * sizeof(T));
            continue;
        }
        const T* so_far = first;
        for (int k = 1; k < call.n_in - 1; ++k) {
            const T* x = data<T>(call.in[k]) + begin;
            for (int64_t i = 0; i < n; ++i) sum[i] = Add::of(so_far[i], x[i]);
            so_far = sum;
        }
        LABKIT_INDEPENDENT
        for (int64_t i = 0; i < n; ++i) y[i] = Add::of(so_far[i], last[i]);
    }
    return {};
}

#define LABKIT_ADD_N_KERNELS(X)                             \
    X("add_n.f32", plan_elements, run_add_n<float>, true)   \
    X("add_n.f64", plan_elements, run_add_n<double>, true)  \
    X("add_n.i32", plan_elements, run_add_n<int32_t>, true) \
    X("add_n.i64", plan_elements, run_add_n<int64_t>, true) \
    X("add_n.u8", plan_elements, run_add_n<uint8_t>, true)

}  // namespace
}  // namespace labkit
