// A plan: instructions over slots of memory, validated and laid out once, then run many times.
//
// A slot is a piece of memory with a dtype and a shape. An `alias` is another slot under another shape. Everything
// about a plan that comes from outside is checked here; a plan that was constructed can be executed without further
// checks.
#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "dispatch/dispatch.h"
#include "exec/memory.h"
#include "exec/state.h"
#include "labkit/kernel.h"

namespace labkit {

enum class SlotKind { arena, constant, state, feed, fetch, alias };

struct SlotSpec {
    SlotKind kind;
    View type;          // dtype and shape; data: the value of a constant, else null
    int64_t index = 0;  // state: the cell; feed, fetch: the position; alias: the other slot
    std::shared_ptr<const void> owner{};  // constant: keeps `data` alive and unchanged; without it the plan makes a copy
};

class Plan;

// What an instruction does instead of calling a kernel: it runs plans of its own (exec/control.h).
enum class Control { none, branch, loop, scan };

struct InstructionSpec {
    std::string kernel, name;  // the kernel as the target's table calls it; the operation as errors shall call it
    std::vector<int64_t> inputs, outputs;  // slots; an input of -1 is absent
    std::vector<int64_t> ints;
    std::vector<double> reals;
    std::vector<std::shared_ptr<const Plan>> plans;  // of a control instruction
    bool writes = false;  // changes a variable
};

struct PlanSpec {
    std::vector<SlotSpec> slots;
    std::vector<InstructionSpec> instructions;
    std::vector<int64_t> read_first;  // cells that must be initialised before a run
    bool fuse = true;  // whether fewer instructions may do the same, to the same bits
};

// Where a slot's memory comes from, after aliases are followed.
struct Storage {
    SlotKind kind;
    int32_t root;        // the slot that has the memory
    int64_t index = 0;   // of the root
    int64_t offset = 0;  // arena: in bytes; -1: an instruction keeps it to itself
};

struct Instruction {
    const KernelEntry* kernel = nullptr;  // of a control instruction: its name alone
    int32_t number = 0;                   // in the description
    Control control = Control::none;
    std::vector<std::shared_ptr<const Plan>> plans;
    std::string name;
    std::vector<int32_t> inputs, outputs;
    std::vector<int64_t> ints;
    std::vector<double> reals;
    std::vector<Cell*> written;  // cells that are initialised once it has run
    std::vector<Instruction> parts;      // those of the description that this one does together; else none
    std::shared_ptr<const Fused> fused;  // how it does so, element-wise ones
    Work work;
    int64_t scratch_offset = 0;  // in the arena
    int32_t weight = 1;          // about how long it takes; clocks are read when the sum reaches kClockWeight
    bool writes = false;
    bool empty = false;   // all outputs have zero elements: nothing is executed
    bool serial = false;  // one phase of one task
};

constexpr int32_t kClockWeight = 16;

class RunContext;

class Plan {
   public:
    struct Local {  // an instruction whose threads have memory of their own
        int64_t tasks, bytes;  // its threads are no more than its tasks
    };

    // `state`: the session; without it that of the cells, or one of its own where there are no cells.
    // Throws std::invalid_argument that says what is wrong with the plan, std::bad_alloc.
    Plan(PlanSpec spec, std::vector<std::shared_ptr<Cell>> cells, std::shared_ptr<State> state,
         const KernelTable& table);
    ~Plan();

    const KernelTable& table() const { return table_; }
    const std::vector<SlotSpec>& slots() const { return slots_; }
    const std::vector<Storage>& storage() const { return storage_; }
    const std::vector<Instruction>& instructions() const { return instructions_; }
    const std::vector<std::shared_ptr<Cell>>& cells() const { return cells_; }
    const std::vector<int64_t>& read_first() const { return read_first_; }
    const std::vector<int32_t>& feeds() const { return feeds_; }      // position -> slot
    const std::vector<int32_t>& fetches() const { return fetches_; }  // likewise
    State& state() const { return *state_; }
    bool has_state(const std::shared_ptr<State>& state) const { return state_ == state; }
    int64_t arena_bytes() const { return arena_bytes_; }
    int64_t local_bytes() const;  // the most that a thread has of its own, in plans inside as well
    int64_t bytes_of_run(int threads) const;  // of temporaries: the arena, and behind it what the threads have of their own
    bool writes() const { return writes_; }

    // All cells that a run may write, where a loop is among what writes: it may fail when it has written already.
    const std::vector<Cell*>& taken_back() const { return taken_back_; }

    // Run contexts that no run uses at present.
    std::unique_ptr<RunContext> take_context() const;
    void give_context(std::unique_ptr<RunContext> context) const noexcept;

   private:
    void resolve_slots();
    void resolve_instructions(const std::vector<InstructionSpec>& specs);
    void fuse_instructions();
    void check_operands(const Instruction& instruction) const;
    void plan_work(Instruction& instruction, const std::string& where) const;
    void lay_out();
    void find_written();

    const KernelTable& table_;
    std::vector<SlotSpec> slots_;
    std::vector<Storage> storage_;
    std::vector<Instruction> instructions_;
    std::vector<std::shared_ptr<Cell>> cells_;
    std::vector<int64_t> read_first_;
    std::vector<int32_t> feeds_, fetches_;
    std::shared_ptr<State> state_;
    Buffer constants_;
    int64_t arena_bytes_ = 0;
    std::vector<Local> locals_;
    bool writes_ = false, loops_write_ = false;
    std::vector<Cell*> written_, taken_back_;
    mutable std::vector<std::unique_ptr<RunContext>> contexts_;
};

const char* name_of(SlotKind kind);
SlotKind slot_kind(const std::string& name);   // throws std::invalid_argument
const char* name_of(DType dtype);              // "f32", ...
DType dtype_named(const std::string& name);    // throws std::invalid_argument
bool same_type(const View& a, const View& b);  // dtype and shape
std::string text_of(const View& view);         // "f32 [2, 3]"

}  // namespace labkit
