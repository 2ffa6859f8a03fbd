// The matrix of image patches ("im2col") as the left operand of a matrix product: gathered while it is packed, never
// stored as a whole.
#pragma once
#include "kernels/gemm.h"
#include "kernels/window.h"

namespace labkit {
namespace {

// Row p = (n * OH + oh) * OW + ow of the patch matrix: the pixels that the window meets there, over (kh, kw, c); zeros
// outside the image.
template <class T>
struct Patches {
    const T* x;      // the first channel of the group in the first pixel
    Side h, w;
    int64_t C, pixel;  // channels of the group; numbers from one pixel to the next

    void pack(int64_t p0, int64_t pixels, int64_t e0, int64_t elements, T* to, int64_t to_stride) const {
        if (pixels == 0 || elements == 0) return;  // sides and channels are what is divided by
        if (C == pixel && (w.dilation == 1 || w.taps == 1))
            pack_rows(p0, pixels, e0, elements, to, to_stride);
        else
            pack_taps(p0, pixels, e0, elements, to, to_stride);
    }

    // For one kh the taps are one run of KW * C neighbours in memory, clipped at the ends of the image's row.
    void pack_rows(int64_t p0, int64_t pixels, int64_t e0, int64_t elements, T* to, int64_t to_stride) const {
        const int64_t run = w.taps * C, width = w.in * C;
        int64_t ow = p0 % w.out, oh = p0 / w.out % h.out, n = p0 / w.out / h.out;
        const int64_t kh_first = e0 / run, e_first = e0 - kh_first * run;
        for (int64_t p = 0; p < pixels; ++p, to += to_stride) {
            const int64_t offset = w.start(ow) * C;  // of the run in the image's row
            const int64_t low = offset < 0 ? -offset : 0, high = width - offset;
            int64_t row = h.start(oh) + kh_first * h.dilation, begin = e_first;
            for (int64_t done = 0; done < elements; row += h.dilation, begin = 0) {
                const int64_t left = elements - done, end = begin + left < run ? begin + left : run;
                T* target = to + done - begin;  // element e of the run goes to target[e]
                int64_t from = begin > low ? begin : low, until = end < high ? end : high;
                if (row < 0 || row >= h.in || from >= until)
                    zero_run(target + begin, end - begin);
                else {
                    if (begin < from) zero_run(target + begin, from - begin);
                    copy_run(target + from, x + ((n * h.in + row) * width + offset + from), until - from);
                    if (until < end) zero_run(target + until, end - until);
                }
                done += end - begin;
            }
            next_pixel(n, oh, ow);
        }
    }

    // Taps that lie apart, or some channels of each pixel only: one run for each tap.
    void pack_taps(int64_t p0, int64_t pixels, int64_t e0, int64_t elements, T* to, int64_t to_stride) const {
        int64_t ow = p0 % w.out, oh = p0 / w.out % h.out, n = p0 / w.out / h.out;
        const int64_t c_first = e0 % C, kw_first = e0 / C % w.taps, kh_first = e0 / C / w.taps;
        for (int64_t p = 0; p < pixels; ++p, to += to_stride) {
            int64_t c = c_first, kw = kw_first, kh = kh_first;
            for (int64_t done = 0; done < elements; c = 0) {
                const int64_t count = min_of(C - c, elements - done);
                const int64_t row = h.start(oh) + kh * h.dilation, column = w.start(ow) + kw * w.dilation;
                if (row < 0 || row >= h.in || column < 0 || column >= w.in)
                    zero_run(to + done, count);
                else
                    copy_run(to + done, x + ((n * h.in + row) * w.in + column) * pixel + c, count);
                done += count;
                if (++kw == w.taps) kw = 0, ++kh;
            }
            next_pixel(n, oh, ow);
        }
    }

    void next_pixel(int64_t& n, int64_t& oh, int64_t& ow) const {
        if (++ow < w.out) return;
        ow = 0;
        if (++oh < h.out) return;
        oh = 0, ++n;
    }
};

}  // namespace
}  // namespace labkit
