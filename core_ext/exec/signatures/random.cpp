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
    c.operands(2, 1);
    c.attributes(1, 1);
    c.dtype(c.in(0), c.T);
    c.dtype(c.out(), c.T);
    counter(c, c.in(1));
    c.same_shape(c.in(0), c.out());
}

const Signatures registered{
    {random, "random_uniform random_normal random_truncated_normal"},
    {dropout, "dropout"},
};

}  // namespace
}  // namespace labkit
