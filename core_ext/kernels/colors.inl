// Brightness, contrast, saturation and hue of images [n, h, w, c], by an amount for each image. in: images, amounts [n] (f32).
// Bytes stand for their 255th part; results are rounded, and held to what bytes can be.
//
// adjust_brightness: y = x + amount. adjust_contrast: y = (x - mean) amount + mean, mean that of each channel of each image.
// adjust_saturation: the saturation times the amount, 1 at most (three channels). adjust_hue: the hue further round the circle
// by the amount, in turns (three channels).
#pragma once
#include "kernels/hsv.h"
#include "kernels/pixel.h"

namespace labkit {
namespace {

template <class E>
constexpr float kWhite = sizeof(E) == 1 ? 255 : 1;

// Calls work(x, y, elements) for stretches of elements as numbers, of whole pixels, and of bytes makes bytes of y again.
constexpr int64_t kColorStretch = 768;

template <class E, class F>
LABKIT_INLINE void by_stretches(const E* x, E* y, int64_t n, int64_t channels, F work) {
    if constexpr (sizeof(E) == 1) {
        float from[kColorStretch], to[kColorStretch];
        const int64_t step = kColorStretch / channels * channels;
        for (int64_t i = 0; i < n; i += step) {
            const int64_t count = min_of(step, n - i);
            for (int64_t k = 0; k < count; ++k) from[k] = static_cast<float>(x[i + k]);
            work(from, to, count);
            for (int64_t k = 0; k < count; ++k) y[i + k] = pixel_of<E>(to[k]);
        }
    } else {
        work(x, y, n);
    }
}

// ---- pixel by pixel; `white` is what stands for 1

struct Brightness {
    static void of(const float* __restrict__ x, float* __restrict__ y, int64_t n, float amount, float white) {
        const float delta = amount * white;
        for (int64_t i = 0; i < n; ++i) y[i] = x[i] + delta;
    }
};

// With v the largest channel and s = (v - smallest) / v a color is v (1 - s h), where h depends on the hue alone.
struct Saturation {
    static void of(const float* __restrict__ x, float* __restrict__ y, int64_t n, float amount, float) {
        for (int64_t i = 0; i < n; i += 3) {
            const float r = x[i], g = x[i + 1], b = x[i + 2];
            const float high = r > g ? (r > b ? r : b) : (g > b ? g : b), low = r < g ? (r < b ? r : b) : (g < b ? g : b);
            const float range = high - low, most = range * amount;
            // of a color without light, which has no saturation, nothing but v is left
            const float factor = high > 0 && range > 0 ? (most < high ? most : high) / range : 0;
            const bool number = r == r && g == g && b == b;
            const float nan = r + g + b;
            y[i] = number ? high - (high - r) * factor : nan;
            y[i + 1] = number ? high - (high - g) * factor : nan;
            y[i + 2] = number ? high - (high - b) * factor : nan;
        }
    }
};

struct Hue {
    static void of(const float* __restrict__ x, float* __restrict__ y, int64_t n, float amount, float white) {
        for (int64_t i = 0; i < n; i += 3) {
            float color[3], turned[3];
            for (int k = 0; k < 3; ++k) color[k] = x[i + k] / white;
            ToHsv::of(color, turned);
            turned[0] += amount;
            ToRgb::of(turned, color);
            for (int k = 0; k < 3; ++k) y[i + k] = color[k] * white;
        }
    }
};

void plan_adjust(const Call& call, Work& work) { work.tasks[0] = Pieces(call.in[0]).tasks(); }

template <class Op, class E>
Status run_adjust(const Call& call, int, int64_t task) {
    const Pieces p(call.in[0]);
    p.each(task, [&](int64_t image, int64_t, int64_t begin, int64_t end) {
        const int64_t at = image * p.size + begin;
        const float amount = data<float>(call.in[1])[image];
        by_stretches(data<E>(call.in[0]) + at, data<E>(call.out[0]) + at, end - begin, 3,
                     [&](const float* x, float* y, int64_t n) { Op::of(x, y, n, amount, kWhite<E>); });
    });
    return {};
}

// ---- contrast

// The sums of each of `channels` channels of n elements. Those of few channels are taken in sixteen lanes; channels is known to
// the compiler where it is not 0.
template <class E, int known>
void sum_channels(const E* x, int64_t n, int64_t channels, double* sum) {
    constexpr int width = known ? 16 * known : 1;
    const int64_t step = known ? width : channels;
    double lane[width] = {};
    double* const to = known ? lane : sum;
    if (!known)
        for (int64_t c = 0; c < channels; ++c) sum[c] = 0;
    int64_t i = 0;
    for (; i + step <= n; i += step)
        for (int64_t l = 0; l < step; ++l) to[l] += static_cast<double>(x[i + l]);
    if (!known) return;
    for (int64_t l = 0; i < n; ++i, ++l) to[l] += static_cast<double>(x[i]);
    for (int half = width / 2; half >= known && half; half /= 2)
        for (int l = 0; l < half; ++l) lane[l] += lane[l + half];
    for (int c = 0; c < known; ++c) sum[c] = lane[c];
}

template <class E>
void sums_of_channels(const E* x, int64_t n, int64_t channels, double* sum) {
    const auto work = channels == 1 ? sum_channels<E, 1> : channels == 3 ? sum_channels<E, 3> : sum_channels<E, 0>;
    work(x, n, channels, sum);
}

// phase 0: the sums of each piece; phase 1: its pixels
void plan_contrast(const Call& call, Work& work) {
    const Pieces p(call.in[0]);
    work.phases = 2;
    work.tasks[0] = work.tasks[1] = p.tasks();
    work.scratch_bytes = p.images * p.pieces * p.channels * static_cast<int64_t>(sizeof(double));
    work.local_bytes = p.channels * static_cast<int64_t>(sizeof(float));
    work.local_tasks = p.tasks();
}

template <class E>
Status run_contrast(const Call& call, int phase, int64_t task) {
    const Pieces p(call.in[0]);
    double* const partial = reinterpret_cast<double*>(call.scratch);
    float* const mean = reinterpret_cast<float*>(call.local);
    p.each(task, [&](int64_t image, int64_t piece, int64_t begin, int64_t end) {
        const E* x = data<E>(call.in[0]) + image * p.size;
        E* y = data<E>(call.out[0]) + image * p.size;
        double* const sums = partial + image * p.pieces * p.channels;
        if (phase == 0) return sums_of_channels(x + begin, end - begin, p.channels, sums + piece * p.channels);
        const float amount = data<float>(call.in[1])[image];
        for (int64_t c = 0; c < p.channels; ++c) {
            double sum = 0;
            for (int64_t k = 0; k < p.pieces; ++k) sum += sums[k * p.channels + c];
            mean[c] = static_cast<float>(sum / static_cast<double>(p.size / p.channels));
        }
        if (p.channels > kColorStretch) {  // more than a stretch has; not what images have
            for (int64_t i = begin; i < end; ++i) {
                const float middle = mean[i % p.channels];
                y[i] = pixel_of<E>((static_cast<float>(x[i]) - middle) * amount + middle);
            }
            return;
        }
        by_stretches(x + begin, y + begin, end - begin, p.channels, [&](const float* from, float* __restrict__ to, int64_t n) {
            if (p.channels == 1) {
                const float middle = *mean;
                for (int64_t i = 0; i < n; ++i) to[i] = (from[i] - middle) * amount + middle;
                return;
            }
            for (int64_t i = 0; i < n; i += p.channels)
                for (int64_t c = 0; c < p.channels; ++c) to[i + c] = (from[i + c] - mean[c]) * amount + mean[c];
        });
    });
    return {};
}

#define LABKIT_COLORS(X, dtype, E)                                                         \
    X("adjust_brightness." dtype, plan_adjust, (run_adjust<Brightness, E>), false)         \
    X("adjust_saturation." dtype, plan_adjust, (run_adjust<Saturation, E>), false)         \
    X("adjust_hue." dtype, plan_adjust, (run_adjust<Hue, E>), false)                       \
    X("adjust_contrast." dtype, plan_contrast, run_contrast<E>, false)

#define LABKIT_COLORS_KERNELS(X)   \
    LABKIT_COLORS(X, "f32", float) \
    LABKIT_COLORS(X, "u8", uint8_t)

}  // namespace
}  // namespace labkit
