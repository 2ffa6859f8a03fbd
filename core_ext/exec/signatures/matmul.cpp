// Products of matrices.
#include "exec/signatures/checked.h"

namespace labkit {
namespace {

void matmul(const Checked& c) {
    c.operands(2, 1);
    c.attributes(2);
    c.all_T();
    const View &a = c.in(0), &b = c.in(1), &y = c.out();
    for (const View* view : {&a, &b, &y}) c.rank(*view, 2);
    int ta = c.attribute(0) != 0, tb = c.attribute(1) != 0;
    c.need(a.shape[1 - ta] == b.shape[tb] && y.shape[0] == a.shape[ta] && y.shape[1] == b.shape[1 - tb],
           "takes [m, k] and [k, n] to [m, n]");
}

const Signatures registered{
    {matmul, "matmul"},
};

}  // namespace
}  // namespace labkit
