// Images [n, h, w, c] seen through a projection each. in: images, projections [n, 8] (of
// images of bytes float32); out: [n, rows, columns, c]; ints: bilinear
// or nearest, what lies outside of the image (Outside); reals: the value of what is nowhere.
//
// Pixel (x, y) of the result is the image at ((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k), k = c0 x + c1 y + 1, for the
// projection (a0, a1, a2, b0, b1, b2, c0, c1). A place that is no number is nowhere. Places are calculated in float64. The
// gradient goes through the result in its order: each task has some rows of one image, and adds what arrives there.
#pragma once
#include "kernels/pixel.h"
#include "labkit/kernel.h"
#include "simd/vec.h"

namespace labkit {
namespace {

enum class Outside : int64_t { constant, nearest, reflect, wrap };  // as in "k k a b c k", "a a a b c c", "b a a b c c", "b c a b c a"

constexpr int64_t kWarpStretch = 256;        // pixels whose places are found together
constexpr double kFarthest = 1 << 30;        // places beyond it are as far as this
constexpr int32_t kNowhere = -2147483647;
constexpr int64_t kWarpRows = 1 << 20;       // elements of an image of which one task sums the gradient

// The upper left one of the four pixels around a place, or the nearest one, and how far right and down of it the place is.
template <class T>
struct Places {
    int32_t column[kWarpStretch], row[kWarpStretch];
    T right[kWarpStretch], down[kWarpStretch];
};

template <class T>
LABKIT_INLINE void split(double at, bool bilinear, int32_t& pixel, T& rest) {
    const bool number = at == at;
    at = at < -kFarthest ? -kFarthest : at > kFarthest ? kFarthest : at;
    const double low = __builtin_floor(bilinear ? at : at + 0.5);
    pixel = number ? static_cast<int32_t>(number ? low : 0) : kNowhere;
    rest = static_cast<T>(at - low);
}

struct Warp {
    int64_t images, height, width, channels, rows, columns;  // rows and columns are those of the result
    bool bilinear;
    Outside outside;

    Warp(const Call& call, const View& x, const View& y)
        : images(x.shape[0]), height(x.shape[1]), width(x.shape[2]), channels(x.shape[3]), rows(y.shape[1]),
          columns(y.shape[2]), bilinear(call.ints[0] != 0), outside(static_cast<Outside>(call.ints[1])) {}

    int64_t result_rows_per_task() const { return max_of(1, kTaskElements / 4 / max_of(1, columns * channels)); }
    int64_t bands() const { return ceil_div(max_of(1, height * width * channels), kWarpRows); }
    int64_t bands_per_task() const { return bands() > 1 ? 1 : max_of(1, kTaskElements / 8 / max_of(1, rows * columns * channels)); }

    // Where `count` pixels of a row of the result, from column `begin` on, come from.
    template <class T>
    void find(const T* projection, int64_t row, int64_t begin, int64_t count, Places<T>& places) const {
        double p[8];
        for (int i = 0; i < 8; ++i) p[i] = static_cast<double>(projection[i]);
        const double y = static_cast<double>(row), x0 = p[1] * y + p[2], y0 = p[4] * y + p[5], k0 = p[7] * y + 1;
        const int32_t first = static_cast<int32_t>(begin), n = static_cast<int32_t>(count);  // AVX2 converts no int64
        if (p[6] == 0 && k0 == 1)
            for (int32_t j = 0; j < n; ++j) {
                const double x = first + j;
                split(p[0] * x + x0, bilinear, places.column[j], places.right[j]);
                split(p[3] * x + y0, bilinear, places.row[j], places.down[j]);
            }
        else
            for (int32_t j = 0; j < n; ++j) {
                const double x = first + j, k = p[6] * x + k0;
                split((p[0] * x + x0) / k, bilinear, places.column[j], places.right[j]);
                split((p[3] * x + y0) / k, bilinear, places.row[j], places.down[j]);
            }
    }

