// Counts in equal-width buckets between the smallest and the largest finite value, and what a summary says beside them:
// minimum, maximum, sum and sum of squares of the finite values, and how many are NaN, +infinity, -infinity. Bucket k holds
// min + k w <= x < min + (k + 1) w, the last one its upper end too; if all values are equal they are in bucket 0.
#pragma once
#include "kernels/walk.h"
#include "labkit/kernel.h"
#include "simd/vec.h"

namespace labkit {
namespace {

// Phases: statistics of each part of x, their union, counts of each part, the sum of the counts.
constexpr int64_t kHistogramPart = 1 << 18;
constexpr int kStats = 7;
enum { kMin, kMax, kSum, kSquares, kNans, kPositive, kNegative };

void plan_histogram(const Call& call, Work& work) {
    int64_t parts = ceil_div(numel(call.in[0]), kHistogramPart);
    work.phases = 4;
    work.tasks[0] = work.tasks[2] = parts;
    work.scratch_bytes = parts * (kStats + numel(call.out[0])) * 8;
}

// Sums in kHistogramLanes lanes, each of them over at most kHistogramPart / kHistogramLanes elements.
constexpr int kHistogramLanes = 16;

template <class T>
void histogram_stats(double* stats, const T* x, int64_t n) {
    double low[kHistogramLanes], high[kHistogramLanes], sum[kHistogramLanes], squares[kHistogramLanes];
    for (int l = 0; l < kHistogramLanes; ++l) low[l] = __builtin_inf(), high[l] = -__builtin_inf(), sum[l] = squares[l] = 0;
    int64_t finite = 0;
    auto step = [&](int l, T value) {
        double v = value;
        bool in = v - v == 0;  // neither NaN nor infinite
        finite += in;
        low[l] = (in & (v < low[l])) ? v : low[l];
        high[l] = (in & (v > high[l])) ? v : high[l];
        v = in ? v : 0;
        sum[l] += v;
        squares[l] += v * v;
    };
    int64_t i = 0;
    for (; i + kHistogramLanes <= n; i += kHistogramLanes)
        for (int l = 0; l < kHistogramLanes; ++l) step(l, x[i + l]);
    for (int l = 0; i + l < n; ++l) step(l, x[i + l]);
    for (int l = 1; l < kHistogramLanes; ++l) {
        low[0] = low[l] < low[0] ? low[l] : low[0];
        high[0] = high[l] > high[0] ? high[l] : high[0];
        sum[0] += sum[l];
        squares[0] += squares[l];
    }
    stats[kMin] = low[0], stats[kMax] = high[0], stats[kSum] = sum[0], stats[kSquares] = squares[0];
    stats[kNans] = stats[kPositive] = stats[kNegative] = 0;
    if (finite == n) return;
    for (i = 0; i < n; ++i) {
        stats[kNans] += x[i] != x[i];
        stats[kPositive] += x[i] == static_cast<T>(__builtin_inf());
        stats[kNegative] += x[i] == static_cast<T>(-__builtin_inf());
    }
}

template <class T>
void histogram_counts(int64_t* counts, int64_t buckets, const double* stats, const T* x, int64_t n) {
    for (int64_t k = 0; k < buckets; ++k) counts[k] = 0;
    // Halves, so that the width does not overflow.
    const double low = stats[kMin] * 0.5, width = stats[kMax] * 0.5 - low;
    const double scale = width > 0 ? static_cast<double>(buckets) / width : 0;
    const double last = static_cast<double>(buckets - 1);
    const bool all = stats[kNans] + stats[kPositive] + stats[kNegative] == 0;
    constexpr int64_t block = 512;
    int32_t bucket[block];
    for (int64_t begin = 0; begin < n; begin += block) {
        const int64_t m = min_of(block, n - begin);
        for (int64_t i = 0; i < m; ++i) {
            double at = (static_cast<double>(x[begin + i]) * 0.5 - low) * scale;
            at = at < last ? at : last;  // NaN too, which is skipped below
            bucket[i] = static_cast<int32_t>(at > 0 ? at : 0);
        }
        if (all)
            for (int64_t i = 0; i < m; ++i) ++counts[bucket[i]];
        else
            for (int64_t i = 0; i < m; ++i) counts[bucket[i]] += x[begin + i] - x[begin + i] == 0;
    }
}

template <class T>
Status run_histogram(const Call& call, int phase, int64_t task) {
    const T* x = data<T>(call.in[0]);
    int64_t* counts = data<int64_t>(call.out[0]);
    double* stats = data<double>(call.out[1]);
    const int64_t n = numel(call.in[0]), parts = ceil_div(n, kHistogramPart), buckets = numel(call.out[0]);
    double* part_stats = reinterpret_cast<double*>(call.scratch);
    int64_t* part_counts = reinterpret_cast<int64_t*>(call.scratch) + parts * kStats;
    Range range = range_of(task, n, kHistogramPart);
    switch (phase) {
        case 0: histogram_stats(part_stats + task * kStats, x + range.begin, range.end - range.begin); break;
        case 1: {
            stats[kMin] = __builtin_inf(), stats[kMax] = -__builtin_inf();
            for (int k = kSum; k < kStats; ++k) stats[k] = 0;
            for (int64_t p = 0; p < parts; ++p) {
                const double* part = part_stats + p * kStats;
                stats[kMin] = part[kMin] < stats[kMin] ? part[kMin] : stats[kMin];
                stats[kMax] = part[kMax] > stats[kMax] ? part[kMax] : stats[kMax];
                for (int k = kSum; k < kStats; ++k) stats[k] += part[k];
            }
            if (stats[kMin] > stats[kMax]) stats[kMin] = stats[kMax] = 0;  // nothing finite
            break;
        }
        case 2: histogram_counts(part_counts + task * buckets, buckets, stats, x + range.begin, range.end - range.begin); break;
        default:
            for (int64_t k = 0; k < buckets; ++k) {
                counts[k] = 0;
                for (int64_t p = 0; p < parts; ++p) counts[k] += part_counts[p * buckets + k];
            }
    }
    return {};
}

#define LABKIT_HISTOGRAM_KERNELS(X)                                   \
    X("histogram.f32", plan_histogram, run_histogram<float>, false)   \
    X("histogram.f64", plan_histogram, run_histogram<double>, false)

}  // namespace
}  // namespace labkit
