// Activations, each with the kernel of its gradient: value(x), and slope(g, x) = g f'(x). reals: alpha, scale or beta, as
// each says; ints: whether gelu is approximate.
//
// Infinities give the limits, NaN passes. Where g is not let through the result is 0, whatever g is.
#pragma once
#include "kernels/walk.h"
#include "labkit/kernel.h"
#include "simd/special.h"
#include "simd/vec.h"

namespace labkit {
namespace {

template <class T>
LABKIT_INLINE Vec<T> size_of_each(Vec<T> x) {
    constexpr Lane<T> all_but_sign = sizeof(T) == 4 ? static_cast<Lane<T>>(INT32_MAX) : static_cast<Lane<T>>(INT64_MAX);
    return (Vec<T>)((Vec<Lane<T>>)x & all_but_sign);
}

// x, but no further from 0 than `limit`; NaN passes.
template <class T>
LABKIT_INLINE Vec<T> within(Vec<T> x, T limit) { return at_least(at_most(x, limit), -limit); }

// log(1 + x) for 0 <= x <= 1, as 2 atanh(x / (2 + x)); the polynomial is a minimax one of our own.
LABKIT_INLINE Vec<float> log1p_small(Vec<float> x) {
    const float c[] = {0.280120075f, 0.280018002f, 0.400215268f, 0.666664183f};
    Vec<float> s = x / (2.0f + x), z = s * s;
    return polynomial(z, c) * z * s + (s + s);
}
LABKIT_INLINE Vec<double> log1p_small(Vec<double> x) { return log1p(x); }

// e^-x for |x| <= kFar<T>: a share whose size is e^-|x| counts as 0 beyond. The error of the product is one of an argument's last
// place, which moves the results here no more than the rounding of x does.
template <class T>
constexpr T kFar = sizeof(T) == 4 ? T(87) : T(708);
LABKIT_INLINE Vec<float> exp_minus(Vec<float> x) { return exp2_within(x * -1.44269504f); }
LABKIT_INLINE Vec<double> exp_minus(Vec<double> x) { return exp(-x); }

// 1 / (1 + e^-v)
template <class T>
struct Logistic {
    const Vec<T> v, e;
    LABKIT_INLINE explicit Logistic(Vec<T> x) : v(within<T>(x, kFar<T>)), e(exp_minus(v)) {}

    // f times it; where it is 0 that is 0, even if f is infinite
    LABKIT_INLINE Vec<T> times(Vec<T> f, Vec<T> x) const { return x < -kFar<T> ? Vec<T>{} : f / (1 + e); }
    // It, and w times its derivative: both fall as e^v, and the derivative is the share times 1 minus it.
    LABKIT_INLINE Vec<T> with_slope(Vec<T> w, Vec<T> x) const {
        const Vec<T> share = 1 / (1 + e);
        return x < -kFar<T> ? Vec<T>{} : share * (1 + w * (e * share));
    }
};

// The normal distribution's share below -x, for 0 <= x <= kNormalEnd<T>, where it is 0: e^(-x^2 / 2) times a falling function.
// float32 has a rational function of our own for that one, fitted to erfcx: relative error 6e-8 (1 + x^2 / 2), where rounding of x
// makes 6e-8 x^2.
template <class T>
constexpr T kNormalEnd = sizeof(T) == 4 ? T(13.2) : T(40);
constexpr double kNormalPeak = 0.39894228040143267794;  // 1 / sqrt(2 pi)

struct NormalTail {
    Vec<float> bell, top, bottom;  // the share is bell top / bottom

    LABKIT_INLINE explicit NormalTail(Vec<float> x) {
        const Vec<float> z = x * x;
        bell = exp2_within(z * -0.72134752f);
        top = (x * 0.0143500378f + 0.107984274f) * z + (x * 0.341635578f + 0.499999972f);
        bottom = (z * 0.0359823239f + (x * 0.27027834f + 0.897793053f)) * z + (x * 1.48115218f + 1.0f);
    }
    LABKIT_INLINE Vec<float> times(Vec<float> x) const { return x * top * bell / bottom; }
    LABKIT_INLINE Vec<float> less_density(Vec<float> x) const {  // the share less x times the density
        return (top / bottom - x * static_cast<float>(kNormalPeak)) * bell;
    }
};
struct WideNormalTail {
    Vec<double> bell, ratio;

