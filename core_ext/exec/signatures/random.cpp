// Random numbers.
#include "exec/signatures/checked.h"

namespace labkit {
namespace {

void counter(const Checked& c, const View& view) {
    c.dtype(view, DType::i64);
    c.scalar(view);
}
void random(const Checked& c) {
    c.operands(1, 1);
    c.attributes(1, 2);
    counter(c, c.in(0));
    c.dtype(c.out(), c.T);
}
void dropout(const Checked& c) {
    c.operands(3, 1);
    c.attributes(1);
    c.dtype(c.in(0), c.T);
    c.dtype(c.out(), c.T);
    c.need(c.in(1).dtype == DType::f32 || c.in(1).dtype == DType::f64, "takes a rate that is f32 or f64");
    c.scalar(c.in(1));
    counter(c, c.in(2));
    c.same_shape(c.in(0), c.out());
}
void candidates(const Checked& c) {
    c.operands(2, 3);
    c.attributes(4);
    for (const View* view : {&c.in(0), &c.out(0)}) c.dtype(*view, DType::i64);
    for (const View* view : {&c.out(1), &c.out(2)}) c.dtype(*view, DType::f32);
    counter(c, c.in(1));
    c.need(c.attribute(0) >= 1 && c.attribute(0) <= int64_t(1) << 40, "samples from 1 to 2^40 classes");
    c.need(c.attribute(2) >= 1 && c.attribute(2) <= int64_t(1) << 48, "samples out of 1 to 2^48 classes");
    c.rank(c.out(0), 1);
    c.need(c.out(0).shape[0] == c.attribute(0), "gives as many classes as it samples");
    c.same_shape(c.out(0), c.out(2));
    c.same_shape(c.in(0), c.out(1));
}
void random_crop(const Checked& c, const View& large, const View& small) {
    c.operands(2, 1);
    c.attributes(1);
    counter(c, c.in(1));
    for (const View* view : {&large, &small}) c.dtype(*view, c.T);
    c.rank(small, large.rank);
    for (int d = 0; d < large.rank; ++d) c.need(small.shape[d] <= large.shape[d], "crops what is larger than the crop");
}
void random_crop_forward(const Checked& c) { random_crop(c, c.in(0), c.out()); }
void random_crop_grad(const Checked& c) { random_crop(c, c.out(), c.in(0)); }

const Signatures registered{
    {random, "random_uniform random_normal random_truncated_normal"},
    {dropout, "dropout"},
    {candidates, "log_uniform_candidates uniform_candidates"},
    {random_crop_forward, "random_crop"},
    {random_crop_grad, "random_crop_grad"},
};

}  // namespace
}  // namespace labkit
