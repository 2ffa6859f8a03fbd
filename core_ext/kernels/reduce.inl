// Reductions over any set of axes.
//
// The order of a sum is fixed by the reduced length alone, not by the layout, the other dimensions, the target or the number
// of threads: the n reduced elements of an output are cut into chunks of kChunk; in a chunk, element r goes to lane
// r % kLanes; the lanes are added as a tree, and the chunks in order, in float64. So one column of a matrix gives
// the same bits as the same numbers in a row, and float32 sums keep a relative error of a few 1e-7 at any length.
// ints: the axes.
#pragma once
#include "kernels/reduce_columns.h"
#include "kernels/reduce_rows.h"
#include "kernels/walk.h"
#include "labkit/kernel.h"

namespace labkit {
namespace {

// What the shapes say. A unit is one chunk of one output, or of up to kColumns neighbouring outputs.
struct Reduction {
    Walk kept, reduced;
    int64_t outputs, length, chunks;
    int64_t width;    // neighbouring outputs that lie side by side in memory; 1 when the last dimension is reduced
    int64_t columns;  // of them in a unit
    int64_t units, units_per_task;
    bool rows;  // whether the tensor is a matrix of which every row is reduced

    LABKIT_APART explicit Reduction(const Call& call) {
        const View& x = call.in[0];
        int64_t stride = 1;
        for (int d = x.rank - 1; d >= 0; --d) {
            bool is_reduced = false;
            for (int k = 0; k < call.n_ints; ++k) is_reduced |= call.ints[k] == d;
            (is_reduced ? reduced : kept).add(x.shape[d], stride);
            stride *= x.shape[d];
        }
        outputs = kept.count();
        length = reduced.count();
        chunks = max_of(1, ceil_div(length, kChunk));
        width = kept.rank && kept.stride[0][0] == 1 ? kept.size[0] : 1;
        columns = min_of(width, kColumns);
        rows = width == 1 && kept.rank <= 1 && reduced.rank == 1 && reduced.stride[0][0] == 1;
        units = width ? outputs / width * ceil_div(width, columns) * chunks : 0;
        units_per_task = columns ? max_of(1, kTaskElements / (max_of(1, min_of(length, kChunk)) * columns)) : 1;
    }
};

template <class Lane>
void plan_reduce(const Call& call, Work& work) {
    Reduction r(call);
    if (r.length == 0) return;
    work.tasks[0] = ceil_div(r.units, r.units_per_task);
    if (r.chunks == 1) return;
    work.phases = 2;
    work.tasks[1] = ceil_div(r.outputs, kColumns);
    work.scratch_bytes = r.outputs * r.chunks * static_cast<int64_t>(sizeof(Lane));
}

// A task of a matrix of which every row is reduced: short rows leave no time for a general walk.
template <class Op, class T>
void reduce_matrix_rows(const Call& call, const Reduction& r, int64_t task) {
    using L = typename Op::Lane;
    constexpr int kBeside = 4;
    const T *x = data<T>(call.in[0]), *shift = Op::shifted ? data<T>(call.in[1]) : nullptr;
    T* y = data<T>(call.out[0]);
    L* partial = reinterpret_cast<L*>(call.scratch);
    const Range range = range_of(task, r.units, r.units_per_task);
    if (r.length <= kLanes && range.end - range.begin > 1)
        return reduce_short_rows<Op>(y + range.begin, x + range.begin * r.length, range.end - range.begin, r.length,
                                     shift + range.begin * Op::shifted);
    for (int64_t u = range.begin; u < range.end;) {
        L total[kBeside];
        const int64_t chunk = u % r.chunks, place = u / r.chunks, begin = chunk * kChunk, n = min_of(kChunk, r.length - begin);
        const T* own = x + place * r.length + begin;
        // of neighbouring rows, or of one row's whole chunks
        const bool several = u + kBeside <= range.end && (r.chunks == 1 || (!Op::shifted && begin + kBeside * kChunk <= r.length));
        if (several)
            reduce_rows<Op, kBeside>(total, own, n, n, shift + place * Op::shifted);
        else
            reduce_rows<Op, 1>(total, own, 0, n, shift + place * Op::shifted);
        for (int64_t k = 0; k < (several ? kBeside : 1); ++k, ++u) {
            if (r.chunks == 1)
                y[u] = Op::finish(total[k], r.length);
            else
                partial[(chunk + k) * r.outputs + place] = total[k];
        }
    }
}

// total[i] = partial[0][i], partial[1][i] ... in order, for i < n <= kColumns.
template <class Op>
LABKIT_APART void join_chunks(typename Op::Total* __restrict__ total, const typename Op::Lane* __restrict__ partial, int64_t chunks,
                              int64_t outputs, int64_t n) {
    for (int64_t i = 0; i < n; ++i) total[i] = partial[i];
    for (int64_t chunk = 1; chunk < chunks; ++chunk) {
        partial += outputs;
        for (int64_t i = 0; i < n; ++i) total[i] = Op::of(total[i], static_cast<typename Op::Total>(partial[i]));
    }
}

template <class Op, class T>
Status run_reduce(const Call& call, int phase, int64_t task) {
    using L = typename Op::Lane;
    Reduction r(call);
    const T* x = data<T>(call.in[0]);
    T* y = data<T>(call.out[0]);
    if (r.length == 0) {
        for (int64_t i = 0; i < numel(call.out[0]); ++i) y[i] = Op::finish(Op::neutral, 0);
        return {};
    }
    L* partial = reinterpret_cast<L*>(call.scratch);  // [chunks][outputs], where there are several chunks
    if (phase == 0) {
        if constexpr (in_vectors<Op, T>)
            if (r.rows) return reduce_matrix_rows<Op, T>(call, r, task), Status{};
        L lane[kColumns], shift[Op::shifted ? kColumns : 1] = {};
        int64_t blocks = ceil_div(r.width, r.columns);
        for (int64_t unit = task * r.units_per_task; unit < min_of((task + 1) * r.units_per_task, r.units); ++unit) {
            int64_t chunk = r.chunks == 1 ? 0 : unit % r.chunks, place = r.chunks == 1 ? unit : unit / r.chunks;
            int64_t first = place / blocks * r.width + place % blocks * r.columns;  // output
            int64_t n = min_of(r.columns, r.width - place % blocks * r.columns);
            int64_t begin = chunk * kChunk, end = min_of(begin + kChunk, r.length);
            const T* from = x + r.kept.offset(0, first);
            if constexpr (Op::shifted)
                for (int64_t i = 0; i < n; ++i) shift[i] = data<T>(call.in[1])[first + i];
            if (r.width == 1)
                lane[0] = reduce_runs<Op>(from, r.reduced, begin, end, shift[0]);
            else
                reduce_columns<Op>(lane, from, r.reduced, begin, end, n, shift);
            if (r.chunks == 1)
                for (int64_t i = 0; i < n; ++i) y[first + i] = Op::finish(lane[i], r.length);
            else
                for (int64_t i = 0; i < n; ++i) partial[chunk * r.outputs + first + i] = lane[i];
        }
        return {};
    }
    Range range = range_of(task, r.outputs, kColumns);
    typename Op::Total total[kColumns];
    join_chunks<Op>(total, partial + range.begin, r.chunks, r.outputs, range.end - range.begin);
    for (int64_t i = range.begin; i < range.end; ++i) y[i] = Op::finish(total[i - range.begin], r.length);
    return {};
}

#define LABKIT_REDUCE(X, name, Op, dtype, T) \
    X(name "." dtype, plan_reduce<Op<T>::Lane>, (run_reduce<Op<T>, T>), false)
#define LABKIT_REDUCE_REALS(X, name, Op)     \
    LABKIT_REDUCE(X, name, Op, "f32", float) \
    LABKIT_REDUCE(X, name, Op, "f64", double)
#define LABKIT_REDUCE_WRAPPING(X, name, Op)     \
    LABKIT_REDUCE(X, name, Op, "i32", uint32_t) \
    LABKIT_REDUCE(X, name, Op, "i64", uint64_t) \
    LABKIT_REDUCE(X, name, Op, "u8", uint8_t)
#define LABKIT_REDUCE_WHOLE(X, name, Op)       \
    LABKIT_REDUCE(X, name, Op, "i32", int32_t) \
    LABKIT_REDUCE(X, name, Op, "i64", int64_t) \
    LABKIT_REDUCE(X, name, Op, "u8", uint8_t)

#define LABKIT_REDUCE_KERNELS(X)                             \
    LABKIT_REDUCE_REALS(X, "reduce_sum", Sum)                \
    LABKIT_REDUCE_WRAPPING(X, "reduce_sum", WrappingSum)     \
    LABKIT_REDUCE_REALS(X, "reduce_mean", Mean)              \
    LABKIT_REDUCE_WHOLE(X, "reduce_mean", WholeMean)         \
    LABKIT_REDUCE_REALS(X, "reduce_prod", Product)           \
    LABKIT_REDUCE_WRAPPING(X, "reduce_prod", WrappingProduct) \
    LABKIT_REDUCE_REALS(X, "reduce_max", Max)                \
    LABKIT_REDUCE_WHOLE(X, "reduce_max", Max)                \
    LABKIT_REDUCE_REALS(X, "reduce_min", Min)                \
    LABKIT_REDUCE_WHOLE(X, "reduce_min", Min)                \
    LABKIT_REDUCE(X, "reduce_all", All, "b8", uint8_t)       \
    LABKIT_REDUCE(X, "reduce_any", Any, "b8", uint8_t)       \
    LABKIT_REDUCE_REALS(X, "euclidean_norm", Norm)           \
    LABKIT_REDUCE_REALS(X, "l2_loss", HalfSquares)           \
    LABKIT_REDUCE_REALS(X, "variance", Variance)

}  // namespace
}  // namespace labkit
