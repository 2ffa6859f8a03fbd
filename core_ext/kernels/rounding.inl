// Rounding to whole numbers. The processor does it, so that a plain loop will do; NaN, infinity and the sign of zero stay.
#pragma once
#include "kernels/elementwise.inl"

namespace labkit {
namespace {

#define LABKIT_ROUNDING_OP(Op, function)                                \
    struct Op {                                                         \
        static float of(float x) { return __builtin_##function##f(x); } \
        static double of(double x) { return __builtin_##function(x); }  \
    };
LABKIT_ROUNDING_OP(Floor, floor)
LABKIT_ROUNDING_OP(Ceil, ceil)
LABKIT_ROUNDING_OP(Trunc, trunc)
LABKIT_ROUNDING_OP(Round, rint)  // halves to even
#undef LABKIT_ROUNDING_OP

#define LABKIT_ROUNDING_KERNELS(X)               \
    LABKIT_MAP_REALS(X, "floor", Floor, run_map) \
    LABKIT_MAP_REALS(X, "ceil", Ceil, run_map)   \
    LABKIT_MAP_REALS(X, "trunc", Trunc, run_map) \
    LABKIT_MAP_REALS(X, "round", Round, run_map)

}  // namespace
}  // namespace labkit
