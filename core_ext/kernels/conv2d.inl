// conv2d and its two gradients, images NHWC and filters HWIO: by Winograd's algorithm where it pays, a filter for each
// channel (groups == channels) by the depthwise kernels, everything else as products with the matrix of image patches.
// ints of all three: sh, sw, pad_top, pad_left, dh, dw, groups, algorithm (Choice); pixels outside the image are zero. conv2d
// takes a bias as a third input and whether ReLU follows as a last attribute, conv2d_backprop_input a mask as a third input:
// what then becomes of results stands in epilogue.h. Either may be absent.
#include "kernels/conv2d_direct.h"
#include "kernels/conv2d_filter.h"
#include "kernels/conv2d_input.h"
#include "kernels/conv2d_winograd.h"
#include "kernels/conv2d_winograd_filter.h"
#include "kernels/depthwise.h"
#include "kernels/depthwise_filter.h"

namespace labkit {
namespace {

// y[N, OH, OW, K] = patches(x) . w
template <class T>
struct Forward {
    const T *x, *filter;
    T* y;
    Convolution c;
    Tiling tiling;
    Epilogue<T> end;

    explicit Forward(const Call& call)
        : x(data<T>(call.in[0])), filter(data<T>(call.in[1])), y(data<T>(call.out[0])), c(call, call.in[0], call.in[1], call.out[0]),
          tiling(gemm_tiling<T>(c.pixels(), c.group_out(), c.taps() * c.group_in(), c.groups)),
          end(bias_relu<T>(call, kReluAttribute)) {}

    static const char* name() { return "patches"; }
    void plan(Work& work) const { work.tasks[0] = c.groups * tiling.tasks(); }

    void run(const Call&, int, int64_t task) const {
        const int64_t group = task / tiling.tasks();
        const Patches<T> patches{x + group * c.group_in(), c.h, c.w, c.group_in(), c.C};
        gemm_task<T, false, false>(tiling, task % tiling.tasks(), patches, Matrix<T>{filter + group * c.group_out(), c.K},
                                   DenseRows<T>{y + group * c.group_out(), c.K}, 0, c.taps() * c.group_in(),
                                   end.from(group * c.group_out()));
    }
};

// The same without patches; phase 0 packs the filter, a group after the other.
template <class T>
struct DirectForward {
    static constexpr int64_t kRows = 512;  // of a panel that one task of phase 0 packs

    const T *x, *filter;
    T* y;
    Convolution c;
    Bands<T> bands;
    Panels<T> panels;
    Epilogue<T> end;

    explicit DirectForward(const Call& call)
        : x(data<T>(call.in[0])), filter(data<T>(call.in[1])), y(data<T>(call.out[0])), c(call, call.in[0], call.in[1], call.out[0]),
          bands(c.h, c.w, c.N, c.group_in(), c.group_out(), Bands<T>::kBuffer, c.groups), panels{c.taps() * c.group_in(), c.group_out()},
          end(bias_relu<T>(call, kReluAttribute)) {}

    static const char* name() { return "direct"; }
    void plan(Work& work) const {
        work.phases = 2;
        work.tasks[0] = c.groups * panels.count() * ceil_div(panels.depth, kRows);
        work.tasks[1] = bands.tasks(c.N);
        work.scratch_bytes = c.groups * panels.size() * static_cast<int64_t>(sizeof(T));
    }

    void run(const Call& call, int phase, int64_t task) const {
        T* packed = reinterpret_cast<T*>(call.scratch);
        if (phase == 0) return pack(task, packed);
        each_group(bands, task, [&](int64_t group, int64_t rest) {
            direct_task<T>(bands, rest, x + group * c.group_in(), c.C, c.h, c.w, c.group_in(), c.group_out(), packed + group * panels.size(),
                           DenseRows<T>{y + group * c.group_out(), c.K}, end.from(group * c.group_out()));
        });
    }

