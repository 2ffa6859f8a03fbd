// What one run of a plan needs besides the plan: kernel calls with pointers filled in. Kept by the plan between runs,
// so that a run only changes the pointers that are new.
#pragma once
#include <vector>

#include "exec/memory.h"
#include "exec/plan.h"

namespace labkit {

// The call of an instruction with null data pointers, as KernelEntry::plan gets it. `views` becomes its operands.
Call call_without_data(const Instruction& instruction, const std::vector<SlotSpec>& slots, std::vector<View>& views);

class RunContext {
   public:
    explicit RunContext(const Plan& plan);

    void set_arena(char* arena);
    void set_feed(size_t position, const void* data) { set(feeds_[position], const_cast<void*>(data)); }
    void set_fetch(size_t position, void* data) { set(fetches_[position], data); }
    const Call& call(size_t instruction) const { return calls_[instruction]; }

    // Memory of this context where the rows of a feed are gathered.
    char* staging(size_t position, int64_t bytes);

   private:
    struct Place {  // operands whose memory comes from outside
        void* data = nullptr;
        std::vector<uint32_t> views;
    };
    struct Offset {
        uint32_t index;
        int64_t offset;
    };

    void set(Place& place, void* data) {
        if (place.data == data) return;
        place.data = data;
        for (uint32_t view : place.views) views_[view].data = data;
    }

    std::vector<View> views_;
    std::vector<Call> calls_;
    std::vector<Place> feeds_, fetches_;
    std::vector<Offset> in_arena_, scratch_;  // of views, of calls
    std::vector<Buffer> staging_;
    char* arena_ = nullptr;
};

}  // namespace labkit
