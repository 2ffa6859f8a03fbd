// peak: the most that this machine can do on this target, for the benchmark to hold kernels against. No operation uses it.
#pragma once
#include "kernels/walk.h"
#include "simd/vec.h"

namespace labkit {
namespace {

// Multiply-adds that do not wait for each other: enough for two units of a latency of four cycles, few enough that they stay
// in the registers of every target.
constexpr int kPeakChains = 12;

void plan_peak_fma(const Call& call, Work& work) { work.tasks[0] = numel(call.out[0]); }

// About ints[0] multiply-adds a task, of numbers that tend to 2; the sum of the chains' first lanes is what comes out.
Status run_peak_fma(const Call& call, int, int64_t task) {
    Vec<float> chain[kPeakChains];
    LABKIT_UNROLL
    for (int c = 0; c < kPeakChains; ++c) chain[c] = broadcast(static_cast<float>(c));
    const Vec<float> half = broadcast(0.5f), one = broadcast(1.0f);
    for (int64_t left = call.ints[0]; left > 0; left -= kPeakChains * lanes<float>) {
        LABKIT_UNROLL
        for (int c = 0; c < kPeakChains; ++c) chain[c] = fma(chain[c], half, one);
    }
    float sum = 0;
    for (int c = 0; c < kPeakChains; ++c) sum += chain[c][0];
    data<float>(call.out[0])[task] = sum;
    return {};
}

void plan_peak_bandwidth(const Call& call, Work& work) { work.tasks[0] = call.ints[0]; }

// y = x + y / 2 in ints[0] parts, each ints[1] times over before the next: a part's numbers stay in the cache they fit in. All
// that is written has been read, so that memory moves no byte beside those that count.
Status run_peak_bandwidth(const Call& call, int, int64_t task) {
    const int64_t n = numel(call.out[0]), part = (n + call.ints[0] - 1) / call.ints[0];
    const int64_t begin = min_of(task * part, n), width = min_of(part, n - begin);
    const float* x = data<float>(call.in[0]) + begin;
    float* y = data<float>(call.out[0]) + begin;
    const Vec<float> half = broadcast(0.5f);
    for (int64_t round = 0; round < call.ints[1]; ++round) {
        LABKIT_ROW(float, width, i, count) store_n(y + i, load_n(x + i, count) + half * load_n(y + i, count), count);
    }
    return {};
}

#define LABKIT_PEAK_KERNELS(X)                              \
    X("peak_fma.f32", plan_peak_fma, run_peak_fma, false)   \
    X("peak_bandwidth.f32", plan_peak_bandwidth, run_peak_bandwidth, false)

}  // namespace
}  // namespace labkit