    LABKIT_INLINE explicit WideNormalTail(Vec<double> x) : bell(exp_of_square(x, 0.5)), ratio(erfcx(x * 0.70710678118654752440) * 0.5) {}
    LABKIT_INLINE Vec<double> times(Vec<double> x) const { return x * (ratio * bell); }
    LABKIT_INLINE Vec<double> less_density(Vec<double> x) const { return (ratio - x * kNormalPeak) * bell; }
};
LABKIT_INLINE NormalTail normal_tail(Vec<float> x) { return NormalTail(x); }
LABKIT_INLINE WideNormalTail normal_tail(Vec<double> x) { return WideNormalTail(x); }

template <class T>
struct Relu6 {
    explicit Relu6(const Call&) {}
    LABKIT_INLINE Vec<T> value(Vec<T> x) const {
        x = x <= Vec<T>{} ? Vec<T>{} : x;
        return x > T(6) ? broadcast(T(6)) : x;
    }
    LABKIT_INLINE Vec<T> slope(Vec<T> g, Vec<T> x) const { return ((x > Vec<T>{}) & (x < T(6))) ? g : Vec<T>{}; }
};

template <class T>
struct LeakyRelu {
    const T alpha;
    explicit LeakyRelu(const Call& call) : alpha(static_cast<T>(call.reals[0])) {}
    LABKIT_INLINE Vec<T> value(Vec<T> x) const { return x > Vec<T>{} ? x : x * alpha; }
    LABKIT_INLINE Vec<T> slope(Vec<T> g, Vec<T> x) const { return x > Vec<T>{} ? g : g * alpha; }
};

// scale x above 0, scale alpha (e^x - 1) below.
template <class T>
struct Elu {
    const T low, scale;
    explicit Elu(const Call& call)
        : low(static_cast<T>(call.reals[0] * call.reals[1])), scale(static_cast<T>(call.reals[1])) {}
    LABKIT_INLINE Vec<T> value(Vec<T> x) const { return x > Vec<T>{} ? x * scale : expm1(x) * low; }
    LABKIT_INLINE Vec<T> slope(Vec<T> g, Vec<T> x) const { return g * (x > Vec<T>{} ? broadcast(scale) : exp(x) * low); }
};

template <class T>
struct Softplus {
    explicit Softplus(const Call&) {}
    LABKIT_INLINE Vec<T> value(Vec<T> x) const {
        return (x > Vec<T>{} ? x : Vec<T>{}) + log1p_small(exp(-size_of_each<T>(x)));
    }
    LABKIT_INLINE Vec<T> slope(Vec<T> g, Vec<T> x) const { return Logistic<T>(x).times(g, x); }
};

template <class T>
struct Softsign {
    explicit Softsign(const Call&) {}
    LABKIT_INLINE Vec<T> value(Vec<T> x) const {
        const T inf = static_cast<T>(kInf);
        Vec<T> y = x / (1 + size_of_each<T>(x));
        y = x == inf ? broadcast(T(1)) : y;
        return x == -inf ? broadcast(T(-1)) : y;
    }
    LABKIT_INLINE Vec<T> slope(Vec<T> g, Vec<T> x) const {
        Vec<T> r = 1 / (1 + size_of_each<T>(x));
        return g * r * r;
    }
};

// x / (1 + e^(-beta x))
template <class T>
struct Silu {
    const T beta;
    explicit Silu(const Call& call) : beta(static_cast<T>(call.reals[0])) {}
    LABKIT_INLINE Vec<T> value(Vec<T> x) const { return Logistic<T>(x * beta).times(x, x * beta); }
    LABKIT_INLINE Vec<T> slope(Vec<T> g, Vec<T> x) const {
        const Logistic<T> share(x * beta);
        return g * share.with_slope(share.v, x * beta);
    }
};

// x times the normal distribution function of x: max(x, 0) - |x| (the share below -|x|)
template <class T>
struct Gelu {
    explicit Gelu(const Call&) {}
    LABKIT_INLINE Vec<T> value(Vec<T> x) const {
        const Vec<T> size = at_most(size_of_each<T>(x), kNormalEnd<T>);
        return at_least(x, T(0)) - normal_tail(size).times(size);
    }
    LABKIT_INLINE Vec<T> slope(Vec<T> g, Vec<T> x) const {
        const Vec<T> size = at_most(size_of_each<T>(x), kNormalEnd<T>), low = normal_tail(size).less_density(size);
        return g * (x < Vec<T>{} ? low : 1 - low);
    }
};

// x (1 + tanh u) / 2 = x / (1 + e^(-2u)) with u = sqrt(2 / pi) (x + 0.044715 x^3)
template <class T>
struct GeluTanh {
    explicit GeluTanh(const Call&) {}
    static constexpr T kTwice = static_cast<T>(1.59576912160573071176), kCubic = static_cast<T>(0.044715);
    static constexpr T kEnd = T(40);  // where the share beyond is 0

