// Kernels of pipelines: batches of images, and what is drawn by number.
#include "exec/signatures/checked.h"

namespace labkit {
namespace {

// Four whole numbers for each image.
void places(const Checked& c, const View& view, const View& images) {
    c.dtype(view, DType::i64);
    c.rank(view, 2);
    c.rank(images, 4);
    c.need(view.shape[0] == images.shape[0] && view.shape[1] == 4, "takes four numbers for each image");
}
void windows(const Checked& c) {
    c.operands(2, 1);
    c.attributes(0, 1);
    c.dtype(c.in(0), c.T);
    c.dtype(c.out(), c.T);
    places(c, c.in(1), c.in(0));
    c.rank(c.out(), 4);
    c.need(c.in(0).shape[0] == c.out().shape[0] && c.in(0).shape[3] == c.out().shape[3], "keeps images and channels");
    c.need(c.in(0).shape[1] && c.in(0).shape[2], "takes images that have pixels");
}
void erase(const Checked& c) {
    c.operands(1, 1);
    c.attributes(0, 1);
    c.dtype(c.out(), c.T);
    places(c, c.in(0), c.out());
}
void standardize(const Checked& c) {
    c.operands(1, 1);
    c.dtype(c.in(0), c.T);
    c.dtype(c.out(), DType::f32);
    c.same_shape(c.in(0), c.out());
    c.need(c.in(0).rank >= 2, "takes a batch of images");
}
// The shape of each of the images.
void image(const Checked& c, const View& view, const View& images, int outer) {
    c.need(view.rank == images.rank - 1 + outer &&
               std::equal(view.shape + outer, view.shape + view.rank, images.shape + 1, images.shape + images.rank),
           "takes images and numbers of one shape");
}
void normalize(const Checked& c) {
    c.operands(3, 1);
    c.dtype(c.in(0), c.T);
    c.need(c.in(0).rank >= 2, "takes a batch of images");
    c.same_shape(c.in(0), c.out());
    for (const View* view : {&c.in(1), &c.in(2), &c.out()}) c.dtype(*view, DType::f32);
    for (int i = 1; i < 3; ++i) image(c, c.in(i), c.in(0), 0);
}
void image_sums(const Checked& c) {
    const bool whole = c.T == DType::u8;
    c.operands(1, 1);
    c.dtype(c.in(0), c.T);
    c.dtype(c.out(), whole ? DType::i64 : DType::f64);
    c.need(c.in(0).rank >= 2, "takes a batch of images");
    image(c, c.out(), c.in(0), 1);
    c.need(c.out().shape[0] == (whole ? 2 : 4), "gives two sums for each element");
}
void adjust(const Checked& c) {
    c.operands(2, 1);
    c.dtype(c.in(0), c.T);
    c.dtype(c.out(), c.T);
    c.same_shape(c.in(0), c.out());
    c.rank(c.in(0), 4);
    c.dtype(c.in(1), DType::f32);
    c.rank(c.in(1), 1);
    c.need(c.in(1).shape[0] == c.in(0).shape[0], "takes a number for each image");
}
void adjust_colors(const Checked& c) {
    adjust(c);
    c.need(c.in(0).shape[3] == 3, "takes three channels, the last dimension");
}
void four_at(const Checked& c, DType drawn) {
    c.operands(1, 1);
    c.attributes(2);
    c.dtype(c.in(0), c.T);
    c.dtype(c.out(), drawn);
    c.rank(c.in(0), 1);
    c.rank(c.out(), 2);
    c.need(c.out().shape[0] == c.in(0).shape[0] && c.out().shape[1] == 4, "gives four numbers for each index");
}
void draws_at(const Checked& c) { four_at(c, DType::f64); }
void integers_at(const Checked& c) {
    four_at(c, DType::i64);
    c.attributes(10);
    for (int i = 2; i < 10; i += 2) {
        const int64_t low = c.attribute(i), count = c.attribute(i + 1), reach = int64_t(1) << 48;
        c.need(low >= -reach && low <= reach, "draws numbers less than 2^48 away");
        c.need(count >= 1 && count <= int64_t(1) << 32, "draws one of 1 to 2^32 numbers");
    }
}
void shuffle_order(const Checked& c) {
    c.elementwise(1);
    c.attributes(1);
    c.rank(c.in(0), 1);
    c.need(c.in(0).shape[0] <= int64_t(1) << 40, "orders at most 2^40 elements");
    c.need(c.attribute(0) >= 1 && c.attribute(0) <= c.in(0).shape[0], "has a buffer for one element to all");
}

const Signatures registered{
    {windows, "windows"},
    {erase, "erase"},
    {standardize, "standardize_images"},
    {normalize, "normalize_images"},
    {image_sums, "image_sums"},
    {adjust, "adjust_brightness adjust_contrast"},
    {adjust_colors, "adjust_saturation adjust_hue"},
    {draws_at, "draws_at"},
    {integers_at, "integers_at"},
    {shuffle_order, "shuffle_order"},
};

}  // namespace
}  // namespace labkit
