// Special functions.
#include "exec/signatures/checked.h"

namespace labkit {
namespace {

void unary(const Checked& c) { c.elementwise(1); }

const Signatures registered{
    {unary, "erf erfc log1p expm1"},
};

}  // namespace
}  // namespace labkit
