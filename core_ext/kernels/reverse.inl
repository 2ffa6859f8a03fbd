// roll: elements moved along axes, round and round; reverse_sequence: the first few elements of each sequence backwards.
// (A reversed axis is a slice with step -1: strided.inl.)
#pragma once
#include "kernels/copy_runs.h"
#include "labkit/kernel.h"

namespace labkit {
namespace {

// ---- roll. in: x, how far along each axis (i64). ints: the axes; one that comes several times is moved by the sum.

// One dimension, innermost first: element i goes to (i + shift) % size.
struct Rolled {
    int64_t size, shift;
};

int rolls_of(const Call& call, Rolled* dims) {
    const View& x = call.in[0];
    const int64_t* shifts = data<int64_t>(call.in[1]);
    int rank = 0;
    for (int d = x.rank - 1; d >= 0; --d) {
        Rolled own{x.shape[d], 0};
        for (int k = 0; k < call.n_ints; ++k)
            if (call.ints[k] == d) own.shift = (own.shift + shifts[k] % own.size + own.size) % own.size;
        if (rank && dims[rank - 1].shift == 0)
            dims[rank - 1] = {own.size * dims[rank - 1].size, own.shift * dims[rank - 1].size};
        else
            dims[rank++] = own;
    }
    if (!rank) dims[rank++] = {1, 0};
    return rank;
}

template <class E>
void roll_rows(const Call& call, int64_t task) {
    Rolled dims[kMaxRank];
    int rank = rolls_of(call, dims);
    int64_t size = dims[0].size, shift = dims[0].shift;
    const E* x = data<E>(call.in[0]);
    E* y = data<E>(call.out[0]);
    Range range = range_of(task, numel(call.out[0]));
    for (int64_t i = range.begin; i < range.end;) {
        int64_t row = i / size, column = i % size, source = 0, stride = size;
        for (int d = 1; d < rank; ++d) {
            source += (row % dims[d].size + dims[d].size - dims[d].shift) % dims[d].size * stride;
            stride *= dims[d].size;
            row /= dims[d].size;
        }
        int64_t end = column < shift ? shift : size, run = min_of(end - column, range.end - i);
        int64_t from = column < shift ? column + size - shift : column - shift;
        __builtin_memcpy(y + i, x + source + from, run * sizeof(E));
        i += run;
    }
}

Status run_roll(const Call& call, int, int64_t task) {
    LABKIT_BY_SIZE(call.out[0].dtype, roll_rows, call, task)
    return {};
}

// ---- reverse_sequence. in: x, lengths (i64). ints: the axis of a sequence's elements, the axis of the sequences.

// x as rows of `width` blocks of `inner` elements: the later one of the two axes is the width, the other one is `tall`.
struct Sequences {
    int64_t tall, between = 1, width, inner = 1;
    bool along;  // a row is (a part of) one sequence; otherwise it holds one element of each

    explicit Sequences(const Call& call) {
        const View& x = call.in[0];
        int64_t low = min_of(call.ints[0], call.ints[1]), high = max_of(call.ints[0], call.ints[1]);
        tall = x.shape[low];
        width = x.shape[high];
        along = call.ints[0] == high;
        for (int64_t d = low + 1; d < high; ++d) between *= x.shape[d];
        for (int64_t d = high + 1; d < x.rank; ++d) inner *= x.shape[d];
    }
    int64_t blocks_per_task() const { return max_of(1, kTaskElements / max_of(1, inner)); }
};

void plan_reverse_sequence(const Call& call, Work& work) {
    Sequences s(call);
    work.tasks[0] = ceil_div(numel(call.out[0]) / max_of(1, s.inner), s.blocks_per_task());
}

template <class E>
void reverse_blocks(const Call& call, int64_t task) {
    Sequences s(call);
    const int64_t* lengths = data<int64_t>(call.in[1]);
    const E* x = data<E>(call.in[0]);
    E* y = data<E>(call.out[0]);
    Range range = range_of(task, numel(call.out[0]) / s.inner, s.blocks_per_task());
    for (int64_t i = range.begin; i < range.end;) {
        int64_t row = i / s.width, column = i % s.width, end = min_of(s.width, column + range.end - i);
        int64_t at = row / s.between % s.tall;  // the row's place along the other axis
        for (; column < end; ++column, ++i) {
            int64_t length = lengths[s.along ? at : column], place = s.along ? column : at;
            int64_t moved = place < length ? length - 1 - 2 * place : 0;
            int64_t from = i + moved * (s.along ? 1 : s.between * s.width);
            if (s.inner == 1)
                y[i] = x[from];
            else
                __builtin_memcpy(y + i * s.inner, x + from * s.inner, s.inner * sizeof(E));
        }
    }
}

Status run_reverse_sequence(const Call& call, int, int64_t task) {
    int64_t longest = call.in[0].shape[call.ints[0]];
    const int64_t* lengths = data<int64_t>(call.in[1]);
    for (int64_t i = 0; i < call.in[1].shape[0]; ++i)
        if (lengths[i] < 0 || lengths[i] > longest) return {Code::index_out_of_range, lengths[i], longest + 1};
    LABKIT_BY_SIZE(call.out[0].dtype, reverse_blocks, call, task)
    return {};
}

#define LABKIT_REVERSE_KERNELS(X)                                                                    \
    LABKIT_ALL_DTYPES(X, "roll", plan_elements, run_roll, false)                                     \
    LABKIT_ALL_DTYPES(X, "reverse_sequence", plan_reverse_sequence, run_reverse_sequence, false)

}  // namespace
}  // namespace labkit
