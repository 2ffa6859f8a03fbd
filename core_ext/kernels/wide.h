// Loops over float32 numbers that are computed in vectors of doubles; a last, partly filled vector goes through the same
// arithmetic.
#pragma once
#include "kernels/elementwise.inl"

namespace labkit {
namespace {

template <class Op>
Status run_wide_map(const Call& call, int, int64_t task) {
    const float* x = data<float>(call.in[0]);
    float* y = data<float>(call.out[0]);
    Range range = range_of(task, numel(call.out[0]));
    constexpr int step = lanes<double>;
    for (int64_t i = range.begin; i < range.end; i += step) {
        int n = static_cast<int>(min_of(step, range.end - i));
        store_narrowed(y + i, Op::of(load_widened(x + i, n)), n);
    }
    return {};
}

template <class Op>
struct WideBinary {
    template <bool step_a, bool step_b>
    static void loop(void* y_, const void* a_, const void* b_, int64_t n) {
        float* y = static_cast<float*>(y_);
        const float *a = static_cast<const float*>(a_), *b = static_cast<const float*>(b_);
        constexpr int step = lanes<double>;
        for (int64_t i = 0; i < n; i += step) {
            int part = static_cast<int>(min_of(step, n - i));
            Vec<double> va = step_a ? load_widened(a + i, part) : broadcast(static_cast<double>(*a));
            Vec<double> vb = step_b ? load_widened(b + i, part) : broadcast(static_cast<double>(*b));
            store_narrowed(y + i, Op::of(va, vb), part);
        }
    }
    static Status run(const Call& call, int, int64_t task) {
        return run_broadcast(call, task, {loop<true, true>, loop<true, false>, loop<false, true>}, 4, 4, false);
    }
};

}  // namespace
}  // namespace labkit
