// Average pooling of NHWC images and its gradient. Padding is left out of the mean. ints: kh kw sh sw pad_top pad_left.
#include "kernels/pool.h"

namespace labkit {
namespace {

// sum / count. Counts that are powers of two, as of the usual windows, have an exact reciprocal: the same bits without dividing.
template <class T>
struct Share {
    Vec<T> count, reciprocal;
    bool exact;

    explicit Share(int64_t n)
        : count(broadcast(static_cast<T>(n))), reciprocal(broadcast(1 / static_cast<T>(n))), exact((n & (n - 1)) == 0) {}
    LABKIT_INLINE Vec<T> of(Vec<T> sum) const { return exact ? sum * reciprocal : sum / count; }
};

// The means of `rows` by `columns` pixels, whose rows lie `pitch` apart. The rows of a window are summed one by one, then their
// sums: long windows keep their accuracy.
template <class T>
LABKIT_INLINE void mean_of_window(T* y, const T* window, int64_t rows, int64_t columns, int64_t pitch, int64_t channels,
                                  const Share<T>& share) {
    each_vector<T>(channels, [&](int64_t c, auto n) {
        Vec<T> sum = {};
        for (int64_t i = 0; i < rows; ++i) {
            const T* x = window + i * pitch + c;
            Vec<T> line = load_n(x, n);
            for (int64_t j = 1; j < columns; ++j) line += load_n(x + j * channels, n);
            sum += line;
        }
        store_n(y + c, share.of(sum), n);
    });
}

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
            const Share<T> share(h.count() * w.count());
            if (h.count() == 2 && w.count() == 2)  // the usual window, with the loops unrolled
                mean_of_window(y, first, 2, 2, p.w * p.c, p.c, share);
            else
                mean_of_window(y, first, h.count(), w.count(), p.w * p.c, p.c, share);
        }
    }
    return {};
}

// A row of dx where the windows do not overlap: each one's share goes to all of its pixels, none to those behind the last one.
template <class T>
void spread_row(T* dx, const T* dy, const Pool& p, const Window& h, bool covered) {
    int64_t end = 0;  // of the pixels that are covered
    for (int64_t column = 0; covered && column < p.out_w; ++column) {
        const Window w = p.window_w(column);
        const Share<T> share(h.count() * w.count());
        T* to = dx + (w.start + w.begin) * p.c;
        each_vector<T>(p.c, [&](int64_t c, auto n) {
            const Vec<T> own = share.of(load_n(dy + column * p.c + c, n));
            for (int64_t j = 0; j < w.count(); ++j) store_n(to + j * p.c + c, own, n);
        });
        end = w.start + w.end;
    }
    __builtin_memset(dx + end * p.c, 0, static_cast<size_t>((p.w - end) * p.c) * sizeof(T));
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
        if (p.side_by_side() && h.first >= h.last) {
            const bool covered = h.first == h.last;
            spread_row(data<T>(call.out[0]) + row * p.w * p.c, covered ? image + h.first * p.out_w * p.c : image, p,
                       p.window_h(h.first), covered);
            continue;
        }
        for (int64_t column = 0; column < p.w; ++column) {
            const Cover w = p.cover_w(column);
            const bool whole = whole_h && w.first <= w.last && p.window_w(w.first).whole(p.kw) && p.window_w(w.last).whole(p.kw);
            T* dx = data<T>(call.out[0]) + (row * p.w + column) * p.c;
            const Share<T> share(p.kh * p.kw);
            each_vector<T>(p.c, [&](int64_t c, auto n) {
                Vec<T> sum = {};
                for (int64_t i = h.first; i <= h.last; ++i)
                    for (int64_t j = w.first; j <= w.last; ++j) {
                        const Vec<T> g = load_n(image + (i * p.out_w + j) * p.c + c, n);
                        sum += whole ? g : g / broadcast(static_cast<T>(p.window_h(i).count() * p.window_w(j).count()));
                    }
                store_n(dx + c, whole ? share.of(sum) : sum, n);
            });
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
