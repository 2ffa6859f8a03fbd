// Reductions of many neighbouring outputs at once: their elements are the columns of rows of memory.
#pragma once
#include "kernels/reduce_rows.h"

namespace labkit {
namespace {

// acc[c] takes p[c], p[step + c], ... of `rows` rows, for c < n.
template <class Op, class T>
LABKIT_APART void add_rows(typename Op::Lane* __restrict__ acc, const T* __restrict__ p, int64_t step, int64_t rows, int64_t n,
              const typename Op::Lane* __restrict__ shift) {
    using L = typename Op::Lane;
    if constexpr (in_vectors<Op, T>) {
        auto take = [&](int64_t c, auto part, auto beside) {
            Vec<L> sum = load_n(acc + c, part), by = Op::shifted ? load_n(shift + c, part) : Vec<L>{};
            LABKIT_UNROLL
            for (int r = 0; r < beside.count; ++r) sum = Op::of(sum, Op::element(load_lanes<L>(p + r * step + c, part), by));
            store_n(acc + c, sum, part);
        };
        for (; rows >= 4; rows -= 4, p += 4 * step) each_vector<L>(n, [&](int64_t c, auto part) { take(c, part, Beside<4>{}); });
        for (; rows; --rows, p += step) each_vector<L>(n, [&](int64_t c, auto part) { take(c, part, Beside<1>{}); });
    } else {
        for (; rows; --rows, p += step)
            for (int64_t c = 0; c < n; ++c) acc[c] = Op::of(acc[c], Op::element(static_cast<L>(p[c]), Op::shifted ? shift[c] : L()));
    }
}

// n <= kColumns neighbouring outputs; row r of the reduced elements starts at its offset.
template <class Op, class T>
LABKIT_APART void reduce_columns(typename Op::Lane* result, const T* x, const Walk& reduced, int64_t begin, int64_t end, int64_t n,
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
        const int64_t n = min_of(half, used - half) * pitch;
        for (int64_t i = 0; i < n; ++i) a[i] = Op::of(a[i], b[i]);
    }
    for (int64_t c = 0; c < n; ++c) result[c] = lane[c];
}

}  // namespace
}  // namespace labkit
