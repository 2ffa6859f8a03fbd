// concat: tensors side by side along one axis; split: the reverse. The whole tensor is a matrix whose rows are what lies
// inside the axis, and each part is some of its columns.
#pragma once
#include "kernels/copy_runs.h"
#include "kernels/walk.h"
#include "labkit/kernel.h"

namespace labkit {
namespace {

// The rows and columns of one task: a block of whole rows, or a stretch of one long row.
struct Block {
    int64_t row, rows, column, columns;
};

// ints: the axis.
struct Sides {
    const View& whole;
    const View* parts;
    int count;
    int64_t rows = 1, width = 1, inner = 1;

    Sides(const Call& call, bool split)
        : whole(split ? call.in[0] : call.out[0]), parts(split ? call.out : call.in), count(split ? call.n_out : call.n_in) {
        for (int d = 0; d < whole.rank; ++d) (d < call.ints[0] ? rows : width) *= whole.shape[d];
        for (int64_t d = call.ints[0] + 1; d < whole.rank; ++d) inner *= whole.shape[d];
    }
    int64_t width_of(int part, int64_t axis) const { return parts[part].shape[axis] * inner; }
    int64_t stretches() const { return ceil_div(width, kTaskElements); }  // in a row
    int64_t rows_per_task() const { return max_of(1, kTaskElements / max_of(1, width)); }
    int64_t tasks() const {
        return width > kTaskElements ? rows * stretches() : ceil_div(rows, rows_per_task());
    }
    Block block(int64_t task) const {
        if (width > kTaskElements) {
            Range columns = range_of(task % stretches(), width);
            return {task / stretches(), 1, columns.begin, columns.end - columns.begin};
        }
        Range lines = range_of(task, rows, rows_per_task());
        return {lines.begin, lines.end - lines.begin, 0, width};
    }
};

void plan_concat(const Call& call, Work& work) { work.tasks[0] = Sides(call, false).tasks(); }
void plan_split(const Call& call, Work& work) { work.tasks[0] = Sides(call, true).tasks(); }

template <class E, bool split>
Status run_sides(const Call& call, int, int64_t task) {
    Sides sides(call, split);
    Block block = sides.block(task);
    int64_t left = 0, end = block.column + block.columns;
    for (int i = 0; i < sides.count && left < end; ++i) {
        int64_t width = sides.width_of(i, call.ints[0]);
        int64_t from = max_of(left, block.column), to = min_of(left + width, end);
        if (from < to) {
            E* part = data<E>(sides.parts[i]) + block.row * width + (from - left);
            E* whole = data<E>(sides.whole) + block.row * sides.width + from;
            if (split)
                copy_columns(part, width, whole, sides.width, block.rows, to - from);
            else
                copy_columns(whole, sides.width, part, width, block.rows, to - from);
        }
        left += width;
    }
    return {};
}

#define LABKIT_SIDES(X, name, type)                                   \
    X("concat." name, plan_concat, (run_sides<type, false>), false)   \
    X("split." name, plan_split, (run_sides<type, true>), false)

#define LABKIT_CONCAT_KERNELS(X)      \
    LABKIT_SIDES(X, "f32", uint32_t)  \
    LABKIT_SIDES(X, "f64", uint64_t)  \
    LABKIT_SIDES(X, "i32", uint32_t)  \
    LABKIT_SIDES(X, "i64", uint64_t)  \
    LABKIT_SIDES(X, "u8", uint8_t)    \
    LABKIT_SIDES(X, "b8", uint8_t)

}  // namespace
}  // namespace labkit
