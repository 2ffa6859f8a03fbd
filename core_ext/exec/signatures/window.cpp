// Kernels that slide a window over images: pooling and convolution.
#include "exec/signatures/checked.h"

namespace labkit {
namespace {

constexpr int64_t kMost = 1 << 16, kMaxPad = int64_t(1) << 46;

// x of a convolution or pooling and its result y, NHWC; attributes `first` and after: strides, then padding.
void window(const Checked& c, const View& x, const View& y, int first) {
    c.rank(x, 4);
    c.rank(y, 4);
    c.need(x.shape[0] == y.shape[0], "takes as many images as it gives");
    for (int d = 0; d < 2; ++d) {
        int64_t stride = c.attribute(first + d), pad = c.attribute(first + 2 + d);
        c.need(stride >= 1 && stride <= kMost, "takes strides from 1 to 65536");
        c.need(pad >= 0 && pad <= kMaxPad, "takes padding that is not negative");
        checked_mul(y.shape[1 + d], stride, "a stride");
    }
}

// ints: kh, kw, sh, sw, pad_top, pad_left. Every window meets the image, whose size may be given apart.
void pool(const Checked& c, const View& x, const View& y) {
    window(c, x, y, 2);
    c.need(x.shape[3] == y.shape[3], "keeps the number of channels");
    for (int d = 0; d < 2; ++d) {
        int64_t size = c.attribute(d), pad = c.attribute(4 + d), out = y.shape[1 + d];
        c.need(size >= 1 && size <= kMost, "takes windows from 1 to 65536");
        c.need(pad < size, "takes padding smaller than the window");
        c.need(out == 0 || (out - 1) * c.attribute(2 + d) - pad < x.shape[1 + d], "has windows in the padding alone");
    }
    c.need(c.attribute(0) * c.attribute(1) <= INT32_MAX, "takes windows of at most 2^31 elements");
}

void pool_index(const Checked& c, const View& y, const View& index) {
    c.same_shape(y, index);
    c.dtype(index, c.attribute(0) * c.attribute(1) <= 256 ? DType::u8 : DType::i32);
}

void max_pool(const Checked& c) {
    c.operands(1, 2);
    c.attributes(6);
    c.dtype(c.in(0), c.T);
    c.dtype(c.out(0), c.T);
    pool(c, c.in(0), c.out(0));
    pool_index(c, c.out(0), c.out(1));
}
void max_pool_grad(const Checked& c) {
    c.operands(2, 1);
    c.attributes(6);
    c.dtype(c.in(0), c.T);
    c.dtype(c.out(), c.T);
    pool(c, c.out(), c.in(0));
    pool_index(c, c.in(0), c.in(1));
}
void max_pool_grad_grad(const Checked& c) {
    c.operands(2, 1);
    c.attributes(6);
    c.dtype(c.in(0), c.T);
    c.dtype(c.out(), c.T);
    pool(c, c.in(0), c.out());
    pool_index(c, c.out(), c.in(1));
}
void max_pool_argmax(const Checked& c) {
    c.operands(1, 1);
    c.attributes(8);
    c.dtype(c.out(), DType::i64);
    View x = c.out();
    c.rank(x, 4);
    for (int d = 0; d < 2; ++d) {
        x.shape[1 + d] = c.attribute(6 + d);
        c.need(x.shape[1 + d] >= 0, "takes images whose size is not negative");
    }
    checked_mul(checked_mul(x.shape[1], x.shape[2], "an image"), x.shape[3], "an image");
    pool(c, x, c.out());
    pool_index(c, c.out(), c.in(0));
}
void avg_pool(const Checked& c) {
    c.operands(1, 1);
    c.attributes(6);
    c.all_T();
    pool(c, c.in(0), c.out());
}
void avg_pool_grad(const Checked& c) {
    c.operands(1, 1);
    c.attributes(6);
    c.all_T();
    pool(c, c.out(), c.in(0));
}

// The third input of a convolution, where it has one: a bias for the channels of y, or a mask of the shape of y.
void bias(const Checked& c) {
    if (c.call.n_in == 3) c.need(c.in(2).rank == 1 && c.in(2).shape[0] == c.out().shape[3], "takes a bias [channels out]");
    if (c.call.n_ints > 8) c.need(c.attribute(8) == 0 || c.attribute(8) == 1, "takes relu as 0 or 1");
}
void mask(const Checked& c) {
    if (c.call.n_in == 3) c.same_shape(c.in(2), c.out());
}

// ints: strides, pad_top, pad_left, dilations, groups[, algorithm].
void convolution(const Checked& c, const View& x, const View& w, const View& y) {
    c.attributes(7);
    for (const View* view : {&x, &w, &y}) c.dtype(*view, c.T);
    for (int i = 2; i < c.call.n_in; ++i) c.dtype(c.in(i), c.T);
    window(c, x, y, 0);
    c.rank(w, 4);
    for (int d = 0; d < 2; ++d) {
        int64_t dilation = c.attribute(4 + d);
        c.need(dilation >= 1 && dilation <= kMost, "takes dilations from 1 to 65536");
        c.need(w.shape[d] >= 1, "takes filters of at least one tap");
        checked_mul(w.shape[d], dilation, "a dilation");
    }
    const int64_t algorithm = c.call.n_ints > 7 ? c.attribute(7) : 0;  // 0 any, 1 direct, 2 Winograd's
    c.need(algorithm >= 0 && algorithm <= 2, "takes algorithms from 0 to 2");
    for (int d = 0; algorithm == 2 && d < 2; ++d)
        c.need(c.T == DType::f32 && (w.shape[d] == 3 || w.shape[d] == 5) && w.shape[0] == w.shape[1] && c.attribute(d) == 1 &&
                   c.attribute(4 + d) == 1 && c.attribute(6) == 1,
               "takes Winograd's algorithm for f32, filters 3x3 or 5x5, strides, dilations and groups of 1");
}
void grouped(const Checked& c, const View& x, const View& w, const View& y) {
    convolution(c, x, w, y);
    int64_t groups = c.attribute(6);
    c.need(groups >= 1 && x.shape[3] % groups == 0 && y.shape[3] % groups == 0, "takes groups that divide the channels");
    c.need(w.shape[2] == x.shape[3] / groups && w.shape[3] == y.shape[3],
           "takes filters [height, width, channels in of a group, channels out]");
}
// With a tenth attribute, 1, what is given is max pooled by windows of 2x2: the maxima, and where in their windows they stood.
void conv2d(const Checked& c) {
    const bool pooled = c.call.n_ints > 9;
    c.operands(c.call.n_in == 3 ? 3 : 2, pooled ? 2 : 1);
    View y = c.out();
    if (pooled) {
        c.need(c.attribute(9) == 1, "takes pooling as 1");
        c.rank(y, 4);
        c.same_shape(y, c.out(1));
        c.dtype(c.out(1), DType::u8);
        for (int d = 1; d < 3; ++d) y.shape[d] = checked_mul(y.shape[d], 2, "an image");
    }
    grouped(c, c.in(0), c.in(1), y);
    bias(c);
}
void conv2d_backprop_input(const Checked& c) {
    c.operands(c.call.n_in == 3 ? 3 : 2, 1);
    grouped(c, c.out(), c.in(0), c.in(1));
    mask(c);
}
void conv2d_backprop_filter(const Checked& c) {
    c.operands(2, 1);
    grouped(c, c.in(0), c.out(), c.in(1));
}

void depthwise(const Checked& c, const View& x, const View& w, const View& y) {
    convolution(c, x, w, y);
    c.need(w.shape[2] == x.shape[3] && y.shape[3] == checked_mul(w.shape[2], w.shape[3], "a multiplier"),
           "takes filters [height, width, channels, results for each channel]");
}
void depthwise_conv2d(const Checked& c) {
    c.operands(c.call.n_in == 3 ? 3 : 2, 1);
    depthwise(c, c.in(0), c.in(1), c.out());
    bias(c);
}
void depthwise_conv2d_backprop_input(const Checked& c) {
    c.operands(c.call.n_in == 3 ? 3 : 2, 1);
    depthwise(c, c.out(), c.in(0), c.in(1));
    mask(c);
}
void depthwise_conv2d_backprop_filter(const Checked& c) {
    c.operands(2, 1);
    depthwise(c, c.in(0), c.out(), c.in(1));
}

const Signatures registered{
    {max_pool, "max_pool"},
    {max_pool_grad, "max_pool_grad"},
    {max_pool_grad_grad, "max_pool_grad_grad"},
    {max_pool_argmax, "max_pool_argmax"},
    {avg_pool, "avg_pool"},
    {avg_pool_grad, "avg_pool_grad"},
    {conv2d, "conv2d"},
    {conv2d_backprop_input, "conv2d_backprop_input"},
    {conv2d_backprop_filter, "conv2d_backprop_filter"},
    {depthwise_conv2d, "depthwise_conv2d"},
    {depthwise_conv2d_backprop_input, "depthwise_conv2d_backprop_input"},
    {depthwise_conv2d_backprop_filter, "depthwise_conv2d_backprop_filter"},
};

}  // namespace
}  // namespace labkit
