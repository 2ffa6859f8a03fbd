// What a plan does to the instructions it is given: fewer of them, and less memory, to the same bits.
//
// Each takes instructions that have been checked, with `slots` and, for each slot, where its memory comes from.
#pragma once
#include <string>
#include <vector>

#include "exec/plan.h"

namespace labkit {

// The gradient of y = max_pool(relu(x)) first spreads over y's windows and is then masked by relu(x). Here it is masked by y
// first, and spread afterwards: a maximum is the value it was taken from, so what reaches each place is the same, to the bit.
// The mask is smaller, and the memory of relu(x) is free as soon as it was pooled. `slots` and `storage` get what is between
// the two. Returns the instructions that have other operands than before.
std::vector<size_t> mask_before_pooling(std::vector<Instruction>& instructions, std::vector<SlotSpec>& slots,
                                        std::vector<Storage>& storage);

// Products and convolutions take bias, relu and masks of the instructions after them.
void absorb_epilogues(std::vector<Instruction>& instructions, const std::vector<SlotSpec>& slots,
                      const std::vector<Storage>& storage);

// Chains of element-wise instructions become one (exec/fused.h).
void fuse_chains(std::vector<Instruction>& instructions, const std::vector<SlotSpec>& slots,
                 const std::vector<Storage>& storage);

// Moves instructions whose results are large and wanted late, such as gradients of weights, to shortly before they are
// wanted, where that keeps less memory than what they read. Nothing moves across an instruction that it depends on, or
// across the first write: each instruction still reads the same values.
void postpone(std::vector<Instruction>& instructions, const std::vector<SlotSpec>& slots,
              const std::vector<Storage>& storage);

// Whether the instruction calls the operation's kernel, for whatever dtype.
inline bool calls(const Instruction& made, const char* operation) {
    if (made.control != Control::none) return false;
    const std::string name = made.kernel->name;
    return name.compare(0, name.rfind('.'), operation) == 0;
}

}  // namespace labkit
