// Kernels of images.
#include "exec/signatures/checked.h"

namespace labkit {
namespace {

// x is an image that has pixels, or y has none; y is x at another size.
void resized(const Checked& c, const View& x, const View& y) {
    c.operands(1, 1);
    c.attributes(2);
    c.all_T();
    c.rank(x, 4);
    c.rank(y, 4);
    c.need(x.shape[0] == y.shape[0] && x.shape[3] == y.shape[3], "keeps images and channels");
    c.need(x.shape[1] && x.shape[2], "takes images that have pixels");
    checked_mul(checked_add(y.shape[1], y.shape[2], "the sides of an image"), 64, "the sides of an image");
}
void resize(const Checked& c) { resized(c, c.in(0), c.out()); }
void resize_grad(const Checked& c) { resized(c, c.out(), c.in(0)); }

// The result y and the image x that it shows; projections, one for each image.
void warped(const Checked& c, const View& x, const View& y) {
    c.operands(2, 1);
    c.attributes(2);
    for (const View* view : {&x, &y}) c.dtype(*view, c.T);
    c.dtype(c.in(1), c.T == DType::u8 ? DType::f32 : c.T);
    c.rank(x, 4);
    c.rank(y, 4);
    c.rank(c.in(1), 2);
    c.need(x.shape[0] == y.shape[0] && x.shape[3] == y.shape[3], "keeps images and channels");
    c.need(x.shape[1] && x.shape[2], "takes images that have pixels");
    c.need(c.in(1).shape[0] == x.shape[0] && c.in(1).shape[1] == 8, "takes eight numbers for each image");
    for (const View* view : {&x, &y})
        for (int d = 1; d < 3; ++d) c.need(view->shape[d] < int64_t(1) << 30, "takes images of less than 2^30 rows and columns");
    c.need(c.attribute(1) >= 0 && c.attribute(1) <= 3, "knows four kinds of outside");
}
void warp(const Checked& c) {
    warped(c, c.in(0), c.out());
    c.attributes(2, 1);
}
void warp_grad(const Checked& c) { warped(c, c.out(), c.in(0)); }

void colors(const Checked& c) {
    c.elementwise(1);
    c.need(c.in(0).rank >= 1 && c.in(0).shape[c.in(0).rank - 1] == 3, "takes three channels, the last dimension");
}

void window(const Checked& c) {
    c.operands(1, 1);
    c.all_T();
    c.rank(c.out(), c.in(0).rank);
    c.attributes(c.out().rank);
    for (int d = 0; d < c.out().rank; ++d) {
        const int64_t begin = c.attribute(d), reach = int64_t(1) << 48;
        c.need(begin >= -reach && begin <= reach, "takes a window that begins less than 2^48 away");
        int64_t inside = begin < 0 ? -begin : begin;
        for (int k = d + 1; k < c.out().rank; ++k) inside = checked_mul(inside, c.out().shape[k], "a window");
    }
}

const Signatures registered{
    {resize, "resize_nearest resize_bilinear"},
    {resize_grad, "resize_nearest_grad resize_bilinear_grad"},
    {warp, "warp"},
    {warp_grad, "warp_grad"},
    {colors, "rgb_to_hsv hsv_to_rgb"},
    {window, "window"},
};

}  // namespace
}  // namespace labkit
