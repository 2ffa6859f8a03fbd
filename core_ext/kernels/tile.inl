// tile: a tensor again and again along its dimensions; repeat: each of its elements (or rows) again and again; and the
// gradients of both, which are sums over what was copied.
//
// A sum adds up in float64, in order: it depends on the number of copies alone.
#pragma once
#include "kernels/copy_runs.h"
#include "labkit/kernel.h"

namespace labkit {
namespace {

constexpr int64_t kSpan = 512;  // elements that are summed side by side

// Writes `count` elements of the sequence that repeats the n elements `from`, beginning with from[at].
template <class E>
void fill_periodic(E* to, int64_t count, const E* from, int64_t n, int64_t at) {
    int64_t done = min_of(n - at, count);
    __builtin_memcpy(to, from + at, done * sizeof(E));
    if (int64_t more = min_of(at, count - done); more > 0) {
        __builtin_memcpy(to + done, from, more * sizeof(E));
        done += more;
    }
    while (done < count) {  // whole periods stand there: they double
        int64_t more = min_of(done, count - done);
        __builtin_memcpy(to + done, to, more * sizeof(E));
        done += more;
    }
}

void clear(double* sum, int64_t n) {
    for (int64_t k = 0; k < n; ++k) sum[k] = 0;
}

template <class T>
void add_row(double* sum, const T* g, int64_t n) {
    for (int64_t k = 0; k < n; ++k) sum[k] += static_cast<double>(g[k]);
}

template <class T>
void store_row(T* y, const double* sum, int64_t n) {
    for (int64_t k = 0; k < n; ++k) y[k] = static_cast<T>(sum[k]);
}

// ---- tile

// One dimension, innermost first: `size` elements that are `total` / `size` times there.
struct Tiled {
    int64_t size, total;
};

int tiles_of(const View& x, const View& y, Tiled* dims) {
    int rank = 0;
    for (int d = y.rank - 1; d >= 0; --d) {
        if (rank && dims[rank - 1].size == dims[rank - 1].total) {  // the one inside comes once: they are one
            dims[rank - 1].size *= x.shape[d];
            dims[rank - 1].total *= y.shape[d];
        } else {
            dims[rank++] = {x.shape[d], y.shape[d]};
        }
    }
    if (!rank) dims[rank++] = {1, 1};
    return rank;
}

template <class E>
void tile_rows(const Call& call, int64_t task) {
    Tiled dims[kMaxRank];
    int rank = tiles_of(call.in[0], call.out[0], dims);
    const E* x = data<E>(call.in[0]);
    E* y = data<E>(call.out[0]);
    Range range = range_of(task, numel(call.out[0]));
    for (int64_t i = range.begin; i < range.end;) {
        int64_t row = i / dims[0].total, column = i % dims[0].total;
        int64_t run = min_of(dims[0].total - column, range.end - i), source = 0, stride = dims[0].size;
        for (int d = 1; d < rank; ++d) {
            source += row % dims[d].total % dims[d].size * stride;
            stride *= dims[d].size;
            row /= dims[d].total;
        }
        fill_periodic(y + i, run, x + source, dims[0].size, column % dims[0].size);
        i += run;
    }
}

Status run_tile(const Call& call, int, int64_t task) {
    LABKIT_BY_SIZE(call.out[0].dtype, tile_rows, call, task)
    return {};
}

int64_t sums_per_task(const Call& call) {
    int64_t sums = max_of(1, numel(call.out[0]));
    return max_of(1, kTaskElements / max_of(1, numel(call.in[0]) / sums));
}

void plan_sums(const Call& call, Work& work) { work.tasks[0] = ceil_div(numel(call.out[0]), sums_per_task(call)); }

// Adds to `sum` every copy of elements column .. column + n of row `row` of the tensor that was tiled.
template <class T>
void add_copies(double* sum, const T* g, const Tiled* dims, int rank, int64_t row, int64_t column, int64_t n) {
    int64_t at[kMaxRank], copy[kMaxRank] = {};
    for (int d = 1; d < rank; ++d) {
        at[d] = row % dims[d].size;
        row /= dims[d].size;
    }
    for (bool more = true; more;) {
        int64_t source = column, stride = dims[0].total;
        for (int d = 1; d < rank; ++d) {
            source += (at[d] + copy[d] * dims[d].size) * stride;
            stride *= dims[d].total;
        }
        for (int64_t first = 0; first < dims[0].total; first += dims[0].size) add_row(sum, g + source + first, n);
        more = false;
        for (int d = 1; d < rank && !more; ++d) {
            more = (++copy[d]) * dims[d].size < dims[d].total;
            if (!more) copy[d] = 0;
        }
    }
}

template <class T>
Status run_tile_grad(const Call& call, int, int64_t task) {
    Tiled dims[kMaxRank];
    int rank = tiles_of(call.out[0], call.in[0], dims);
    const T* g = data<T>(call.in[0]);
    T* y = data<T>(call.out[0]);
    bool none = numel(call.in[0]) == 0;
    Range range = range_of(task, numel(call.out[0]), sums_per_task(call));
    for (int64_t i = range.begin; i < range.end;) {
        int64_t row = i / dims[0].size, column = i % dims[0].size;
        int64_t n = min_of(min_of(dims[0].size - column, range.end - i), kSpan);
        double sum[kSpan];
        clear(sum, n);
        if (!none) add_copies(sum, g, dims, rank, row, column, n);
        store_row(y + i, sum, n);
        i += n;
    }
    return {};
}

// ---- repeat. ints: the axis, then how often each of its elements comes: one number for all, or one for each.

struct Repeats {
    const Call& call;
    int64_t size, total, inner = 1;  // the axis of the smaller and the larger tensor; the elements inside it

