// The gradient of relu before max pooling.
#pragma once
#include <vector>

#include "exec/plan.h"

namespace labkit {

// The gradient of y = max_pool(relu(x)) first spreads over y's windows and is then masked by relu(x). Here it is masked by y
// first, and spread afterwards: a maximum is the value it was taken from, so what reaches each place is the same, to the bit.
// The mask is smaller, and the memory of relu(x) is free as soon as it was pooled. `slots` and `storage` get what is between
// the two. Returns the instructions that have other operands than before.
std::vector<size_t> mask_before_pooling(std::vector<Instruction>& instructions, std::vector<SlotSpec>& slots,
                                        std::vector<Storage>& storage);

}  // namespace labkit