    LABKIT_INLINE Vec<T> value(Vec<T> x) const {
        const Vec<T> v = x * kTwice * (1 + x * x * kCubic);
        return Logistic<T>(v).times(x, v);
    }
    LABKIT_INLINE Vec<T> slope(Vec<T> g, Vec<T> x) const {
        x = within<T>(x, kEnd);
        const Vec<T> square = x * x * kCubic, v = x * kTwice * (1 + square);
        return g * Logistic<T>(v).with_slope(x * (kTwice * (1 + 3 * square)), v);
    }
};

template <template <class> class Function, class T>
Status run_activation(const Call& call, int, int64_t task) {
    const Function<T> f(call);
    const T* x = data<T>(call.in[0]);
    T* y = data<T>(call.out[0]);
    const Range range = range_of(task, numel(call.out[0]));
    each_vector<T>(range.end - range.begin, [&](int64_t k, auto n) {
        const int64_t i = range.begin + k;
        store_n(y + i, f.value(load_n(x + i, n)), n);
    });
    return {};
}

template <template <class> class Function, class T>
Status run_activation_grad(const Call& call, int, int64_t task) {
    const Function<T> f(call);
    const T *g = data<T>(call.in[0]), *x = data<T>(call.in[1]);
    T* y = data<T>(call.out[0]);
    const Range range = range_of(task, numel(call.out[0]));
    each_vector<T>(range.end - range.begin, [&](int64_t k, auto n) {
        const int64_t i = range.begin + k;
        store_n(y + i, f.slope(load_n(g + i, n), load_n(x + i, n)), n);
    });
    return {};
}

template <class T>
Status run_gelu(const Call& call, int phase, int64_t task) {
    return call.ints[0] ? run_activation<GeluTanh, T>(call, phase, task) : run_activation<Gelu, T>(call, phase, task);
}
template <class T>
Status run_gelu_grad(const Call& call, int phase, int64_t task) {
    return call.ints[0] ? run_activation_grad<GeluTanh, T>(call, phase, task) : run_activation_grad<Gelu, T>(call, phase, task);
}

#define LABKIT_ACTIVATION(X, name, Function)                                           \
    X(name ".f32", plan_elements, (run_activation<Function, float>), true)             \
    X(name ".f64", plan_elements, (run_activation<Function, double>), true)            \
    X(name "_grad.f32", plan_elements, (run_activation_grad<Function, float>), true)   \
    X(name "_grad.f64", plan_elements, (run_activation_grad<Function, double>), true)

#define LABKIT_ACTIVATION_KERNELS(X)                              \
    LABKIT_ACTIVATION(X, "relu6", Relu6)                          \
    LABKIT_ACTIVATION(X, "leaky_relu", LeakyRelu)                 \
    LABKIT_ACTIVATION(X, "elu", Elu)                              \
    LABKIT_ACTIVATION(X, "softplus", Softplus)                    \
    LABKIT_ACTIVATION(X, "softsign", Softsign)                    \
    LABKIT_ACTIVATION(X, "silu", Silu)                            \
    X("gelu.f32", plan_elements, run_gelu<float>, true)           \
    X("gelu.f64", plan_elements, run_gelu<double>, true)          \
    X("gelu_grad.f32", plan_elements, run_gelu_grad<float>, true) \
    X("gelu_grad.f64", plan_elements, run_gelu_grad<double>, true)

}  // namespace
}  // namespace labkit
