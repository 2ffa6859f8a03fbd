// Running sums and products.
#include "exec/signatures/checked.h"

namespace labkit {
namespace {

template <int inputs, int flags>
void along_axis(const Checked& c) {
    c.elementwise(inputs);
    c.attributes(1 + flags);
    c.need(c.attribute(0) >= 0 && c.attribute(0) < c.in(0).rank, "has an axis that its operand lacks");
}

const Signatures registered{
    {along_axis<1, 2>, "cumsum cumprod"},
    {along_axis<2, 1>, "recurrence"},
};

}  // namespace
}  // namespace labkit
