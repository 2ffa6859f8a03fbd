// mask_before_pooling.
#include "exec/rewrites/rewrites.h"

namespace labkit {
namespace {

constexpr size_t kNone = SIZE_MAX, kSeveral = SIZE_MAX - 1;

class Masks : Slots {
   public:
    Masks(const std::vector<Instruction>& all, const std::vector<SlotSpec>& slots, const std::vector<Storage>& storage)
        : Slots(slots, storage), all_(all), maker_(slot_count(), kNone), reads_(slot_count(), 0) {
        for (size_t i = 0; i < all.size(); ++i) {
            for (int32_t id : all[i].outputs) maker_[root(id)] = maker_[root(id)] == kNone ? i : kSeveral;
            for (int32_t id : all[i].inputs)
                if (id >= 0) ++reads_[root(id)];
        }
    }

    // The gradient of pooling whose result instruction i masks by what was pooled, and the pooling; else false.
    bool find(size_t i, size_t& spread, size_t& pooling) const {
        const Instruction& mask = all_[i];
        if (!calls(mask, "relu_grad") || mask.writes) return false;
        const int32_t gradient = mask.inputs[0], pooled = mask.inputs[1];
        spread = maker(gradient);
        if (spread == kNone || !calls(all_[spread], "max_pool_grad") || all_[spread].inputs.size() != 2) return false;
        pooling = maker(all_[spread].inputs[1]);
        if (pooling == kNone || !calls(all_[pooling], "max_pool") || maker(all_[pooling].outputs[0]) == kNone) return false;
        const bool read_here_alone =
            reads_[root(gradient)] == 1 && storage(gradient).kind == SlotKind::arena;  // not fetched
        return read_here_alone && same_type(type(gradient), type(all_[spread].outputs[0])) &&
               maker(pooled) != kNone && root(all_[pooling].inputs[0]) == root(pooled) &&
               same_type(type(all_[pooling].inputs[0]), type(pooled)) && all_[pooling].ints == all_[spread].ints &&
               same_type(type(all_[pooling].outputs[0]), type(all_[spread].inputs[0])) &&
               root(mask.outputs[0]) != root(all_[spread].inputs[1]);
    }

   private:
    // The one instruction that gives the slot its value.
    size_t maker(int32_t id) const {
        const SlotKind kind = storage(id).kind;
        const bool computed = kind == SlotKind::arena || kind == SlotKind::fetch;
        return computed && maker_[root(id)] < all_.size() ? maker_[root(id)] : kNone;
    }

    const std::vector<Instruction>& all_;
    std::vector<size_t> maker_;   // by root
    std::vector<int64_t> reads_;  // by root
};

}  // namespace

std::vector<size_t> mask_before_pooling(std::vector<Instruction>& instructions, std::vector<SlotSpec>& slots,
                                        std::vector<Storage>& storage) {
    struct Found {
        size_t mask, spread, pooling;
    };
    std::vector<Found> found;
    {
        const Masks masks(instructions, slots, storage);
        for (size_t i = 0; i < instructions.size(); ++i)
            if (Found one{i, 0, 0}; masks.find(i, one.spread, one.pooling)) found.push_back(one);
    }
    std::vector<size_t> changed;
    for (const Found& one : found) {
        Instruction &mask = instructions[one.mask], &spread = instructions[one.spread];
        const auto between = static_cast<int32_t>(slots.size());
        SlotSpec slot{SlotKind::arena, slots[static_cast<size_t>(spread.inputs[0])].type};
        slot.type.data = nullptr;
        slots.push_back(slot);
        storage.push_back({SlotKind::arena, between});
        mask.inputs = {spread.inputs[0], instructions[one.pooling].outputs[0]};
        spread.inputs[0] = between;
        spread.outputs = std::move(mask.outputs);
        mask.outputs = {between};
        std::swap(mask, spread);
        changed.insert(changed.end(), {one.mask, one.spread});
    }
    return changed;
}

}  // namespace labkit
