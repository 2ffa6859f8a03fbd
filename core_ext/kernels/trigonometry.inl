// Trigonometric and hyperbolic functions and their inverses. float32 goes through vectors of doubles (simd/wide.h); float64
// has its own sine and cosine, and calls the C library for the rest.
#pragma once
#include "kernels/wide.h"
#include "simd/wide.h"

namespace labkit {
namespace {

struct Atan2 {
    static Vec<double> of(Vec<double> y, Vec<double> x) { return atan2_wide(y, x); }
    static double of(double y, double x) { return __builtin_atan2(flushed(y), flushed(x)); }
};

#define LABKIT_WIDE_OP(name)                                            \
    struct Wide_##name {                                                \
        static Vec<double> of(Vec<double> x) { return name##_wide(x); } \
        static double of(double x) { return __builtin_##name(x); }      \
    };
#define LABKIT_BOTH_OP(name)                                            \
    struct Wide_##name {                                                \
        static Vec<double> of(Vec<double> x) { return name##_wide(x); } \
    };                                                                  \
    struct Double_##name {                                              \
        static Vec<double> of(Vec<double> x) { return name(x); }        \
    };
LABKIT_BOTH_OP(sin)
LABKIT_BOTH_OP(cos)
#undef LABKIT_BOTH_OP
LABKIT_WIDE_OP(tan)
LABKIT_WIDE_OP(asin)
LABKIT_WIDE_OP(acos)
LABKIT_WIDE_OP(atan)
LABKIT_WIDE_OP(sinh)
LABKIT_WIDE_OP(cosh)
LABKIT_WIDE_OP(asinh)
LABKIT_WIDE_OP(acosh)
LABKIT_WIDE_OP(atanh)
#undef LABKIT_WIDE_OP

#define LABKIT_WIDE(X, name)                                        \
    X(#name ".f32", plan_elements, run_wide_map<Wide_##name>, true) \
    X(#name ".f64", plan_elements, (run_map<Wide_##name, double>), true)

#define LABKIT_BOTH(X, name)                                        \
    X(#name ".f32", plan_elements, run_wide_map<Wide_##name>, true) \
    X(#name ".f64", plan_elements, (run_vector_map<Double_##name, double>), true)

#define LABKIT_TRIGONOMETRY_KERNELS(X)                          \
    X("atan2.f32", plan_elements, WideBinary<Atan2>::run, true) \
    LABKIT_BINARY(X, "atan2", Atan2, "f64", double)             \
    LABKIT_BOTH(X, sin)                                         \
    LABKIT_BOTH(X, cos)                                         \
    LABKIT_WIDE(X, tan)                                         \
    LABKIT_WIDE(X, asin)                                        \
    LABKIT_WIDE(X, acos)                                        \
    LABKIT_WIDE(X, atan)                                        \
    LABKIT_WIDE(X, sinh)                                        \
    LABKIT_WIDE(X, cosh)                                        \
    LABKIT_WIDE(X, asinh)                                       \
    LABKIT_WIDE(X, acosh)                                       \
    LABKIT_WIDE(X, atanh)

}  // namespace
}  // namespace labkit
