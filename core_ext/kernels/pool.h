// What the poolings of NHWC images share: windows clipped to the image, and the windows that cover a pixel.
#pragma once
#include "kernels/walk.h"
#include "labkit/kernel.h"
#include "simd/vec.h"

namespace labkit {
namespace {

// One side of a window: from pixel `start` of the image on, of which the rows or columns begin <= i < end lie inside.
struct Window {
    int64_t start, begin, end;

    bool whole(int64_t size) const { return begin == 0 && end == size; }
    bool holds(int64_t i) const { return i >= begin && i < end; }
    int64_t count() const { return end - begin; }
};

// One side of a pixel: its place with the padding counted, and the first and the last window that covers it (last < first
// where none does).
struct Cover {
    int64_t place, first, last;
};

// ints: kh kw sh sw pad_top pad_left
struct Pool {
    int64_t batch, h, w, c, out_h, out_w, kh, kw, sh, sw, pad_top, pad_left;

    Pool(const Call& call, const View& x, const View& y)
        : batch(x.shape[0]), h(x.shape[1]), w(x.shape[2]), c(x.shape[3]), out_h(y.shape[1]), out_w(y.shape[2]), kh(call.ints[0]),
          kw(call.ints[1]), sh(call.ints[2]), sw(call.ints[3]), pad_top(call.ints[4]), pad_left(call.ints[5]) {}

    Window window_h(int64_t o) const { return window(o * sh - pad_top, kh, h); }
    Window window_w(int64_t o) const { return window(o * sw - pad_left, kw, w); }
    Cover cover_h(int64_t i) const { return cover(i + pad_top, kh, sh, out_h); }
    Cover cover_w(int64_t i) const { return cover(i + pad_left, kw, sw, out_w); }

    // Tasks are groups of rows of the image that is written.
    static int64_t rows_per_task(int64_t width, int64_t channels) { return max_of(1, kTaskElements / max_of(1, width * channels)); }
    static void plan_rows(const View& y, Work& work) {
        work.tasks[0] = ceil_div(y.shape[0] * y.shape[1], rows_per_task(y.shape[2], y.shape[3]));
    }
    Range output_rows(int64_t task) const { return range_of(task, batch * out_h, rows_per_task(out_w, c)); }
    Range input_rows(int64_t task) const { return range_of(task, batch * h, rows_per_task(w, c)); }

    // Whether no pixel lies in two windows of a row, and none between two.
    bool side_by_side() const { return sw == kw; }

    // The output rows that a task checks when tasks are groups of input rows.
    Range share_of_output_rows(int64_t task) const {
        const int64_t tasks = ceil_div(batch * h, rows_per_task(w, c)), share = ceil_div(batch * out_h, max_of(1, tasks));
        return {min_of(task * share, batch * out_h), min_of((task + 1) * share, batch * out_h)};
    }

private:
    static Window window(int64_t start, int64_t size, int64_t image) { return {start, max_of(0, -start), min_of(size, image - start)}; }
    static Cover cover(int64_t place, int64_t size, int64_t stride, int64_t windows) {
        return {place, place < size ? 0 : (place - size) / stride + 1, min_of(place / stride, windows - 1)};
    }
};

template <class T, class I>
LABKIT_INLINE void store_index(I* p, Vec<Lane<T>> index, int64_t n) {
    Lane<T> wide[lanes<T>];
    store(wide, index);
    I part[lanes<T>];
    for (int l = 0; l < lanes<T>; ++l) part[l] = static_cast<I>(wide[l]);
    if (n == lanes<T>)
        __builtin_memcpy(p, part, sizeof(part));
    else
        __builtin_memcpy(p, part, static_cast<size_t>(n) * sizeof(I));
}

// The largest numbers of a window and where they stood: the first of equal ones, the first NaN before all. Nothing is
// minus infinity at `first`.
template <class T>
struct Best {
    Vec<T> value = broadcast(static_cast<T>(-__builtin_inf()));
    Vec<Lane<T>> at;

    explicit Best(int64_t first) : at(Vec<Lane<T>>{} + static_cast<Lane<T>>(first)) {}

    LABKIT_INLINE void take(Vec<T> v, int64_t place) {
        const Vec<Lane<T>> better = ~(v <= value) & (value == value);  // greater, or the first NaN
        value = better ? v : value;
        at = better ? Vec<Lane<T>>{} + static_cast<Lane<T>>(place) : at;
    }
    template <class I>
    LABKIT_INLINE void store(T* y, I* index, int64_t n) const {
        store_n(y, value, n);
        store_index<T>(index, at, n);
    }
};

}  // namespace
}  // namespace labkit
