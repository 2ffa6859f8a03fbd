// Rows that are combined into rows of a result, at places that indices name. All scattering kernels have one form:
//
//     phase 0: the indices, checked, become rows in scratch memory; -1 where an update is dropped; where y is no variable but a
//              result, it gets what it is before the updates;
//     phase 1: y[group, row, :] = op(y[group, row, :], update[group, k, :]) for k in order.
//
// So no variable is written unless all indices are good, and updates of one row are combined in order of their position,
// whatever the threads do: a task of phase 1 owns a range of rows and a range of columns.
#pragma once
#include "kernels/indices.h"
#include "kernels/reduce.inl"
#include "kernels/walk.h"
#include "labkit/kernel.h"
#include "simd/vec.h"

namespace labkit {
namespace {

template <class T>
struct Replace {
    template <class V>
    static V of(V, V update) { return update; }
};
template <class T>
struct Plus {
    static constexpr T neutral = 0;
    template <class V>
    static V of(V sum, V update) { return sum + update; }
};
template <class T>
struct Minus {
    template <class V>
    static V of(V difference, V update) { return difference - update; }
};
template <class T>
struct Times {
    static constexpr T neutral = 1;
    template <class V>
    static V of(V product, V update) { return product * update; }
};

// y is [groups][rows][inner], the updates are [groups][count][inner]; `outer` groups follow each other that have the same
// indices.
struct Scatter {
    int64_t groups, outer, rows, count, inner;
    int64_t row_ranges, column_ranges, groups_per_task;  // what phase 1 is cut into

    Scatter(int64_t groups, int64_t outer, int64_t rows, int64_t count, int64_t inner)
        : groups(groups), outer(outer), rows(rows), count(count), inner(inner) {
        // A task reads all rows' numbers, so that wide rows are cut into columns, and rows into ranges only where combining
        // them costs more than reading.
        constexpr int64_t kNarrow = 16, kWide = 128, kColumnsOfTask = 64, kNarrowCount = 1 << 22;
        const int64_t work = (rows + count) * max_of(1, inner);
        row_ranges = column_ranges = 1;
        if (inner >= kWide)
            column_ranges = min_of(inner / kColumnsOfTask, ceil_div(work, kTaskElements));
        else if (inner >= kNarrow)
            row_ranges = min_of(inner / 8, ceil_div(work, 4 * kTaskElements));
        else
            row_ranges = min_of(16, ceil_div(rows + count, kNarrowCount));
        row_ranges = max_of(1, row_ranges);
        groups_per_task = max_of(1, kTaskElements / max_of(1, work));
    }

    int64_t indices() const { return outer ? groups / outer * count : 0; }

    void plan(Work& work, bool fresh) const {
        work.phases = 2;
        work.tasks[0] = fresh ? starting_tasks() : max_of(1, ceil_div(indices(), kTaskElements));
        work.tasks[1] = ceil_div(groups, groups_per_task) * row_ranges * column_ranges;
        work.scratch_bytes = indices() * 8;
    }

    // What a task of phase 1 owns.
    struct Part {
        Range groups, rows, columns;
    };
    Part part(int64_t task) const {
        const int64_t column = task % column_ranges, row = task / column_ranges % row_ranges;
        const int64_t width = ceil_div(ceil_div(inner, column_ranges), 16) * 16;
        return {range_of(task / (column_ranges * row_ranges), groups, groups_per_task),
                {rows * row / row_ranges, rows * (row + 1) / row_ranges},
                {min_of(inner, column * width), min_of(inner, (column + 1) * width)}};
    }

    // The stretch of y that a task of phase 0 fills with what y is before the updates, as it follows in memory.
    Range stretch(int64_t task) const {
        const int64_t tasks = starting_tasks(), all = groups * rows * inner;
        return {all / tasks * task + min_of(all % tasks, task), all / tasks * (task + 1) + min_of(all % tasks, task + 1)};
    }
    int64_t starting_tasks() const {
        return max_of(1, max_of(ceil_div(indices(), kTaskElements), ceil_div(groups * rows * inner, kTaskElements)));
    }
};

template <class Op, class T>
void combine_row(T* __restrict__ y, const T* __restrict__ update, int64_t n) {
    if constexpr (sizeof(T) >= 4)
        LABKIT_ROW(T, n, c, part) store_n(y + c, Op::of(load_n(y + c, part), load_n(update + c, part)), part);
    else
        for (int64_t c = 0; c < n; ++c) y[c] = Op::of(y[c], update[c]);
}

// Phase 1 for one part.
template <class Op, class T>
void combine_rows(T* y, const T* updates, const char* scratch, const Scatter& s, const Scatter::Part& p) {
    const int64_t first = p.columns.begin, n = p.columns.end - first;
    for (int64_t g = p.groups.begin; g < p.groups.end; ++g) {
        const int64_t* row = reinterpret_cast<const int64_t*>(scratch) + g / s.outer * s.count;
        T* to = y + g * s.rows * s.inner;
        const T* from = updates + g * s.count * s.inner;
        for (int64_t k = 0; k < s.count; ++k) {
            if (row[k] < p.rows.begin || row[k] >= p.rows.end) continue;
            if (s.inner == 1)
                to[row[k]] = Op::of(to[row[k]], from[k]);
            else
                combine_row<Op>(to + row[k] * s.inner + first, from + k * s.inner + first, n);
        }
    }
}

// Phase 0 where an index is one number. Those below 0 and those from the limit on are refused, or dropped (-1).
inline Status number_rows(const View& indices, int64_t limit, bool drop_below, bool drop_above, char* scratch, int64_t task) {
    Range range = range_of(task, numel(indices));
    int64_t* rows = reinterpret_cast<int64_t*>(scratch);
    return with_indices(indices, [&](const auto* p) -> Status {
        for (int64_t i = range.begin; i < range.end; ++i) {
            const int64_t index = p[i];
            const bool below = index < 0, above = index >= limit;
            if ((below && !drop_below) || (above && !drop_above)) return {Code::index_out_of_range, index, limit};
            rows[i] = below || above ? -1 : index;
        }
        return {};
    });
}

}  // namespace
}  // namespace labkit
