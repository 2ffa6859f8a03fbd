#include "exec/context.h"

namespace labkit {

Call call_without_data(const Instruction& instruction, const std::vector<SlotSpec>& slots, std::vector<View>& views) {
    for (const auto* operands : {&instruction.inputs, &instruction.outputs})
        for (int32_t id : *operands) {
            View view{};
            view.rank = -1;
            if (id >= 0) view = slots[id].type;
            view.data = nullptr;
            views.push_back(view);
        }
    Call call{};
    call.n_in = static_cast<int32_t>(instruction.inputs.size());
    call.n_out = static_cast<int32_t>(instruction.outputs.size());
    call.in = views.data();
    call.out = views.data() + call.n_in;
    call.ints = instruction.ints.data();
    call.reals = instruction.reals.data();
    call.n_ints = static_cast<int32_t>(instruction.ints.size());
    call.n_reals = static_cast<int32_t>(instruction.reals.size());
    call.fused = instruction.fused.get();
    return call;
}

RunContext::RunContext(const Plan& plan)
    : feeds_(plan.feeds().size()), fetches_(plan.fetches().size()), staging_(plan.feeds().size()) {
    std::vector<View> views;
    for (const Instruction& instruction : plan.instructions()) {
        views.clear();
        Call call = call_without_data(instruction, plan.slots(), views);
        uint32_t at = static_cast<uint32_t>(views_.size());
        for (const auto* operands : {&instruction.inputs, &instruction.outputs})
            for (int32_t id : *operands) {
                uint32_t index = static_cast<uint32_t>(views_.size());
                views_.push_back(views[index - at]);
                if (id < 0) continue;
                const Storage& storage = plan.storage()[id];
                size_t position = static_cast<size_t>(storage.index);
                switch (storage.kind) {
                    case SlotKind::arena:
                        in_arena_.push_back({index, storage.offset});
                        break;
                    case SlotKind::constant:
                        views_.back().data = plan.slots()[storage.root].type.data;
                        break;
                    case SlotKind::state:
                        views_.back().data = plan.cells()[position]->view().data;
                        break;
                    case SlotKind::feed:
                        feeds_[position].views.push_back(index);
                        break;
                    case SlotKind::fetch:
                        fetches_[position].views.push_back(index);
                        break;
                    case SlotKind::alias:
                        break;  // storage is never one
                }
            }
        if (instruction.work.scratch_bytes)
            scratch_.push_back({static_cast<uint32_t>(calls_.size()), instruction.scratch_offset});
        calls_.push_back(call);
    }
    const View* view = views_.data();
    for (Call& call : calls_) {
        call.in = view;
        call.out = view + call.n_in;
        view += call.n_in + call.n_out;
    }
}

void RunContext::set_arena(char* arena) {
    if (arena == arena_) return;
    arena_ = arena;
    for (const Offset& at : in_arena_) views_[at.index].data = arena + at.offset;
    for (const Offset& at : scratch_) calls_[at.index].scratch = arena + at.offset;
}

char* RunContext::staging(size_t position, int64_t bytes) {
    if (staging_[position].size() < bytes) staging_[position] = Buffer(bytes);
    return staging_[position].data();
}

}  // namespace labkit
