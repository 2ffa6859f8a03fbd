// conv2d and its two gradients, images NHWC and filters HWIO, as matrix products whose left operand is the matrix of
// image patches ("im2col": one row for each output pixel, one column for each (kh, kw, c)), gathered while it is packed
// and never stored as a whole. ints of all three: sh, sw, pad_top, pad_left; pixels outside the image are zero.
#include "kernels/conv2d_winograd.h"
#include "kernels/conv2d_winograd_filter.h"
#include "kernels/gemm.h"

namespace labkit {
namespace {

// Row p = (n * OH + oh) * OW + ow of the patch matrix: x[n, oh * sh - pad_top + kh, ow * sw - pad_left + kw, c] over
// (kh, kw, c). For one kh it is one run of KW * C neighbours in memory, clipped at the ends of the image's row.
template <class T>
struct Patches {
    const T* x;
    int64_t H, W, C, OH, OW, KW, sh, sw, pad_top, pad_left;

    void pack(int64_t p0, int64_t pixels, int64_t e0, int64_t elements, T* to, int64_t to_stride) const {
        const int64_t run = KW * C, width = W * C;
        int64_t ow = p0 % OW, oh = p0 / OW % OH, n = p0 / OW / OH;
        const int64_t kh_first = e0 / run, e_first = e0 - kh_first * run;
        for (int64_t p = 0; p < pixels; ++p, to += to_stride) {
            const int64_t offset = (ow * sw - pad_left) * C;  // of the run in the image's row
            const int64_t low = offset < 0 ? -offset : 0, high = width - offset;
            int64_t h = oh * sh - pad_top + kh_first, begin = e_first;
            for (int64_t done = 0; done < elements; ++h, begin = 0) {
                const int64_t left = elements - done, end = begin + left < run ? begin + left : run;
                T* target = to + done - begin;  // element e of the run goes to target[e]
                int64_t from = begin > low ? begin : low, until = end < high ? end : high;
                if (h < 0 || h >= H || from >= until)
                    zero_run(target + begin, end - begin);
                else {
                    if (begin < from) zero_run(target + begin, from - begin);
                    copy_run(target + from, x + ((n * H + h) * width + offset + from), until - from);
                    if (until < end) zero_run(target + until, end - until);
                }
                done += end - begin;
            }
            if (++ow == OW) {
                ow = 0;
                if (++oh == OH) oh = 0, ++n;
            }
        }
    }
};

// ---- y[N, OH, OW, K] = patches(x) . w ----

template <class T>
Tiling conv2d_tiling(const Call& call) {
    const View &w = call.in[1], &y = call.out[0];
    return gemm_tiling<T>(y.shape[0] * y.shape[1] * y.shape[2], y.shape[3], w.shape[0] * w.shape[1] * w.shape[2]);
}

template <class T>
void plan_conv2d(const Call& call, Work& work) {
    if constexpr (sizeof(T) == 4) {
        if (winograd_pays<T>(call.in[1], call.out[0], call.ints[0], call.ints[1]))
            return Winograd<T>(call.in[0], call.in[1], call.out[0], call.ints[2], call.ints[3], false).plan(work);
    }
    work.tasks[0] = conv2d_tiling<T>(call).tasks();
}

template <class T>
Status run_conv2d(const Call& call, int phase, int64_t task) {
    const View &x = call.in[0], &w = call.in[1], &y = call.out[0];
    if constexpr (sizeof(T) == 4) {
        if (winograd_pays<T>(w, y, call.ints[0], call.ints[1])) {
            Winograd<T>(x, w, y, call.ints[2], call.ints[3], false).run(call.scratch, phase, task);
            return {};
        }
    }
    const Patches<T> patches{data<T>(x), x.shape[1], x.shape[2], x.shape[3], y.shape[1], y.shape[2], w.shape[1],
                             call.ints[0], call.ints[1], call.ints[2], call.ints[3]};
    const Matrix<T> filter{data<T>(w), w.shape[3]};
    gemm_task<T, false, false>(conv2d_tiling<T>(call), task, patches, filter, DenseRows<T>{data<T>(y), y.shape[3]}, 0,
                               w.shape[0] * w.shape[1] * w.shape[2]);
    return {};
}

// ---- dx[N, H, W, C] ----
// Pixels of dx with the same (h mod sh, w mod sw) see the same taps of the filter, and see them as a convolution of dy
// with stride 1 by these taps in reverse order: one product for each such class. Phase 0 writes the filter as
// [class][taps of the class, reversed][K][C]. Where a stride is longer than the filter there are pixels that no tap
// reaches: then phase 0 sets all of dx to zero, and only classes that have taps follow.

struct InputClass {
    int64_t kh0, kw0;      // first tap; the others follow in steps of (sh, sw)
    int64_t taps_h, taps_w;
    int64_t first;         // taps of all classes before this one
    int64_t h0, w0, rows, columns;  // its pixels of dx: h0 + sh * u for u < rows, w0 + sw * v for v < columns
    int64_t pad_top, pad_left;
};

// The numbers from, from + stride, ... below n.
int64_t steps(int64_t n, int64_t from, int64_t stride) { return from < n ? (n - from + stride - 1) / stride : 0; }

InputClass input_class(const Call& call, int64_t rh, int64_t rw) {
    const int64_t sh = call.ints[0], sw = call.ints[1], pad_top = call.ints[2], pad_left = call.ints[3];
    const int64_t KH = call.in[0].shape[0], KW = call.in[0].shape[1], H = call.out[0].shape[1], W = call.out[0].shape[2];
    auto steps_before = [](int64_t n, int64_t from, int64_t stride) {  // steps(n, 0, stride) + ... + steps(n, from - 1, stride)
        return from * (n / stride) + (from < n % stride ? from : n % stride);
    };
    InputClass k;
    k.kh0 = rh, k.kw0 = rw;
    k.taps_h = steps(KH, rh, sh), k.taps_w = steps(KW, rw, sw);
    k.first = steps_before(KH, rh, sh) * KW + k.taps_h * steps_before(KW, rw, sw);
    k.h0 = ((rh - pad_top) % sh + sh) % sh, k.w0 = ((rw - pad_left) % sw + sw) % sw;
    k.rows = steps(H, k.h0, sh), k.columns = steps(W, k.w0, sw);
    k.pad_top = k.taps_h - 1 - (k.h0 + pad_top - rh) / sh;
    k.pad_left = k.taps_w - 1 - (k.w0 + pad_left - rw) / sw;
    return k;
}

// The classes that have taps: so many along the height and along the width, each cut into as many tasks as the largest.
template <class T>
struct InputClasses {
    int64_t high, wide;
    Tiling tiling;
    bool cover;  // whether every pixel belongs to one of them