    Repeats(const Call& c, const View& x, const View& y) : call(c), size(x.shape[c.ints[0]]), total(y.shape[c.ints[0]]) {
        for (int64_t d = c.ints[0] + 1; d < x.rank; ++d) inner *= x.shape[d];
    }
    int64_t of(int64_t i) const { return call.ints[call.n_ints == 2 ? 1 : 1 + i]; }
};

// An element of the axis, in one of the rows outside it, and the place of its first copy.
struct Group {
    const Repeats& repeats;
    int64_t outer, element = 0, first = 0;

    Group(const Repeats& r, int64_t o) : repeats(r), outer(o) {}
    int64_t copies() const { return repeats.of(element); }
    void find_copy(int64_t place) {
        while (first + copies() <= place && repeats.call.n_ints > 2) step();
        if (repeats.call.n_ints == 2) find_element(place / copies());
    }
    void find_element(int64_t wanted) {
        while (element < wanted && repeats.call.n_ints > 2) step();
        first += (wanted - element) * copies();
        element = wanted;
    }
    void step() {
        first += copies();
        if (++element < repeats.size) return;
        element = first = 0;
        ++outer;
    }
};

template <class E>
void repeat_rows(const Call& call, int64_t task) {
    Repeats repeats(call, call.in[0], call.out[0]);
    const E* x = data<E>(call.in[0]);
    E* y = data<E>(call.out[0]);
    Range range = range_of(task, numel(call.out[0]));
    int64_t row = range.begin / repeats.inner, column = range.begin % repeats.inner;
    Group group(repeats, row / repeats.total);
    group.find_copy(row % repeats.total);
    for (int64_t i = range.begin; i < range.end; group.step(), column = 0) {
        int64_t end = (group.outer * repeats.total + group.first + group.copies()) * repeats.inner;
        int64_t run = min_of(end, range.end) - i;
        const E* from = x + (group.outer * repeats.size + group.element) * repeats.inner;
        if (repeats.inner == 1)
            for (int64_t k = 0; k < run; ++k) y[i + k] = *from;
        else if (run > 0)
            fill_periodic(y + i, run, from, repeats.inner, column);
        i += run;
    }
}

Status run_repeat(const Call& call, int, int64_t task) {
    LABKIT_BY_SIZE(call.out[0].dtype, repeat_rows, call, task)
    return {};
}

template <class T>
Status run_repeat_grad(const Call& call, int, int64_t task) {
    Repeats repeats(call, call.out[0], call.in[0]);
    const T* g = data<T>(call.in[0]);
    T* y = data<T>(call.out[0]);
    Range range = range_of(task, numel(call.out[0]), sums_per_task(call));
    int64_t row = range.begin / repeats.inner, column = range.begin % repeats.inner;
    Group group(repeats, row / repeats.size);
    group.find_element(row % repeats.size);
    for (int64_t i = range.begin; i < range.end;) {
        int64_t n = min_of(min_of(repeats.inner - column, range.end - i), kSpan);
        const T* from = g + (group.outer * repeats.total + group.first) * repeats.inner + column;
        double sum[kSpan];
        clear(sum, n);
        for (int64_t copy = 0; copy < group.copies(); ++copy) add_row(sum, from + copy * repeats.inner, n);
        store_row(y + i, sum, n);
        i += n;
        column += n;
        if (column < repeats.inner) continue;
        column = 0;
        group.step();
    }
    return {};
}

#define LABKIT_TILE_KERNELS(X)                                            \
    LABKIT_ALL_DTYPES(X, "tile", plan_elements, run_tile, false)          \
    LABKIT_ALL_DTYPES(X, "repeat", plan_elements, run_repeat, false)      \
    X("tile_grad.f32", plan_sums, run_tile_grad<float>, false)            \
    X("tile_grad.f64", plan_sums, run_tile_grad<double>, false)           \
    X("repeat_grad.f32", plan_sums, run_repeat_grad<float>, false)        \
    X("repeat_grad.f64", plan_sums, run_repeat_grad<double>, false)

}  // namespace
}  // namespace labkit
