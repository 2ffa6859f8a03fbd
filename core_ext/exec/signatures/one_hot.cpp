// Kernels that make tensors out of indices and numbers.
#include "exec/signatures/checked.h"

namespace labkit {
namespace {

void one_hot(const Checked& c) {
    c.operands(3, 1);
    c.attributes(1);
    const View &indices = c.in(0), &y = c.out();
    c.need(indices.dtype == DType::i32 || indices.dtype == DType::i64 || indices.dtype == DType::u8, "takes integers");
    for (int i = 1; i < 3; ++i) {
        c.dtype(c.in(i), c.T);
        c.scalar(c.in(i));
    }
    c.dtype(y, c.T);
    c.rank(y, indices.rank + 1);
    int64_t axis = c.attribute(0);
    c.need(axis >= 0 && axis < y.rank, "puts its places along an axis of the result");
    for (int d = 0; d < indices.rank; ++d)
        c.need(indices.shape[d] == y.shape[d + (d >= axis)], "has a result of another shape");
}

void range(const Checked& c) {
    c.operands(0, 1);
    bool real = c.T == DType::f32 || c.T == DType::f64;
    c.attributes(real ? 0 : 2, real ? 2 : 0);
    c.dtype(c.out(), c.T);
    c.rank(c.out(), 1);
}

const Signatures registered{{one_hot, "one_hot"}, {range, "range"}};

}  // namespace
}  // namespace labkit
