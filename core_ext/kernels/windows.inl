// Windows on images, each at a place of its own: crops, pads and mirrors a batch at once.
//
// windows: in: images [n, h, w, c], places [n, 4] (i64): the first row and column of the window in the image, whether it is
// turned upside down, and left to right; out: [n, rows, columns, c]; reals: what stands where the image has no such pixel.
// erase: in: rectangles [n, 4] (i64): first row and column, and those after the last; out: images whose pixels in these
// become a number (reals); what of a rectangle lies outside of its image is left.
#pragma once
#include "kernels/copy_runs.h"
#include "kernels/pixel.h"

namespace labkit {
namespace {

constexpr int64_t kReach = int64_t(1) << 40;  // places beyond it are as far as this

LABKIT_INLINE int64_t place_of(int64_t at) { return max_of(-kReach, min_of(at, kReach)); }

// A row of up to a few hundred bytes; the last move may copy some of them again.
LABKIT_INLINE void copy_bytes(char* __restrict__ to, const char* __restrict__ from, int64_t n) {
    if (n > 256) {
        __builtin_memcpy(to, from, static_cast<size_t>(n));
    } else if (n >= 16) {
        for (int64_t i = 0; i + 16 <= n; i += 16) __builtin_memcpy(to + i, from + i, 16);
        __builtin_memcpy(to + n - 16, from + n - 16, 16);
    } else if (n >= 8) {
        __builtin_memcpy(to, from, 8);
        __builtin_memcpy(to + n - 8, from + n - 8, 8);
    } else if (n >= 4) {
        __builtin_memcpy(to, from, 4);
        __builtin_memcpy(to + n - 4, from + n - 4, 4);
    } else {
        for (int64_t i = 0; i < n; ++i) to[i] = from[i];
    }
}

// n pixels of `bytes` bytes in the opposite order; bytes is known to the compiler where it is not 0.
template <int bytes>
LABKIT_INLINE void mirror_pixels(char* __restrict__ to, const char* __restrict__ from, int64_t n, int64_t size) {
    if (bytes == 1 && n >= 8) {
        for (int64_t i = 0;; i = min_of(i + 8, n - 8)) {
            uint64_t eight;
            __builtin_memcpy(&eight, from + n - 8 - i, 8);
            eight = __builtin_bswap64(eight);
            __builtin_memcpy(to + i, &eight, 8);
            if (i == n - 8) return;
        }
    }
    const int64_t width = bytes ? bytes : size;
    for (int64_t i = 0; i < n; ++i) __builtin_memcpy(to + i * width, from + (n - 1 - i) * width, bytes ? bytes : static_cast<size_t>(size));
}

struct Windows {
    int64_t images, height, width, rows, columns, channels;

    explicit Windows(const Call& call)
        : images(call.in[0].shape[0]), height(call.in[0].shape[1]), width(call.in[0].shape[2]), rows(call.out[0].shape[1]),
          columns(call.out[0].shape[2]), channels(call.out[0].shape[3]) {}
    int64_t rows_per_task() const { return max_of(1, 2 * kTaskElements / max_of(1, columns * channels)); }
};

void plan_windows(const Call& call, Work& work) {
    const Windows w(call);
    work.tasks[0] = ceil_div(w.images * w.rows, w.rows_per_task());
}

// The rows [begin, end) of one image's window.
template <class E, int bytes>
void window_rows(const Windows& w, const E* image, const int64_t* place, E fill, int64_t begin, int64_t end, E* y) {
    const int64_t c = w.channels, step = w.columns * c, pixel = c * static_cast<int64_t>(sizeof(E));
    const int64_t top = place_of(place[0]), left = place_of(place[1]);
    const bool down = place[2] != 0, across = place[3] != 0;
    // of the window's rows and columns, before they are mirrored, those that the image has
    const int64_t low = min_of(w.columns, max_of(0, -left)), high = max_of(low, min_of(w.columns, w.width - left));
    const int64_t above = min_of(w.rows, max_of(0, -top)), below = max_of(above, min_of(w.rows, w.height - top));
    const int64_t first = max_of(begin, down ? w.rows - below : above), past = min_of(end, down ? w.rows - above : below);
    if (low > 0 || high < w.columns || first > begin || past < end)  // all at once: a few pixels in each row take as long
        for (int64_t k = 0; k < (end - begin) * step; ++k) y[k] = fill;
    if (first >= past || low == high) return;
    const E* from = image + ((top + (down ? w.rows - 1 - first : first)) * w.width + left + low) * c;
    const int64_t from_step = (down ? -w.width : w.width) * c;
    E* to = y + (first - begin) * step + (across ? w.columns - high : low) * c;
    if (across)
        for (int64_t i = first; i < past; ++i, to += step, from += from_step)
            mirror_pixels<bytes>(reinterpret_cast<char*>(to), reinterpret_cast<const char*>(from), high - low, pixel);
    else if (from_step == step && high - low == w.columns)
        __builtin_memcpy(to, from, static_cast<size_t>((past - first) * step) * sizeof(E));
    else
        for (int64_t i = first; i < past; ++i, to += step, from += from_step)
            copy_bytes(reinterpret_cast<char*>(to), reinterpret_cast<const char*>(from), (high - low) * pixel);
}

template <class E>
Status run_windows(const Call& call, int, int64_t task) {
    const Windows w(call);
    constexpr int size = static_cast<int>(sizeof(E));
    const auto work = w.channels == 1 ? window_rows<E, size> : w.channels == 3 ? window_rows<E, 3 * size> : window_rows<E, 0>;
    const E fill = pixel_of<E>(static_cast<float>(call.reals[0]));
    const Range range = range_of(task, w.images * w.rows, w.rows_per_task());
    for (int64_t i = range.begin; i < range.end;) {
        const int64_t image = i / w.rows, row = i % w.rows, end = min_of(w.rows, row + range.end - i);
        work(w, data<E>(call.in[0]) + image * w.height * w.width * w.channels, data<int64_t>(call.in[1]) + 4 * image, fill, row,
             end, data<E>(call.out[0]) + i * w.columns * w.channels);
        i += end - row;
    }
    return {};
}

void plan_erase(const Call& call, Work& work) {
    const View& y = call.out[0];
    work.tasks[0] = ceil_div(y.shape[0] * y.shape[1], max_of(1, 2 * kTaskElements / max_of(1, y.shape[2] * y.shape[3])));
}

template <class E>
Status run_erase(const Call& call, int, int64_t task) {
    const View& y = call.out[0];
    const int64_t rows = y.shape[1], columns = y.shape[2], c = y.shape[3];
    const E fill = pixel_of<E>(static_cast<float>(call.reals[0]));
    const Range range = range_of(task, y.shape[0] * rows, max_of(1, 2 * kTaskElements / max_of(1, columns * c)));
    for (int64_t i = range.begin; i < range.end; ++i) {
        const int64_t* box = data<int64_t>(call.in[0]) + i / rows * 4;
        if (i % rows < box[0] || i % rows >= box[2]) continue;
        const int64_t end = min_of(columns, box[3]) * c;
        E* row = data<E>(y) + i * columns * c;
        for (int64_t k = max_of(0, box[1]) * c; k < end; ++k) row[k] = fill;
    }
    return {};
}

#define LABKIT_WINDOWS_KERNELS(X)                                   \
    X("windows.f32", plan_windows, run_windows<float>, false)       \
    X("windows.u8", plan_windows, run_windows<uint8_t>, false)      \
    X("erase.f32", plan_erase, run_erase<float>, false)             \
    X("erase.u8", plan_erase, run_erase<uint8_t>, false)

}  // namespace
}  // namespace labkit
