// A window on a tensor: y[i] = x[i + begin], and 0 where x has no such element. It crops, pads, and does the one along some
// dimensions and the other along others; with -begin it is its own gradient.
//
// random_crop draws its window, all of it inside x: dimension d takes 53 bits of the words 2 d and 2 d + 1 of the draw.
#pragma once
#include "kernels/philox.h"
#include "kernels/walk.h"
#include "labkit/kernel.h"

namespace labkit {
namespace {

// Dimensions merged where the window takes all of the inner ones; dimension 0 is the innermost one.
struct Window {
    int rank = 0;
    int64_t in[kMaxRank], out[kMaxRank], begin[kMaxRank];

    Window(const View& x, const View& y, const int64_t* from) {
        for (int d = y.rank - 1; d >= 0; --d) {
            const int last = rank - 1;
            if (rank && begin[last] == 0 && in[last] == out[last]) {
                begin[last] = from[d] * out[last];
                in[last] *= x.shape[d];
                out[last] *= y.shape[d];
            } else {
                in[rank] = x.shape[d];
                out[rank] = y.shape[d];
                begin[rank++] = from[d];
            }
        }
    }
};

void plan_window(const Call& call, Work& work) {
    const int64_t width = call.out[0].rank ? max_of(1, call.out[0].shape[call.out[0].rank - 1]) : 1;
    work.tasks[0] = ceil_div(numel(call.out[0]), max_of(1, kTaskElements / width) * width);
}

// The elements [begin, end) of y, in whole runs of the innermost dimension where possible.
template <class T>
void copy_window(const View& x, const View& y, const int64_t* from, int64_t task) {
    const Window w(x, y, from);
    const int64_t last = y.rank ? max_of(1, y.shape[y.rank - 1]) : 1;
    const Range range = range_of(task, numel(y), max_of(1, kTaskElements / last) * last);
    for (int64_t i = range.begin; i < range.end;) {
        int64_t rest = i, source = 0, stride = 1, first = 0, run = 1;
        bool inside = true;
        for (int d = 0; d < w.rank; ++d) {
            const int64_t at = rest % w.out[d] + w.begin[d];
            if (d == 0) {
                first = at;
                run = min_of(w.out[0] - rest % w.out[0], range.end - i);
            } else {
                inside &= at >= 0 && at < w.in[d];
                source += at * stride;
            }
            stride *= w.in[d];
            rest /= w.out[d];
        }
        T* to = data<T>(y) + i;
        if (w.rank == 0) {
            *to = *data<T>(x);
        } else {
            // [0, low) and [high, run) lie outside of x
            const int64_t low = inside ? min_of(max_of(-first, 0), run) : run;
            const int64_t high = inside ? max_of(low, min_of(run, w.in[0] - first)) : run;
            __builtin_memset(to, 0, static_cast<size_t>(low) * sizeof(T));
            if (high > low) __builtin_memcpy(to + low, data<T>(x) + source + first + low, static_cast<size_t>(high - low) * sizeof(T));
            __builtin_memset(to + high, 0, static_cast<size_t>(run - high) * sizeof(T));
        }
        i += run;
    }
}

template <class T>
Status run_window(const Call& call, int, int64_t task) {
    copy_window<T>(call.in[0], call.out[0], call.ints, task);
    return {};
}

template <class T, bool gradient>
Status run_random_crop(const Call& call, int, int64_t task) {
    const View &large = gradient ? call.out[0] : call.in[0], &small = gradient ? call.in[0] : call.out[0];
    uint32_t word[kGroupWords];
    philox_group(word, static_cast<uint64_t>(call.ints[0]), 0, static_cast<uint64_t>(*data<int64_t>(call.in[1])));
    int64_t begin[kMaxRank];
    for (int d = 0; d < large.rank; ++d) {
        const uint64_t bits = (static_cast<uint64_t>(word[2 * d]) << 32 | word[2 * d + 1]) >> 11;
        const int64_t room = large.shape[d] - small.shape[d];
        const int64_t at = static_cast<int64_t>(static_cast<double>(bits) * 0x1p-53 * static_cast<double>(room + 1));
        begin[d] = (gradient ? -1 : 1) * min_of(at, room);
    }
    copy_window<T>(call.in[0], call.out[0], begin, task);
    return {};
}

#define LABKIT_CROP(X, dtype, T)                                                      \
    X("window." dtype, plan_window, run_window<T>, false)                             \
    X("random_crop." dtype, plan_window, (run_random_crop<T, false>), false)          \
    X("random_crop_grad." dtype, plan_window, (run_random_crop<T, true>), false)

#define LABKIT_CROP_KERNELS(X)      \
    LABKIT_CROP(X, "f32", uint32_t) \
    LABKIT_CROP(X, "f64", uint64_t) \
    LABKIT_CROP(X, "i32", uint32_t) \
    LABKIT_CROP(X, "i64", uint64_t) \
    LABKIT_CROP(X, "u8", uint8_t)   \
    LABKIT_CROP(X, "b8", uint8_t)

}  // namespace
}  // namespace labkit
