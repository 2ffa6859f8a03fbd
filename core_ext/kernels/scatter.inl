// Kernels that combine rows into places that indices name (scatter.h says how).
//
// gather_grad: y[b, o, j, :] = the sum of x[b, o, k, :] over the k with indices[b, k] = j. ints: axis, batch_dims.
// scatter_nd: zeros, with each update added at its index. ints: 1 where each number is an index of its own, 0 where the
//     last dimension of the indices is one.
// tensor_scatter_*: a copy of the first input, likewise. scatter_*: the output, a variable, in place.
#pragma once
#include "kernels/scatter.h"

namespace labkit {
namespace {

Scatter scatter_of_gather(const Call& call) {
    const View &y = call.out[0], &indices = call.in[1];
    const int64_t axis = call.ints[0], batch_dims = call.ints[1];
    return Scatter(extent(y, 0, axis), extent(y, batch_dims, axis), y.shape[axis],
                   extent(indices, batch_dims, indices.rank), extent(y, axis + 1, y.rank));
}

void plan_gather_grad(const Call& call, Work& work) { scatter_of_gather(call).plan(work, true); }

template <class T>
Status run_gather_grad(const Call& call, int phase, int64_t task) {
    const Scatter s = scatter_of_gather(call);
    T* y = data<T>(call.out[0]);
    if (phase == 0) {
        const Range fresh = s.stretch(task);
        __builtin_memset(y + fresh.begin, 0, static_cast<size_t>(fresh.end - fresh.begin) * sizeof(T));
        return number_rows(call.in[1], s.rows, false, false, call.scratch, task);
    }
    const Scatter::Part part = s.part(task);
    combine_rows<Plus<T>>(y, data<T>(call.in[0]), call.scratch, s, part);
    return {};
}

// The index is input `at`, the updates are the next one.
struct Addresses {
    const View &y, &indices;
    int64_t depth;

    Addresses(const Call& call, int at)
        : y(call.out[0]), indices(call.in[at]), depth(call.ints[0] ? 1 : indices.shape[indices.rank - 1]) {}

    Scatter scatter() const {
        const int64_t count = extent(indices, 0, indices.rank) / max_of(1, depth);
        const int64_t rows = extent(indices, 0, indices.rank - 1);
        return Scatter(1, 1, extent(y, 0, depth), depth ? count : rows, extent(y, depth, y.rank));
    }
};

// Start: what the result is before the updates.
enum class Start { itself, zeros, input };

template <Start start>
void plan_scatter(const Call& call, Work& work) {
    Addresses(call, start == Start::input).scatter().plan(work, start != Start::itself);
}

template <template <class> class Op, class T, Start start>
Status run_scatter(const Call& call, int phase, int64_t task) {
    constexpr int at = start == Start::input ? 1 : 0;
    const Addresses a(call, at);
    const Scatter s = a.scatter();
    T* y = data<T>(a.y);
    if (phase == 0) {
        const Range fresh = s.stretch(task);
        const size_t bytes = static_cast<size_t>(fresh.end - fresh.begin) * sizeof(T);
        if (start == Start::zeros) __builtin_memset(y + fresh.begin, 0, bytes);
        if (start == Start::input) __builtin_memcpy(y + fresh.begin, data<T>(call.in[0]) + fresh.begin, bytes);
        Range range = range_of(task, s.count);
        int64_t* rows = reinterpret_cast<int64_t*>(call.scratch) + range.begin;
        return with_indices(a.indices, [&](const auto* p) {
            return flat_rows(rows, p + range.begin * a.depth, range.end - range.begin, a.depth, a.y);
        });
    }
    const Scatter::Part part = s.part(task);
    combine_rows<Op<T>>(y, data<T>(call.in[at + 1]), call.scratch, s, part);
    return {};
}

// scatter_winners: ones for each update that is the last one for its place, else zeros. ints: the dimensions that an index
// addresses. Scratch: the place of each update, the last update of each place.
struct Winners {
    View places = {};
    int64_t count, depth;

