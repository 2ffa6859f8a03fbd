// Images [n, h, w, c] at another size, and the gradients. ints: align_corners, half_pixel_centers.
//
// Pixel i of `out` lies at i in / out of `in`; with half_pixel_centers centers are at i + 1/2; with align_corners the first and
// last centers of both coincide. Nearest pixels are found in whole numbers, so no rounding moves them. A gradient gathers for
// each pixel of x what came from it, in the order of the result: no two tasks add to one place.
#pragma once
#include "kernels/pixel.h"
#include "labkit/kernel.h"

namespace labkit {
namespace {

// Where a pixel of the result comes from along one side: (1 - weight) of pixel `low`, weight of pixel `high`.
struct Tap {
    int64_t low, high;
    double weight;
};

struct Side {
    int64_t in, out;
    bool align, half;

    int64_t nearest(int64_t i) const {
        using Wide = unsigned __int128;
        const Wide n = static_cast<Wide>(in), m = static_cast<Wide>(out), at = static_cast<Wide>(i);
        Wide source;
        if (align)
            source = out > 1 ? (2 * at * (n - 1) + m - 1) / (2 * (m - 1)) : 0;
        else
            source = half ? (2 * at + 1) * n / (2 * m) : at * n / m;
        return min_of(static_cast<int64_t>(source), in - 1);
    }
    Tap tap(int64_t i) const {
        const double scale = align && out > 1 ? static_cast<double>(in - 1) / static_cast<double>(out - 1)
                                              : static_cast<double>(in) / static_cast<double>(out);
        double at = half && !align ? (static_cast<double>(i) + 0.5) * scale - 0.5 : static_cast<double>(i) * scale;
        if (at < 0) at = 0;
        const int64_t low = min_of(static_cast<int64_t>(at), in - 1);
        return {low, min_of(low + 1, in - 1), at - static_cast<double>(low)};
    }
};

// One call: x is the smaller or larger image that is read by the forward pass, y its result.
struct Resize {
    int64_t images, channels;
    Side rows, columns;
    Tap* taps;  // of the rows, then of the columns

    Resize(const Call& call, const View& x, const View& y)
        : images(x.shape[0]), channels(x.shape[3]), rows{x.shape[1], y.shape[1], call.ints[0] != 0, call.ints[1] != 0},
          columns{x.shape[2], y.shape[2], call.ints[0] != 0, call.ints[1] != 0}, taps(reinterpret_cast<Tap*>(call.scratch)) {}

    int64_t tap_tasks() const { return ceil_div(rows.out + columns.out, kTaskElements); }
    int64_t scratch() const { return (rows.out + columns.out) * static_cast<int64_t>(sizeof(Tap)); }
    int64_t y_rows_per_task() const { return max_of(1, kTaskElements / max_of(1, columns.out * channels)); }
    int64_t x_rows_per_task() const {  // a row of x has part in out / in rows of y
        return max_of(1, y_rows_per_task() * rows.in / max_of(1, rows.out));
    }

