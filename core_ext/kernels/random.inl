// Random tensors. Element i is a function of (key, draw, i) alone: neither the size of the tensor, nor threads, nor
// the target matter. ints: the key; input: the draw's number, which the executor counts up.
#pragma once
#include "kernels/philox.h"
#include "kernels/walk.h"
#include "labkit/kernel.h"
#include "simd/math.h"
#include "simd/vec.h"

namespace labkit {
namespace {

// ---- distributions: the words of a group become 64 float32 or 32 float64 numbers

// 53 bits of the two words that make element i of a group's 32 float64 numbers.
inline double bits53(const uint32_t* word, int i) {
    const uint32_t* low = word + i / 16 * 32 + i % 16;
    return static_cast<double>((static_cast<uint64_t>(low[16]) << 32 | low[0]) >> 11);
}
LABKIT_INLINE Vec<float> bits24(const uint32_t* word) {
    return __builtin_convertvector((Vec<int32_t>)(load(word) >> 8), Vec<float>);
}

// [low, high), with 24 or 53 random bits. Rounding never reaches `high`.
struct Uniform {
    double low, high;
    Uniform(const Call& call) : low(call.reals[0]), high(call.reals[1]) {}

    LABKIT_INLINE void fill(float* y, const uint32_t* word) const {
        const float a = static_cast<float>(low), b = static_cast<float>(high);
        const float width = b - a, last = __builtin_nextafterf(b, a);
        for (int i = 0; i < 64; i += lanes<float>) {
            Vec<float> v = bits24(word + i) * 5.9604644775390625e-8f * width + a;
            store(y + i, v < b ? v : broadcast(last));
        }
    }
    LABKIT_INLINE void fill(double* y, const uint32_t* word) const {
        const double last = __builtin_nextafter(high, low);
        for (int i = 0; i < 32; ++i) {
            double v = bits53(word, i) * 0x1p-53 * (high - low) + low;
            y[i] = v < high ? v : last;
        }
    }
};

// G. Box, M. Muller, "A Note on the Generation of Random Normal Deviates" (1958): two uniforms give two normals.
struct Normal {
    double mean, stddev;
    Normal(const Call& call) : mean(call.reals[0]), stddev(call.reals[1]) {}

    LABKIT_INLINE void fill(float* y, const uint32_t* word) const {
        const float m = static_cast<float>(mean), s = static_cast<float>(stddev);
        for (int pair = 0; pair < 64; pair += 32)
            for (int i = pair; i < pair + 16; i += lanes<float>) {
                // (0, 1] with 32 bits, so that the tails reach 6.6 standard deviations
                Vec<float> u = (__builtin_convertvector(load(word + i), Vec<float>) + 1.0f) * 2.3283064365386963e-10f;
                Vec<float> radius = square_root(log(u) * -2.0f) * s, cosine, sine;
                cos_sin_turns(bits24(word + i + 16) * 5.9604644775390625e-8f, cosine, sine);
                store(y + i, radius * cosine + m);
                store(y + i + 16, radius * sine + m);
            }
    }
    LABKIT_INLINE void fill(double* y, const uint32_t* word) const {
        for (int i = 0; i < 16; ++i) {
            double radius = __builtin_sqrt(-2 * __builtin_log((bits53(word, i) + 1) * 0x1p-53)) * stddev;
            double angle = bits53(word, i + 16) * 0x1p-53 * 6.283185307179586477;
            y[i] = radius * __builtin_cos(angle) + mean;
            y[i + 16] = radius * __builtin_sin(angle) + mean;
        }
    }
};

// A normal that is redrawn until it lies within two standard deviations: drawn at once from the inverse of the distribution
// function, sqrt(2) erfinv(u) for u uniform in (-erf(sqrt(2)), erf(sqrt(2))).
struct TruncatedNormal {
    static constexpr double kErf = 0.95449973610364158560, kRoot2 = 1.4142135623730950488;
    double mean, stddev;
    TruncatedNormal(const Call& call) : mean(call.reals[0]), stddev(call.reals[1]) {}

    LABKIT_INLINE void fill(float* y, const uint32_t* word) const {
        const float m = static_cast<float>(mean), s = static_cast<float>(stddev);
        for (int i = 0; i < 64; i += lanes<float>) {
            // odd multiples of 2^-24
            Vec<float> u = bits24(word + i) * 1.1920928955078125e-7f + (5.9604644775390625e-8f - 1.0f);
            Vec<float> z = erfinv_central(u * static_cast<float>(kErf)) * static_cast<float>(kRoot2);
            z = z > 2.0f ? broadcast(2.0f) : z < -2.0f ? broadcast(-2.0f) : z;  // a last bit of rounding
            store(y + i, z * s + m);
        }
    }
    LABKIT_INLINE void fill(double* y, const uint32_t* word) const {
        for (int i = 0; i < 32; ++i) {
            double z = erfinv_central((bits53(word, i) * 0x1p-52 + (0x1p-53 - 1)) * kErf) * kRoot2;
            y[i] = (z > 2 ? 2 : z < -2 ? -2 : z) * stddev + mean;
        }
    }
};

template <class Distribution, class T>
Status run_random(const Call& call, int, int64_t task) {
    constexpr int64_t size = kGroupWords * 4 / static_cast<int64_t>(sizeof(T));
    const Distribution distribution(call);
    const uint64_t key = static_cast<uint64_t>(call.ints[0]), draw = static_cast<uint64_t>(*data<int64_t>(call.in[0]));
    T* y = data<T>(call.out[0]);
    Range range = range_of(task, numel(call.out[0]));
    for (int64_t i = range.begin; i < range.end; i += size) {
        uint32_t word[kGroupWords];
        philox_group(word, key, static_cast<uint64_t>(i / size), draw);
        if (i + size <= range.end) {
            distribution.fill(y + i, word);
        } else {
            T part[size];
            distribution.fill(part, word);
            __builtin_memcpy(y + i, part, static_cast<size_t>(range.end - i) * sizeof(T));
        }
    }
    return {};
}

#define LABKIT_RANDOM(X, name, Distribution)                                \
    X(name ".f32", plan_elements, (run_random<Distribution, float>), false) \
    X(name ".f64", plan_elements, (run_random<Distribution, double>), false)

#define LABKIT_RANDOM_KERNELS(X)                                  \
    LABKIT_RANDOM(X, "random_uniform", Uniform)                   \
    LABKIT_RANDOM(X, "random_normal", Normal)                     \
    LABKIT_RANDOM(X, "random_truncated_normal", TruncatedNormal)

}  // namespace
}  // namespace labkit
