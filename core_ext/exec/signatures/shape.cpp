// Kernels that move elements.
#include "exec/signatures/checked.h"

namespace labkit {
namespace {

void broadcast_to(const Checked& c) {
    c.operands(1, 1);
    c.all_T();
    c.broadcast(c.in(0), c.out());
}

void pad(const Checked& c) {
    c.operands(1, 1);
    const View &x = c.in(0), &y = c.out();
    c.attributes(x.rank, 1);
    c.all_T();
    c.rank(y, x.rank);
    for (int d = 0; d < x.rank; ++d)
        c.need(c.attribute(d) >= 0 && c.attribute(d) <= y.shape[d] - x.shape[d],
               "pads less than nothing, or more than its result has room for");
}

void slice(const Checked& c) {
    c.operands(1, 1);
    const View &x = c.in(0), &y = c.out();
    c.attributes(x.rank);
    c.all_T();
    c.rank(y, x.rank);
    for (int d = 0; d < x.rank; ++d)
        c.need(c.attribute(d) >= 0 && c.attribute(d) <= x.shape[d] - y.shape[d],
               "takes a part that reaches beyond its operand");
}

void transpose(const Checked& c) {
    c.operands(1, 1);
    const View &x = c.in(0), &y = c.out();
    c.attributes(x.rank);
    c.all_T();
    c.rank(y, x.rank);
    unsigned seen = 0;
    for (int d = 0; d < x.rank; ++d) {
        int64_t from = c.attribute(d);
        c.need(from >= 0 && from < x.rank && !(seen >> from & 1), "takes a permutation of its dimensions");
        seen |= 1u << from;
        c.need(y.shape[d] == x.shape[from], "has a result of another shape");
    }
}

const Signatures registered{
    {broadcast_to, "broadcast_to"},
    {pad, "pad"},
    {slice, "slice"},
    {transpose, "transpose"},
};

}  // namespace
}  // namespace labkit
