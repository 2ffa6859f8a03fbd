// The gradient of a convolution with respect to its filters, dw [KH, KW, C, K] = patches(x)^T . dy.
//
// The reduced length, all output pixels, is long where the result is small: it is cut into chunks (by a rule that knows
// this length alone), whose products phase 0 leaves in scratch and phase 1 adds up in order.
#pragma once
#include "kernels/conv2d_patches.h"

namespace labkit {
namespace {

struct Chunks {
    int64_t count, length;
};

template <class T>
Chunks filter_chunks(int64_t pixels) {
    constexpr int64_t KC = Gemm<T>::KC, kPixels = 4096, kMost = 32;
    const int64_t wanted = max_of(1, min_of(pixels / kPixels, kMost));
    const int64_t length = ceil_div(ceil_div(pixels, wanted), KC) * KC;
    return {length > 0 ? ceil_div(pixels, length) : 1, length};
}

constexpr int64_t kSumBlock = 16384;

// total = the sum of `count` parts of `size` numbers, one after another: block `task` of it.
template <class T>
void add_parts(const T* parts, int64_t count, int64_t size, int64_t task, T* total) {
    const Range block = range_of(task, size, kSumBlock);
    for (int64_t i = block.begin; i < block.end; ++i) total[i] = parts[i];
    for (int64_t part = 1; part < count; ++part)
        for (int64_t i = block.begin; i < block.end; ++i) total[i] += parts[part * size + i];
}

template <class T>
struct FilterGradient {
    const T *x, *dy;
    T* dw;
    Convolution c;
    int64_t rows;  // of the result: taps and channels of a group
    Chunks chunks;
    Tiling tiling;

    explicit FilterGradient(const Call& call)
        : x(data<T>(call.in[0])), dy(data<T>(call.in[1])), dw(data<T>(call.out[0])), c(call, call.in[0], call.out[0], call.in[1]) {
        rows = c.taps() * c.group_in();
        chunks = filter_chunks<T>(c.pixels());
        tiling = gemm_tiling<T>(rows, c.group_out(), min_of(chunks.length, c.pixels()), chunks.count * c.groups);
    }

    void plan(Work& work) const {
        work.tasks[0] = chunks.count * c.groups * tiling.tasks();
        if (chunks.count == 1) return;
        work.phases = 2;
        work.tasks[1] = ceil_div(rows * c.K, kSumBlock);
        work.scratch_bytes = chunks.count * rows * c.K * static_cast<int64_t>(sizeof(T));
    }

    void run(char* scratch, int phase, int64_t task) const {
        if (phase == 1) return add_parts(reinterpret_cast<T*>(scratch), chunks.count, rows * c.K, task, dw);
        T* parts = chunks.count == 1 ? dw : reinterpret_cast<T*>(scratch);
        const int64_t chunk = task / tiling.tasks() / c.groups, group = task / tiling.tasks() % c.groups;
        const int64_t begin = chunk * chunks.length, end = min_of(begin + chunks.length, c.pixels());
        const Patches<T> patches{x + group * c.group_in(), c.h, c.w, c.group_in(), c.C};
        const Matrix<T> gradient{dy + group * c.group_out(), c.K};
        const DenseRows<T> result{parts + chunk * rows * c.K + group * c.group_out(), c.K};
        gemm_task<T, true, false>(tiling, task % tiling.tasks(), patches, gradient, result, begin, end);
    }
};

}  // namespace
}  // namespace labkit
