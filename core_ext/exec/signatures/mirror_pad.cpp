// Kernels of mirrored borders.
#include "exec/signatures/checked.h"

namespace labkit {
namespace {

void mirrored(const Checked& c, const View& x, const View& padded) {
    c.attributes(x.rank + 1);
    c.all_T();
    c.rank(padded, x.rank);
    int64_t axis = c.attribute(0);
    c.need(axis == 0 || axis == 1, "mirrors at the outermost element or behind it");
    for (int d = 0; d < x.rank; ++d) {
        int64_t most = std::max<int64_t>(x.shape[d] - axis, 0), before = c.attribute(d + 1);
        c.need(before >= 0 && before <= most && padded.shape[d] - x.shape[d] >= before &&
                   padded.shape[d] - x.shape[d] - before <= most,
               "has a border that is longer than what it mirrors");
    }
}

void mirror_pad(const Checked& c) {
    c.operands(1, 1);
    mirrored(c, c.in(0), c.out());
}

void mirror_pad_grad(const Checked& c) {
    c.operands(1, 1);
    mirrored(c, c.out(), c.in(0));
}

const Signatures registered{{mirror_pad, "mirror_pad"}, {mirror_pad_grad, "mirror_pad_grad"}};

}  // namespace
}  // namespace labkit
