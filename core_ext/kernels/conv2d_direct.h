// A convolution without a matrix of patches: each task copies a band of the image, padding included, to a buffer, where the
// pixels under a tap are a fixed distance apart, and multiplies them from there. Products are summed over (kh, kw, c) in one
// chain, so bits depend on the layer alone. A window whose band does not fit the buffer is left to the matrix of patches.
#pragma once
#include "kernels/conv2d_patches.h"
#include "kernels/copy_runs.h"

namespace labkit {
namespace {

// The numbers that one output pixel multiplies, in the buffer: `rows` times `columns` runs of `length` neighbours.
struct Runs {
    int64_t rows, row_next, columns, column_next, length;
};

// c[i][column .. column + columns) = sum over the numbers of `runs` at a + i * between, times the rows of b, NR apart.
template <class T, int R, int V>
__attribute__((noinline)) void direct_tile(const T* a, int64_t between, const Runs& runs, const T* b, T* const* c, int64_t column,
                                           int columns, const Epilogue<T>& end) {
    constexpr int L = lanes<T>;
    Vec<T> sum[R][V] = {};
    for (int64_t row = 0; row < runs.rows; ++row)
        for (int64_t q = 0; q < runs.columns; ++q) {
            const T* from = a + row * runs.row_next + q * runs.column_next;
            for (const T* last = from + runs.length; from != last; ++from, b += Gemm<T>::NR) {
                Vec<T> right[V];
                LABKIT_UNROLL
                for (int v = 0; v < V; ++v) right[v] = load(b + v * L);
                LABKIT_UNROLL
                for (int i = 0; i < R; ++i) {
                    const Vec<T> left = broadcast(from[i * between]);
                    LABKIT_UNROLL
                    for (int v = 0; v < V; ++v) sum[i][v] = fma(left, right[v], sum[i][v]);
                }
            }
        }
    end.store(sum, c, column, columns);
}

template <class T, int R>
LABKIT_INLINE void direct_rows(int rows, const T* a, int64_t between, const Runs& runs, const T* b, T* const* c, int64_t column, int columns,
                               const Epilogue<T>& end) {
    if constexpr (R > 1) {
        if (rows < R) return direct_rows<T, R - 1>(rows, a, between, runs, b, c, column, columns, end);
    }
    if (columns > lanes<T>)
        direct_tile<T, R, 2>(a, between, runs, b, c, column, columns, end);
    else
        direct_tile<T, R, 1>(a, between, runs, b, c, column, columns, end);
}

// How the pixels of one window are cut into bands and tasks, and laid out in a band's buffer.
template <class T>
struct Bands {
    static constexpr int64_t kBuffer = (int64_t{384} << 10) / sizeof(T), kWanted = 16;  // numbers in a buffer; tasks
    static constexpr int64_t kNear = (int64_t{256} << 10) / sizeof(T);  // numbers of all groups in a band, to stay in L2

    int64_t width, pixel, row;  // of the padded band: pixels in a row, numbers of a pixel and of a row
    int64_t high, bands;        // output rows in a band, bands of an image
    int64_t panels, parts;      // panels of NR channels, and how many tasks share them
    int64_t groups, shares;     // a task goes through several groups, whose channels share cache lines; tasks that share them
    Runs runs;

    // C, K: channels of a group. `most`: output pixels in a band; one row of them may be more.
    Bands(const Side& h, const Side& w, int64_t N, int64_t C, int64_t K, int64_t most = kBuffer, int64_t groups_ = 1) : groups(groups_) {
        width = max_of(0, w.out - 1) * w.stride + (w.taps - 1) * w.dilation + 1;
        const bool collides = C * static_cast<int64_t>(sizeof(T)) * w.stride % 1024 == 0;  // pixels that meet in few sets of L1
        pixel = collides ? C + 64 / static_cast<int64_t>(sizeof(T)) : C;
        const int64_t seen = (h.taps - 1) * h.dilation + 1;
        const bool fits = width <= kBuffer / max_of(1, pixel) && seen <= kBuffer / max_of(1, width * pixel);
        row = fits ? width * pixel : 0;
        high = fits ? (kBuffer / max_of(1, row) - seen) / h.stride + 1 : 0;
        if (groups > 1) most = min_of(most, kNear / max_of(1, C * groups));
        if (high > 1) high = max_of(1, min_of(high, most / max_of(1, w.out)));
        bands = high > 0 ? ceil_div(h.out, high) : 0;
        if (bands > 0) high = ceil_div(h.out, bands);
        panels = ceil_div(K, Gemm<T>::NR);
        const int64_t products = high * w.out * h.taps * w.taps * C * K;  // of a band and group
        parts = max_of(1, min_of(panels, max_of(kWanted / max_of(1, N * bands), ceil_div(products, kTaskProducts))));
        const int64_t wanted = ceil_div(kWanted, max_of(1, N * bands * parts));
        shares = max_of(1, min_of(groups, groups > 1 ? max_of(wanted, ceil_div(products * groups, kTaskProducts)) : 1));
        const bool merged = pixel == C && w.dilation == 1;
        runs = {h.taps, h.dilation * row, merged ? 1 : w.taps, w.dilation * pixel, merged ? w.taps * C : C};
    }

