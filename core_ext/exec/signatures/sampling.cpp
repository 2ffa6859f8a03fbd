// Draws of whole numbers, permutations, classes and gamma variates.
#include "exec/signatures/checked.h"

namespace labkit {
namespace {

// The last of `inputs` inputs is the counter.
void draw(const Checked& c, int inputs) {
    c.operands(inputs, 1);
    c.attributes(1);
    c.dtype(c.in(inputs - 1), DType::i64);
    c.scalar(c.in(inputs - 1));
}
void uniform_int(const Checked& c) {
    draw(c, 3);
    for (const View* view : {&c.in(0), &c.in(1), &c.out()}) c.dtype(*view, c.T);
    c.scalar(c.in(0));
    c.scalar(c.in(1));
}
void permutation(const Checked& c) {
    draw(c, 1);
    c.dtype(c.out(), c.T);
    c.rank(c.out(), 1);
}
void categorical(const Checked& c) {
    draw(c, 2);
    c.dtype(c.in(0), c.T);
    c.dtype(c.out(), DType::i64);
    c.rank(c.in(0), 2);
    c.rank(c.out(), 2);
    c.need(c.in(0).shape[0] == c.out().shape[0], "gives a row of samples for each row of logits");
    c.need(c.in(0).shape[1] > 0, "takes at least one class");
    checked_mul(checked_numel(c.in(0).shape, 2), 8, "the sums of a draw of classes");
}
void gamma(const Checked& c) {
    draw(c, 2);
    c.dtype(c.in(0), c.T);
    c.dtype(c.out(), c.T);
    const int64_t n = numel(c.in(0));
    c.need(n == 0 ? numel(c.out()) == 0 : numel(c.out()) % n == 0, "repeats its parameters a whole number of times");
}

const Signatures registered{
    {uniform_int, "random_uniform_int"},
    {permutation, "random_permutation"},
    {categorical, "random_categorical"},
    {gamma, "random_gamma"},
};

}  // namespace
}  // namespace labkit
