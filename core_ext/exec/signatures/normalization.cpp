// Kernels that normalize.
#include "exec/signatures/checked.h"

namespace labkit {
namespace {

// `view` has one number for each channel, the last dimension of x.
void channels(const Checked& c, const View& x, const View& view) {
    c.need(x.rank >= 1, "takes at least one dimension");
    c.rank(view, 1);
    c.need(view.shape[0] == x.shape[x.rank - 1], "takes one number for each element of the last dimension");
}
void batch_normalize(const Checked& c) {
    c.operands(5, 1);
    c.attributes(0, 1);
    c.all_T();
    c.same_shape(c.in(0), c.out());
    for (int i = 1; i < 5; ++i) channels(c, c.in(0), c.in(i));
}
void batch_norm(const Checked& c) {
    c.operands(3, 3);
    c.attributes(0, 1);
    c.all_T();
    c.same_shape(c.in(0), c.out());
    for (int i = 1; i < 3; ++i) {
        channels(c, c.in(0), c.in(i));
        channels(c, c.in(0), c.out(i));
    }
}
void batch_norm_grad(const Checked& c) {
    c.operands(5, 3);
    c.attributes(0, 1);
    c.all_T();
    for (const View* view : {&c.in(1), &c.out(0)}) c.same_shape(c.in(0), *view);
    for (int i = 2; i < 5; ++i) channels(c, c.in(0), c.in(i));
    for (int i = 1; i < 3; ++i) channels(c, c.in(0), c.out(i));
}

// scale has the last dimensions of x, `one` the others.
void examples(const Checked& c, const View& x, const View& scale, const View& one) {
    c.need(scale.rank >= 1 && scale.rank <= x.rank &&
               std::equal(scale.shape, scale.shape + scale.rank, x.shape + x.rank - scale.rank),
           "takes a scale of the shape of the last dimensions");
    c.rank(one, x.rank - scale.rank);
    c.need(std::equal(one.shape, one.shape + one.rank, x.shape), "has one mean and deviation for each example");
}
void layer_norm(const Checked& c) {
    c.operands(3, 3);
    c.attributes(0, 1);
    c.all_T();
    c.same_shape(c.in(0), c.out());
    c.same_shape(c.in(1), c.in(2));
    for (int i = 1; i < 3; ++i) examples(c, c.in(0), c.in(1), c.out(i));
}
void layer_norm_grad(const Checked& c) {
    c.operands(5, 3);
    c.all_T();
    for (const View* view : {&c.in(1), &c.out(0)}) c.same_shape(c.in(0), *view);
    for (const View* view : {&c.out(1), &c.out(2)}) c.same_shape(c.in(2), *view);
    for (int i = 3; i < 5; ++i) examples(c, c.in(0), c.in(2), c.in(i));
}

void lrn(const Checked& c) {
    c.elementwise(1);
    c.attributes(1, 3);
    c.need(c.in(0).rank >= 1, "takes at least one dimension");
    c.need(c.attribute(0) >= 0, "takes a radius that is not negative");
}
void lrn_grad(const Checked& c) {
    c.elementwise(2);
    c.attributes(1, 3);
    c.need(c.in(0).rank >= 1, "takes at least one dimension");
    c.need(c.attribute(0) >= 0, "takes a radius that is not negative");
}

const Signatures registered{
    {batch_normalize, "batch_normalize"},
    {batch_norm, "batch_norm"},
    {batch_norm_grad, "batch_norm_grad"},
    {layer_norm, "layer_norm"},
    {layer_norm_grad, "layer_norm_grad"},
    {lrn, "lrn"},
    {lrn_grad, "lrn_grad"},
};

}  // namespace
}  // namespace labkit
