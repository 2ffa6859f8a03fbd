// Element-wise kernels of one and two operands. Two operands broadcast by NumPy's rule.
//
// Operations that the processor rounds correctly (+ - * / sqrt, comparisons) are plain loops: an element has the same bits
// whichever way the compiler vectorises. Integers wrap around. max, min, sign and relu pass NaN on.
#pragma once
#include "kernels/walk.h"
#include "labkit/kernel.h"
#include "simd/math.h"
#include "simd/vec.h"

namespace labkit {
namespace {

// The type to calculate in: signed overflow is undefined, unsigned wraps.
template <class T>
struct Wrapping { using type = T; };
template <>
struct Wrapping<int32_t> { using type = uint32_t; };
template <>
struct Wrapping<int64_t> { using type = uint64_t; };
template <class T>
using Wrap = typename Wrapping<T>::type;

// ---- two operands

using BinaryLoop = void (*)(void* y, const void* a, const void* b, int64_t n);
struct BinaryLoops {
    BinaryLoop both, scalar_b, scalar_a;  // both operands step; b stands still; a stands still
};

// Operands whose rows are short would spend their time between the rows: a row that is repeated, or a column whose numbers stand
// for whole rows, is laid out in blocks of several rows, which are taken at once.
constexpr int64_t kShortRow = 48, kBroadcastBlock = 768;

// to[k] = from[column + k], where columns begin again after `width`; or, `across`, the row's own number.
template <class E>
void lay_out(void* to_, const void* from_, int64_t width, int64_t column, int64_t n, bool across) {
    E* to = static_cast<E*>(to_);
    const E* from = static_cast<const E*>(from_);
    for (int64_t k = 0; k < n; column = 0, from += across) {
        const int64_t run = min_of(width - column, n - k);
        if (across)
            for (int64_t c = 0; c < run; ++c) to[k + c] = *from;
        else
            for (int64_t c = 0; c < run; ++c) to[k + c] = from[column + c];
        k += run;
    }
}

// Whether that is how the operands lie: `spread` steps or stands still along rows, the other one is dense.
bool short_rows(const Walk& walk, int spread) {
    const int64_t width = walk.size[0];
    return walk.rank == 2 && width <= kShortRow && walk.stride[1 - spread][0] == 1 && walk.stride[1 - spread][1] == width &&
           walk.stride[spread][0] + walk.stride[spread][1] == 1;
}

void run_short_rows(const Walk& walk, int spread, Range range, BinaryLoop loop, char* y, const char* a, const char* b, int64_t in_bytes,
                    int64_t out_bytes) {
    alignas(64) char room[kBroadcastBlock * 8];
    const int64_t width = walk.size[0], column = range.begin % width, block = kBroadcastBlock / width * width;
    const bool across = walk.stride[spread][0] == 0;
    const char* from = spread ? b : a;
    for (int64_t i = range.begin; i < range.end; i += block) {
        const int64_t n = min_of(block, range.end - i);
        if (across || i == range.begin) {  // a repeated row is the same for all blocks
            const char* first = from + (across ? i / width * in_bytes : 0);
            if (in_bytes == 1) lay_out<uint8_t>(room, first, width, column, n, across);
            if (in_bytes == 4) lay_out<uint32_t>(room, first, width, column, n, across);
            if (in_bytes == 8) lay_out<uint64_t>(room, first, width, column, n, across);
        }
        loop(y + i * out_bytes, spread ? a + i * in_bytes : room, spread ? room : b + i * in_bytes, n);
    }
}

Status run_broadcast(const Call& call, int64_t task, const BinaryLoops& loops, int64_t in_bytes, int64_t out_bytes, bool swap) {
    const View &a = call.in[swap], &b = call.in[!swap], &y = call.out[0];
    int64_t n = numel(y), na = numel(a), nb = numel(b);
    Range range = range_of(task, n);
    const char *pa = data<char>(a), *pb = data<char>(b);
    char* py = data<char>(y);
    if ((na == n || na == 1) && (nb == n || nb == 1) && (na == n || nb == n)) {  // no broadcasting but of single numbers
        BinaryLoop loop = na == n ? (nb == n ? loops.both : loops.scalar_b) : loops.scalar_a;
        loop(py + range.begin * out_bytes, pa + (na == n ? range.begin * in_bytes : 0),
             pb + (nb == n ? range.begin * in_bytes : 0), range.end - range.begin);
        return {};
    }
    Walk walk;
    for (int d = y.rank - 1; d >= 0; --d)
        walk.add(y.shape[d], broadcast_stride(a, y.rank, d), broadcast_stride(b, y.rank, d));
    for (int spread = 0; spread < 2; ++spread)
        if (short_rows(walk, spread)) return run_short_rows(walk, spread, range, loops.both, py, pa, pb, in_bytes, out_bytes), Status{};
    BinaryLoop loop = !walk.stride[0][0] ? loops.scalar_a : !walk.stride[1][0] ? loops.scalar_b : loops.both;
    Cursor cursor(walk, range.begin);
    for (int64_t i = range.begin; i < range.end;) {
        int64_t run = min_of(cursor.rest_of_run(), range.end - i);
        loop(py + i * out_bytes, pa + cursor.offset[0] * in_bytes, pb + cursor.offset[1] * in_bytes, run);
        cursor.advance(run);
        i += run;
    }
    return {};
}

// The loops of Op::of(T, T) -> R.
template <class Op, class T, class R, bool swap = false>
struct Binary {
    template <bool step_a, bool step_b>
    static void loop(void* y_, const void* a_, const void* b_, int64_t n) {
        R* y = static_cast<R*>(y_);
        const T *a = static_cast<const T*>(a_), *b = static_cast<const T*>(b_);
        const T a0 = *a, b0 = *b;
        LABKIT_INDEPENDENT
        for (int64_t i = 0; i < n; ++i) y[i] = Op::of(step_a ? a[i] : a0, step_b ? b[i] : b0);
    }
    static Status run(const Call& call, int, int64_t task) {
        return run_broadcast(call, task, {loop<true, true>, loop<true, false>, loop<false, true>}, sizeof(T), sizeof(R), swap);
    }
};

struct Add {
    template <class T>
    static T of(T a, T b) { return static_cast<T>(static_cast<Wrap<T>>(a) + static_cast<Wrap<T>>(b)); }
};
struct Sub {
    template <class T>
    static T of(T a, T b) { return static_cast<T>(static_cast<Wrap<T>>(a) - static_cast<Wrap<T>>(b)); }
};
struct Mul {
    template <class T>
    static T of(T a, T b) { return static_cast<T>(static_cast<Wrap<T>>(a) * static_cast<Wrap<T>>(b)); }
};
struct Div {
    template <class T>
    static T of(T a, T b) { return a / b; }
};
struct Maximum {
    template <class T>
    static T of(T a, T b) { return ((a > b) | (a != a)) ? a : b; }
};
struct Minimum {
    template <class T>
    static T of(T a, T b) { return ((a < b) | (a != a)) ? a : b; }
};
struct SquaredDifference {
    template <class T>
    static T of(T a, T b) { return Mul::of(Sub::of(a, b), Sub::of(a, b)); }
};
struct ReluGrad {
    template <class T>
    static T of(T dy, T y) { return y > 0 ? dy : 0; }
};
// ---- one operand

template <class Op, class T>
Status run_map(const Call& call, int, int64_t task) {
    const T* x = data<T>(call.in[0]);
    T* y = data<T>(call.out[0]);
    Range range = range_of(task, numel(call.out[0]));
    LABKIT_INDEPENDENT
    for (int64_t i = range.begin; i < range.end; ++i) y[i] = Op::of(x[i]);
    return {};
}

struct Neg {
    template <class T>
    static T of(T x) { return static_cast<T>(-static_cast<Wrap<T>>(x)); }
};
struct Abs {
    static float of(float x) { return __builtin_fabsf(x); }
    static double of(double x) { return __builtin_fabs(x); }
    template <class T>
    static T of(T x) { return x < 0 ? Neg::of(x) : x; }
};
struct Square {
    template <class T>
    static T of(T x) { return Mul::of(x, x); }
};
struct Sign {
    template <class T>
    static T of(T x) { return x > 0 ? 1 : x < 0 ? -1 : x == 0 ? 0 : x; }  // NaN stays
};
struct Sqrt {
    static float of(float x) { return __builtin_sqrtf(x); }
    static double of(double x) { return __builtin_sqrt(x); }
};
struct Rsqrt {
    template <class T>
    static T of(T x) { return 1 / Sqrt::of(x); }
};
struct Reciprocal {
    template <class T>
    static T of(T x) { return 1 / x; }
};
struct Relu {
    template <class T>
    static T of(T x) { return x <= 0 ? 0 : x; }
};

// Functions of whole vectors: a last, partly filled vector goes through the same arithmetic.
template <class Op, class T>
Status run_vector_map(const Call& call, int, int64_t task) {
    const T* x = data<T>(call.in[0]);
    T* y = data<T>(call.out[0]);
    Range range = range_of(task, numel(call.out[0]));
    int64_t i = range.begin;
    for (; i + lanes<T> <= range.end; i += lanes<T>) store(y + i, Op::of(load(x + i)));
    int rest = static_cast<int>(range.end - i);
    if (rest) store_part(y + i, Op::of(load_part(x + i, rest)), rest);
    return {};
}

struct Exp {
    static Vec<float> of(Vec<float> x) { return exp(x); }
    static Vec<double> of(Vec<double> x) { return exp(x); }
};
struct Log {
    static Vec<float> of(Vec<float> x) { return log(x); }
    static Vec<double> of(Vec<double> x) { return log(x); }
};
struct Tanh {
    static Vec<float> of(Vec<float> x) { return tanh(x); }
    static Vec<double> of(Vec<double> x) { return tanh(x); }
};
struct Sigmoid {
    static Vec<float> of(Vec<float> x) { return 1.0f / (1.0f + exp(-x)); }
    static Vec<double> of(Vec<double> x) { return 1.0 / (1.0 + exp(-x)); }
};

#define LABKIT_BINARY(X, name, Op, dtype, T) X(name "." dtype, plan_elements, (Binary<Op, T, T>::run), true)
#define LABKIT_BINARY_REALS(X, name, Op) LABKIT_BINARY(X, name, Op, "f32", float) LABKIT_BINARY(X, name, Op, "f64", double)
#define LABKIT_BINARY_NUMBERS(X, name, Op)     \
    LABKIT_BINARY_REALS(X, name, Op)           \
    LABKIT_BINARY(X, name, Op, "i32", int32_t) \
    LABKIT_BINARY(X, name, Op, "i64", int64_t) \
    LABKIT_BINARY(X, name, Op, "u8", uint8_t)
#define LABKIT_MAP_REALS(X, name, Op, run)                \
    X(name ".f32", plan_elements, (run<Op, float>), true) \
    X(name ".f64", plan_elements, (run<Op, double>), true)
#define LABKIT_MAP_NUMBERS(X, name, Op)                         \
    LABKIT_MAP_REALS(X, name, Op, run_map)                      \
    X(name ".i32", plan_elements, (run_map<Op, int32_t>), true) \
    X(name ".i64", plan_elements, (run_map<Op, int64_t>), true) \
    X(name ".u8", plan_elements, (run_map<Op, uint8_t>), true)

// bias_add(x[..., C], b[C]) is an addition that broadcasts.
#define LABKIT_ELEMENTWISE_KERNELS(X)                                 \
    LABKIT_BINARY_NUMBERS(X, "add", Add)                              \
    LABKIT_BINARY_NUMBERS(X, "sub", Sub)                              \
    LABKIT_BINARY_NUMBERS(X, "mul", Mul)                              \
    LABKIT_BINARY_NUMBERS(X, "maximum", Maximum)                      \
    LABKIT_BINARY_NUMBERS(X, "minimum", Minimum)                      \
    LABKIT_BINARY_REALS(X, "div", Div)                                \
    LABKIT_BINARY_NUMBERS(X, "squared_difference", SquaredDifference) \
    LABKIT_BINARY_REALS(X, "bias_add", Add)                           \
    LABKIT_BINARY_REALS(X, "relu_grad", ReluGrad)                     \
    LABKIT_MAP_NUMBERS(X, "neg", Neg)                                 \
    LABKIT_MAP_NUMBERS(X, "abs", Abs)                                 \
    LABKIT_MAP_NUMBERS(X, "square", Square)                           \
    LABKIT_MAP_NUMBERS(X, "sign", Sign)                               \
    LABKIT_MAP_REALS(X, "sqrt", Sqrt, run_map)                        \
    LABKIT_MAP_REALS(X, "rsqrt", Rsqrt, run_map)                      \
    LABKIT_MAP_REALS(X, "reciprocal", Reciprocal, run_map)            \
    LABKIT_MAP_REALS(X, "relu", Relu, run_map)                        \
    LABKIT_MAP_REALS(X, "exp", Exp, run_vector_map)                   \
    LABKIT_MAP_REALS(X, "log", Log, run_vector_map)                   \
    LABKIT_MAP_REALS(X, "tanh", Tanh, run_vector_map)                 \
    LABKIT_MAP_REALS(X, "sigmoid", Sigmoid, run_vector_map)

}  // namespace
}  // namespace labkit
