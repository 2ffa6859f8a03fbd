// Kernels that make fewer numbers out of many.
#include "exec/signatures/checked.h"

namespace labkit {
namespace {

void reduced(const Checked& c) {
    c.all_T();
    const View& x = c.in(0);
    int64_t axis = -1, kept = 1;
    unsigned reduced = 0;
    for (int i = 0; i < c.call.n_ints; ++i) {
        c.need(c.attribute(i) > axis && c.attribute(i) < x.rank, "takes axes of its operand, in rising order");
        axis = c.attribute(i);
        reduced |= 1u << axis;
    }
    for (int d = 0; d < x.rank; ++d) kept *= reduced >> d & 1 ? 1 : x.shape[d];
    c.need(numel(c.out()) == kept, "has a result of another shape");
}

void reduce(const Checked& c) {
    c.operands(1, 1);
    reduced(c);
}

void variance(const Checked& c) {
    c.operands(2, 1);
    reduced(c);
    c.need(numel(c.in(1)) == numel(c.out()), "takes one mean for each result");
}

void arg(const Checked& c) {
    c.operands(1, 1);
    c.attributes(1);
    c.dtype(c.in(0), c.T);
    c.dtype(c.out(), DType::i64);
    const View& x = c.in(0);
    c.need(c.attribute(0) >= 0 && c.attribute(0) < x.rank, "has an axis that its operand lacks");
    int64_t length = x.shape[c.attribute(0)], kept = 1;
    for (int d = 0; d < x.rank; ++d) kept *= d == c.attribute(0) ? 1 : x.shape[d];
    c.need(length > 0 || !kept, "has no element to choose from");
    c.need(numel(c.out()) == kept, "has a result of another shape");
}

void histogram(const Checked& c) {
    c.operands(1, 2);
    c.attributes(1);
    c.dtype(c.in(0), c.T);
    c.dtype(c.out(0), DType::i64);
    c.dtype(c.out(1), DType::f64);
    c.rank(c.out(0), 1);
    c.rank(c.out(1), 1);
    c.need(c.attribute(0) >= 1 && c.out(0).shape[0] == c.attribute(0) && c.out(1).shape[0] == 7,
           "gives one count a bucket, and seven figures");
}

const Signatures registered{
    {reduce,
     "reduce_sum reduce_mean reduce_prod reduce_max reduce_min reduce_all reduce_any euclidean_norm l2_loss"},
    {variance, "variance"},
    {arg, "argmax argmin"},
    {histogram, "histogram"},
};

}  // namespace
}  // namespace labkit