    explicit InputClasses(const Call& call) {
        const View &w = call.in[0], &dx = call.out[0];
        const int64_t sh = call.ints[0], sw = call.ints[1];
        high = sh < w.shape[0] ? sh : w.shape[0], wide = sw < w.shape[1] ? sw : w.shape[1];
        tiling = gemm_tiling<T>(dx.shape[0] * steps(dx.shape[1], 0, sh) * steps(dx.shape[2], 0, sw), dx.shape[3],
                                steps(w.shape[0], 0, sh) * steps(w.shape[1], 0, sw) * w.shape[3]);
        cover = high == sh && wide == sw;
    }

    int64_t tasks() const { return high * wide * tiling.tasks(); }
};

constexpr int64_t kFilterRows = 64;     // rows of C that one task of phase 0 transposes
constexpr int64_t kZeroBlock = 1 << 16;  // numbers of dx that one task of phase 0 sets to zero

int64_t filter_tasks(const View& w) {
    return w.shape[0] * w.shape[1] * ((w.shape[2] + kFilterRows - 1) / kFilterRows);
}

template <class T>
void plan_conv2d_backprop_input(const Call& call, Work& work) {
    const View& w = call.in[0];
    if constexpr (sizeof(T) == 4) {
        if (winograd_pays<T>(w, call.out[0], call.ints[0], call.ints[1]))
            return Winograd<T>(call.in[1], w, call.out[0], 2 - call.ints[2], 2 - call.ints[3], true).plan(work);
    }
    const InputClasses<T> classes(call);
    work.phases = 2;
    work.tasks[0] = filter_tasks(w) + (classes.cover ? 0 : (numel(call.out[0]) + kZeroBlock - 1) / kZeroBlock);
    work.tasks[1] = classes.tasks();
    work.scratch_bytes = numel(w) * static_cast<int64_t>(sizeof(T));
}

// The pixels of one class as rows of the result.
template <class T>
struct ClassRows {
    T* dx;
    int64_t H, W, C, sh, sw;
    InputClass k;

