// Kernels that update variables in place.
#include "exec/signatures/checked.h"

namespace labkit {
namespace {

// Updates: every output and the input `gradient` have one shape, the other inputs are single numbers.
void update(const Checked& c, int inputs, int outputs, int gradient, int ints = 0) {
    c.operands(inputs, outputs);
    c.attributes(ints);
    c.all_T();
    for (int i = 0; i < inputs; ++i) i == gradient ? c.same_shape(c.in(i), c.out()) : c.scalar(c.in(i));
    for (int i = 1; i < outputs; ++i) c.same_shape(c.out(i), c.out());
}
void assign(const Checked& c) { update(c, 1, 1, 0); }
void gradient_descent(const Checked& c) { update(c, 2, 1, 1); }
void momentum(const Checked& c) { update(c, 3, 2, 1, 1); }
void adam(const Checked& c) { update(c, 7, 3, 6); }

const Signatures registered{
    {assign, "assign_add assign_sub"},
    {gradient_descent, "apply_gradient_descent"},
    {momentum, "apply_momentum"},
    {adam, "apply_adam"},
};

}  // namespace
}  // namespace labkit
