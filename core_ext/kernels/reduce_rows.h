// Reductions of elements that lie side by side: rows of a matrix, or stretches of memory.
#pragma once
#include "kernels/reduce_ops.h"
#include "kernels/walk.h"

namespace labkit {
namespace {

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

template <int n>
struct Beside { static constexpr int count = n; };

template <class Op, class T>
constexpr bool in_vectors = sizeof(T) >= 4 && (same_type<typename Op::Lane, T> ||
                                               (same_type<typename Op::Lane, double> && same_type<T, float>));

// `count` outputs, the n elements of each side by side, each row `step` after the one before. Several at a time, as the steps
// of one wait for each other.
template <class Op, int count, class T>
LABKIT_APART void reduce_rows(typename Op::Lane* total, const T* p, int64_t step, int64_t n, const T* shift) {
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
                __builtin_prefetch(from + count * step);  // the rows after these: the processor's own reading ahead loses its way
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
LABKIT_APART void reduce_short_rows(T* y, const T* p, int64_t rows, int64_t n, const T* shift) {
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
LABKIT_APART typename Op::Lane reduce_runs(const T* x, const Walk& reduced, int64_t begin, int64_t end, typename Op::Lane shift) {
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

}  // namespace
}  // namespace labkit
