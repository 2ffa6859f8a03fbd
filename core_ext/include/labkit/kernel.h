// The contract between the executor and the kernels: one table of plain functions for each target.
//
// A kernel call is cut into phases, and a phase into tasks. The executor runs the tasks of one phase on any number of
// threads in any order, waits for all of them, and goes on to the next phase. So that results have the same bits for any
// number of threads:
//   - `plan` derives phases and tasks from shapes and attributes alone, by constants of the target;
//   - a task writes memory that no other task of its phase reads or writes;
//   - how a sum is split depends on the reduced length alone, never on the other dimensions.
// Between two tasks the executor may cancel the run, so one task should last well under 50 ms.
#pragma once
#include <cstdint>

#include "labkit/view.h"

namespace labkit {

enum class Code : int32_t { ok = 0, index_out_of_range = 1, invalid_argument = 2 };

// What a task answers. For index_out_of_range: `value` is the offending index, `limit` its exclusive upper bound.
struct Status {
    Code code = Code::ok;
    int64_t value = 0;
    int64_t limit = 0;
};

struct Fused;  // exec/fused.h

struct Call {
    const View* in;       // n_in inputs; one that the operation leaves out has data == nullptr and rank == -1
    const View* out;      // n_out outputs, never overlapping an input except as KernelEntry::in_place allows
    int32_t n_in, n_out;
    const int64_t* ints;  // integer attributes, in the order of the operation's record
    const double* reals;  // real attributes, likewise
    int32_t n_ints, n_reals;
    char* scratch;        // Work::scratch_bytes bytes, 64-byte aligned, contents undefined at phase 0
    char* local;          // Work::local_bytes bytes of the thread that runs the task, likewise, undefined at each task
    const Fused* fused;   // of an instruction that was made of several; else null
};

constexpr int kMaxPhases = 8;  // whose tasks a kernel can count one by one; later ones have as many as the last of these

struct Work {
    int32_t phases = 1;             // -1: the kernel has no way for this call
    int64_t tasks[kMaxPhases] = {1, 1, 1, 1, 1, 1, 1, 1};
    int64_t scratch_bytes = 0;
    int64_t local_bytes = 0;      // for each thread: memory that stays in its cache from task to task,
    int64_t local_tasks = 0;      // and the tasks of the phase that uses it: no more threads have it
    const char* algorithm = "";  // for people: which one serves the call, where a kernel has several

    int64_t tasks_in(int32_t phase) const { return tasks[phase < kMaxPhases ? phase : kMaxPhases - 1]; }
};

// `plan` is called once for given shapes and attributes, with all data pointers null.
using PlanFunction = void (*)(const Call&, Work&);
using RunFunction = Status (*)(const Call&, int phase, int64_t task);

struct KernelEntry {
    const char* name;  // "operation.dtype", e.g. "matmul.f32": the dtype of the first input (of the first output where there is none)
    PlanFunction plan;
    RunFunction run;
    bool in_place;     // output 0 may share the memory of an input of the same shape and dtype
};

// The kernels of one family, compiled for one target.
struct KernelFamily {
    const KernelEntry* entries;
    int32_t count;
};

}  // namespace labkit
