// Activations and their gradients.
#include "exec/signatures/checked.h"

namespace labkit {
namespace {

template <int inputs, int ints, int reals>
void elementwise(const Checked& c) {
    c.elementwise(inputs);
    c.attributes(ints, reals);
}

const Signatures registered{
    {elementwise<1, 0, 0>, "relu6 softplus softsign", true},
    {elementwise<2, 0, 0>, "relu6_grad softplus_grad softsign_grad", true},
    {elementwise<1, 0, 1>, "leaky_relu silu", true},
    {elementwise<2, 0, 1>, "leaky_relu_grad silu_grad", true},
    {elementwise<1, 0, 2>, "elu", true},
    {elementwise<2, 0, 2>, "elu_grad", true},
    {elementwise<1, 1, 0>, "gelu", true},
    {elementwise<2, 1, 0>, "gelu_grad", true},
};

}  // namespace
}  // namespace labkit
