// The geometry of a window that slides over images NHWC: what convolutions and poolings have in common.
#pragma once
#include "kernels/walk.h"

namespace labkit {
namespace {

// What a task of a convolution should not multiply and add more than: 5 to 50 ms, whatever the target.
constexpr int64_t kTaskProducts = int64_t{1} << 29;

// One side of an image, height or width: output `o` meets input o * stride - pad + t * dilation in tap t of the window;
// inputs outside of [0, in) are padding.
struct Side {
    int64_t in, out, taps, stride, pad, dilation;

    int64_t start(int64_t o) const { return o * stride - pad; }
};

// The numbers from, from + stride, ... below n.
int64_t steps(int64_t n, int64_t from, int64_t stride) { return from < n ? (n - from + stride - 1) / stride : 0; }

int64_t greatest_divisor(int64_t a, int64_t b) {
    while (b != 0) {
        const int64_t rest = a % b;
        a = b, b = rest;
    }
    return a;
}

// Which algorithm a convolution is to use.
enum Choice : int64_t { kAutomatic, kDirect, kWinograd };
constexpr int kChoiceAttribute = 7, kReluAttribute = 8, kPoolAttribute = 9;

// A convolution of x [N, H, W, C] by filters [KH, KW, C / groups, K] to y [N, OH, OW, K].
// ints: sh, sw, pad_top, pad_left, dh, dw, groups[, Choice[, relu[, pool]]].
struct Convolution {
    int64_t N, C, K, groups;
    Side h, w;
    int64_t choice;

    Convolution(const Call& call, const View& x, const View& filter, const View& y)
        : N(x.shape[0]), C(x.shape[3]), K(y.shape[3]), groups(call.ints[6]),
          h{x.shape[1], y.shape[1], filter.shape[0], call.ints[0], call.ints[2], call.ints[4]},
          w{x.shape[2], y.shape[2], filter.shape[1], call.ints[1], call.ints[3], call.ints[5]},
          choice(call.n_ints > kChoiceAttribute ? call.ints[kChoiceAttribute] : kAutomatic) {}

    int64_t group_in() const { return C / groups; }
    int64_t group_out() const { return K / groups; }
    int64_t taps() const { return h.taps * w.taps; }
    int64_t pixels() const { return N * h.out * w.out; }  // of the result
};

}  // namespace
}  // namespace labkit
