// clip: min(max(x, low), high), where low and high are broadcast to x. A NaN in any of the three is the result.
#pragma once
#include "kernels/elementwise.inl"

namespace labkit {
namespace {

template <class T, bool step_low, bool step_high>
void clip_run(T* y, const T* x, const T* low, const T* high, int64_t n) {
    const Vec<T> low0 = broadcast(*low), high0 = broadcast(*high);
    LABKIT_ROW(T, n, i, part) {
        const Vec<T> value = load_n(x + i, part);
        const Vec<T> bottom = step_low ? load_n(low + i, part) : low0, top = step_high ? load_n(high + i, part) : high0;
        const Vec<T> larger = ((value > bottom) | (value != value)) ? value : bottom;
        store_n(y + i, ((larger < top) | (larger != larger)) ? larger : top, part);
    }
}

template <class T>
Status run_clip(const Call& call, int, int64_t task) {
    const View &low = call.in[1], &high = call.in[2], &y = call.out[0];
    Range range = range_of(task, numel(y));
    Walk walk;
    for (int d = y.rank - 1; d >= 0; --d)
        walk.add(y.shape[d], broadcast_stride(low, y.rank, d), broadcast_stride(high, y.rank, d));
    auto run = walk.stride[0][0] ? (walk.stride[1][0] ? clip_run<T, true, true> : clip_run<T, true, false>)
                                 : (walk.stride[1][0] ? clip_run<T, false, true> : clip_run<T, false, false>);
    Cursor cursor(walk, range.begin);
    for (int64_t i = range.begin; i < range.end;) {
        int64_t n = min_of(cursor.rest_of_run(), range.end - i);
        run(data<T>(y) + i, data<T>(call.in[0]) + i, data<T>(low) + cursor.offset[0], data<T>(high) + cursor.offset[1], n);
        cursor.advance(n);
        i += n;
    }
    return {};
}

#define LABKIT_CLIP_KERNELS(X)                            \
    X("clip.f32", plan_elements, run_clip<float>, true)   \
    X("clip.f64", plan_elements, run_clip<double>, true)  \
    X("clip.i32", plan_elements, run_clip<int32_t>, true) \
    X("clip.i64", plan_elements, run_clip<int64_t>, true) \
    X("clip.u8", plan_elements, run_clip<uint8_t>, true)

}  // namespace
}  // namespace labkit
