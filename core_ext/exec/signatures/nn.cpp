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

void sparse_cross_entropy(const Checked& c) {
    c.operands(2, 2);
    const View &logits = c.in(0), &labels = c.in(1), &loss = c.out(0), &backprop = c.out(1);
    for (const View* view : {&logits, &loss, &backprop}) c.dtype(*view, c.T);
    c.need(labels.dtype == DType::i32 || labels.dtype == DType::i64, "takes labels that are i32 or i64");
    c.rank(logits, 2);
    c.rank(labels, 1);
    c.same_shape(logits, backprop);
    c.same_shape(labels, loss);
    c.need(logits.shape[0] == labels.shape[0], "takes one label for each row");
}

void dense_cross_entropy(const Checked& c) {
    c.operands(2, 2);
    c.all_T();
    const View &logits = c.in(0), &loss = c.out(0);
    c.rank(logits, 2);
    c.rank(loss, 1);
    c.same_shape(logits, c.in(1));
    c.same_shape(logits, c.out(1));
    c.need(logits.shape[0] == loss.shape[0], "gives one loss for each row");
}

const Signatures registered{
    {bias_add, "bias_add"},
    {softmax, "softmax log_softmax"},
    {sparse_cross_entropy, "sparse_softmax_cross_entropy"},
    {dense_cross_entropy, "softmax_cross_entropy"},
};

}  // namespace
}  // namespace labkit