    T* row(int64_t r) const {
        const int64_t v = r % k.columns, u = r / k.columns % k.rows, n = r / k.columns / k.rows;
        return dx + ((n * H + k.h0 + sh * u) * W + k.w0 + sw * v) * C;
    }
};

template <class T>
Status run_conv2d_backprop_input(const Call& call, int phase, int64_t task) {
    const View &w = call.in[0], &dy = call.in[1], &dx = call.out[0];
    const int64_t KW = w.shape[1], C = w.shape[2], K = w.shape[3], sh = call.ints[0], sw = call.ints[1];
    if constexpr (sizeof(T) == 4) {
        if (winograd_pays<T>(w, dx, sh, sw)) {
            Winograd<T>(dy, w, dx, 2 - call.ints[2], 2 - call.ints[3], true).run(call.scratch, phase, task);
            return {};
        }
    }
    T* filter = reinterpret_cast<T*>(call.scratch);
    if (phase == 0 && task >= filter_tasks(w)) {
        const int64_t begin = (task - filter_tasks(w)) * kZeroBlock, left = numel(dx) - begin;
        zero_run(data<T>(dx) + begin, left < kZeroBlock ? left : kZeroBlock);
        return {};
    }
    if (phase == 0) {
        const int64_t blocks = (C + kFilterRows - 1) / kFilterRows, tap = task / blocks, c0 = task % blocks * kFilterRows;
        const int64_t kh = tap / KW, kw = tap % KW;
        const InputClass k = input_class(call, kh % sh, kw % sw);
        const int64_t place = k.first + (k.taps_h - 1 - kh / sh) * k.taps_w + k.taps_w - 1 - kw / sw;
        transpose_copy(data<T>(w) + (tap * C + c0) * K, K, C - c0 < kFilterRows ? C - c0 : kFilterRows, K, filter + place * K * C + c0, C);
        return {};
    }
    InputClasses<T> classes(call);
    Tiling& tiling = classes.tiling;
    const int64_t number = task / tiling.tasks();
    const InputClass k = input_class(call, number / classes.wide, number % classes.wide);
    tiling.M = dx.shape[0] * k.rows * k.columns;
    if (tiling.M == 0) return {};
    const Patches<T> patches{data<T>(dy), dy.shape[1], dy.shape[2], K, k.rows, k.columns, k.taps_w, 1, 1, k.pad_top, k.pad_left};
    const ClassRows<T> rows{data<T>(dx), dx.shape[1], dx.shape[2], C, sh, sw, k};
    gemm_task<T, false, false>(tiling, task % tiling.tasks(), patches, Matrix<T>{filter + k.first * K * C, C}, rows, 0,
                               k.taps_h * k.taps_w * K);
    return {};
}

// ---- dw[KH, KW, C, K] = patches(x)^T . dy ----
// The reduced length, all output pixels, is long where the result is small: it is cut into chunks (by a rule that knows
// this length alone), whose products phase 0 leaves in scratch and phase 1 adds up in order.

struct Chunks {
    int64_t count, length;
};

template <class T>
Chunks filter_chunks(int64_t pixels) {
    constexpr int64_t KC = Gemm<T>::KC, kPixels = 4096, kMost = 32;
    int64_t count = pixels / kPixels;
    count = count < 1 ? 1 : count > kMost ? kMost : count;
    const int64_t length = ((pixels + count - 1) / count + KC - 1) / KC * KC;
    return {length > 0 ? (pixels + length - 1) / length : 1, length};
}

template <class T>
struct FilterWork {
    int64_t pixels, rows, K;
    Chunks chunks;
    Tiling tiling;

