// Kernels of slices with any step.
#include "exec/signatures/checked.h"

namespace labkit {
namespace {

// The cuts of `large` give `small`, in whatever shape.
void cuts(const Checked& c, const View& large, const View& small) {
    c.attributes(3 * large.rank);
    c.all_T();
    int64_t total = 1;
    for (int d = 0; d < large.rank; ++d) {
        int64_t begin = c.attribute(3 * d), step = c.attribute(3 * d + 1), count = c.attribute(3 * d + 2);
        int64_t size = large.shape[d], reach = 0;
        c.need(count >= 0 && count <= size && step != 0, "takes slices of its operand");
        if (count > 0)
            c.need(begin >= 0 && begin < size && !__builtin_mul_overflow(count - 1, step, &reach) && reach > -size &&
                       reach < size && begin + reach >= 0 && begin + reach < size,
                   "takes a slice that reaches beyond its operand");
        c.need(!__builtin_mul_overflow(total, count, &total), "takes slices of its operand");
    }
    c.need(total == numel(small), "has a slice of another size");
}

void strided_slice(const Checked& c) {
    c.operands(1, 1);
    cuts(c, c.in(0), c.out());
}

void strided_slice_grad(const Checked& c) {
    c.operands(1, 1);
    cuts(c, c.out(), c.in(0));
}

void block(const Checked& c, const View& large, const View& small) {
    c.attributes(1);
    c.dtype(large, c.T);
    c.dtype(small, c.T);
    c.rank(small, large.rank);
    c.dtype(c.in(1), DType::i64);
    c.rank(c.in(1), 1);
    c.need(c.in(1).shape[0] == large.rank, "takes a first element for each dimension");
    for (int d = 0; d < large.rank; ++d) c.need(small.shape[d] <= large.shape[d], "takes a block of its operand");
}

void dynamic_slice(const Checked& c) {
    c.operands(2, 1);
    block(c, c.in(0), c.out());
}

void dynamic_slice_grad(const Checked& c) {
    c.operands(2, 1);
    block(c, c.out(), c.in(0));
}

const Signatures registered{{strided_slice, "strided_slice"},
                            {strided_slice_grad, "strided_slice_grad"},
                            {dynamic_slice, "dynamic_slice"},
                            {dynamic_slice_grad, "dynamic_slice_grad"}};

}  // namespace
}  // namespace labkit
