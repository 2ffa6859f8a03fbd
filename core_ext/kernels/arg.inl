// argmax and argmin along one axis: the first of the best elements; NaN beats every number, as in NumPy. ints: the axis.
#pragma once
#include "kernels/reduce.inl"
#include "kernels/walk.h"
#include "labkit/kernel.h"
#include "simd/vec.h"

namespace labkit {
namespace {

struct ArgPlace {
    int64_t length, inner, outputs;

    ArgPlace(const Call& call) : length(call.in[0].shape[call.ints[0]]), inner(1), outputs(numel(call.out[0])) {
        for (int d = static_cast<int>(call.ints[0]) + 1; d < call.in[0].rank; ++d) inner *= call.in[0].shape[d];
    }
    int64_t per_task() const { return max_of(1, kTaskElements / max_of(1, length)); }
};

void plan_arg(const Call& call, Work& work) {
    ArgPlace place(call);
    work.tasks[0] = ceil_div(place.outputs, place.per_task());
}

template <class T, bool largest>
struct Best {
    template <class V>
    static V of(V a, V b) { return largest ? (a > b ? a : b) : (a < b ? a : b); }  // skips a NaN in a
};

// The place of the best of n >= 1 numbers in a row: first the best value, in vectors, then where it is.
template <class T, bool largest>
int64_t place_of_best(const T* x, int64_t n) {
    using Op = Best<T, largest>;
    T best = x[0];
    bool nan = x[0] != x[0];
    if constexpr (sizeof(T) >= 4) {
        Vec<T> bests = broadcast(largest ? lowest<T>() : highest<T>());
        Vec<Lane<T>> nans = {};
        LABKIT_ROW(T, n, i, part) {
            Vec<T> v = load_n(x + i, part);
            nans |= v != v;
            bests = Op::of(first_lanes<T>(part) ? v : bests, bests);
        }
        T lane[lanes<T>];
        store(lane, bests);
        best = fold_lanes<Op, T, lanes<T>>(lane);
        Lane<T> any = 0;
        for (int l = 0; l < lanes<T>; ++l) any |= nans[l];
        nan = any != 0;
    } else {
        for (int64_t i = 1; i < n; ++i) best = Op::of(x[i], best);
    }
    int64_t at = 0;
    while (nan ? x[at] == x[at] : x[at] != best) ++at;
    return at;
}

// n <= kColumns neighbouring rows at once.
template <class T, bool largest>
void places_of_best(int64_t* y, const T* x, int64_t length, int64_t stride, int64_t n) {
    T best[kColumns];
    for (int64_t c = 0; c < n; ++c) best[c] = x[c], y[c] = 0;
    for (int64_t k = 1; k < length; ++k) {
        const T* row = x + k * stride;
        for (int64_t c = 0; c < n; ++c) {
            const T a = row[c], b = best[c];
            const bool better = (largest ? a > b : a < b) | ((a != a) & (b == b));
            best[c] = better ? a : b;
            y[c] = better ? k : y[c];
        }
    }
}

template <class T, bool largest>
Status run_arg(const Call& call, int, int64_t task) {
    ArgPlace place(call);
    if (place.length == 0) return {Code::invalid_argument, 0, 0};
    const T* x = data<T>(call.in[0]);
    int64_t* y = data<int64_t>(call.out[0]);
    Range range = range_of(task, place.outputs, place.per_task());
    if (place.inner == 1) {
        for (int64_t i = range.begin; i < range.end; ++i) y[i] = place_of_best<T, largest>(x + i * place.length, place.length);
        return {};
    }
    for (int64_t i = range.begin; i < range.end;) {
        const int64_t column = i % place.inner, n = min_of(min_of(place.inner - column, range.end - i), kColumns);
        places_of_best<T, largest>(y + i, x + i / place.inner * place.length * place.inner + column, place.length, place.inner, n);
        i += n;
    }
    return {};
}

#define LABKIT_ARG(X, name, largest)                             \
    X(name ".f32", plan_arg, (run_arg<float, largest>), false)   \
    X(name ".f64", plan_arg, (run_arg<double, largest>), false)  \
    X(name ".i32", plan_arg, (run_arg<int32_t, largest>), false) \
    X(name ".i64", plan_arg, (run_arg<int64_t, largest>), false) \
    X(name ".u8", plan_arg, (run_arg<uint8_t, largest>), false)

#define LABKIT_ARG_KERNELS(X)     \
    LABKIT_ARG(X, "argmax", true) \
    LABKIT_ARG(X, "argmin", false)

}  // namespace
}  // namespace labkit
