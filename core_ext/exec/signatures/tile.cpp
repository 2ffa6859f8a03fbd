// Kernels that copy elements several times.
#include "exec/signatures/checked.h"

namespace labkit {
namespace {

void tiled(const Checked& c, const View& x, const View& y) {
    c.all_T();
    c.rank(y, x.rank);
    for (int d = 0; d < x.rank; ++d)
        c.need(x.shape[d] == 0 ? y.shape[d] == 0 : y.shape[d] % x.shape[d] == 0, "copies its operand a whole number of times");
}

void tile(const Checked& c) {
    c.operands(1, 1);
    tiled(c, c.in(0), c.out());
}

void tile_grad(const Checked& c) {
    c.operands(1, 1);
    tiled(c, c.out(), c.in(0));
}

void repeated(const Checked& c, const View& x, const View& y) {
    c.attributes(2);
    c.all_T();
    c.rank(y, x.rank);
    int64_t axis = c.attribute(0), total = 0, count = c.call.n_ints - 1;
    c.need(axis >= 0 && axis < x.rank, "repeats along an axis of its operand");
    c.need(count == 1 || count == x.shape[axis], "takes one number of copies, or one for each element");
    for (int d = 0; d < x.rank; ++d) c.need(d == axis || x.shape[d] == y.shape[d], "changes the axis only");
    for (int i = 0; i < count; ++i) {
        int64_t copies = c.attribute(i + 1);
        c.need(copies >= 0, "repeats no less than nothing");
        if (count == 1 && __builtin_mul_overflow(copies, x.shape[axis], &copies)) copies = -1;
        c.need(copies >= 0 && copies <= y.shape[axis] - total, "has as many copies as its larger operand has room for");
        total += copies;
    }
    c.need(total == y.shape[axis], "has as many copies as its larger operand has room for");
}

void repeat(const Checked& c) {
    c.operands(1, 1);
    repeated(c, c.in(0), c.out());
}

void repeat_grad(const Checked& c) {
    c.operands(1, 1);
    repeated(c, c.out(), c.in(0));
}

const Signatures registered{
    {tile, "tile"}, {tile_grad, "tile_grad"}, {repeat, "repeat"}, {repeat_grad, "repeat_grad"}};

}  // namespace
}  // namespace labkit
