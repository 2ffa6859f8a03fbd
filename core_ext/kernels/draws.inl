// What pipelines draw by number.
//
// draws_at: four uniform numbers in [0, 1) for each of some indices: in: indices [n] (i64); out: f64 [n, 4]; ints: key, draw.
// They are the 32-bit words of the Philox block of that number, so they follow from key, draw and index alone. integers_at:
// floor(count u) + low of such numbers u, i64 [n, 4]; ints: key, draw, low and count of each of the four.
// shuffle_order: the order in which elements come out of a buffer (tf.data's shuffle): in: picks [n] (i64), which of the
// elements in the buffer comes out next; out: i64 [n]; ints: its size. The next element fills it up again, and the last one
// takes the place of the one that was picked.
#pragma once
#include "kernels/philox.h"
#include "kernels/walk.h"
#include "labkit/kernel.h"

namespace labkit {
namespace {

constexpr int64_t kIndicesPerTask = kTaskElements / 8;

void plan_draws_at(const Call& call, Work& work) { work.tasks[0] = ceil_div(call.in[0].shape[0], kIndicesPerTask); }

// Calls write(i, k, word) for the four words of each index of a task.
template <class F>
LABKIT_INLINE void draw_at(const Call& call, int64_t task, F write) {
    const int64_t* index = data<int64_t>(call.in[0]);
    const Range range = range_of(task, call.in[0].shape[0], kIndicesPerTask);
    for (int64_t i = range.begin; i < range.end; i += 16) {
        const int64_t count = min_of(16, range.end - i);
        uint32_t word[kGroupWords];
        philox_blocks(word, static_cast<uint64_t>(call.ints[0]), static_cast<uint64_t>(call.ints[1]),
                      [&](int b) { return static_cast<uint64_t>(index[i + min_of(b, count - 1)]); });
        for (int64_t b = 0; b < count; ++b)
            for (int k = 0; k < 4; ++k) write(i + b, k, word[16 * k + b]);
    }
}

Status run_draws_at(const Call& call, int, int64_t task) {
    double* y = data<double>(call.out[0]);
    draw_at(call, task, [&](int64_t i, int k, uint32_t word) { y[4 * i + k] = static_cast<double>(word) * 0x1p-32; });
    return {};
}

Status run_integers_at(const Call& call, int, int64_t task) {
    int64_t* y = data<int64_t>(call.out[0]);
    draw_at(call, task, [&](int64_t i, int k, uint32_t word) {
        const uint64_t count = static_cast<uint64_t>(call.ints[3 + 2 * k]);  // at most 2^32
        y[4 * i + k] = call.ints[2 + 2 * k] + static_cast<int64_t>(count * word >> 32);
    });
    return {};
}

constexpr int64_t kPicksPerPhase = 1 << 18;

void plan_shuffle_order(const Call& call, Work& work) {
    work.phases = static_cast<int32_t>(ceil_div(call.in[0].shape[0], kPicksPerPhase));
    work.scratch_bytes = call.ints[0] * static_cast<int64_t>(sizeof(int64_t));
}

// A phase is some of the picks, one after the other.
Status run_shuffle_order(const Call& call, int phase, int64_t) {
    const int64_t n = call.in[0].shape[0], size = call.ints[0];
    const int64_t* pick = data<int64_t>(call.in[0]);
    int64_t* order = data<int64_t>(call.out[0]);
    int64_t* buffer = reinterpret_cast<int64_t*>(call.scratch);
    if (phase == 0)
        for (int64_t i = 0; i < size; ++i) buffer[i] = i;
    const Range range = range_of(phase, n, kPicksPerPhase);
    for (int64_t i = range.begin; i < range.end; ++i) {
        const int64_t waiting = min_of(size, n - i), at = pick[i], last = waiting - 1;
        if (at < 0 || at > last) return {Code::index_out_of_range, at, waiting};
        order[i] = buffer[at];
        buffer[at] = buffer[last];
        if (i + size < n) buffer[last] = i + size;
    }
    return {};
}

#define LABKIT_DRAWS_KERNELS(X)                                       \
    X("draws_at.i64", plan_draws_at, run_draws_at, false)             \
    X("integers_at.i64", plan_draws_at, run_integers_at, false)       \
    X("shuffle_order.i64", plan_shuffle_order, run_shuffle_order, false)

}  // namespace
}  // namespace labkit
