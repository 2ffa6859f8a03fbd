// What measures the machine.
#include "exec/signatures/checked.h"

namespace labkit {
namespace {

constexpr int64_t kMost = int64_t(1) << 30;  // repeats and parts: so that a task ends, and products fit

void peak_fma(const Checked& c) {
    c.operands(0, 1);
    c.attributes(1);
    c.all_T();
    c.rank(c.out(), 1);
    c.need(c.attribute(0) >= 1 && c.attribute(0) <= kMost, "takes 1 to 2^30 multiply-adds a task");
}

void peak_bandwidth(const Checked& c) {
    c.elementwise(1);
    c.attributes(2);
    c.rank(c.out(), 1);
    c.need(c.attribute(0) >= 1 && c.attribute(0) <= kMost, "takes 1 to 2^30 parts");
    c.need(c.attribute(1) >= 1 && c.attribute(1) <= kMost, "takes 1 to 2^30 rounds");
}

const Signatures registered{
    {peak_fma, "peak_fma"},
    {peak_bandwidth, "peak_bandwidth"},
};

}  // namespace
}  // namespace labkit