    template <bool bilinear>
    void prepare(int64_t task) const {
        Range range = range_of(task, rows.out + columns.out);
        for (int64_t i = range.begin; i < range.end; ++i) {
            const Side& side = i < rows.out ? rows : columns;
            const int64_t at = i < rows.out ? i : i - rows.out;
            if (bilinear) {
                taps[i] = side.tap(at);
            } else {
                const int64_t source = side.nearest(at);
                taps[i] = {source, source, 0};
            }
        }
    }
    // The first row of y that pixels of row i of x, or of a later one, have part in.
    int64_t first_row(int64_t i) const {
        int64_t low = 0, high = rows.out;
        while (low < high) {
            const int64_t middle = (low + high) / 2;
            (taps[middle].high >= i ? high : low) = taps[middle].high >= i ? middle : middle + 1;
        }
        return low;
    }
};

void plan_resize(const Call& call, Work& work) {
    const Resize r(call, call.in[0], call.out[0]);
    work.phases = 2;
    work.tasks[0] = r.tap_tasks();
    work.tasks[1] = ceil_div(r.images * r.rows.out, r.y_rows_per_task());
    work.scratch_bytes = r.scratch();
}

void plan_resize_grad(const Call& call, Work& work) {
    const Resize r(call, call.out[0], call.in[0]);
    work.phases = 2;
    work.tasks[0] = max_of(1, r.tap_tasks());
    work.tasks[1] = ceil_div(r.images * r.rows.in, r.x_rows_per_task());
    work.scratch_bytes = r.scratch();
}

// count is the number of channels, known to the compiler where it is not 0.
template <class T, int count>
void nearest_row(const Resize& r, const T* x, T* y) {
    const int64_t n = count ? count : r.channels;
    const Tap* taps = r.taps + r.rows.out;
    for (int64_t i = 0; i < r.columns.out; ++i)
        for (int64_t k = 0; k < n; ++k) y[i * n + k] = x[taps[i].low * n + k];
}

// E is what pixels are and T what is calculated with.
template <class E, class T, int count>
void bilinear_row(const Resize& r, const E* top, const E* bottom, T down, E* y) {
    const int64_t n = count ? count : r.channels;
    const Tap* taps = r.taps + r.rows.out;
    const auto between = [](E a, E b, T along) { return static_cast<T>(a) + (static_cast<T>(b) - static_cast<T>(a)) * along; };
    for (int64_t i = 0; i < r.columns.out; ++i) {
        const int64_t left = taps[i].low * n, right = taps[i].high * n;
        const T along = static_cast<T>(taps[i].weight);
        for (int64_t k = 0; k < n; ++k) {
            const T above = between(top[left + k], top[right + k], along), below = between(bottom[left + k], bottom[right + k], along);
            y[i * n + k] = pixel_of<E>(above + (below - above) * down);
        }
    }
}

template <class T>
Status run_resize_nearest(const Call& call, int phase, int64_t task) {
    const Resize r(call, call.in[0], call.out[0]);
    if (phase == 0) return r.prepare<false>(task), Status{};
    const auto row = r.channels == 1 ? nearest_row<T, 1> : r.channels == 3 ? nearest_row<T, 3> : nearest_row<T, 0>;
    const Range range = range_of(task, r.images * r.rows.out, r.y_rows_per_task());
    const int64_t width = r.columns.in * r.channels;
    for (int64_t i = range.begin; i < range.end; ++i)
        row(r, data<T>(call.in[0]) + (i / r.rows.out * r.rows.in + r.taps[i % r.rows.out].low) * width,
            data<T>(call.out[0]) + i * r.columns.out * r.channels);
    return {};
}

template <class E, class T>
Status run_resize_bilinear(const Call& call, int phase, int64_t task) {
    const Resize r(call, call.in[0], call.out[0]);
    if (phase == 0) return r.prepare<true>(task), Status{};
    const auto row =
        r.channels == 1 ? bilinear_row<E, T, 1> : r.channels == 3 ? bilinear_row<E, T, 3> : bilinear_row<E, T, 0>;
    const Range range = range_of(task, r.images * r.rows.out, r.y_rows_per_task());
    const int64_t width = r.columns.in * r.channels;
    for (int64_t i = range.begin; i < range.end; ++i) {
        const E* image = data<E>(call.in[0]) + i / r.rows.out * r.rows.in * width;
        const Tap& tap = r.taps[i % r.rows.out];
        row(r, image + tap.low * width, image + tap.high * width, static_cast<T>(tap.weight),
            data<E>(call.out[0]) + i * r.columns.out * r.channels);
    }
    return {};
}

// dy -> dx of either method: nearest is bilinear with weights of 0 and 1.
template <class T, bool bilinear>
Status run_resize_grad(const Call& call, int phase, int64_t task) {
    const Resize r(call, call.out[0], call.in[0]);
    if (phase == 0) return r.prepare<bilinear>(task), Status{};
    const Tap* taps = r.taps + r.rows.out;
    const int64_t n = r.channels, width = r.columns.in * n;
    const Range range = range_of(task, r.images * r.rows.in, r.x_rows_per_task());
    for (int64_t i = range.begin; i < range.end; ++i) {
        const int64_t own = i % r.rows.in;
        T* dx = data<T>(call.out[0]) + i * width;
        for (int64_t k = 0; k < width; ++k) dx[k] = 0;
        for (int64_t row = r.first_row(own); row < r.rows.out && r.taps[row].low <= own; ++row) {
            const Tap& tap = r.taps[row];
            const T down = static_cast<T>((tap.low == own ? 1 - tap.weight : 0) + (tap.high == own ? tap.weight : 0));
            const T* dy = data<T>(call.in[0]) + (i / r.rows.in * r.rows.out + row) * r.columns.out * n;
            for (int64_t j = 0; j < r.columns.out; ++j) {
                const T right = static_cast<T>(taps[j].weight);
                for (int64_t k = 0; k < n; ++k) {
                    const T g = dy[j * n + k] * down;
                    dx[taps[j].low * n + k] += g * (1 - right);
                    if (bilinear) dx[taps[j].high * n + k] += g * right;
                }
            }
        }
    }
    return {};
}

#define LABKIT_RESIZE_NEAREST(X, dtype, T) X("resize_nearest." dtype, plan_resize, run_resize_nearest<T>, false)

#define LABKIT_RESIZE_KERNELS(X)                                                                  \
    LABKIT_RESIZE_NEAREST(X, "f32", uint32_t)                                                     \
    LABKIT_RESIZE_NEAREST(X, "f64", uint64_t)                                                     \
    LABKIT_RESIZE_NEAREST(X, "i32", uint32_t)                                                     \
    LABKIT_RESIZE_NEAREST(X, "i64", uint64_t)                                                     \
    LABKIT_RESIZE_NEAREST(X, "u8", uint8_t)                                                       \
    LABKIT_RESIZE_NEAREST(X, "b8", uint8_t)                                                       \
    X("resize_bilinear.f32", plan_resize, (run_resize_bilinear<float, float>), false)             \
    X("resize_bilinear.f64", plan_resize, (run_resize_bilinear<double, double>), false)           \
    X("resize_bilinear.u8", plan_resize, (run_resize_bilinear<uint8_t, float>), false)            \
    X("resize_nearest_grad.f32", plan_resize_grad, (run_resize_grad<float, false>), false)        \
    X("resize_nearest_grad.f64", plan_resize_grad, (run_resize_grad<double, false>), false)       \
    X("resize_bilinear_grad.f32", plan_resize_grad, (run_resize_grad<float, true>), false)        \
    X("resize_bilinear_grad.f64", plan_resize_grad, (run_resize_grad<double, true>), false)

}  // namespace
}  // namespace labkit