    explicit Winners(const Call& call) : depth(call.n_ints) {
        const View& indices = call.in[0];
        places.rank = call.n_ints;
        for (int d = 0; d < call.n_ints; ++d) places.shape[d] = call.ints[d];
        count = extent(indices, 0, indices.rank - 1);
    }
};

void plan_scatter_winners(const Call& call, Work& work) {
    const Winners w(call);
    work.scratch_bytes = (w.count + numel(w.places)) * 8;
}

template <class T>
Status run_scatter_winners(const Call& call, int, int64_t) {
    const Winners w(call);
    int64_t* place = reinterpret_cast<int64_t*>(call.scratch);
    int64_t* last = place + w.count;
    Status status = with_indices(call.in[0], [&](const auto* p) { return flat_rows(place, p, w.count, w.depth, w.places); });
    if (status.code != Code::ok) return status;
    for (int64_t k = 0; k < w.count; ++k) last[place[k]] = k;
    T* y = data<T>(call.out[0]);
    const int64_t inner = numel(call.out[0]) / max_of(1, w.count);
    for (int64_t k = 0; k < w.count; ++k)
        for (int64_t i = 0; i < inner; ++i) y[k * inner + i] = last[place[k]] == k;
    return {};
}

#define LABKIT_SCATTER_NUMERIC(X, name, Op, start)                                                      \
    X(name ".f32", plan_scatter<Start::start>, (run_scatter<Op, float, Start::start>), false)           \
    X(name ".f64", plan_scatter<Start::start>, (run_scatter<Op, double, Start::start>), false)          \
    X(name ".i32", plan_scatter<Start::start>, (run_scatter<Op, uint32_t, Start::start>), false)        \
    X(name ".i64", plan_scatter<Start::start>, (run_scatter<Op, uint64_t, Start::start>), false)

#define LABKIT_SCATTER_ALL(X, name, start)                                                              \
    X(name ".f32", plan_scatter<Start::start>, (run_scatter<Replace, uint32_t, Start::start>), false)   \
    X(name ".f64", plan_scatter<Start::start>, (run_scatter<Replace, uint64_t, Start::start>), false)   \
    X(name ".i32", plan_scatter<Start::start>, (run_scatter<Replace, uint32_t, Start::start>), false)   \
    X(name ".i64", plan_scatter<Start::start>, (run_scatter<Replace, uint64_t, Start::start>), false)   \
    X(name ".u8", plan_scatter<Start::start>, (run_scatter<Replace, uint8_t, Start::start>), false)     \
    X(name ".b8", plan_scatter<Start::start>, (run_scatter<Replace, uint8_t, Start::start>), false)

#define LABKIT_SCATTER_KERNELS(X)                                  \
    X("gather_grad.f32", plan_gather_grad, run_gather_grad<float>, false)  \
    X("gather_grad.f64", plan_gather_grad, run_gather_grad<double>, false) \
    X("scatter_winners.f32", plan_scatter_winners, run_scatter_winners<float>, false) \
    X("scatter_winners.f64", plan_scatter_winners, run_scatter_winners<double>, false) \
    LABKIT_SCATTER_NUMERIC(X, "scatter_nd", Plus, zeros)           \
    LABKIT_SCATTER_NUMERIC(X, "scatter_add", Plus, itself)         \
    LABKIT_SCATTER_NUMERIC(X, "scatter_sub", Minus, itself)        \
    LABKIT_SCATTER_NUMERIC(X, "tensor_scatter_add", Plus, input)   \
    LABKIT_SCATTER_NUMERIC(X, "tensor_scatter_sub", Minus, input)  \
    LABKIT_SCATTER_ALL(X, "scatter_update", itself)                \
    LABKIT_SCATTER_ALL(X, "tensor_scatter_update", input)

}  // namespace
}  // namespace labkit