    bool fit() const { return high > 0; }
    int64_t tasks(int64_t N) const { return N * bands * parts * shares; }

    // Image n as output rows [begin, end) see it, padding included.
    void copy(int64_t n, int64_t begin, int64_t end, const T* x, int64_t from_pixel, int64_t C, const Side& h, const Side& w, T* to) const {
        const int64_t left = min_of(w.pad > 0 ? w.pad : 0, width), first = w.pad < 0 ? -w.pad : 0;
        const int64_t inside = max_of(0, min_of(w.in - first, width - left));
        const int64_t seen = (end - 1 - begin) * h.stride + (h.taps - 1) * h.dilation + 1;
        for (int64_t i = 0; i < seen; ++i, to += row) {
            const int64_t from = begin * h.stride - h.pad + i;
            if (from < 0 || from >= h.in || inside == 0) {
                zero_run(to, row);
                continue;
            }
            const T* source = x + ((n * h.in + from) * w.in + first) * from_pixel;
            zero_run(to, left * pixel);
            if (from_pixel == C && pixel == C)
                copy_run(to + left * C, source, inside * C);
            else
                copy_columns(to + left * pixel, pixel, source, from_pixel, inside, C);
            zero_run(to + (left + inside) * pixel, (width - left - inside) * pixel);
        }
    }
};

// The packed filter of one group: `depth` rows of K numbers as panels of NR, the last one filled up with zeros.
template <class T>
struct Panels {
    static constexpr int64_t NR = Gemm<T>::NR;
    int64_t depth, K;

    int64_t count() const { return ceil_div(K, NR); }
    int64_t size() const { return count() * depth * NR; }
    int64_t width(int64_t panel) const { return min_of(K - panel * NR, NR); }
};

// Calls each(group, rest), where rest is a task of `direct_task`, for the groups of a task.
template <class T, class Each>
LABKIT_INLINE void each_group(const Bands<T>& bands, int64_t task, Each each) {
    const Range mine = share(task % bands.shares, bands.shares, bands.groups);
    for (int64_t group = mine.begin; group < mine.end; ++group) each(group, task / bands.shares);
}

// x: the first channel of the group in the first pixel, `pixel` numbers to the next one; `filter` in panels of NR channels,
// [panel][kh][kw][c][NR]; rows.row(p) is where output pixel p of all images goes, the next one in its row rows.step()
// further, finished as `finish` says.
template <class T, class Rows>
void direct_task(const Bands<T>& bands, int64_t task, const T* x, int64_t pixel, const Side& h, const Side& w, int64_t C, int64_t K,
                 const T* filter, const Rows& rows, const Epilogue<T>& finish) {
    using G = Gemm<T>;
    alignas(64) T buffer[Bands<T>::kBuffer];
    T* to[G::MR];
    const int64_t part = task % bands.parts, band = task / bands.parts % bands.bands, n = task / bands.parts / bands.bands;
    const int64_t begin = band * bands.high, end = min_of(begin + bands.high, h.out);

    bands.copy(n, begin, end, x, pixel, C, h, w, buffer);
    const int64_t depth = h.taps * w.taps * C, blocks = ceil_div(w.out, G::MR);
    for (int64_t panel = bands.panels * part / bands.parts; panel < bands.panels * (part + 1) / bands.parts; ++panel) {
        const int64_t column = panel * G::NR;
        const int columns = static_cast<int>(Panels<T>{depth, K}.width(panel));
        for (int64_t oh = begin; oh < end; ++oh)
            for (int64_t block = 0; block < blocks; ++block) {
                const int64_t from = w.out * block / blocks, until = w.out * (block + 1) / blocks;
                T* first = rows.row((n * h.out + oh) * w.out + from);
                for (int64_t i = 0; i < until - from; ++i) to[i] = first + i * rows.step();
                direct_rows<T, G::MR>(static_cast<int>(until - from), buffer + (oh - begin) * h.stride * bands.row + from * w.stride * bands.pixel,
                                      w.stride * bands.pixel, bands.runs, filter + panel * depth * G::NR, to, column, columns, finish);
            }
    }
}

}  // namespace
}  // namespace labkit
