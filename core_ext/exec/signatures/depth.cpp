// Kernels that exchange space and channels of images.
#include "exec/signatures/checked.h"

namespace labkit {
namespace {

void squares(const Checked& c, const View& wide, const View& deep) {
    c.attributes(1);
    c.all_T();
    c.rank(wide, 4);
    c.rank(deep, 4);
    int64_t block = c.attribute(0);
    c.need(block >= 1 && block <= 1 << 20, "has squares of at least one pixel");
    c.need(wide.shape[0] == deep.shape[0] && wide.shape[1] / block == deep.shape[1] && wide.shape[1] % block == 0 &&
               wide.shape[2] / block == deep.shape[2] && wide.shape[2] % block == 0 &&
               deep.shape[3] / (block * block) == wide.shape[3] && deep.shape[3] % (block * block) == 0,
           "has a result of another shape");
}

void space_to_depth(const Checked& c) {
    c.operands(1, 1);
    squares(c, c.in(0), c.out());
}

void depth_to_space(const Checked& c) {
    c.operands(1, 1);
    squares(c, c.out(), c.in(0));
}

const Signatures registered{{space_to_depth, "space_to_depth"}, {depth_to_space, "depth_to_space"}};

}  // namespace
}  // namespace labkit
