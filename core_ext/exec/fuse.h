// Fewer instructions to the same bits: products and convolutions take bias, relu and masks, and chains of element-wise
// instructions become one. `storage` is where each slot's memory comes from.
#pragma once
#include <vector>

#include "exec/plan.h"

namespace labkit {

std::vector<Instruction> absorb_ends(std::vector<Instruction> instructions, const std::vector<SlotSpec>& slots,
                                     const std::vector<Storage>& storage);

std::vector<Instruction> fuse(std::vector<Instruction> instructions, const std::vector<SlotSpec>& slots,
                              const std::vector<Storage>& storage);

}  // namespace labkit
