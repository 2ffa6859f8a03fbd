// Special functions, element by element.
#pragma once
#include "kernels/gamma.h"
#include "kernels/wide.h"
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
    static Vec<double> of(Vec<double> x) { return erfc(x); }
};
struct WideErfc {
    static Vec<double> of(Vec<double> x) { return erfc_wide(x); }  // of float32 numbers
};
struct Lgamma {
    static double of(double x) { return log_gamma(x); }
    static Vec<double> of(Vec<double> x) { return log_gamma_wide(x); }  // of float32 numbers
};
struct Digamma {
    static double of(double x) { return digamma(x); }
    static Vec<double> of(Vec<double> x) { return digamma_wide(x); }
};

// polygamma: attribute 0 is the order.
template <class T>
Status run_polygamma(const Call& call, int, int64_t task) {
    const T* x = data<T>(call.in[0]);
    T* y = data<T>(call.out[0]);
    Range range = range_of(task, numel(call.out[0]), kTaskElements / 8);  // some microseconds each
    for (int64_t i = range.begin; i < range.end; ++i) y[i] = static_cast<T>(polygamma(call.ints[0], x[i]));
    return {};
}
void plan_polygamma(const Call& call, Work& work) { work.tasks[0] = ceil_div(numel(call.out[0]), kTaskElements / 8); }

#define LABKIT_SPECIAL_KERNELS(X)                                  \
    LABKIT_MAP_REALS(X, "erf", Erf, run_vector_map)                \
    LABKIT_MAP_REALS(X, "log1p", Log1p, run_vector_map)            \
    LABKIT_MAP_REALS(X, "expm1", Expm1, run_vector_map)            \
    X("erfc.f32", plan_elements, run_wide_map<WideErfc>, true)     \
    X("erfc.f64", plan_elements, (run_vector_map<Erfc, double>), true) \
    X("lgamma.f32", plan_elements, run_wide_map<Lgamma>, true)     \
    X("lgamma.f64", plan_elements, (run_map<Lgamma, double>), true) \
    X("digamma.f32", plan_elements, run_wide_map<Digamma>, true)   \
    X("digamma.f64", plan_elements, (run_map<Digamma, double>), true) \
    X("polygamma.f32", plan_polygamma, run_polygamma<float>, true) \
    X("polygamma.f64", plan_polygamma, run_polygamma<double>, true)

}  // namespace
}  // namespace labkit
