// Which temporaries share memory: Plan::lay_out.
#include <algorithm>

#include "exec/arena.h"
#include "exec/checked.h"
#include "exec/plan.h"

namespace labkit {
namespace {

constexpr int32_t kNone = -1;

}  // namespace

// Finds lifetimes, lets kernels that can work in place do so, and places what is left in the arena.
void Plan::lay_out() {
    std::vector<int32_t> first(slots_.size(), kNone), last(slots_.size(), kNone);  // instructions that touch a root
    for (size_t i = 0; i < instructions_.size(); ++i)
        for (const auto* operands : {&instructions_[i].inputs, &instructions_[i].outputs})
            for (int32_t id : *operands) {
                if (id < 0 || storage_[id].kind != SlotKind::arena) continue;
                int32_t root = storage_[id].root;
                if (first[root] == kNone) first[root] = static_cast<int32_t>(i);
                last[root] = static_cast<int32_t>(i);
            }

    std::vector<Block> blocks;
    std::vector<int32_t> block_of(slots_.size(), kNone), scratch_of(instructions_.size(), kNone);  // by root
    auto block_under = [&](int32_t id) {
        return id >= 0 && storage_[id].kind == SlotKind::arena ? block_of[storage_[id].root] : kNone;
    };
    // The block of an input that output 0 may overwrite: every input that lies there is of the output's own shape, none
    // is needed later, and no other output goes there.
    auto block_to_overwrite = [&](const Instruction& made, int32_t now) {
        const View& type = slots_[made.outputs[0]].type;
        for (int32_t in : made.inputs) {
            int32_t block = block_under(in);
            bool fits = block != kNone && blocks[block].last == now;
            for (int32_t other : made.inputs)
                fits = fits && (block_under(other) != block || same_type(slots_[other].type, type));
            for (int32_t other : made.outputs) fits = fits && block_under(other) != block;
            if (fits) return block;
        }
        return kNone;
    };

    for (size_t i = 0; i < instructions_.size(); ++i) {
        const Instruction& made = instructions_[i];
        int32_t now = static_cast<int32_t>(i);
        for (int32_t id : made.outputs) {
            const Storage& out = storage_[id];
            if (out.kind != SlotKind::arena || block_of[out.root] != kNone) continue;
            if (id == made.outputs[0] && made.kernel->in_place && !made.empty) {
                int32_t block = block_to_overwrite(made, now);
                if (block != kNone) blocks[block].last = last[out.root];
                block_of[out.root] = block;
            }
            if (block_of[out.root] != kNone) continue;
            block_of[out.root] = static_cast<int32_t>(blocks.size());
            blocks.push_back({checked_bytes(slots_[id].type), first[out.root], last[out.root], 0});
        }
        if (made.work.local_bytes) locals_.push_back({made.work.local_tasks, aligned(made.work.local_bytes)});
        for (const auto& plan : made.plans) locals_.insert(locals_.end(), plan->locals_.begin(), plan->locals_.end());
        if (!made.work.scratch_bytes) continue;
        scratch_of[i] = static_cast<int32_t>(blocks.size());
        blocks.push_back({made.work.scratch_bytes, now, now, 0});
    }

    arena_bytes_ = place(blocks);
    for (Storage& storage : storage_)
        if (storage.kind == SlotKind::arena)
            storage.offset = block_of[storage.root] == kNone ? -1 : blocks[block_of[storage.root]].offset;
    for (size_t i = 0; i < instructions_.size(); ++i)
        if (scratch_of[i] != kNone) instructions_[i].scratch_offset = blocks[scratch_of[i]].offset;
}

int64_t Plan::local_bytes() const {
    int64_t most = 0;
    for (const Local& local : locals_) most = std::max(most, local.bytes);
    return most;
}

int64_t Plan::bytes_of_run(int threads) const {
    int64_t most = 0;
    for (const Local& local : locals_) most = std::max(most, std::min<int64_t>(threads, local.tasks) * local.bytes);
    return aligned(arena_bytes_) + most;
}

}  // namespace labkit
