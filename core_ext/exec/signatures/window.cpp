// Kernels that slide a window over images: pooling and convolution.
#include "exec/signatures/checked.h"

namespace labkit {
namespace {

constexpr int64_t kMaxStride = 1 << 16, kMaxPad = int64_t(1) << 31;

// Images NHWC: x of the convolution or pooling, y its result; `first` is where the attributes strides and padding
// start.
void window(const Checked& c, const View& x, const View& y, int first) {
    c.rank(x, 4);
    c.rank(y, 4);
    c.need(x.shape[0] == y.shape[0], "takes as many images as it gives");
    for (int d = 0; d < 2; ++d) {
        int64_t stride = c.attribute(first + d), pad = c.attribute(first + 2 + d);
        c.need(stride >= 1 && stride <= kMaxStride, "takes strides from 1 to 65536");
        c.need(pad >= 0 && pad <= kMaxPad, "takes padding that is not negative");
        checked_mul(y.shape[1 + d], stride, "a stride");
    }
}

void pool(const Checked& c, const View& x, const View& y, const View& index) {
    window(c, x, y, 2);
    c.same_shape(y, index);
    c.need(x.shape[3] == y.shape[3], "keeps the number of channels");
    for (int i : {0, 1}) c.need(c.attribute(i) >= 1 && c.attribute(i) <= kMaxStride, "takes windows from 1 to 65536");
    c.dtype(index, c.attribute(0) * c.attribute(1) <= 256 ? DType::u8 : DType::i32);
    c.need(c.attribute(0) * c.attribute(1) <= INT32_MAX, "takes windows of at most 2^31 elements");
}
void max_pool(const Checked& c) {
    c.operands(1, 2);
    c.attributes(6);
    c.dtype(c.in(0), c.T);
    c.dtype(c.out(0), c.T);
    pool(c, c.in(0), c.out(0), c.out(1));
}
void max_pool_grad(const Checked& c) {
    c.operands(2, 1);
    c.attributes(6);
    c.dtype(c.in(0), c.T);
    c.dtype(c.out(), c.T);
    pool(c, c.out(), c.in(0), c.in(1));
}

void convolution(const Checked& c, const View& x, const View& w, const View& y) {
    c.attributes(4);
    c.all_T();
    window(c, x, y, 0);
    c.rank(w, 4);
    c.need(w.shape[2] == x.shape[3] && w.shape[3] == y.shape[3],
           "takes filters [height, width, channels in, channels out]");
}
void conv2d(const Checked& c) {
    c.operands(2, 1);
    convolution(c, c.in(0), c.in(1), c.out());
}
void conv2d_backprop_input(const Checked& c) {
    c.operands(2, 1);
    convolution(c, c.out(), c.in(0), c.in(1));
}
void conv2d_backprop_filter(const Checked& c) {
    c.operands(2, 1);
    convolution(c, c.in(0), c.out(), c.in(1));
}

const Signatures registered{
    {max_pool, "max_pool"},
    {max_pool_grad, "max_pool_grad"},
    {conv2d, "conv2d"},
    {conv2d_backprop_input, "conv2d_backprop_input"},
    {conv2d_backprop_filter, "conv2d_backprop_filter"},
};

}  // namespace
}  // namespace labkit
