// The order of instructions, for less memory at the peak.
#pragma once
#include <vector>

#include "exec/plan.h"

namespace labkit {

// Moves instructions whose results are large and wanted late, such as gradients of weights, to shortly before they are
// wanted, where that keeps less memory than what they read. Nothing moves across an instruction that it depends on, or
// across the first write: each instruction still reads the same values, so no bit changes.
void postpone(std::vector<Instruction>& instructions, const std::vector<SlotSpec>& slots,
              const std::vector<Storage>& storage);

}  // namespace labkit
