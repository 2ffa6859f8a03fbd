// Fewer instructions to the same bits: chains of element-wise instructions become one.
#pragma once
#include <vector>

#include "exec/plan.h"

namespace labkit {

// The instructions that do the same. `storage` is where each slot's memory comes from.
std::vector<Instruction> fuse(std::vector<Instruction> instructions, const std::vector<SlotSpec>& slots,
                              const std::vector<Storage>& storage);

}  // namespace labkit
