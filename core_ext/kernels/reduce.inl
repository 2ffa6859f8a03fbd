// Reductions over any set of axes.
//
// The order of a sum is fixed by the reduced length alone, not by the layout, the other dimensions, the target or the number
// of threads: the n reduced elements of an output are cut into chunks of kChunk; in a chunk, element r goes to lane
// r % kLanes; the lanes are added as a tree, and the chunks in order, in float64. So one column of a matrix gives
// the same bits as the same numbers in a row, and float32 sums keep a relative error of a few 1e-7 at any length.
// ints: the axes.
#pragma once
#include "kernels/walk.h"
#include "labkit/kernel.h"
#include "simd/math.h"
#include "simd/vec.h"

namespace labkit {
namespace {

constexpr int64_t kChunk = 1024;
constexpr int kLanes = 16;
constexpr int64_t kColumns = 256;  // outputs that are summed side by side when the last dimension stays

template <class T>
constexpr bool is_real = static_cast<T>(0.5) != 0;

template <class T>
constexpr T lowest() {
    if (is_real<T>) return static_cast<T>(-__builtin_inf());
    return sizeof(T) == 4 ? static_cast<T>(INT32_MIN) : static_cast<T>(INT64_MIN);
}
template <class T>
constexpr T highest() {
    if (is_real<T>) return static_cast<T>(__builtin_inf());
    return sizeof(T) == 4 ? static_cast<T>(INT32_MAX) : static_cast<T>(INT64_MAX);
}

// An operation. A lane adds up what `element` makes of a number (and, where `shifted`, of the second operand's number for that
// output); `of` is the step for numbers and vectors alike, from `neutral` on; chunks are joined as Totals, and `finish` gives
// the output for n reduced elements.
template <class L, class Sum>
struct Plain {
    using Lane = L;
    using Total = Sum;
    static constexpr bool shifted = false;
    static constexpr bool associative = false;  // whether stretches may be joined, in their order, with the same bits
    template <class V>
    static V element(V x, V) { return x; }
};

template <class T>
struct Sum : Plain<T, double> {
    static constexpr T neutral = 0;
    template <class V>
    static V of(V a, V b) { return a + b; }
    static T finish(double total, int64_t) { return static_cast<T>(total); }
};
template <class T>
struct Mean : Sum<T> {
    static T finish(double total, int64_t n) { return static_cast<T>(total / static_cast<double>(n)); }
};
template <class T>
struct WrappingSum : Plain<T, T> {  // of unsigned integers
    static constexpr T neutral = 0;
    template <class V>
    static V of(V a, V b) { return a + b; }
    static T finish(T total, int64_t) { return total; }
};
template <class T>
struct WholeMean : WrappingSum<uint64_t> {  // of integers, without what comes after the point
    static T finish(uint64_t total, int64_t n) { return n ? static_cast<T>(static_cast<int64_t>(total) / n) : 0; }
};
template <class T>
struct Product : Plain<double, double> {  // in float64: a float32 product may pass through numbers beyond float32
    static constexpr double neutral = 1;
    template <class V>
    static V of(V a, V b) { return a * b; }
    static T finish(double total, int64_t) { return static_cast<T>(total); }
};
template <class T>
struct WrappingProduct : Plain<T, T> {
    static constexpr T neutral = 1;
    template <class V>
    static V of(V a, V b) { return a * b; }
    static T finish(T total, int64_t) { return total; }
};
template <class T>
struct Norm : Sum<double> {  // likewise in float64
    template <class V>
    static V element(V x, V) { return x * x; }
    static T finish(double total, int64_t) { return static_cast<T>(__builtin_sqrt(total)); }
};
template <class T>
struct HalfSquares : Sum<T> {
    template <class V>
    static V element(V x, V) { return x * x; }
    static T finish(double total, int64_t) { return static_cast<T>(total / 2); }
};
template <class T>
struct Variance : Mean<T> {  // about given means
    static constexpr bool shifted = true;
    template <class V>
    static V element(V x, V mean) { return (x - mean) * (x - mean); }
};
template <class T>
struct Max : Plain<T, T> {  // of equal elements the last, of NaNs the first
    static constexpr T neutral = lowest<T>();
    static constexpr bool associative = true;
    template <class V>
    static V of(V a, V b) { return ((a > b) | (a != a)) ? a : b; }
    static T finish(T total, int64_t) { return total; }
};
template <class T>
struct Min : Plain<T, T> {  // of equal elements the last, of NaNs the first
    static constexpr T neutral = highest<T>();
    static constexpr bool associative = true;
    template <class V>
    static V of(V a, V b) { return ((a < b) | (a != a)) ? a : b; }
    static T finish(T total, int64_t) { return total; }
};
template <class T>
struct All : Plain<T, T> {
    static constexpr T neutral = 1;
    template <class V>
    static V of(V a, V b) { return a & b; }
    static T finish(T total, int64_t) { return total; }
};
template <class T>
struct Any : Plain<T, T> {
    static constexpr T neutral = 0;
    template <class V>
    static V of(V a, V b) { return a | b; }
    static T finish(T total, int64_t) { return total; }
};

// What the shapes say. A unit is one chunk of one output, or of up to kColumns neighbouring outputs.
struct Reduction {
    Walk kept, reduced;
    int64_t outputs, length, chunks;
    int64_t width;    // neighbouring outputs that lie side by side in memory; 1 when the last dimension is reduced
    int64_t columns;  // of them in a unit
    int64_t units, units_per_task;
    bool rows;  // whether the tensor is a matrix of which every row is reduced

