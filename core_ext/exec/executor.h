// Runs plans.
#pragma once
#include <cstdint>
#include <vector>

#include "exec/interrupt.h"
#include "exec/plan.h"
#include "exec/trace.h"

namespace labkit {

// What a feed of a run of many steps is. `data` is the feed of step 0; each step goes on by `stride` bytes (0: always
// the same). With `indices`, step s instead gathers rows indices[s * batch] ... of an array of `rows` rows of
// `row_bytes`.
struct StepFeed {
    const void* data = nullptr;
    int64_t stride = 0;
    const int64_t* indices = nullptr;
    int64_t batch = 0, rows = 0, row_bytes = 0;
};

struct StepFetch {
    void* data = nullptr;
    int64_t stride = 0;
};

struct Outcome {
    enum class Kind { done, uninitialized, failed, bad_index, stopped, timed_out };
    Kind kind = Kind::done;
    int64_t steps_done = 0;  // steps that ran to their end; what they wrote holds
    const Instruction* failed = nullptr;  // the instruction, of the plan or of one inside it
    int64_t where = 0;       // uninitialized: the cell; bad_index: the feed
    const Cell* cell = nullptr;  // uninitialized, found by a plan inside
    Status status;           // failed, bad_index
};

// Runs the plan `steps` times. Feeds and fetches are by position. `interrupt` ends a run between two tasks while
// nothing has been written in the present step; once something has, the step is finished first. Throws std::bad_alloc
// and std::logic_error (see State::Hold), both before anything runs. `held`: the caller holds the plan's state already.
// `trace`: measures what runs, to the same bits.
Outcome run(const Plan& plan, int64_t steps, const std::vector<StepFeed>& feeds, const std::vector<StepFetch>& fetches,
            Interrupt& interrupt, bool held = false, Trace* trace = nullptr);

// One kernel call outside of any plan, on up to `threads` threads; call.scratch has work.scratch_bytes, and call.local
// work.local_bytes, aligned, for each of them. `stopped` says whether the interrupt cut it short.
Status run_call(const KernelEntry& kernel, const Call& call, const Work& work, int threads, Interrupt& interrupt,
                bool& stopped);

}  // namespace labkit