    void pack(int64_t task, T* packed) const {
        constexpr int64_t NR = Gemm<T>::NR;
        const Range rows = range_of(task % ceil_div(panels.depth, kRows), panels.depth, kRows);
        const int64_t number = task / ceil_div(panels.depth, kRows), group = number / panels.count(), panel = number % panels.count();
        const int64_t width = panels.width(panel);
        for (int64_t r = rows.begin; r < rows.end; ++r) {
            T* to = packed + (number * panels.depth + r) * NR;
            copy_run(to, filter + r * c.K + group * c.group_out() + panel * NR, width);
            zero_run(to + width, NR - width);
        }
    }
};

bool one_channel_groups(const Convolution& c) { return c.groups > 1 && c.groups == c.C; }

// Calls use(algorithm) with the one that serves the call, planned or run.
template <class T, class Use>
void with_conv2d(const Call& call, Use use) {
    const View &x = call.in[0], &w = call.in[1];
    const bool pooled = call.n_ints > kPoolAttribute && call.ints[kPoolAttribute] != 0;
    View y = call.out[0];
    if (pooled) y.shape[1] *= 2, y.shape[2] *= 2;
    if constexpr (sizeof(T) == 4) {
        const int taps = winograd_taps<T>(Convolution(call, x, w, y));
        const Epilogue<T> end = bias_relu<T>(call, kReluAttribute);
        uint8_t* places = pooled ? data<uint8_t>(call.out[1]) : nullptr;
        if (taps == 3) return use(Winograd<T, 3>(x, w, y, call.ints[2], call.ints[3], false, end, pooled, places));
        if (taps == 5) return use(Winograd<T, 5>(x, w, y, call.ints[2], call.ints[3], false, end, pooled, places));
    }
    if (pooled) return;  // only Winograd's algorithm has a whole window in its registers
    if (one_channel_groups(Convolution(call, x, w, y))) return use(DepthwiseForward<T>(call));
    const DirectForward<T> direct(call);
    if (direct.bands.fit()) return use(direct);
    use(Forward<T>(call));
}

template <class T, class Use>
void with_conv2d_backprop_input(const Call& call, Use use) {
    const View &w = call.in[0], &dy = call.in[1], &dx = call.out[0];
    if constexpr (sizeof(T) == 4) {
        // As a convolution of dy to dx, with the filter's channels exchanged.
        const int taps = winograd_taps<T>(Convolution(call, dy, w, dx));
        const Epilogue<T> end = masked<T>(call);
        if (taps == 3) return use(Winograd<T, 3>(dy, w, dx, 2 - call.ints[2], 2 - call.ints[3], true, end));
        if (taps == 5) return use(Winograd<T, 5>(dy, w, dx, 4 - call.ints[2], 4 - call.ints[3], true, end));
    }
    if (one_channel_groups(Convolution(call, dx, w, dy))) return use(DepthwiseInput<T>(call));
    use(InputGradient<T>(call));
}

template <class T, class Use>
void with_conv2d_backprop_filter(const Call& call, Use use) {
    const View &x = call.in[0], &dy = call.in[1], &dw = call.out[0];
    if constexpr (sizeof(T) == 4) {
        const int taps = winograd_taps<T>(Convolution(call, x, dw, dy));
        if (taps == 3) return use(WinogradFilter<T, 3>(x, dy, dw, call.ints[2], call.ints[3]));
        if (taps == 5) return use(WinogradFilter<T, 5>(x, dy, dw, call.ints[2], call.ints[3]));
    }
    if (one_channel_groups(Convolution(call, x, dw, dy))) return use(DepthwiseFilter<T>(call));
    const DirectFilter<T> direct(call);
    if (direct.fit()) return use(direct);
    use(FilterGradient<T>(call));
}

#define LABKIT_CONV2D(kernel)                                                                            \
    template <class T>                                                                                   \
    void plan_##kernel(const Call& call, Work& work) {                                                   \
        work.phases = -1;                                                                                \
        with_##kernel<T>(call, [&](const auto& algorithm) {                                              \
            work.phases = 1;                                                                             \
            algorithm.plan(work);                                                                        \
            work.algorithm = algorithm.name();                                                           \
        });                                                                                              \
    }                                                                                                    \
    template <class T>                                                                                   \
    Status run_##kernel(const Call& call, int phase, int64_t task) {                                     \
        with_##kernel<T>(call, [&](const auto& algorithm) { algorithm.run(call, phase, task); }); \
        return {};                                                                                       \
    }
LABKIT_CONV2D(conv2d)
LABKIT_CONV2D(conv2d_backprop_input)
LABKIT_CONV2D(conv2d_backprop_filter)
#undef LABKIT_CONV2D

#define LABKIT_CONV2D_KERNELS(X)                                                                                          \
    X("conv2d.f32", plan_conv2d<float>, run_conv2d<float>, false)                                                         \
    X("conv2d.f64", plan_conv2d<double>, run_conv2d<double>, false)                                                       \
    X("conv2d_backprop_input.f32", plan_conv2d_backprop_input<float>, run_conv2d_backprop_input<float>, false)            \
    X("conv2d_backprop_input.f64", plan_conv2d_backprop_input<double>, run_conv2d_backprop_input<double>, false)          \
    X("conv2d_backprop_filter.f32", plan_conv2d_backprop_filter<float>, run_conv2d_backprop_filter<float>, false)         \
    X("conv2d_backprop_filter.f64", plan_conv2d_backprop_filter<double>, run_conv2d_backprop_filter<double>, false)

}  // namespace
}  // namespace labkit
