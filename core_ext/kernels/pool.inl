// Max pooling of NHWC images and its gradient. The pooling remembers, for each output, which element of its window won
// (row-major position in the window), so the gradient needs neither x nor y. Padding counts as minus infinity; NaN wins over
// every number, the first of equal elements over the others.
#pragma once
#include "kernels/walk.h"
#include "labkit/kernel.h"
#include "simd/vec.h"

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

// ints: kh kw sh sw pad_top pad_left
struct Pool {
    int64_t batch, h, w, c, out_h, out_w, kh, kw, sh, sw, pad_top, pad_left;

    Pool(const Call& call, const View& x, const View& y)
        : batch(x.shape[0]), h(x.shape[1]), w(x.shape[2]), c(x.shape[3]), out_h(y.shape[1]), out_w(y.shape[2]), kh(call.ints[0]),
          kw(call.ints[1]), sh(call.ints[2]), sw(call.ints[3]), pad_top(call.ints[4]), pad_left(call.ints[5]) {}
};

// Tasks are groups of rows of the image that is written.
int64_t rows_per_task(int64_t width, int64_t channels) { return max_of(1, kTaskElements / max_of(1, width * channels)); }

void plan_pool_rows(const Call& call, Work& work) {
    const View& y = call.out[0];
    work.tasks[0] = ceil_div(y.shape[0] * y.shape[1], rows_per_task(y.shape[2], y.shape[3]));
}

// The best of rows i0 ... i1 and columns j0 ... j1 of one window, for n channels from c on.
template <class T, class I>
LABKIT_INLINE void pool_window(const Pool& p, const T* window, int64_t i0, int64_t i1, int64_t j0, int64_t j1, T* y, I* index,
                               int64_t n) {
    Vec<T> best = broadcast(static_cast<T>(-__builtin_inf()));
    Vec<Lane<T>> at = Vec<Lane<T>>{} + static_cast<Lane<T>>(i0 * p.kw + j0);
    for (int64_t i = i0; i < i1; ++i)
        for (int64_t j = j0; j < j1; ++j) {
            Vec<T> v = load_n(window + (i * p.w + j) * p.c, n);
            Vec<Lane<T>> better = ~(v <= best) & (best == best);  // greater, or the first NaN
            best = better ? v : best;
            at = better ? Vec<Lane<T>>{} + static_cast<Lane<T>>(i * p.kw + j) : at;
        }
    store_n(y, best, n);
    store_index<T>(index, at, n);
}

template <class T, class I>
Status max_pool(const Call& call, int64_t task) {
    Pool p(call, call.in[0], call.out[0]);
    const T* x = data<T>(call.in[0]);
    Range rows = range_of(task, p.batch * p.out_h, rows_per_task(p.out_w, p.c));
    for (int64_t row = rows.begin; row < rows.end; ++row) {
        int64_t top = row % p.out_h * p.sh - p.pad_top, i0 = max_of(0, -top), i1 = min_of(p.kh, p.h - top);
        const T* image = x + row / p.out_h * p.h * p.w * p.c;
        for (int64_t column = 0; column < p.out_w; ++column) {
            int64_t left = column * p.sw - p.pad_left, j0 = max_of(0, -left), j1 = min_of(p.kw, p.w - left);
            T* y = data<T>(call.out[0]) + (row * p.out_w + column) * p.c;
            I* index = data<I>(call.out[1]) + (row * p.out_w + column) * p.c;
            const T* window = image + (top * p.w + left) * p.c;
            if (i0 == 0 && i1 == 2 && j0 == 0 && j1 == 2)  // the usual window, with the loops unrolled
                LABKIT_ROW(T, p.c, c, n) pool_window(p, window + c, 0, 2, 0, 2, y + c, index + c, n);
            else
                LABKIT_ROW(T, p.c, c, n) pool_window(p, window + c, i0, i1, j0, j1, y + c, index + c, n);
        }
    }
    return {};
}

// Each element of dx gathers from the windows that cover it, in row-major order of the windows.
template <class T, class I>
Status max_pool_grad(const Call& call, int64_t task) {
    Pool p(call, call.out[0], call.in[0]);
    const T* dy = data<T>(call.in[0]);
    const I* index = data<I>(call.in[1]);
    Range rows = range_of(task, p.batch * p.h, rows_per_task(p.w, p.c));
    for (int64_t row = rows.begin; row < rows.end; ++row) {
        const int64_t y = row % p.h + p.pad_top;
        const int64_t top = y < p.kh ? 0 : (y - p.kh) / p.sh + 1, bottom = min_of(y / p.sh, p.out_h - 1);
        const int64_t image = row / p.h * p.out_h;
        for (int64_t column = 0; column < p.w; ++column) {
            const int64_t x = column + p.pad_left;
            const int64_t left = x < p.kw ? 0 : (x - p.kw) / p.sw + 1, right = min_of(x / p.sw, p.out_w - 1);
            T* dx = data<T>(call.out[0]) + (row * p.w + column) * p.c;
            if (top == bottom && left == right) {  // one window, as where windows do not overlap
                const int64_t from = ((image + top) * p.out_w + left) * p.c;
                const Lane<T> here = static_cast<Lane<T>>((y - top * p.sh) * p.kw + x - left * p.sw);
                LABKIT_ROW(T, p.c, c, n)
                    store_n(dx + c, load_index<T>(index + from + c, n) == here ? load_n(dy + from + c, n) : Vec<T>{}, n);
                continue;
            }
            LABKIT_ROW(T, p.c, c, n) {
                Vec<T> sum = {};
                for (int64_t i = top; i <= bottom; ++i)
                    for (int64_t j = left; j <= right; ++j) {
                        const int64_t from = ((image + i) * p.out_w + j) * p.c + c;
                        const Lane<T> here = static_cast<Lane<T>>((y - i * p.sh) * p.kw + x - j * p.sw);
                        sum += load_index<T>(index + from, n) == here ? load_n(dy + from, n) : Vec<T>{};
                    }
                store_n(dx + c, sum, n);
            }
        }
    }
    return {};
}

template <class T>
Status run_max_pool(const Call& call, int, int64_t task) {
    return call.out[1].dtype == DType::u8 ? max_pool<T, uint8_t>(call, task) : max_pool<T, int32_t>(call, task);
}
template <class T>
Status run_max_pool_grad(const Call& call, int, int64_t task) {
    return call.in[1].dtype == DType::u8 ? max_pool_grad<T, uint8_t>(call, task) : max_pool_grad<T, int32_t>(call, task);
}

#define LABKIT_POOL_KERNELS(X)                                                   \
    X("max_pool.f32", plan_pool_rows, run_max_pool<float>, false)                \
    X("max_pool.f64", plan_pool_rows, run_max_pool<double>, false)               \
    X("max_pool_grad.f32", plan_pool_rows, run_max_pool_grad<float>, false)      \
    X("max_pool_grad.f64", plan_pool_rows, run_max_pool_grad<double>, false)

}  // namespace
}  // namespace labkit
