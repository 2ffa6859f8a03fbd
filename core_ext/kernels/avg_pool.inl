// Average pooling of NHWC images and its gradient. Padding is left out of the mean. ints: kh kw sh sw pad_top pad_left.
#include "kernels/pool.h"

namespace labkit {
namespace {

// The rows of a window are summed one by one, then their sums: long windows keep their accuracy.
template <class T>
Status run_avg_pool(const Call& call, int, int64_t task) {
    const Pool p(call, call.in[0], call.out[0]);
    const Range rows = p.output_rows(task);
    for (int64_t row = rows.begin; row < rows.end; ++row) {
        const Window h = p.window_h(row % p.out_h);
        const T* image = data<T>(call.in[0]) + row / p.out_h * p.h * p.w * p.c;
        for (int64_t column = 0; column < p.out_w; ++column) {
            const Window w = p.window_w(column);
            const T* first = image + ((h.start + h.begin) * p.w + w.start + w.begin) * p.c;
            T* y = data<T>(call.out[0]) + (row * p.out_w + column) * p.c;
            const Vec<T> count = broadcast(static_cast<T>(h.count() * w.count()));
            LABKIT_ROW(T, p.c, c, n) {
                Vec<T> sum = {};
                for (int64_t i = 0; i < h.count(); ++i) {
                    const T* x = first + i * p.w * p.c + c;
                    Vec<T> line = load_n(x, n);
                    for (int64_t j = 1; j < w.count(); ++j) line += load_n(x + j * p.c, n);
                    sum += line;
                }
                store_n(y + c, sum / count, n);
            }
        }
    }
    return {};
}

// Each element of dx gathers its share from the windows that cover it, in row-major order of the windows. Where all of
// them lie inside the image they have one count, and one division will do.
template <class T>
Status run_avg_pool_grad(const Call& call, int, int64_t task) {
    const Pool p(call, call.out[0], call.in[0]);
    const Range rows = p.input_rows(task);
    for (int64_t row = rows.begin; row < rows.end; ++row) {
        const Cover h = p.cover_h(row % p.h);
        const bool whole_h = h.first <= h.last && p.window_h(h.first).whole(p.kh) && p.window_h(h.last).whole(p.kh);
        const T* image = data<T>(call.in[0]) + row / p.h * p.out_h * p.out_w * p.c;
        for (int64_t column = 0; column < p.w; ++column) {
            const Cover w = p.cover_w(column);
            const bool whole = whole_h && w.first <= w.last && p.window_w(w.first).whole(p.kw) && p.window_w(w.last).whole(p.kw);
            T* dx = data<T>(call.out[0]) + (row * p.w + column) * p.c;
            LABKIT_ROW(T, p.c, c, n) {
                Vec<T> sum = {};
                for (int64_t i = h.first; i <= h.last; ++i)
                    for (int64_t j = w.first; j <= w.last; ++j) {
                        const Vec<T> g = load_n(image + (i * p.out_w + j) * p.c + c, n);
                        sum += whole ? g : g / broadcast(static_cast<T>(p.window_h(i).count() * p.window_w(j).count()));
                    }
                store_n(dx + c, whole ? sum / broadcast(static_cast<T>(p.kh * p.kw)) : sum, n);
            }
        }
    }
    return {};
}

void plan_avg_pool(const Call& call, Work& work) { Pool::plan_rows(call.out[0], work); }

#define LABKIT_AVG_POOL_KERNELS(X)                                                \
    X("avg_pool.f32", plan_avg_pool, run_avg_pool<float>, false)                  \
    X("avg_pool.f64", plan_avg_pool, run_avg_pool<double>, false)                 \
    X("avg_pool_grad.f32", plan_avg_pool, run_avg_pool_grad<float>, false)        \
    X("avg_pool_grad.f64", plan_avg_pool, run_avg_pool_grad<double>, false)

}  // namespace
}  // namespace labkit
