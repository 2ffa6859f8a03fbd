// Products of matrices.
#include "exec/signatures/checked.h"

namespace labkit {
namespace {

void matmul(const Checked& c) {
    const int64_t epilogue = c.call.n_ints > 2 ? c.attribute(2) : 0;  // 1: relu; 2: a mask in place of a bias
    c.need(epilogue >= 0 && epilogue <= 2, "has an epilogue of 0, 1 (relu) or 2 (mask)");
    c.operands(c.call.n_in == 3 || epilogue == 2 ? 3 : 2, 1);
    c.attributes(2);
    c.all_T();
    const View &a = c.in(0), &b = c.in(1), &y = c.out();
    for (const View* view : {&a, &b, &y}) c.need(view->rank >= 2, "takes matrices");
    const int ta = c.attribute(0) != 0, tb = c.attribute(1) != 0;
    auto last = [](const View& view, int i) { return view.shape[view.rank - 2 + i]; };
    c.need(last(a, 1 - ta) == last(b, tb) && last(y, 0) == last(a, ta) && last(y, 1) == last(b, 1 - tb),
           "takes [..., m, k] and [..., k, n] to [..., m, n]");
    if (epilogue || c.call.n_in == 3) c.need(c.T == DType::f32 || c.T == DType::f64, "has epilogues of real numbers only");
    if (epilogue == 2)
        c.same_shape(c.in(2), y);
    else if (c.call.n_in == 3)
        c.need(c.in(2).rank == 1 && c.in(2).shape[0] == last(y, 1), "takes a bias [n]");
    c.need(y.rank == std::max(a.rank, b.rank), "broadcasts to as many dimensions as the operand with more has");
    for (int d = 3; d <= y.rank; ++d) {
        const int64_t left = d <= a.rank ? a.shape[a.rank - d] : 1, right = d <= b.rank ? b.shape[b.rank - d] : 1;
        c.need((left == right || left == 1 || right == 1) && y.shape[y.rank - d] == (left == 1 ? right : left),
               "cannot broadcast its operands to the result");
    }
}

const Signatures registered{
    {matmul, "matmul"},
};

}  // namespace
}  // namespace labkit
