// postpone: the order of instructions, for less memory at the peak.
#include <algorithm>
#include <cstdint>
#include <numeric>

#include "exec/checked.h"
#include "exec/rewrites/rewrites.h"

namespace labkit {
namespace {

constexpr int64_t kWorthMoving = int64_t(1) << 18;  // bytes of results; less changes no peak that matters
constexpr int64_t kNever = INT64_MAX;

// When later instructions touch the memory of one slot.
struct Later {
    int64_t first_touch = kNever, first_write = kNever, last_touch = -1;
};

// Times: an instruction that stays where it is has twice its number, one that moves before it the odd time before that.
int64_t before(int64_t time) { return time % 2 ? time : time - 1; }

class Postponing : Slots {
   public:
    Postponing(const std::vector<Instruction>& instructions, const std::vector<SlotSpec>& slots,
               const std::vector<Storage>& storage)
        : Slots(slots, storage), later_(slot_count()), born_(slot_count(), kNever) {
        for (size_t i = instructions.size(); i-- > 0;) {
            const int64_t time = 2 * static_cast<int64_t>(i);
            if (instructions[i].writes) first_write_ = time;
            for (const auto* operands : {&instructions[i].inputs, &instructions[i].outputs})
                for (int32_t id : *operands)
                    if (id >= 0) born_[root(id)] = time;
        }
    }

    // When an instruction runs that stands at `now`. Those behind it were asked about before.
    int64_t time_of(const Instruction& made, int64_t now) {
        const int64_t wanted = when_wanted(made), time = is_worth_moving(made, now, wanted) ? before(wanted) : now;
        for (int32_t id : made.outputs) {
            touch(id, time);
            later(id).first_write = std::min(later(id).first_write, time);
            if (storage(id).kind == SlotKind::fetch) first_fetch_ = std::min(first_fetch_, time);
        }
        for (int32_t id : made.inputs)
            if (id >= 0) touch(id, time);
        return time;
    }

   private:
    int64_t bytes(int32_t id) const { return checked_bytes(type(storage(id).root)); }
    Later& later(int32_t id) { return later_[root(id)]; }
    void touch(int32_t id, int64_t time) {
        Later& at = later(id);
        at.first_touch = std::min(at.first_touch, time);
        at.last_touch = std::max(at.last_touch, time);
    }

    // When the first instruction runs that has to come after this one.
    int64_t when_wanted(const Instruction& made) {
        int64_t wanted = kNever;
        for (int32_t id : made.outputs) wanted = std::min(wanted, later(id).first_touch);
        for (int32_t id : made.inputs) {
            if (id < 0) continue;
            wanted = std::min(wanted, later(id).first_write);
            // In a loop's body a fetch may be the memory of a feed: a variable that is updated in place.
            if (storage(id).kind == SlotKind::feed) wanted = std::min(wanted, first_fetch_);
        }
        return wanted == kNever ? kNever : std::min(wanted, first_write_);
    }

    // Whether its results take more memory than what it reads and nobody reads later.
    bool is_worth_moving(const Instruction& made, int64_t now, int64_t wanted) {
        if (made.control != Control::none || now >= first_write_ || wanted == kNever) return false;
        int64_t gain = 0;
        for (int32_t id : made.outputs) {
            if (storage(id).kind != SlotKind::arena || born_[root(id)] != now) return false;
            gain += bytes(id);
        }
        if (gain < kWorthMoving) return false;
        for (auto in = made.inputs.begin(); in != made.inputs.end(); ++in) {
            const auto same = [&](int32_t other) { return other >= 0 && root(other) == root(*in); };
            if (*in < 0 || storage(*in).kind != SlotKind::arena || std::any_of(made.inputs.begin(), in, same)) continue;
            if (later(*in).last_touch < wanted) gain -= bytes(*in);
        }
        return gain > 0;
    }

    std::vector<Later> later_;   // by root
    std::vector<int64_t> born_;  // by root: when the first instruction touches it
    int64_t first_write_ = kNever;  // of a variable
    int64_t first_fetch_ = kNever;  // among those asked about
};

}  // namespace

void postpone(std::vector<Instruction>& instructions, const std::vector<SlotSpec>& slots,
              const std::vector<Storage>& storage) {
    const size_t count = instructions.size();
    std::vector<int64_t> times(count);
    Postponing postponing(instructions, slots, storage);
    for (size_t i = count; i-- > 0;) times[i] = postponing.time_of(instructions[i], 2 * static_cast<int64_t>(i));
    std::vector<size_t> order(count);
    std::iota(order.begin(), order.end(), size_t(0));
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return times[a] < times[b]; });
    std::vector<Instruction> sorted;
    sorted.reserve(count);
    for (size_t i : order) sorted.push_back(std::move(instructions[i]));
    instructions = std::move(sorted);
}

}  // namespace labkit