    // The pixel that stands for pixel i of a side of n; -1 for none.
    int64_t inside(int64_t i, int64_t n) const {
        if (i == kNowhere) return -1;
        if (i >= 0 && i < n) return i;
        switch (outside) {
            case Outside::constant: return -1;
            case Outside::nearest: return i < 0 ? 0 : n - 1;
            case Outside::reflect: {
                const int64_t at = (i % (2 * n) + 2 * n) % (2 * n);
                return at < n ? at : 2 * n - 1 - at;
            }
            case Outside::wrap: break;
        }
        return (i % n + n) % n;
    }

    // Whether the pixel and those right and down of it are in the image.
    bool within(int64_t column, int64_t row) const {
        return static_cast<uint64_t>(column) < static_cast<uint64_t>(width - 1) &&
               static_cast<uint64_t>(row) < static_cast<uint64_t>(height - 1);
    }

    // The index of a pixel among those of its image, -1 for none.
    int64_t pixel(int64_t column, int64_t row) const {
        const int64_t j = inside(column, width), i = inside(row, height);
        return i < 0 || j < 0 ? -1 : i * width + j;
    }
};

void plan_warp(const Call& call, Work& work) {
    const Warp warp(call, call.in[0], call.out[0]);
    work.tasks[0] = ceil_div(warp.images * warp.rows, warp.result_rows_per_task());
}

// E is what pixels are and T what is calculated with; count is the number of channels, known to the compiler where it is not 0.
template <class E, class T, int count>
void warp_row(const Warp& warp, const E* image, const Places<T>& places, int64_t pixels, T fill, E* y) {
    const int64_t n = count ? count : warp.channels, below = warp.width * n;
    for (int64_t j = 0; j < pixels; ++j, y += n) {
        const int64_t column = places.column[j], row = places.row[j];
        const bool within = warp.within(column, row);
        const T right = places.right[j], down = places.down[j];
        if (!warp.bilinear) {
            const int64_t at = within ? row * warp.width + column : warp.pixel(column, row);
            for (int64_t k = 0; k < n; ++k) y[k] = at < 0 ? pixel_of<E>(fill) : image[at * n + k];
        } else if (within) {
            const E* a = image + (row * warp.width + column) * n;
            for (int64_t k = 0; k < n; ++k) {
                const T above = static_cast<T>(a[k]) * (1 - right) + static_cast<T>(a[k + n]) * right;
                const T under = static_cast<T>(a[k + below]) * (1 - right) + static_cast<T>(a[k + below + n]) * right;
                y[k] = pixel_of<E>(above * (1 - down) + under * down);
            }
        } else if (column == kNowhere || row == kNowhere) {
            for (int64_t k = 0; k < n; ++k) y[k] = pixel_of<E>(fill);
        } else {
            const int64_t a = warp.pixel(column, row), b = warp.pixel(column + 1, row);
            const int64_t c = warp.pixel(column, row + 1), d = warp.pixel(column + 1, row + 1);
            for (int64_t k = 0; k < n; ++k) {
                const auto at = [&](int64_t pixel) { return pixel < 0 ? fill : static_cast<T>(image[pixel * n + k]); };
                const T above = at(a) * (1 - right) + at(b) * right, under = at(c) * (1 - right) + at(d) * right;
                y[k] = pixel_of<E>(above * (1 - down) + under * down);
            }
        }
    }
}

template <class E, class T>
Status run_warp(const Call& call, int, int64_t task) {
    const Warp warp(call, call.in[0], call.out[0]);
    const auto by_row = warp.channels == 1 ? warp_row<E, T, 1> : warp.channels == 3 ? warp_row<E, T, 3> : warp_row<E, T, 0>;
    const Range range = range_of(task, warp.images * warp.rows, warp.result_rows_per_task());
    Places<T> places;
    for (int64_t i = range.begin; i < range.end; ++i) {
        const int64_t image = i / warp.rows;
        E* y = data<E>(call.out[0]) + i * warp.columns * warp.channels;
        for (int64_t j = 0; j < warp.columns; j += kWarpStretch) {
            const int64_t count = min_of(kWarpStretch, warp.columns - j);
            warp.find(data<T>(call.in[1]) + image * 8, i % warp.rows, j, count, places);
            by_row(warp, data<E>(call.in[0]) + image * warp.height * warp.width * warp.channels, places, count,
                   static_cast<T>(call.reals[0]), y + j * warp.channels);
        }
    }
    return {};
}

void plan_warp_grad(const Call& call, Work& work) {
    const Warp warp(call, call.out[0], call.in[0]);
    work.tasks[0] = ceil_div(warp.images * warp.bands(), warp.bands_per_task());
}

// Adds what arrives at a row of the result to the pixels `first` to `end` of dx, an image.
template <class T, int count>
void unwarp_row(const Warp& warp, const T* g, const Places<T>& places, int64_t pixels, int64_t first, int64_t end, T* dx) {
    const int64_t n = count ? count : warp.channels;
    const bool whole = first == 0 && end == warp.height * warp.width;
    const auto add = [&](int64_t at, T part) {
        for (int64_t k = 0; k < n; ++k) dx[at * n + k] += g[k] * part;
    };
    const auto add_if = [&](int64_t column, int64_t row, T part) {
        const int64_t at = warp.pixel(column, row);
        if (at >= first && at < end) add(at, part);
    };
    for (int64_t j = 0; j < pixels; ++j, g += n) {
        const int64_t x = places.column[j], y = places.row[j];
        if (x == kNowhere || y == kNowhere) continue;
        if (!warp.bilinear) {
            add_if(x, y, 1);
            continue;
        }
        const T right = places.right[j], down = places.down[j];
        const T a = (1 - right) * (1 - down), b = right * (1 - down), c = (1 - right) * down, d = right * down;
        if (whole && warp.within(x, y)) {
            const int64_t at = y * warp.width + x;
            add(at, a);
            add(at + 1, b);
            add(at + warp.width, c);
            add(at + warp.width + 1, d);
        } else {
            add_if(x, y, a);
            add_if(x + 1, y, b);
            add_if(x, y + 1, c);
            add_if(x + 1, y + 1, d);
        }
    }
}

// dy, projections -> dx. A task has one band of the rows of one image, or all rows of several images.
template <class T>
Status run_warp_grad(const Call& call, int, int64_t task) {
    const Warp warp(call, call.out[0], call.in[0]);
    const auto by_row = warp.channels == 1 ? unwarp_row<T, 1> : warp.channels == 3 ? unwarp_row<T, 3> : unwarp_row<T, 0>;
    const int64_t n = warp.channels, bands = warp.bands();
    const Range range = range_of(task, warp.images * bands, warp.bands_per_task());
    Places<T> places;
    for (int64_t i = range.begin; i < range.end; ++i) {
        const int64_t image = i / bands;
        const Range band = share(i % bands, bands, warp.height);
        const T* dy = data<T>(call.in[0]) + image * warp.rows * warp.columns * n;
        T* dx = data<T>(call.out[0]) + image * warp.height * warp.width * n;
        const int64_t first = band.begin * warp.width, end = band.end * warp.width;
        for (int64_t k = first * n; k < end * n; ++k) dx[k] = 0;
        for (int64_t row = 0; row < warp.rows; ++row)
            for (int64_t begin = 0; begin < warp.columns; begin += kWarpStretch) {
                const int64_t count = min_of(kWarpStretch, warp.columns - begin);
                warp.find(data<T>(call.in[1]) + image * 8, row, begin, count, places);
                by_row(warp, dy + (row * warp.columns + begin) * n, places, count, first, end, dx);
            }
    }
    return {};
}

#define LABKIT_WARP_KERNELS(X)                                    \
    X("warp.f32", plan_warp, (run_warp<float, float>), false)     \
    X("warp.f64", plan_warp, (run_warp<double, double>), false)   \
    X("warp.u8", plan_warp, (run_warp<uint8_t, float>), false)    \
    X("warp_grad.f32", plan_warp_grad, run_warp_grad<float>, false) \
    X("warp_grad.f64", plan_warp_grad, run_warp_grad<double>, false)

}  // namespace
}  // namespace labkit
