// Kernels that count.
//
// bincount: how often each number from 0 on occurs among the inputs; larger numbers than there are counts are left out. Parts
// of the input are counted apart, and the counts added.
// segment_count: one more than the last of ids that do not fall, 0 where there is none.
// in_top_k: whether fewer than k classes have a larger prediction than the target. ints: k. Where one of the predictions
// that decide it is not finite, it is not.
// searchsorted: how many elements of a sorted row are smaller than each value (ints: 1: or equal); NaN is the largest.
#pragma once
#include "kernels/indices.h"
#include "kernels/sort.h"

namespace labkit {
namespace {

constexpr int64_t kCountedPart = 1 << 18, kMaxCountedParts = 16;

int64_t counted_parts(const Call& call) {
    const int64_t n = numel(call.in[0]);
    return max_of(1, min_of(kMaxCountedParts, n / max_of(kCountedPart, numel(call.out[0]))));
}

void plan_bincount(const Call& call, Work& work) {
    const int64_t parts = counted_parts(call), size = numel(call.out[0]);
    work.phases = 2;
    work.tasks[0] = parts;
    work.tasks[1] = ceil_div(size, kTaskElements);
    work.scratch_bytes = parts * size * 8;
}

template <class T>
Status run_bincount(const Call& call, int phase, int64_t task) {
    const int64_t parts = counted_parts(call), size = numel(call.out[0]), n = numel(call.in[0]);
    int64_t* counts = reinterpret_cast<int64_t*>(call.scratch);
    if (phase == 1) {
        const Range range = range_of(task, size);
        for (int64_t i = range.begin; i < range.end; ++i) {
            int64_t total = 0;
            for (int64_t p = 0; p < parts; ++p) total += counts[p * size + i];
            data<T>(call.out[0])[i] = static_cast<T>(total);
        }
        return {};
    }
    int64_t* own = counts + task * size;
    __builtin_memset(own, 0, size * 8);
    return with_indices(call.in[0], [&](const auto* p) -> Status {
        for (int64_t i = n * task / parts; i < n * (task + 1) / parts; ++i) {
            if (p[i] < 0) return {Code::index_out_of_range, p[i], size};
            if (p[i] < size) ++own[p[i]];
        }
        return {};
    });
}

// bincount_size: one more than the largest, 0 where there is none. Phase 0 takes the largest of each part.
int64_t size_parts(const Call& call) { return max_of(1, ceil_div(numel(call.in[0]), kTaskElements)); }

void plan_bincount_size(const Call& call, Work& work) {
    work.phases = 2;
    work.tasks[0] = size_parts(call);
    work.scratch_bytes = work.tasks[0] * 8;
}

template <class I>
Status run_bincount_size(const Call& call, int phase, int64_t task) {
    int64_t* largest = reinterpret_cast<int64_t*>(call.scratch);
    if (phase == 1) {
        int64_t result = -1;
        for (int64_t p = 0; p < size_parts(call); ++p) result = max_of(result, largest[p]);
        *data<I>(call.out[0]) = static_cast<I>(static_cast<uint64_t>(result) + 1);
        return {};
    }
    const I* x = data<I>(call.in[0]);
    const Range range = range_of(task, numel(call.in[0]));
    I most = -1, least = 0;
    for (int64_t i = range.begin; i < range.end; ++i) {
        most = x[i] > most ? x[i] : most;
        least = x[i] < least ? x[i] : least;
    }
    if (least < 0) return {Code::invalid_argument, least, 0};
    largest[task] = most;
    return {};
}

void plan_segment_count(const Call& call, Work& work) {
    work.tasks[0] = max_of(1, ceil_div(numel(call.in[0]), kTaskElements));
}

template <class I>
Status run_segment_count(const Call& call, int, int64_t task) {
    const I* ids = data<I>(call.in[0]);
    const int64_t n = numel(call.in[0]);
    const Range range = range_of(task, n);
    if (task == 0 && n && ids[0] < 0) return {Code::invalid_argument, ids[0], 0};
    bool falls = false;
    for (int64_t i = max_of(1, range.begin); i < range.end; ++i) falls |= ids[i] < ids[i - 1];
    for (int64_t i = max_of(1, range.begin); falls; ++i)
        if (ids[i] < ids[i - 1]) return {Code::invalid_argument, ids[i], 0};
    if (range.end == n) *data<I>(call.out[0]) = n ? static_cast<I>(static_cast<uint64_t>(ids[n - 1]) + 1) : 0;
    return {};
}

int64_t rows_of_task(const View& rows) { return max_of(1, kTaskElements / max_of(1, rows.shape[rows.rank - 1])); }

void plan_in_top_k(const Call& call, Work& work) {
    work.tasks[0] = ceil_div(call.in[0].shape[0], rows_of_task(call.in[0]));
}

template <class T>
Status run_in_top_k(const Call& call, int, int64_t task) {
    const View& x = call.in[0];
    const int64_t classes = x.shape[1], k = call.ints[0];
    const Range range = range_of(task, x.shape[0], rows_of_task(x));
    return with_indices(call.in[1], [&](const auto* targets) -> Status {
        if (Status status = check_indices(targets + range.begin, range.end - range.begin, classes); status.code != Code::ok)
            return status;
        for (int64_t r = range.begin; r < range.end; ++r) {
            const T* row = data<T>(x) + r * classes;
            const T target = row[targets[r]];
            int64_t larger = 0, odd = 0;
            for (int64_t c = 0; c < classes; ++c) {
                larger += row[c] > target;
                odd += row[c] - row[c] != 0;
            }
            data<uint8_t>(call.out[0])[r] = odd == 0 && larger < k;
        }
        return {};
    });
}

void plan_searchsorted(const Call& call, Work& work) { work.tasks[0] = ceil_div(numel(call.out[0]), kTaskElements / 8); }

template <class U, Kind kind>
Status run_searchsorted(const Call& call, int, int64_t task) {
    const View &sorted = call.in[0], &values = call.in[1];
    const int64_t length = sorted.shape[sorted.rank - 1], width = values.shape[values.rank - 1];
    const bool right = call.ints[0] != 0;
    const Range range = range_of(task, numel(values), kTaskElements / 8);
    for (int64_t i = range.begin; i < range.end; ++i) {
        const U* row = data<U>(sorted) + i / width * length;
        const U key = key_of<U, kind>(data<U>(values)[i], false);
        int64_t low = 0;
        for (int64_t n = length; n;) {
            const int64_t half = n / 2;
            const U middle = key_of<U, kind>(row[low + half], false);
            const bool after = right ? middle <= key : middle < key;
            low += after ? half + 1 : 0;
            n = after ? n - half - 1 : half;
        }
        data<int32_t>(call.out[0])[i] = static_cast<int32_t>(low);
    }
    return {};
}

#define LABKIT_COUNTING_KERNELS(X)                                                                        \
    X("bincount.i32", plan_bincount, run_bincount<int32_t>, false)                                        \
    X("bincount.i64", plan_bincount, run_bincount<int64_t>, false)                                        \
    X("bincount_size.i32", plan_bincount_size, run_bincount_size<int32_t>, false)                         \
    X("bincount_size.i64", plan_bincount_size, run_bincount_size<int64_t>, false)                         \
    X("segment_count.i32", plan_segment_count, run_segment_count<int32_t>, false)                         \
    X("segment_count.i64", plan_segment_count, run_segment_count<int64_t>, false)                         \
    X("in_top_k.f32", plan_in_top_k, run_in_top_k<float>, false)                                          \
    X("in_top_k.f64", plan_in_top_k, run_in_top_k<double>, false)                                         \
    X("searchsorted.f32", plan_searchsorted, (run_searchsorted<uint32_t, Kind::real>), false)             \
    X("searchsorted.f64", plan_searchsorted, (run_searchsorted<uint64_t, Kind::real>), false)             \
    X("searchsorted.i32", plan_searchsorted, (run_searchsorted<uint32_t, Kind::signed_int>), false)       \
    X("searchsorted.i64", plan_searchsorted, (run_searchsorted<uint64_t, Kind::signed_int>), false)       \
    X("searchsorted.u8", plan_searchsorted, (run_searchsorted<uint8_t, Kind::unsigned_int>), false)

}  // namespace
}  // namespace labkit
