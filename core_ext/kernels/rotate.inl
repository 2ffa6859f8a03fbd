// Images [n, h, w, c] turned about their centers, each by its own angle, counter-clockwise as one looks at them.
// in: images, angles; ints: bilinear or nearest; reals: what is seen where no image was.
//
// Pixel (x, y) of the result comes from R (x, y), with R turning about ((w - 1) / 2, (h - 1) / 2). The gradient gathers: what
// pixel p of the image gave went to pixels that lie less than sqrt(2) from the inverse turn of p.
#pragma once
#include "kernels/walk.h"
#include "labkit/kernel.h"

namespace labkit {
namespace {

struct Turn {
    double cosine, sine, x, y;

    Turn(double angle, int64_t height, int64_t width)
        : cosine(__builtin_cos(angle)), sine(__builtin_sin(angle)), x(static_cast<double>(width - 1) / 2),
          y(static_cast<double>(height - 1) / 2) {}

    double source_x(int64_t column, int64_t row) const { return cosine * (column - x) - sine * (row - y) + x; }
    double source_y(int64_t column, int64_t row) const { return sine * (column - x) + cosine * (row - y) + y; }
    double result_x(int64_t column, int64_t row) const { return cosine * (column - x) + sine * (row - y) + x; }
    double result_y(int64_t column, int64_t row) const { return cosine * (row - y) - sine * (column - x) + y; }
};

int64_t rotated_rows_per_task(const View& x, int64_t work) {
    return max_of(1, kTaskElements / work / max_of(1, x.shape[2] * x.shape[3]));
}

template <int work>
void plan_rotate(const Call& call, Work& plan) {
    const View& x = call.in[0];
    plan.tasks[0] = ceil_div(x.shape[0] * x.shape[1], rotated_rows_per_task(x, work));
}

template <class T>
Status run_rotate(const Call& call, int, int64_t task) {
    const View& view = call.in[0];
    const int64_t height = view.shape[1], width = view.shape[2], channels = view.shape[3];
    const T fill = static_cast<T>(call.reals[0]);
    const Range range = range_of(task, view.shape[0] * height, rotated_rows_per_task(view, 4));
    for (int64_t i = range.begin; i < range.end; ++i) {
        const Turn turn(static_cast<double>(data<T>(call.in[1])[i / height]), height, width);
        const T* image = data<T>(view) + i / height * height * width * channels;
        T* y = data<T>(call.out[0]) + i * width * channels;
        // the pixel at (column, row), or nothing outside of the image
        const auto pixel = [&](int64_t column, int64_t row) {
            const bool inside = column >= 0 && column < width && row >= 0 && row < height;
            return inside ? image + (row * width + column) * channels : nullptr;
        };
        for (int64_t j = 0; j < width; ++j, y += channels) {
            const double sx = turn.source_x(j, i % height), sy = turn.source_y(j, i % height);
            if (!(sx > -1 && sx < width && sy > -1 && sy < height)) {  // a NaN is nowhere
                for (int64_t k = 0; k < channels; ++k) y[k] = fill;
                continue;
            }
            if (!call.ints[0]) {
                const T* p = pixel(static_cast<int64_t>(__builtin_floor(sx + 0.5)), static_cast<int64_t>(__builtin_floor(sy + 0.5)));
                for (int64_t k = 0; k < channels; ++k) y[k] = p ? p[k] : fill;
                continue;
            }
            const double left = __builtin_floor(sx), top = __builtin_floor(sy);
            const int64_t column = static_cast<int64_t>(left), row = static_cast<int64_t>(top);
            const T *a = pixel(column, row), *b = pixel(column + 1, row);
            const T *c = pixel(column, row + 1), *d = pixel(column + 1, row + 1);
            const T right = static_cast<T>(sx - left), down = static_cast<T>(sy - top);
            for (int64_t k = 0; k < channels; ++k) {
                const T above = (a ? a[k] : fill) * (1 - right) + (b ? b[k] : fill) * right;
                const T below = (c ? c[k] : fill) * (1 - right) + (d ? d[k] : fill) * right;
                y[k] = above * (1 - down) + below * down;
            }
        }
    }
    return {};
}

// How much of pixel p goes into a result that comes from `source`, along one side.
double share(double source, int64_t p, bool bilinear) {
    if (!bilinear) return __builtin_floor(source + 0.5) == p;
    const double distance = __builtin_fabs(source - p);
    return distance < 1 ? 1 - distance : 0;
}

// dy, angles -> dx
template <class T>
Status run_rotate_grad(const Call& call, int, int64_t task) {
    const View& view = call.in[0];
    const int64_t height = view.shape[1], width = view.shape[2], channels = view.shape[3];
    const bool bilinear = call.ints[0];
    const Range range = range_of(task, view.shape[0] * height, rotated_rows_per_task(view, 16));
    for (int64_t i = range.begin; i < range.end; ++i) {
        const int64_t own = i % height;
        const Turn turn(static_cast<double>(data<T>(call.in[1])[i / height]), height, width);
        const T* dy = data<T>(view) + i / height * height * width * channels;
        T* dx = data<T>(call.out[0]) + i * width * channels;
        for (int64_t j = 0; j < width; ++j, dx += channels) {
            for (int64_t k = 0; k < channels; ++k) dx[k] = 0;
            const double x = turn.result_x(j, own), y = turn.result_y(j, own);
            if (!(x > -2 && x < width + 1 && y > -2 && y < height + 1)) continue;
            const int64_t left = static_cast<int64_t>(__builtin_ceil(x - 1.5)), top = static_cast<int64_t>(__builtin_ceil(y - 1.5));
            for (int64_t row = max_of(top, 0); row < min_of(top + 4, height); ++row)
                for (int64_t column = max_of(left, 0); column < min_of(left + 4, width); ++column) {
                    const double part = share(turn.source_x(column, row), j, bilinear) *
                                        share(turn.source_y(column, row), own, bilinear);
                    if (part == 0) continue;
                    const T* g = dy + (row * width + column) * channels;
                    for (int64_t k = 0; k < channels; ++k) dx[k] += g[k] * static_cast<T>(part);
                }
        }
    }
    return {};
}

#define LABKIT_ROTATE_KERNELS(X)                                     \
    X("rotate.f32", plan_rotate<4>, run_rotate<float>, false)        \
    X("rotate.f64", plan_rotate<4>, run_rotate<double>, false)       \
    X("rotate_grad.f32", plan_rotate<16>, run_rotate_grad<float>, false) \
    X("rotate_grad.f64", plan_rotate<16>, run_rotate_grad<double>, false)

}  // namespace
}  // namespace labkit
