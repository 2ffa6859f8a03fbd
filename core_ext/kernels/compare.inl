// Comparisons with NumPy broadcasting; the result is boolean. NaN equals nothing, itself included.
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

#define LABKIT_COMPARE(X, name, Op, dtype, T, swap) X(name "." dtype, plan_elements, (Binary<Op, T, uint8_t, swap>::run), false)
#define LABKIT_COMPARE_NUMBERS(X, name, Op, swap)         \
    LABKIT_COMPARE(X, name, Op, "f32", float, swap)       \
    LABKIT_COMPARE(X, name, Op, "f64", double, swap)      \
    LABKIT_COMPARE(X, name, Op, "i32", int32_t, swap)     \
    LABKIT_COMPARE(X, name, Op, "i64", int64_t, swap)     \
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
    LABKIT_COMPARE_NUMBERS(X, "greater_equal", LessEqual, true)

}  // namespace
}  // namespace labkit