    explicit FilterWork(const Call& call) {
        const View &dy = call.in[1], &dw = call.out[0];
        pixels = dy.shape[0] * dy.shape[1] * dy.shape[2];
        rows = dw.shape[0] * dw.shape[1] * dw.shape[2], K = dw.shape[3];
        chunks = filter_chunks<T>(pixels);
        if (chunks.count < 1) chunks.count = 1;
        tiling = gemm_tiling<T>(rows, K, chunks.length < pixels ? chunks.length : pixels);
    }
};

constexpr int64_t kSumBlock = 16384;

template <class T>
void plan_conv2d_backprop_filter(const Call& call, Work& work) {
    if constexpr (sizeof(T) == 4) {
        if (winograd_pays<T>(call.out[0], call.in[1], call.ints[0], call.ints[1]))
            return WinogradFilter<T>(call.in[0], call.in[1], call.out[0], call.ints[2], call.ints[3]).plan(work);
    }
    const FilterWork<T> f(call);
    work.tasks[0] = f.chunks.count * f.tiling.tasks();
    if (f.chunks.count == 1) return;
    work.phases = 2;
    work.tasks[1] = (f.rows * f.K + kSumBlock - 1) / kSumBlock;
    work.scratch_bytes = f.chunks.count * f.rows * f.K * static_cast<int64_t>(sizeof(T));
}

template <class T>
Status run_conv2d_backprop_filter(const Call& call, int phase, int64_t task) {
    const View &x = call.in[0], &dy = call.in[1], &dw = call.out[0];
    if constexpr (sizeof(T) == 4) {
        if (winograd_pays<T>(dw, dy, call.ints[0], call.ints[1])) {
            WinogradFilter<T>(x, dy, dw, call.ints[2], call.ints[3]).run(call.scratch, phase, task);
            return {};
        }
    }
    const FilterWork<T> f(call);
    const int64_t size = f.rows * f.K;
    T* parts = f.chunks.count == 1 ? data<T>(dw) : reinterpret_cast<T*>(call.scratch);
    if (phase == 0) {
        const int64_t chunk = task / f.tiling.tasks(), begin = chunk * f.chunks.length;
        const int64_t end = begin + f.chunks.length < f.pixels ? begin + f.chunks.length : f.pixels;
        const Patches<T> patches{data<T>(x), x.shape[1], x.shape[2], x.shape[3], dy.shape[1], dy.shape[2], dw.shape[1],
                                 call.ints[0], call.ints[1], call.ints[2], call.ints[3]};
        gemm_task<T, true, false>(f.tiling, task % f.tiling.tasks(), patches, Matrix<T>{data<T>(dy), f.K},
                                  DenseRows<T>{parts + chunk * size, f.K}, begin, end);
        return {};
    }
    const int64_t begin = task * kSumBlock, end = begin + kSumBlock < size ? begin + kSumBlock : size;
    T* total = data<T>(dw);
    for (int64_t i = begin; i < end; ++i) total[i] = parts[i];
    for (int64_t c = 1; c < f.chunks.count; ++c)
        for (int64_t i = begin; i < end; ++i) total[i] += parts[c * size + i];
    return {};
}

#define LABKIT_CONV2D_KERNELS(X)                                                                                          \
    X("conv2d.f32", plan_conv2d<float>, run_conv2d<float>, false)                                                         \
    X("conv2d.f64", plan_conv2d<double>, run_conv2d<double>, false)                                                       \
    X("conv2d_backprop_input.f32", plan_conv2d_backprop_input<float>, run_conv2d_backprop_input<float>, false)            \
    X("conv2d_backprop_input.f64", plan_conv2d_backprop_input<double>, run_conv2d_backprop_input<double>, false)          \
    X("conv2d_backprop_filter.f32", plan_conv2d_backprop_filter<float>, run_conv2d_backprop_filter<float>, false)         \
    X("conv2d_backprop_filter.f64", plan_conv2d_backprop_filter<double>, run_conv2d_backprop_filter<double>, false)

}  // namespace
}  // namespace labkit
