// Images of bytes and of float32 [n, h, w, c], and how they are cut into tasks.
#pragma once
#include "kernels/walk.h"
#include "labkit/kernel.h"
#include "simd/vec.h"

namespace labkit {
namespace {

// A number as a pixel: of bytes the nearest one, ties to even; NaN is 0.
template <class E, class T>
LABKIT_INLINE E pixel_of(T value) {
    if constexpr (sizeof(E) == 1) {
        value = value > 0 ? value : 0;
        value = value < 255 ? value : 255;
        constexpr float round = 12582912;  // 1.5 * 2^23: numbers beside it are whole
        return static_cast<E>(static_cast<int32_t>((value + round) - round));
    } else {
        return value;
    }
}

// Images cut into pieces of at most kPiece elements (whole pixels, where a pixel has no more); a task has one piece, or all of
// several images. What is summed is summed piece by piece, so the bits follow from the image alone.
constexpr int64_t kPiece = 32768;

struct Pieces {
    int64_t images, size, channels, piece, pieces, per_task;

    explicit Pieces(const View& x) : images(x.rank ? x.shape[0] : 1), size(1), channels(x.rank > 1 ? x.shape[x.rank - 1] : 1) {
        for (int d = 1; d < x.rank; ++d) size *= x.shape[d];
        piece = max_of(1, channels) * max_of(1, kPiece / max_of(1, channels));
        pieces = max_of(1, ceil_div(size, piece));
        per_task = pieces > 1 ? 1 : max_of(1, kPiece / max_of(1, size));
    }
    int64_t tasks() const { return ceil_div(images * pieces, per_task); }

    // Calls work(image, piece, first element of the image's, the one after the last) for the pieces of a task.
    template <class F>
    LABKIT_INLINE void each(int64_t task, F work) const {
        const Range range = range_of(task, images * pieces, per_task);
        for (int64_t i = range.begin; i < range.end; ++i) {
            const int64_t own = i % pieces;
            work(i / pieces, own, own * piece, min_of((own + 1) * piece, size));
        }
    }
};

}  // namespace
}  // namespace labkit
