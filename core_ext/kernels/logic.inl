// Logic of truth values, and the choice between two operands; all broadcast by NumPy's rule.
//
// A choice moves bits and computes nothing: numbers are copied as integers of their width, so a NaN keeps its payload.
#pragma once
#include "kernels/elementwise.inl"

namespace labkit {
namespace {

struct And {
    static uint8_t of(uint8_t a, uint8_t b) { return (a != 0) & (b != 0); }
};
struct Or {
    static uint8_t of(uint8_t a, uint8_t b) { return (a | b) != 0; }
};
struct Xor {
    static uint8_t of(uint8_t a, uint8_t b) { return (a != 0) != (b != 0); }
};
struct Not {
    static uint8_t of(uint8_t a) { return a == 0; }
};

// n results; an operand whose step is 0 stands still.
template <class E, int64_t step_c, int64_t step_a, int64_t step_b>
void choose(E* y, const uint8_t* c, const E* a, const E* b, int64_t n) {
    LABKIT_INDEPENDENT
    for (int64_t i = 0; i < n; ++i) {
        const E x = a[i * step_a], z = b[i * step_b];
        y[i] = c[i * step_c] ? x : z;
    }
}

template <class E>
Status run_select(const Call& call, int, int64_t task) {
    using Choose = void (*)(E*, const uint8_t*, const E*, const E*, int64_t);
    static constexpr Choose loops[8] = {choose<E, 0, 0, 0>, choose<E, 0, 0, 1>, choose<E, 0, 1, 0>, choose<E, 0, 1, 1>,
                                        choose<E, 1, 0, 0>, choose<E, 1, 0, 1>, choose<E, 1, 1, 0>, choose<E, 1, 1, 1>};
    const View &c = call.in[0], &a = call.in[1], &b = call.in[2], &y = call.out[0];
    WalkOf<3> walk;
    for (int d = y.rank - 1; d >= 0; --d)
        walk.add(y.shape[d], broadcast_stride(c, y.rank, d), broadcast_stride(a, y.rank, d), broadcast_stride(b, y.rank, d));
    const int64_t steps = walk.rank ? walk.stride[0][0] * 4 + walk.stride[1][0] * 2 + walk.stride[2][0] : 0;  // each 0 or 1
    const Range range = range_of(task, numel(y));
    CursorOf<3> cursor(walk, range.begin);
    for (int64_t i = range.begin; i < range.end;) {
        const int64_t run = min_of(cursor.rest_of_run(), range.end - i);
        loops[steps](data<E>(y) + i, data<uint8_t>(c) + cursor.offset[0], data<E>(a) + cursor.offset[1],
                     data<E>(b) + cursor.offset[2], run);
        cursor.advance(run);
        i += run;
    }
    return {};
}

#define LABKIT_LOGIC_KERNELS(X)                                         \
    LABKIT_BINARY(X, "logical_and", And, "b8", uint8_t)                 \
    LABKIT_BINARY(X, "logical_or", Or, "b8", uint8_t)                   \
    LABKIT_BINARY(X, "logical_xor", Xor, "b8", uint8_t)                 \
    X("logical_not.b8", plan_elements, (run_map<Not, uint8_t>), true)   \
    X("select.f32", plan_elements, run_select<uint32_t>, true)          \
    X("select.f64", plan_elements, run_select<uint64_t>, true)          \
    X("select.i32", plan_elements, run_select<uint32_t>, true)          \
    X("select.i64", plan_elements, run_select<uint64_t>, true)          \
    X("select.u8", plan_elements, run_select<uint8_t>, true)            \
    X("select.b8", plan_elements, run_select<uint8_t>, true)

}  // namespace
}  // namespace labkit
