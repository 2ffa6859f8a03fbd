// Images [n, ...] of bytes or float32 as float32 with mean 0 and variance 1, and the sums for it.
//
// standardize_images: each by its own statistics, y = (x - mean) / max(deviation, 1 / sqrt(elements)), as TensorFlow's
// tf.image.per_image_standardization has it. Sums of bytes are exact; those of float32 are taken less the first element, in
// sixteen lanes of float64. normalize_images: in: images, mean and deviation [...] (f32) of each element; y = (x - mean) /
// deviation. image_sums: in: images; out: sums [2, ...] of each element and of its square over the images, which are added to
// what is there: i64, exact; for float32 f64 [4, ...], each sum followed by what it lost to rounding (A. Neumaier, 1974), one
// image after the other: so it does not matter in how many calls they come.
#pragma once
#include "kernels/pixel.h"

namespace labkit {
namespace {

constexpr int kLanes = 16;

// ---- standardize_images

// Sums of x - pivot and of its square.
template <class E>
struct SumsOf {
    double sum, squares;
};
template <>
struct SumsOf<uint8_t> {
    uint64_t sum, squares;
};

LABKIT_APART SumsOf<uint8_t> sums_of(const uint8_t* x, int64_t n, uint8_t) {
    static_assert(kPiece * 255 * 255 <= 0xffffffff, "a piece's sum of squares has 32 bits");
    uint32_t sum = 0, squares = 0;
    for (int64_t i = 0; i < n; ++i) {
        const uint32_t v = x[i];
        sum += v;
        squares += v * v;
    }
    return {sum, squares};
}

LABKIT_APART SumsOf<float> sums_of(const float* x, int64_t n, float pivot) {
    double sum[kLanes] = {}, squares[kLanes] = {};
    const double middle = static_cast<double>(pivot);
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes)
        for (int l = 0; l < kLanes; ++l) {
            const double v = static_cast<double>(x[i + l]) - middle;
            sum[l] += v;
            squares[l] += v * v;
        }
    for (int l = 0; i < n; ++i, ++l) {
        const double v = static_cast<double>(x[i]) - middle;
        sum[l] += v;
        squares[l] += v * v;
    }
    for (int half = kLanes / 2; half; half /= 2)
        for (int l = 0; l < half; ++l) {
            sum[l] += sum[l + half];
            squares[l] += squares[l + half];
        }
    return {sum[0], squares[0]};
}

struct Standard {
    float mean, scale;
};

// count^2 times the variance, from sums that are exact.
LABKIT_INLINE double spread_of(const SumsOf<uint8_t>& s, int64_t count) {
    using Wide = unsigned __int128;
    return static_cast<double>(static_cast<Wide>(count) * s.squares - static_cast<Wide>(s.sum) * s.sum);
}
LABKIT_INLINE double spread_of(const SumsOf<float>& s, int64_t count) {
    const double spread = static_cast<double>(count) * s.squares - s.sum * s.sum;
    return spread < 0 ? 0 : spread;  // NaN stays
}

template <class E>
LABKIT_INLINE Standard standard_of(const SumsOf<E>& s, E pivot, int64_t count) {
    const double n = static_cast<double>(count), middle = sizeof(E) == 1 ? 0.0 : static_cast<double>(pivot);
    const double deviation = __builtin_sqrt(spread_of(s, count)) / n, least = 1 / __builtin_sqrt(n);
    return {static_cast<float>(middle + static_cast<double>(s.sum) / n),
            static_cast<float>(1 / (deviation < least ? least : deviation))};
}

template <class E>
void plan_standardize(const Call& call, Work& work) {
    const Pieces p(call.in[0]);
    work.phases = p.pieces > 1 ? 2 : 1;
    work.tasks[0] = work.tasks[1] = p.tasks();
    work.scratch_bytes = p.pieces > 1 ? p.images * p.pieces * static_cast<int64_t>(sizeof(SumsOf<E>)) : 0;
}

template <class E>
Status run_standardize(const Call& call, int phase, int64_t task) {
    const Pieces p(call.in[0]);
    SumsOf<E>* const partial = reinterpret_cast<SumsOf<E>*>(call.scratch);
    p.each(task, [&](int64_t image, int64_t piece, int64_t begin, int64_t end) {
        const E* x = data<E>(call.in[0]) + image * p.size;
        SumsOf<E> sums;
        if (p.pieces == 1) {
            sums = sums_of(x, p.size, *x);
        } else if (phase == 0) {
            partial[image * p.pieces + piece] = sums_of(x + begin, end - begin, *x);
            return;
        } else {
            sums = partial[image * p.pieces];
            for (int64_t k = 1; k < p.pieces; ++k) {
                sums.sum += partial[image * p.pieces + k].sum;
                sums.squares += partial[image * p.pieces + k].squares;
            }
        }
        const Standard s = standard_of<E>(sums, *x, p.size);
        float* __restrict__ y = data<float>(call.out[0]) + image * p.size;
        for (int64_t i = begin; i < end; ++i) y[i] = (static_cast<float>(x[i]) - s.mean) * s.scale;
    });
    return {};
}

// ---- normalize_images

void plan_normalize(const Call& call, Work& work) { work.tasks[0] = Pieces(call.in[0]).tasks(); }

template <class E>
Status run_normalize(const Call& call, int, int64_t task) {
    const Pieces p(call.in[0]);
    const float *mean = data<float>(call.in[1]), *deviation = data<float>(call.in[2]);
    p.each(task, [&](int64_t image, int64_t, int64_t begin, int64_t end) {
        const E* x = data<E>(call.in[0]) + image * p.size;
        float* __restrict__ y = data<float>(call.out[0]) + image * p.size;
        for (int64_t i = begin; i < end; ++i) y[i] = (static_cast<float>(x[i]) - mean[i]) / deviation[i];
    });
    return {};
}

// ---- image_sums: a task has some elements of all images

constexpr int64_t kSummedElements = 512;

void plan_image_sums(const Call& call, Work& work) { work.tasks[0] = ceil_div(Pieces(call.in[0]).size, kSummedElements); }

LABKIT_INLINE void add(double value, double& sum, double& lost) {
    const double next = sum + value;
    lost += __builtin_fabs(sum) >= __builtin_fabs(value) ? (sum - next) + value : (value - next) + sum;
    sum = next;
}

void add_image(const uint8_t* x, int64_t n, int64_t, int64_t* __restrict__ sum, int64_t* __restrict__ squares) {
    for (int64_t i = 0; i < n; ++i) {
        const int32_t v = x[i];
        sum[i] += v;
        squares[i] += v * v;
    }
}
void add_image(const float* x, int64_t n, int64_t size, double* __restrict__ sum, double* __restrict__ squares) {
    for (int64_t i = 0; i < n; ++i) {
        const double v = static_cast<double>(x[i]);
        add(v, sum[i], sum[size + i]);
        add(v * v, squares[i], squares[size + i]);
    }
}

template <class E, class S, int parts>
Status run_image_sums(const Call& call, int, int64_t task) {
    const Pieces p(call.in[0]);
    const Range range = range_of(task, p.size, kSummedElements);
    S *sum = data<S>(call.out[0]) + range.begin, *squares = sum + parts * p.size;
    for (int64_t image = 0; image < p.images; ++image)
        add_image(data<E>(call.in[0]) + image * p.size + range.begin, range.end - range.begin, p.size, sum, squares);
    return {};
}

#define LABKIT_STANDARDIZE_KERNELS(X)                                                            \
    X("standardize_images.f32", plan_standardize<float>, run_standardize<float>, false)          \
    X("standardize_images.u8", plan_standardize<uint8_t>, run_standardize<uint8_t>, false)       \
    X("normalize_images.f32", plan_normalize, run_normalize<float>, false)                       \
    X("normalize_images.u8", plan_normalize, run_normalize<uint8_t>, false)                      \
    X("image_sums.f32", plan_image_sums, (run_image_sums<float, double, 2>), false)              \
    X("image_sums.u8", plan_image_sums, (run_image_sums<uint8_t, int64_t, 1>), false)

}  // namespace
}  // namespace labkit
