// Max pooling of NHWC images and its gradients. The pooling remembers, for each output, which element of its window won
// (row-major position in the window), so the gradients need neither x nor y. Padding counts as minus infinity; NaN wins
// over every number, the first of equal elements over the others. What reads an index checks first that it names a pixel
// of the image.
#pragma once
#include "kernels/pool.h"

namespace labkit {
namespace {

// Window positions in memory are bytes or int32; in vectors they are as wide as T. (Plain loops: GCC 12 takes
// __builtin_convertvector apart lane by lane where the widths differ.)
template <class T, class I>
LABKIT_INLINE Vec<Lane<T>> load_index(const I* p, int64_t n) {
    I part[lanes<T>];
    if (n == lanes<T>) {
        __builtin_memcpy(part, p, sizeof(part));
    } else {
        __builtin_memset(part, 0, sizeof(part));
        __builtin_memcpy(part, p, static_cast<size_t>(n) * sizeof(I));
    }
    Lane<T> wide[lanes<T>];
    for (int l = 0; l < lanes<T>; ++l) wide[l] = part[l];
    return load(wide);
}
// The best of rows i0 ... i1 and columns j0 ... j1 of one window, for n channels from c on.
template <class T, class I>
LABKIT_INLINE void pool_window(const Pool& p, const T* window, int64_t i0, int64_t i1, int64_t j0, int64_t j1, T* y, I* index,
                               int64_t n) {
    Best<T> best(i0 * p.kw + j0);
    for (int64_t i = i0; i < i1; ++i)
        for (int64_t j = j0; j < j1; ++j) best.take(load_n(window + (i * p.w + j) * p.c, n), i * p.kw + j);
    best.store(y, index, n);
}

template <class T, class I>
Status max_pool(const Call& call, int64_t task) {
    const Pool p(call, call.in[0], call.out[0]);
    const Range rows = p.output_rows(task);
    for (int64_t row = rows.begin; row < rows.end; ++row) {
        const Window h = p.window_h(row % p.out_h);
        const T* image = data<T>(call.in[0]) + row / p.out_h * p.h * p.w * p.c;
        for (int64_t column = 0; column < p.out_w; ++column) {
            const Window w = p.window_w(column);
            T* y = data<T>(call.out[0]) + (row * p.out_w + column) * p.c;
            I* index = data<I>(call.out[1]) + (row * p.out_w + column) * p.c;
            // Of an image without pixels nothing is read, and there is no pointer to calculate with.
            const T* window = p.h > 0 && p.w > 0 ? image + (h.start * p.w + w.start) * p.c : y;
            if (h.begin == 0 && h.end == 2 && w.begin == 0 && w.end == 2)  // the usual window, with the loops unrolled
                each_vector<T>(p.c, [&](int64_t c, auto n) { pool_window(p, window + c, 0, 2, 0, 2, y + c, index + c, n); });
            else
                each_vector<T>(p.c, [&](int64_t c, auto n) {
                    pool_window(p, window + c, h.begin, h.end, w.begin, w.end, y + c, index + c, n);
                });
        }
    }
    return {};
}

// Whether n indices lie in [0, limit): a negative one counts as a large one.
bool all_below(const uint8_t* index, int64_t n, int64_t limit) {
    uint8_t largest = 0;
    for (int64_t i = 0; i < n; ++i) largest = index[i] > largest ? index[i] : largest;
    return largest < limit;
}
bool all_below(const int32_t* index, int64_t n, int64_t limit) {
    uint32_t largest = 0;
    for (int64_t i = 0; i < n; ++i)
        largest = static_cast<uint32_t>(index[i]) > largest ? static_cast<uint32_t>(index[i]) : largest;
    return largest < limit;
}

// Checks the indices of rows of the result: each one names a pixel of its window that lies inside the image.
template <class I>
Status check_index(const Pool& p, const I* index, Range rows) {
    for (int64_t row = rows.begin; row < rows.end; ++row) {
        const Window h = p.window_h(row % p.out_h);
        const bool whole_h = h.whole(p.kh);
        if (whole_h && p.window_w(0).whole(p.kw) && p.window_w(p.out_w - 1).whole(p.kw) &&
            all_below(index + row * p.out_w * p.c, p.out_w * p.c, p.kh * p.kw))
            continue;
        for (int64_t column = 0; column < p.out_w; ++column) {
            const Window w = p.window_w(column);
            const I* at = index + (row * p.out_w + column) * p.c;
            if (whole_h && w.whole(p.kw) && all_below(at, p.c, p.kh * p.kw)) continue;
            for (int64_t c = 0; c < p.c; ++c)
                if (at[c] < 0 || at[c] >= p.kh * p.kw || !h.holds(at[c] / p.kw) || !w.holds(at[c] % p.kw))
                    return {Code::index_out_of_range, at[c], p.kh * p.kw};
        }
    }
    return {};
}

// A row of dx where the windows do not overlap and row `i` of them, if any, covers it: each window's gradient goes to the pixel
// that won, if that is in this row.
template <class T, class I>
void place_row(T* dx, const T* dy, const I* index, const Pool& p, int64_t i) {
    int64_t end = 0;  // of the pixels that are covered
    for (int64_t column = 0; i >= 0 && column < p.out_w; ++column) {
        const Window w = p.window_w(column);
        const int64_t left = w.start * p.c;
        each_vector<T>(p.c, [&](int64_t c, auto n) {
            const Vec<Lane<T>> won = load_index<T>(index + column * p.c + c, n);
            const Vec<T> g = load_n(dy + column * p.c + c, n);
            for (int64_t j = w.begin; j < w.end; ++j) {
                const int64_t to = left + j * p.c + c;
                store_n(dx + to, won == static_cast<Lane<T>>(i * p.kw + j) ? g : Vec<T>{}, n);
            }
        });
        end = w.start + w.end;
    }
    __builtin_memset(dx + end * p.c, 0, static_cast<size_t>((p.w - end) * p.c) * sizeof(T));
}

// Each element of dx gathers from the windows that cover it, in row-major order of the windows.
template <class T, class I>
Status max_pool_grad(const Call& call, int64_t task) {
    const Pool p(call, call.out[0], call.in[0]);
    const T* dy = data<T>(call.in[0]);
    const I* index = data<I>(call.in[1]);
    T* dx = data<T>(call.out[0]);
    const Status status = check_index(p, index, p.share_of_output_rows(task));
    if (status.code != Code::ok) return status;
    const Range rows = p.input_rows(task);
    for (int64_t row = rows.begin; row < rows.end; ++row) {
        const Cover h = p.cover_h(row % p.h);
        const int64_t image = row / p.h * p.out_h;
        if (p.side_by_side() && h.first >= h.last) {
            const bool covered = h.first == h.last;
            const int64_t from = covered ? (image + h.first) * p.out_w * p.c : 0;
            const int64_t to = row * p.w * p.c;
            place_row(dx + to, dy + from, index + from, p, covered ? h.place - h.first * p.sh : -1);
            continue;
        }
        for (int64_t column = 0; column < p.w; ++column) {
            const Cover w = p.cover_w(column);
            const int64_t to = (row * p.w + column) * p.c;
            each_vector<T>(p.c, [&](int64_t c, auto n) {
                Vec<T> sum = {};
                for (int64_t i = h.first; i <= h.last; ++i)
                    for (int64_t j = w.first; j <= w.last; ++j) {
                        const int64_t from = ((image + i) * p.out_w + j) * p.c + c;
                        const Lane<T> here = static_cast<Lane<T>>((h.place - i * p.sh) * p.kw + w.place - j * p.sw);
                        sum += load_index<T>(index + from, n) == here ? load_n(dy + from, n) : Vec<T>{};
                    }
                store_n(dx + to + c, sum, n);
            });
        }
    }
    return {};
}

// Calls use(output element, its place (y * W + x) * C + c in its image, the image's first element) for the outputs of a task.
template <class I, class Use>
Status for_each_winner(const Pool& p, const I* index, int64_t task, Use use) {
    const Range rows = p.output_rows(task);
    const Status status = check_index(p, index, rows);
    if (status.code != Code::ok) return status;
    for (int64_t row = rows.begin; row < rows.end; ++row) {
        const int64_t top = row % p.out_h * p.sh - p.pad_top, image = row / p.out_h * p.h * p.w * p.c;
        for (int64_t column = 0; column < p.out_w; ++column) {
            const int64_t left = column * p.sw - p.pad_left, from = (row * p.out_w + column) * p.c;
            for (int64_t c = 0; c < p.c; ++c) {
                const int64_t i = index[from + c] / p.kw, j = index[from + c] % p.kw;
                use(from + c, ((top + i) * p.w + left + j) * p.c + c, image);
            }
        }
    }
    return {};
}

// The numbers of an image shaped like x where the maxima came from: the gradient of the gradient.
template <class T, class I>
Status max_pool_grad_grad(const Call& call, int64_t task) {
    const T* g = data<T>(call.in[0]);
    T* y = data<T>(call.out[0]);
    return for_each_winner(Pool(call, call.in[0], call.out[0]), data<I>(call.in[1]), task,
                           [&](int64_t to, int64_t place, int64_t image) { y[to] = g[image + place]; });
}

// in: index, an image's shape. Where each maximum came from, (y * W + x) * C + c.
template <class I>
Status max_pool_argmax(const Call& call, int64_t task) {
    int64_t* y = data<int64_t>(call.out[0]);
    Pool p(call, call.out[0], call.out[0]);
    p.h = call.ints[6], p.w = call.ints[7];
    return for_each_winner(p, data<I>(call.in[0]), task, [&](int64_t to, int64_t place, int64_t) { y[to] = place; });
}

void plan_output_rows(const Call& call, Work& work) { Pool::plan_rows(call.out[0], work); }

template <class T>
Status run_max_pool(const Call& call, int, int64_t task) {
    return call.out[1].dtype == DType::u8 ? max_pool<T, uint8_t>(call, task) : max_pool<T, int32_t>(call, task);
}
template <class T>
Status run_max_pool_grad(const Call& call, int, int64_t task) {
    return call.in[1].dtype == DType::u8 ? max_pool_grad<T, uint8_t>(call, task) : max_pool_grad<T, int32_t>(call, task);
}
template <class T>
Status run_max_pool_grad_grad(const Call& call, int, int64_t task) {
    return call.in[1].dtype == DType::u8 ? max_pool_grad_grad<T, uint8_t>(call, task) : max_pool_grad_grad<T, int32_t>(call, task);
}
template <class I>
Status run_max_pool_argmax(const Call& call, int, int64_t task) {
    return max_pool_argmax<I>(call, task);
}

#define LABKIT_POOL_KERNELS(X)                                                                   \
    X("max_pool.f32", plan_output_rows, run_max_pool<float>, false)                              \
    X("max_pool.f64", plan_output_rows, run_max_pool<double>, false)                             \
    X("max_pool_grad.f32", plan_output_rows, run_max_pool_grad<float>, false)                    \
    X("max_pool_grad.f64", plan_output_rows, run_max_pool_grad<double>, false)                   \
    X("max_pool_grad_grad.f32", plan_output_rows, run_max_pool_grad_grad<float>, false)          \
    X("max_pool_grad_grad.f64", plan_output_rows, run_max_pool_grad_grad<double>, false)         \
    X("max_pool_argmax.u8", plan_output_rows, run_max_pool_argmax<uint8_t>, false)               \
    X("max_pool_argmax.i32", plan_output_rows, run_max_pool_argmax<int32_t>, false)

}  // namespace
}  // namespace labkit
