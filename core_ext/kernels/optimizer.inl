// Updates of variables in place: additions, and the rules of the optimizers (update.h says how they are taken). Scalars are
// tensors of one element, in the order of the operations' records (labkit/ops/updates.py).
#pragma once
#include "kernels/update.h"
#include "simd/math.h"

namespace labkit {
namespace {

template <class T, bool add>
Status run_assign(const Call& call, int, int64_t task) {  // T unsigned for integers: they wrap
    const T* __restrict__ x = data<T>(call.in[0]);
    T* __restrict__ var = data<T>(call.out[0]);
    Range range = range_of(task, numel(call.out[0]));
    for (int64_t i = range.begin; i < range.end; ++i) var[i] = add ? var[i] + x[i] : var[i] - x[i];
    return {};
}

LABKIT_INLINE float root(float x) { return __builtin_sqrtf(x); }
LABKIT_INLINE double root(double x) { return __builtin_sqrt(x); }

template <class T>
struct GradientDescent {
    static constexpr int slots = 0;
    T lr;
    explicit GradientDescent(const Call& call) : lr(scalar<T>(call.in[0])) {}
    LABKIT_INLINE void operator()(T g, T& var) const { var -= lr * g; }
};

// accum = momentum accum + g; var -= lr accum, or with Nesterov's look-ahead var -= lr (g + momentum accum)
template <class T>
struct Momentum {
    static constexpr int slots = 1;
    T lr, momentum;
    bool nesterov;
    explicit Momentum(const Call& call)
        : lr(scalar<T>(call.in[0])), momentum(scalar<T>(call.in[1])), nesterov(call.ints[0] != 0) {}
    LABKIT_INLINE void operator()(T g, T& var, T& accum) const {
        T a = momentum * accum + g;
        accum = a;
        var -= lr * (nesterov ? g + momentum * a : a);
    }
};

// D. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization" (2015), end of section 2: with
// lr_t = lr sqrt(1 - beta2^t) / (1 - beta1^t), m += (1 - beta1)(g - m), v += (1 - beta2)(g^2 - v),
// var -= lr_t m / (sqrt(v) + epsilon).
template <class T>
struct Adam {
    static constexpr int slots = 2;
    T lr, rate1, rate2, epsilon;
    explicit Adam(const Call& call)
        : rate1(1 - scalar<T>(call.in[3])), rate2(1 - scalar<T>(call.in[4])), epsilon(scalar<T>(call.in[5])) {
        double beta1_power = scalar<T>(call.in[1]), beta2_power = scalar<T>(call.in[2]);
        lr = static_cast<T>(scalar<T>(call.in[0]) * __builtin_sqrt(1 - beta2_power) / (1 - beta1_power));
    }
    LABKIT_INLINE T step(T g, T& m, T& v) const {
        T mean = m + rate1 * (g - m), square = v + rate2 * (g * g - v);
        m = mean;
        v = square;
        return lr * mean / (root(square) + epsilon);
    }
    LABKIT_INLINE void operator()(T g, T& var, T& m, T& v) const { var -= step(g, m, v); }
};

// The larger of two numbers; a NaN of either goes on.
template <class T>
LABKIT_INLINE T larger(T a, T b) { return (a > b) | (a != a) ? a : b; }

// I. Loshchilov, F. Hutter, "Decoupled Weight Decay Regularization" (2019), algorithm 2, with the schedule's multiplier in the
// learning rate: the weights decay by themselves, apart from the gradient, and Adam's step follows.
template <class T>
struct AdamW : Adam<T> {
    T kept;
    explicit AdamW(const Call& call) : Adam<T>(call), kept(1 - scalar<T>(call.in[0]) * scalar<T>(call.in[6])) {}
    LABKIT_INLINE void operator()(T g, T& var, T& m, T& v) const {
        var = var * kept - this->step(g, m, v);
    }
};

// S. Reddi, S. Kale, S. Kumar, "On the Convergence of Adam and Beyond" (2018), algorithm 2, with Adam's bias correction:
// divided by the largest v so far, which is the third slot. Weights may decay as in AdamW.
template <class T>
struct AMSGrad : AdamW<T> {
    static constexpr int slots = 3;
    using AdamW<T>::AdamW;
    LABKIT_INLINE void operator()(T g, T& var, T& m, T& v, T& v_max) const {
        T mean = m + this->rate1 * (g - m), square = v + this->rate2 * (g * g - v), largest = larger(v_max, square);
        m = mean;
        v = square;
        v_max = largest;
        var = var * this->kept - this->lr * mean / (root(largest) + this->epsilon);
    }
};

// Adamax: Kingma and Ba (2015), algorithm 2; epsilon keeps weights whose gradients were all 0 from division by 0.
template <class T>
struct Adamax {
    static constexpr int slots = 2;
    T lr, rate1, beta2, epsilon;
    explicit Adamax(const Call& call)
        : rate1(1 - scalar<T>(call.in[2])), beta2(scalar<T>(call.in[3])), epsilon(scalar<T>(call.in[4])) {
        lr = static_cast<T>(scalar<T>(call.in[0]) / (1 - static_cast<double>(scalar<T>(call.in[1]))));
    }
    LABKIT_INLINE void operator()(T g, T& var, T& m, T& u) const {
        T mean = m + rate1 * (g - m), norm = larger(beta2 * u, g < 0 ? -g : g);
        m = mean;
        u = norm;
        var -= lr * mean / (norm + epsilon);
    }
};

// T. Dozat, "Incorporating Nesterov Momentum into Adam" (2016), algorithm 2, with the momentum mu_t = beta1 (1 - decay^t / 2) and
// its product P_t: the step is mu_{t+1} / (1 - P_{t+1}) m + (1 - mu_t) / (1 - P_t) g, over sqrt(v / (1 - beta2^t)) + epsilon.
// The numbers are the learning rate, decay^t, decay, P_{t-1}, beta2^t, beta1, beta2, epsilon.
template <class T>
struct Nadam {
    static constexpr int slots = 2;
    T of_mean, of_gradient, unbiased, rate1, rate2, epsilon;
    explicit Nadam(const Call& call)
        : rate1(1 - scalar<T>(call.in[5])), rate2(1 - scalar<T>(call.in[6])), epsilon(scalar<T>(call.in[7])) {
        double lr = scalar<T>(call.in[0]), power = scalar<T>(call.in[1]), decay = scalar<T>(call.in[2]);
        double beta1 = scalar<T>(call.in[5]), beta2_power = scalar<T>(call.in[4]);
        double now = beta1 * (1 - 0.5 * power), next = beta1 * (1 - 0.5 * power * decay);
        double product = scalar<T>(call.in[3]) * now;
        of_mean = static_cast<T>(lr * next / (1 - product * next));
        of_gradient = static_cast<T>(lr * (1 - now) / (1 - product));
        unbiased = static_cast<T>(1 / __builtin_sqrt(1 - beta2_power));
    }
    LABKIT_INLINE void operator()(T g, T& var, T& m, T& v) const {
        T mean = m + rate1 * (g - m), square = v + rate2 * (g * g - v);
        m = mean;
        v = square;
        var -= (of_mean * mean + of_gradient * g) / (root(square) * unbiased + epsilon);
    }
};

// T. Tieleman, G. Hinton, lecture 6.5 (2012), with momentum, and centered by a running mean of the gradients (A. Graves,
// "Generating Sequences With Recurrent Neural Networks", 2013, equations 38 to 45). The slots are the mean of the squares,
// the mean when centered, and the momentum.
template <class T>
struct RMSProp {
    static constexpr int slots = 2;
    T lr, rate, momentum, epsilon;
    explicit RMSProp(const Call& call)
        : lr(scalar<T>(call.in[0])), rate(1 - scalar<T>(call.in[1])), momentum(scalar<T>(call.in[2])),
          epsilon(scalar<T>(call.in[3])) {}
    LABKIT_INLINE void operator()(T g, T& var, T& square, T& moment) const {
        T s = square + rate * (g * g - square);
        T step = momentum * moment + lr * g / root(s + epsilon);
        square = s;
        moment = step;
        var -= step;
    }
};

template <class T>
struct CenteredRMSProp : RMSProp<T> {
    static constexpr int slots = 3;
    using RMSProp<T>::RMSProp;
    LABKIT_INLINE void operator()(T g, T& var, T& square, T& mean, T& moment) const {
        T s = square + this->rate * (g * g - square), m = mean + this->rate * (g - mean);
        T step = this->momentum * moment + this->lr * g / root(s - m * m + this->epsilon);
        square = s;
        mean = m;
        moment = step;
        var -= step;
    }
};

// J. Duchi, E. Hazan, Y. Singer, "Adaptive Subgradient Methods" (2011), the diagonal form of figure 1
template <class T>
struct Adagrad {
    static constexpr int slots = 1;
    T lr, epsilon;
    explicit Adagrad(const Call& call) : lr(scalar<T>(call.in[0])), epsilon(scalar<T>(call.in[1])) {}
    LABKIT_INLINE void operator()(T g, T& var, T& accum) const {
        T a = accum + g * g;
        accum = a;
        var -= lr * g / root(a + epsilon);
    }
};

// M. Zeiler, "ADADELTA: An Adaptive Learning Rate Method" (2012), algorithm 1
template <class T>
struct Adadelta {
    static constexpr int slots = 2;
    T lr, rho, epsilon;
    explicit Adadelta(const Call& call)
        : lr(scalar<T>(call.in[0])), rho(scalar<T>(call.in[1])), epsilon(scalar<T>(call.in[2])) {}
    LABKIT_INLINE void operator()(T g, T& var, T& accum, T& accum_update) const {
        T a = rho * accum + (1 - rho) * g * g;
        T step = root(accum_update + epsilon) / root(a + epsilon) * g;
        accum = a;
        accum_update = rho * accum_update + (1 - rho) * step * step;
        var -= lr * step;
    }
};

// H. McMahan et al., "Ad Click Prediction: a View from the Trenches" (2013), algorithm 1, with the learning rate's power
// -power, 1/2 there, and shrinkage: a gradient of shrinkage var^2 that the accumulator does not see.
template <class T>
struct Ftrl {
    static constexpr int slots = 2;
    T lr, power, l1, l2, shrinkage;
    explicit Ftrl(const Call& call)
        : lr(scalar<T>(call.in[0])), power(-scalar<T>(call.in[1])), l1(scalar<T>(call.in[2])), l2(scalar<T>(call.in[3])),
          shrinkage(scalar<T>(call.in[4])) {}
    LABKIT_INLINE T raised(T x) const { return static_cast<T>(power == T(0.5) ? root(x) : __builtin_pow(flushed(x), power)); }
    LABKIT_INLINE void operator()(T g, T& var, T& accum, T& linear) const {
        T a = accum + g * g, grown = raised(a);
        T z = linear + (g + 2 * shrinkage * var) - (grown - raised(accum)) / lr * var;
        T clipped = !(z <= l1) ? l1 : !(z >= -l1) ? -l1 : z;  // a NaN of either goes on
        accum = a;
        linear = z;
        var = (clipped - z) / (grown / lr + 2 * l2);
    }
};

#define LABKIT_ASSIGN(X, name, add)                                 \
    X(name ".f32", plan_elements, (run_assign<float, add>), false)    \
    X(name ".f64", plan_elements, (run_assign<double, add>), false)   \
    X(name ".i32", plan_elements, (run_assign<uint32_t, add>), false) \
    X(name ".i64", plan_elements, (run_assign<uint64_t, add>), false)
#define LABKIT_STEPS(X, name, Rule)                                                \
    X("apply_" name ".f32", plan_elements, (run_steps<Rule<float>, float>), false)   \
    X("apply_" name ".f64", plan_elements, (run_steps<Rule<double>, double>), false)
#define LABKIT_ROW_STEPS(X, name, Rule)                                              \
    X("sparse_apply_" name ".f32", plan_rows, (run_rows<Rule<float>, float>), false)   \
    X("sparse_apply_" name ".f64", plan_rows, (run_rows<Rule<double>, double>), false)

#define LABKIT_OPTIMIZER_KERNELS(X)                          \
    LABKIT_ASSIGN(X, "assign_add", true)                     \
    LABKIT_ASSIGN(X, "assign_sub", false)                    \
    LABKIT_STEPS(X, "gradient_descent", GradientDescent)     \
    LABKIT_STEPS(X, "momentum", Momentum)                    \
    LABKIT_STEPS(X, "adam", Adam)                            \
    LABKIT_STEPS(X, "adamw", AdamW)                          \
    LABKIT_STEPS(X, "amsgrad", AMSGrad)                      \
    LABKIT_STEPS(X, "adamax", Adamax)                        \
    LABKIT_STEPS(X, "nadam", Nadam)                          \
    LABKIT_STEPS(X, "rms_prop", RMSProp)                     \
    LABKIT_STEPS(X, "centered_rms_prop", CenteredRMSProp)    \
    LABKIT_STEPS(X, "adagrad", Adagrad)                      \
    LABKIT_STEPS(X, "adadelta", Adadelta)                    \
    LABKIT_STEPS(X, "ftrl", Ftrl)                            \
    LABKIT_ROW_STEPS(X, "momentum", Momentum)                \
    LABKIT_ROW_STEPS(X, "rms_prop", RMSProp)                 \
    LABKIT_ROW_STEPS(X, "centered_rms_prop", CenteredRMSProp) \
    LABKIT_ROW_STEPS(X, "adagrad", Adagrad)                  \
    LABKIT_ROW_STEPS(X, "adadelta", Adadelta)                \
    LABKIT_ROW_STEPS(X, "ftrl", Ftrl)

}  // namespace
}  // namespace labkit
