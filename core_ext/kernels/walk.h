// How the dense elements of one tensor map to elements of others that are broadcast, transposed or cut out of something
// larger: dimensions with a stride for each operand, merged as far as possible.
#pragma once
#include "labkit/kernel.h"

namespace labkit {
namespace {

constexpr int64_t kTaskElements = 32768;  // how much element-wise work makes one task

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
constexpr int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }
constexpr int64_t max_of(int64_t a, int64_t b) { return a > b ? a : b; }

template <int operands>
struct WalkOf {
    int rank = 0;                   // dimension 0 is the innermost one
    int64_t size[kMaxRank] = {};    // never 1
    int64_t stride[operands][kMaxRank] = {};  // in elements

    // Adds the next outer dimension; merges it with the one inside where all operands step through memory alike.
    template <class... Strides>
    void add(int64_t n, Strides... strides) {
        static_assert(sizeof...(strides) <= operands, "one stride for each operand");
        if (n == 1) return;
        const int64_t given[operands] = {static_cast<int64_t>(strides)...};
        int last = rank - 1;
        bool alike = rank > 0;
        for (int i = 0; alike && i < operands; ++i) alike = given[i] == stride[i][last] * size[last];
        if (alike) {
            size[last] *= n;
            return;
        }
        size[rank] = n;
        for (int i = 0; i < operands; ++i) stride[i][rank] = given[i];
        ++rank;
    }

    int64_t count() const {
        int64_t n = 1;
        for (int d = 0; d < rank; ++d) n *= size[d];
        return n;
    }

    int64_t inner() const { return rank ? size[0] : 1; }

    int64_t offset(int operand, int64_t index) const {
        int64_t at = 0;
        for (int d = 0; d < rank; ++d) {
            at += index % size[d] * stride[operand][d];
            index /= size[d];
        }
        return at;
    }
};
using Walk = WalkOf<2>;

// Steps through a walk run by run: a run is a stretch of the innermost dimension.
template <int operands>
struct CursorOf {
    const WalkOf<operands>& walk;
    int64_t index[kMaxRank];
    int64_t offset[operands] = {};

    CursorOf(const WalkOf<operands>& w, int64_t begin) : walk(w) {
        for (int d = 0; d < walk.rank; ++d) {
            index[d] = begin % walk.size[d];
            begin /= walk.size[d];
            for (int i = 0; i < operands; ++i) offset[i] += index[d] * walk.stride[i][d];
        }
    }

    int64_t rest_of_run() const { return walk.rank ? walk.size[0] - index[0] : 1; }

    void advance(int64_t steps) {  // steps <= rest_of_run()
        if (!walk.rank) return;
        move(0, steps);
        for (int d = 0; index[d] == walk.size[d]; ++d) {
            move(d, -walk.size[d]);
            if (d + 1 == walk.rank) return;
            move(d + 1, 1);
        }
    }

    // The runs that are left of the next dimension. Only at the beginning of a run; rank >= 2.
    int64_t rest_of_rows() const { return walk.size[1] - index[1]; }

    void advance_rows(int64_t steps) {  // steps <= rest_of_rows()
        move(1, steps - 1);
        advance(walk.size[0]);
    }

    void move(int d, int64_t steps) {
        index[d] += steps;
        for (int i = 0; i < operands; ++i) offset[i] += steps * walk.stride[i][d];
    }
};
using Cursor = CursorOf<2>;

// The stride of dimension d of `view` when it is broadcast to `rank` dimensions: 0 where it has 1 element or none at all.
inline int64_t broadcast_stride(const View& view, int rank, int d) {
    int own = d - (rank - view.rank);
    if (own < 0 || view.shape[own] == 1) return 0;
    int64_t stride = 1;
    for (int k = own + 1; k < view.rank; ++k) stride *= view.shape[k];
    return stride;
}

// The range of elements of one task.
struct Range {
    int64_t begin, end;
};

// What of n things one of several steps does.
Range share(int64_t step, int64_t steps, int64_t n) { return {n * step / steps, n * (step + 1) / steps}; }

inline Range range_of(int64_t task, int64_t count, int64_t per_task = kTaskElements) {
    return {task * per_task, min_of((task + 1) * per_task, count)};
}

void plan_elements(const Call& call, Work& work) { work.tasks[0] = ceil_div(numel(call.out[0]), kTaskElements); }

}  // namespace
}  // namespace labkit
