// add_n: the sum of any number of tensors of one shape, added in their order.
#pragma once
#include "kernels/elementwise.inl"

namespace labkit {
namespace {

// to = from + x[0] + ... + x[count - 1]; the result may take the memory of any operand.
template <int count, class T>
void add_operands(T* to, const T* from, const View* x, int64_t begin, int64_t n) {
    const T* other[count];
    for (int k = 0; k < count; ++k) other[k] = data<T>(x[k]) + begin;
    LABKIT_INDEPENDENT
    for (int64_t i = 0; i < n; ++i) {
        T sum = from[i];
        LABKIT_UNROLL
        for (int k = 0; k < count; ++k) sum = Add::of(sum, other[k][i]);
        to[i] = sum;
    }
}

// Up to four operands are read in one pass. More of them are summed aside, in blocks that stay in the first cache.
template <class T>
Status run_add_n(const Call& call, int, int64_t task) {
    constexpr int64_t kBlock = 1024;
    alignas(64) T sum[kBlock];
    const Range range = range_of(task, numel(call.out[0]));
    const int64_t step = call.n_in <= 4 ? range.end - range.begin : kBlock;
    for (int64_t begin = range.begin; begin < range.end; begin += step) {
        const int64_t n = min_of(step, range.end - begin);
        T* y = data<T>(call.out[0]) + begin;
        const T* so_far = data<T>(call.in[0]) + begin;
        const View *next = call.in + 1, *end = call.in + call.n_in;
        for (; end - next > 3; next += 3, so_far = sum) add_operands<3>(sum, so_far, next, begin, n);
        switch (end - next) {
            case 3: add_operands<3>(y, so_far, next, begin, n); break;
            case 2: add_operands<2>(y, so_far, next, begin, n); break;
            case 1: add_operands<1>(y, so_far, next, begin, n); break;
            default: __builtin_memmove(y, so_far, static_cast<size_t>(n) * sizeof(T));  // the sum of one
        }
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
