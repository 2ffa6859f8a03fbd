// Kernels that put tensors side by side, and take them apart.
#include "exec/signatures/checked.h"

namespace labkit {
namespace {

// The parts fill the whole along the axis, and are as large as it along the others.
void sides(const Checked& c, const View& whole, const View* parts, int count) {
    c.attributes(1);
    c.all_T();
    int64_t axis = c.attribute(0);
    c.need(axis >= 0 && axis < whole.rank, "works along an axis of its operands");
    int64_t left = whole.shape[axis];
    for (int i = 0; i < count; ++i) {
        c.rank(parts[i], whole.rank);
        for (int d = 0; d < whole.rank; ++d)
            c.need(d == axis || parts[i].shape[d] == whole.shape[d], "takes parts that differ along the axis only");
        c.need(parts[i].shape[axis] <= left, "takes parts that together are as long as the whole");
        left -= parts[i].shape[axis];
    }
    c.need(left == 0, "takes parts that together are as long as the whole");
}

void concat(const Checked& c) {
    c.need(c.call.n_in > 0, "takes at least one input");
    c.operands(c.call.n_in, 1);
    sides(c, c.out(), c.call.in, c.call.n_in);
}

void split(const Checked& c) {
    c.need(c.call.n_out > 0, "gives at least one output");
    c.operands(1, c.call.n_out);
    sides(c, c.in(0), c.call.out, c.call.n_out);
}

const Signatures registered{{concat, "concat"}, {split, "split"}};

}  // namespace
}  // namespace labkit
