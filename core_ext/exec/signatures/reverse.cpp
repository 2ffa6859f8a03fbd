// Kernels that put elements into another order.
#include "exec/signatures/checked.h"

namespace labkit {
namespace {

void moved(const Checked& c) {
    c.operands(2, 1);
    c.dtype(c.in(0), c.T);
    c.dtype(c.out(), c.T);
    c.dtype(c.in(1), DType::i64);
    c.rank(c.in(1), 1);
    c.same_shape(c.in(0), c.out());
}

void roll(const Checked& c) {
    moved(c);
    c.attributes(0);
    c.need(c.in(1).shape[0] == c.call.n_ints, "takes a distance for each axis");
    for (int i = 0; i < c.call.n_ints; ++i)
        c.need(c.attribute(i) >= 0 && c.attribute(i) < c.in(0).rank, "works along axes of its operand");
}

void reverse_sequence(const Checked& c) {
    moved(c);
    c.attributes(2);
    int64_t sequence = c.attribute(0), batch = c.attribute(1), rank = c.in(0).rank;
    c.need(sequence >= 0 && sequence < rank && batch >= 0 && batch < rank && sequence != batch,
           "works along two axes of its operand");
    c.need(c.in(1).shape[0] == c.in(0).shape[batch], "takes a length for each sequence");
}

const Signatures registered{{roll, "roll"}, {reverse_sequence, "reverse_sequence"}};

}  // namespace
}  // namespace labkit
