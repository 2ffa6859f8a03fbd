// Logic, and the choice between two operands.
#include <algorithm>

#include "exec/signatures/checked.h"

namespace labkit {
namespace {

// The result has the operands' broadcast shape.
void broadcast(const Checked& c) {
    const View& y = c.out();
    int rank = 0;
    for (int i = 0; i < c.call.n_in; ++i) {
        c.broadcast(c.in(i), y);
        rank = std::max(rank, static_cast<int>(c.in(i).rank));
    }
    bool exact = y.rank == rank;
    for (int d = 1; exact && d <= rank; ++d) {
        int64_t size = 1;
        for (int i = 0; i < c.call.n_in; ++i)
            if (d <= c.in(i).rank && c.in(i).shape[c.in(i).rank - d] != 1) size = c.in(i).shape[c.in(i).rank - d];
        exact = y.shape[rank - d] == size;
    }
    c.need(exact, "has a result that is not of its operands' broadcast shape");
}

void logical(const Checked& c) {
    c.operands(2, 1);
    c.all_T();
    broadcast(c);
}

void logical_not(const Checked& c) { c.elementwise(1); }

void select(const Checked& c) {
    c.operands(3, 1);
    c.dtype(c.in(0), DType::b8);
    for (const View* view : {&c.in(1), &c.in(2), &c.out()}) c.dtype(*view, c.T);
    broadcast(c);
}

const Signatures registered{
    {logical, "logical_and logical_or logical_xor", true},
    {logical_not, "logical_not", true},
    {select, "select", true},
};

}  // namespace
}  // namespace labkit
