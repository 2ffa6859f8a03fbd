// Special functions, element by element.
#pragma once
#include "kernels/elementwise.inl"
#include "simd/special.h"

namespace labkit {
namespace {

struct Erf {
    template <class V>
    static V of(V x) { return erf(x); }
};
struct Log1p {
    template <class V>
    static V of(V x) { return log1p(x); }
};
struct Expm1 {
    template <class V>
    static V of(V x) { return expm1(x); }
};
struct Erfc {
    static double of(double x) { return __builtin_erfc(x); }
    static float of(float x) { return static_cast<float>(__builtin_erfc(x)); }
};

#define LABKIT_SPECIAL_KERNELS(X)                      \
    LABKIT_MAP_REALS(X, "erf", Erf, run_vector_map)     \
    LABKIT_MAP_REALS(X, "log1p", Log1p, run_vector_map) \
    LABKIT_MAP_REALS(X, "expm1", Expm1, run_vector_map) \
    LABKIT_MAP_REALS(X, "erfc", Erfc, run_map)

}  // namespace
}  // namespace labkit
