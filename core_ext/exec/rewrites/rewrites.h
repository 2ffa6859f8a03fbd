// What a plan does to the instructions it is given: fewer of them, and less memory, to the same bits.
//
// Each takes instructions that have been checked, with `slots` and, for each slot, where its memory comes from.
#pragma once
#include <cstddef>
#include <cstdint>
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

// Products and convolutions take bias, relu, masks and max pooling of the instructions after them.
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

// What a rewrite asks of the slots that instructions name.
class Slots {
   protected:
    Slots(const std::vector<SlotSpec>& slots, const std::vector<Storage>& storage) : slots_(slots), storage_(storage) {}

    const std::vector<SlotSpec>& slots() const { return slots_; }
    size_t slot_count() const { return slots_.size(); }
    const SlotSpec& slot(int32_t id) const { return slots_[static_cast<size_t>(id)]; }
    const View& type(int32_t id) const { return slot(id).type; }
    const Storage& storage(int32_t id) const { return storage_[static_cast<size_t>(id)]; }
    size_t root(int32_t id) const { return static_cast<size_t>(storage(id).root); }  // as an index: the slot with the memory

   private:
    const std::vector<SlotSpec>& slots_;
    const std::vector<Storage>& storage_;
};

// Whether the instruction calls the operation's kernel, for whatever dtype.
inline bool calls(const Instruction& made, const char* operation) {
    if (made.control != Control::none) return false;
    const std::string name = made.kernel->name;
    return name.compare(0, name.rfind('.'), operation) == 0;
}

}  // namespace labkit
