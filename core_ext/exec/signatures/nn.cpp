// Kernels of layers and losses.
#include "exec/signatures/checked.h"

namespace labkit {
namespace {

void bias_add(const Checked& c) {
    c.operands(2, 1);
    c.all_T();
    c.same_shape(c.in(0), c.out());
    c.rank(c.in(1), 1);
    c.need(c.in(0).rank >= 1 && c.in(0).shape[c.in(0).rank - 1] == c.in(1).shape[0],
           "takes one bias for each element of the last dimension");
}

void softmax(const Checked& c) {
    c.elementwise(1);
    c.need(c.in(0).rank >= 1, "takes at least one dimension");
}

// `loss` has the shape of `logits` without the last dimension.
void one_for_each_row(const Checked& c, const View& logits, const View& loss) {
    c.need(logits.rank >= 1, "takes at least one dimension");
    c.rank(loss, logits.rank - 1);
    c.need(std::equal(loss.shape, loss.shape + loss.rank, logits.shape), "gives one loss for each row");
}

void sparse_cross_entropy(const Checked& c) {
    c.operands(2, 2);
    const View &logits = c.in(0), &labels = c.in(1), &loss = c.out(0), &backprop = c.out(1);
    for (const View* view : {&logits, &loss, &backprop}) c.dtype(*view, c.T);
    c.need(labels.dtype == DType::i32 || labels.dtype == DType::i64, "takes labels that are i32 or i64");
    c.same_shape(logits, backprop);
    c.same_shape(labels, loss);
    one_for_each_row(c, logits, loss);
}

void dense_cross_entropy(const Checked& c) {
    c.operands(2, 2);
    c.all_T();
    const View &logits = c.in(0), &loss = c.out(0);
    c.same_shape(logits, c.in(1));
    c.same_shape(logits, c.out(1));
    one_for_each_row(c, logits, loss);
}
void two_alike(const Checked& c) { c.elementwise(2); }

const Signatures registered{
    {bias_add, "bias_add", true},
    {softmax, "softmax log_softmax"},
    {sparse_cross_entropy, "sparse_softmax_cross_entropy"},
    {dense_cross_entropy, "softmax_cross_entropy"},
    {two_alike, "sigmoid_cross_entropy", true},
};

}  // namespace
}  // namespace labkit