    Reduction(const Call& call) {
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

template <class A, class B>
constexpr bool same_type = false;
template <class A>
constexpr bool same_type<A, A> = true;

// n <= lanes<Lane> numbers as lanes.
template <class Lane, class T>
LABKIT_INLINE Vec<Lane> load_lanes(const T* p, int64_t n) {
    if constexpr (same_type<Lane, T>)
        return load_n(p, n);
    else
        return load_widened(p, static_cast<int>(n));
}

// Lane (first + i) % kLanes takes p[i], for i < n, number by number.
template <class Op, class Lane, class T>
void reduce_numbers(Lane* lane, int64_t first, const T* p, int64_t n, Lane shift) {
    for (int64_t i = 0; i < n; ++i) {
        Lane& to = lane[(first + i) % kLanes];
        to = Op::of(to, Op::element(static_cast<Lane>(p[i]), shift));
    }
}

// Steps acc on by the first groups * kLanes of p. Each step waits for the last one; where the operation allows it, four
// stretches go side by side.
template <class Op, class L, class T>
LABKIT_INLINE void reduce_groups(Vec<L>* acc, const T* p, int64_t groups, Vec<L> shifts) {
    constexpr int vectors = kLanes / lanes<L>;
    auto step = [&](Vec<L>* to, int64_t group) {
        LABKIT_UNROLL
        for (int v = 0; v < vectors; ++v)
            to[v] = Op::of(to[v], Op::element(load_lanes<L>(p + group * kLanes + v * lanes<L>, lanes<L>), shifts));
    };
    int64_t g = 0;
    if constexpr (Op::associative) {
        const int64_t quarter = groups / 4;
        if (quarter > 1) {
            Vec<L> b[vectors], c[vectors], d[vectors];
            for (int v = 0; v < vectors; ++v) b[v] = c[v] = d[v] = broadcast(Op::neutral);
            for (; g < quarter; ++g) {
                // the processor's own reading ahead loses its way among the stretches
                for (int k = 0; k < 4; ++k) __builtin_prefetch(p + (groups + 4 * g + k) * kLanes);
                step(acc, g);
                step(b, quarter + g);
                step(c, 2 * quarter + g);
                step(d, 3 * quarter + g);
            }
            for (int v = 0; v < vectors; ++v) acc[v] = Op::of(Op::of(acc[v], b[v]), Op::of(c[v], d[v]));
            g = 4 * quarter;
        }
    }
    for (; g < groups; ++g) step(acc, g);
}

template <class Op, class T>
constexpr bool in_vectors = sizeof(T) >= 4 && (same_type<typename Op::Lane, T> ||
                                               (same_type<typename Op::Lane, double> && same_type<T, float>));

// `count` outputs, the n elements of each side by side, each row `step` after the one before. Several at a time, as the steps
// of one wait for each other.
template <class Op, int count, class T>
void reduce_rows(typename Op::Lane* total, const T* p, int64_t step, int64_t n, const T* shift) {
    using L = typename Op::Lane;
    constexpr int vectors = kLanes / lanes<L>;
    Vec<L> acc[count * vectors], neutral = broadcast(Op::neutral), shifts[count];
    LABKIT_UNROLL
    for (int k = 0; k < count; ++k) shifts[k] = broadcast(Op::shifted ? static_cast<L>(shift[k]) : L());
    LABKIT_UNROLL
    for (int v = 0; v < count * vectors; ++v) acc[v] = neutral;
    const int64_t groups = n / kLanes;
    if constexpr (count == 1) {
        reduce_groups<Op, L>(acc, p, groups, shifts[0]);
    } else {
        for (int64_t g = 0; g < groups; ++g) {
            LABKIT_UNROLL
            for (int v = 0; v < count * vectors; ++v) {
                const T* from = p + v / vectors * step + g * kLanes + v % vectors * lanes<L>;
                acc[v] = Op::of(acc[v], Op::element(load_lanes<L>(from, WholeVector<L>{}), shifts[v / vectors]));
            }
        }
    }
    LABKIT_UNROLL
    for (int v = 0; v < count * vectors; ++v) {
        const int64_t at = groups * kLanes + v % vectors * lanes<L>, part = min_of(n - at, lanes<L>);
        if (part > 0) {
            const Vec<L> element = Op::element(load_lanes<L>(p + v / vectors * step + at, part), shifts[v / vectors]);
            acc[v] = Op::of(acc[v], first_lanes<L>(part) ? element : neutral);
        }
    }
    LABKIT_UNROLL
    for (int k = 0; k < count; ++k) {
        Vec<L> own[vectors];
        LABKIT_UNROLL
        for (int v = 0; v < vectors; ++v) own[v] = acc[k * vectors + v];
        total[k] = fold_vectors<Op, L>(own);
    }
}

// The same for rows of n <= kLanes elements, each of which is a lane of its own: many rows side by side.
constexpr int64_t kShortRows = 64;

template <class Op, class T>
void reduce_short_rows(T* y, const T* p, int64_t rows, int64_t n, const T* shift) {
    using L = typename Op::Lane;
    alignas(64) L lane[kLanes * kShortRows];
    for (int64_t first = 0; first < rows; first += kShortRows) {
        const int64_t count = min_of(kShortRows, rows - first);
        const T* from = p + first * n;
        for (int64_t l = 0; l < n; ++l) {
            L* __restrict__ to = lane + l * kShortRows;
            for (int64_t r = 0; r < count; ++r)
                to[r] = Op::of(Op::neutral, Op::element(static_cast<L>(from[r * n + l]), Op::shifted ? static_cast<L>(shift[first + r]) : L()));
        }
        for (int64_t half = kLanes / 2; half; half /= 2)
            for (int64_t l = 0; l < min_of(half, n - half); ++l) {
                L* __restrict__ a = lane + l * kShortRows;
                const L* __restrict__ b = lane + (l + half) * kShortRows;
                for (int64_t r = 0; r < kShortRows; ++r) a[r] = Op::of(a[r], b[r]);
            }
        for (int64_t r = 0; r < count; ++r) y[first + r] = Op::finish(lane[r], n);
    }
}

// One output: elements r in [begin, end) of the reduced ones, which lie in contiguous runs.
template <class Op, class T>
typename Op::Lane reduce_runs(const T* x, const Walk& reduced, int64_t begin, int64_t end, typename Op::Lane shift) {
    using L = typename Op::Lane;
    L lane[kLanes];
    for (int l = 0; l < kLanes; ++l) lane[l] = Op::neutral;
    Cursor cursor(reduced, begin);
    for (int64_t r = begin; r < end;) {
        const int64_t run = min_of(cursor.rest_of_run(), end - r);
        const T* p = x + cursor.offset[0];
        if constexpr (in_vectors<Op, T>) {  // other types go number by number
            constexpr int vectors = kLanes / lanes<L>;
            int64_t i = min_of(run, (kLanes - r % kLanes) % kLanes);
            reduce_numbers<Op>(lane, r, p, i, shift);
            Vec<L> acc[vectors], neutral = broadcast(Op::neutral), shifts = broadcast(shift);
            for (int v = 0; v < vectors; ++v) acc[v] = load(lane + v * lanes<L>);
            const int64_t groups = (run - i) / kLanes;
            reduce_groups<Op, L>(acc, p + i, groups, shifts);
            i += groups * kLanes;
            for (int v = 0; v < vectors; ++v) {
                const int64_t n = min_of(run - i - v * lanes<L>, lanes<L>);
                if (n <= 0) break;
                const Vec<L> element = Op::element(load_lanes<L>(p + i + v * lanes<L>, n), shifts);
                acc[v] = Op::of(acc[v], first_lanes<L>(n) ? element : neutral);
            }
            for (int v = 0; v < vectors; ++v) store(lane + v * lanes<L>, acc[v]);
        } else {
            reduce_numbers<Op>(lane, r, p, run, shift);
        }
        cursor.advance(run);
        r += run;
    }
    return fold_lanes<Op, L, kLanes>(lane);
}

// acc[c] takes p[c], p[step + c], ... of `rows` rows, for c < n.
template <class Op, class T>
LABKIT_INLINE void add_rows(typename Op::Lane* __restrict__ acc, const T* __restrict__ p, int64_t step, int64_t rows, int64_t n,
                            const typename Op::Lane* __restrict__ shift) {
    using L = typename Op::Lane;
    auto next = [&](L a, int64_t at, int64_t c) { return Op::of(a, Op::element(static_cast<L>(p[at]), Op::shifted ? shift[c] : L())); };
    for (; rows >= 4; rows -= 4, p += 4 * step)
        for (int64_t c = 0; c < n; ++c)
            acc[c] = next(next(next(next(acc[c], c, c), step + c, c), 2 * step + c, c), 3 * step + c, c);
    for (; rows; --rows, p += step)
        for (int64_t c = 0; c < n; ++c) acc[c] = next(acc[c], c, c);
}

// n <= kColumns neighbouring outputs; row r of the reduced elements starts at its offset.
template <class Op, class T>
void reduce_columns(typename Op::Lane* result, const T* x, const Walk& reduced, int64_t begin, int64_t end, int64_t n,
                    const typename Op::Lane* shift) {
    using L = typename Op::Lane;
    alignas(64) L lane[kLanes * kColumns];
    const int64_t rows = end - begin, used = max_of(1, min_of(rows, kLanes)), step = reduced.rank ? reduced.stride[0][0] : 0;
    const bool even = reduced.rank <= 1;
    // Where the rows follow each other without a gap, so do their lanes, and sixteen rows are one.
    const bool dense = even && step == n && !Op::shifted;
    const int64_t pitch = dense ? n : kColumns;
    for (int64_t i = 0; i < used * pitch; ++i) lane[i] = Op::neutral;
    if (dense) {
        const T* p = x + begin * n;
        add_rows<Op>(lane, p, kLanes * n, rows / kLanes, kLanes * n, shift);
        add_rows<Op>(lane, p + rows / kLanes * kLanes * n, 0, 1, rows % kLanes * n, shift);
    } else if (even) {
        for (int64_t first = 0; first < rows; first += 4 * kLanes)
            for (int64_t l = 0; l < min_of(kLanes, rows - first); ++l)
                add_rows<Op>(lane + l * pitch, x + (begin + first + l) * step, kLanes * step,
                             min_of(4, ceil_div(rows - first - l, kLanes)), n, shift);
    } else {
        Cursor cursor(reduced, begin);
        for (int64_t r = 0; r < rows; ++r) {
            add_rows<Op>(lane + r % kLanes * pitch, x + cursor.offset[0], 0, 1, n, shift);
            cursor.advance(1);
        }
    }
    for (int64_t half = kLanes / 2; half; half /= 2) {
        L* __restrict__ a = lane;
        const L* __restrict__ b = lane + half * pitch;
        for (int64_t i = 0; i < min_of(half, used - half) * pitch; ++i) a[i] = Op::of(a[i], b[i]);
    }
    for (int64_t c = 0; c < n; ++c) result[c] = lane[c];
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

template <class Op, class T>
Status run_reduce(const Call& call, int phase, int64_t task) {
    using L = typename Op::Lane;
    using Total = typename Op::Total;
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
    Total total[kColumns];
    for (int64_t i = range.begin; i < range.end; ++i) total[i - range.begin] = partial[i];
    for (int64_t chunk = 1; chunk < r.chunks; ++chunk)
        for (int64_t i = range.begin; i < range.end; ++i)
            total[i - range.begin] = Op::of(total[i - range.begin], static_cast<Total>(partial[chunk * r.outputs + i]));
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
