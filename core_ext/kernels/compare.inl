// Comparisons with NumPy broadcasting, and what kind of number a float is; results are boolean. NaN equals nothing, itself
// included.
#pragma once
#include "kernels/elementwise.inl"

namespace labkit {
namespace {

struct Equal {
    template <class T>
    static uint8_t of(T a, T b) { return a == b; }
};
struct NotEqual {
    template <class T>
    static uint8_t of(T a, T b) { return a != b; }
};
struct Less {
    template <class T>
    static uint8_t of(T a, T b) { return a < b; }
};
struct LessEqual {
    template <class T>
    static uint8_t of(T a, T b) { return a <= b; }
};

// What kind of number one operand is.
template <class Op, class T>
Status run_kind(const Call& call, int, int64_t task) {
    const T* x = data<T>(call.in[0]);
    uint8_t* y = data<uint8_t>(call.out[0]);
    Range range = range_of(task, numel(call.out[0]));
    for (int64_t i = range.begin; i < range.end; ++i) y[i] = Op::of(x[i]);
    return {};
}

struct IsNan {
    template <class T>
    static uint8_t of(T x) { return x != x; }
};
struct IsInf {
    template <class T>
    static uint8_t of(T x) { return Abs::of(x) == static_cast<T>(kInf); }
};
struct IsFinite {
    template <class T>
    static uint8_t of(T x) { return Abs::of(x) < static_cast<T>(kInf); }
};

#define LABKIT_COMPARE(X, name, Op, dtype, T, swap) X(name "." dtype, plan_elements, (Binary<Op, T, uint8_t, swap>::run), false)
#define LABKIT_KIND(X, name, Op)                                \
    X(name ".f32", plan_elements, (run_kind<Op, float>), false) \
    X(name ".f64", plan_elements, (run_kind<Op, double>), false)
#define LABKIT_COMPARE_NUMBERS(X, name, Op, swap)     \
    LABKIT_COMPARE(X, name, Op, "f32", float, swap)   \
    LABKIT_COMPARE(X, name, Op, "f64", double, swap)  \
    LABKIT_COMPARE(X, name, Op, "i32", int32_t, swap) \
    LABKIT_COMPARE(X, name, Op, "i64", int64_t, swap) \
    LABKIT_COMPARE(X, name, Op, "u8", uint8_t, swap)

// a > b is b < a.
#define LABKIT_COMPARE_KERNELS(X)                                  \
    LABKIT_COMPARE_NUMBERS(X, "equal", Equal, false)               \
    LABKIT_COMPARE_NUMBERS(X, "not_equal", NotEqual, false)        \
    LABKIT_COMPARE(X, "equal", Equal, "b8", uint8_t, false)        \
    LABKIT_COMPARE(X, "not_equal", NotEqual, "b8", uint8_t, false) \
    LABKIT_COMPARE_NUMBERS(X, "less", Less, false)                 \
    LABKIT_COMPARE_NUMBERS(X, "less_equal", LessEqual, false)      \
    LABKIT_COMPARE_NUMBERS(X, "greater", Less, true)               \
    LABKIT_COMPARE_NUMBERS(X, "greater_equal", LessEqual, true)    \
    LABKIT_KIND(X, "is_nan", IsNan)                                \
    LABKIT_KIND(X, "is_inf", IsInf)                                \
    LABKIT_KIND(X, "is_finite", IsFinite)

}  // namespace
}  // namespace labkit
