#include "exec/plan.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <stdexcept>
#include <utility>

#include "exec/checked.h"
#include "exec/context.h"
#include "exec/control.h"
#include "exec/cpus.h"
#include "exec/fork.h"
#include "exec/fused.h"
#include "exec/rewrites/rewrites.h"
#include "exec/signature.h"

namespace labkit {
namespace {

constexpr size_t kMaxSlots = 1000000;
constexpr const char* kKinds[] = {"arena", "constant", "state", "feed", "fetch", "alias"};
constexpr const char* kDTypes[] = {"f32", "f64", "i32", "i64", "u8", "b8"};

[[noreturn]] void fail(const std::string& text) { throw std::invalid_argument(text); }

std::string label(size_t number, const Instruction& instruction) {
    return "instruction " + std::to_string(number) + " (" + instruction.kernel->name + ", '" + instruction.name + "')";
}

}  // namespace

const char* name_of(SlotKind kind) { return kKinds[static_cast<int>(kind)]; }
const char* name_of(DType dtype) { return kDTypes[static_cast<int>(dtype)]; }

std::string text_of(const View& view) {
    std::string text = name_of(view.dtype);
    text += " [";
    for (int i = 0; i < view.rank; ++i) text += (i ? ", " : "") + std::to_string(view.shape[i]);
    return text + "]";
}

bool same_type(const View& a, const View& b) {
    return a.dtype == b.dtype && a.rank == b.rank && std::equal(a.shape, a.shape + a.rank, b.shape);
}

SlotKind slot_kind(const std::string& name) {
    for (int i = 0; i < 6; ++i)
        if (name == kKinds[i]) return static_cast<SlotKind>(i);
    fail("a slot's kind is arena, constant, state, feed, fetch or alias, not '" + name + "'");
}

DType dtype_named(const std::string& name) {
    for (int i = 0; i < 6; ++i)
        if (name == kDTypes[i]) return static_cast<DType>(i);
    fail("a dtype is f32, f64, i32, i64, u8 or b8, not '" + name + "'");
}

Plan::Plan(PlanSpec spec, std::vector<std::shared_ptr<Cell>> cells, std::shared_ptr<State> state,
           const KernelTable& table)
    : table_(table),
      slots_(std::move(spec.slots)),
      cells_(std::move(cells)),
      read_first_(std::move(spec.read_first)),
      state_(std::move(state)) {
    std::set<const Cell*> distinct;
    for (const auto& cell : cells_) {
        if (!cell) fail("a plan's cell is missing");
        if (!state_) state_ = cell->state();
        if (cell->state() != state_) fail("all cells of a plan belong to one State");
        if (!distinct.insert(cell.get()).second) fail("a plan names each cell once");
    }
    if (!state_) state_ = std::make_shared<State>();
    for (int64_t cell : read_first_)
        if (cell < 0 || cell >= static_cast<int64_t>(cells_.size()))
            fail("read_first names cell " + std::to_string(cell) + ", which does not exist");
    resolve_slots();
    resolve_instructions(spec.instructions);
    if (spec.fuse) fuse_instructions();
    find_written();
    lay_out();
}

void Plan::find_written() {
    std::set<Cell*> all;
    for (const Instruction& made : instructions_) {
        all.insert(made.written.begin(), made.written.end());
        loops_write_ = loops_write_ || (made.writes && (made.control == Control::loop || made.control == Control::scan));
        for (const auto& plan : made.plans) {
            all.insert(plan->written_.begin(), plan->written_.end());
            loops_write_ = loops_write_ || plan->loops_write_;
        }
    }
    written_.assign(all.begin(), all.end());
    if (loops_write_) taken_back_ = written_;
}

Plan::~Plan() = default;

// Follows aliases, gives constants without an owner memory of the plan's own, numbers feeds and fetches.
void Plan::resolve_slots() {
    if (slots_.size() > kMaxSlots) fail("a plan has at most " + std::to_string(kMaxSlots) + " slots");
    storage_.resize(slots_.size());
    std::vector<int32_t> cell_slot(cells_.size(), -1);
    int64_t count = static_cast<int64_t>(slots_.size()), constant_bytes = 0;
    for (int64_t id = 0; id < count; ++id) {
        SlotSpec& slot = slots_[id];
        std::string where = "slot " + std::to_string(id) + " (" + name_of(slot.kind) + " " + text_of(slot.type) + ")";
        int64_t bytes = checked_bytes(slot.type);
        Storage& storage = storage_[id];
        storage = {slot.kind, static_cast<int32_t>(id), slot.index, 0};
        if (slot.kind == SlotKind::constant) {
            if (bytes && !slot.type.data) fail(where + " has no value");
            if (!slot.owner) constant_bytes = checked_add(constant_bytes, aligned(bytes), "the constants of a plan");
        } else if (slot.kind == SlotKind::state) {
            if (slot.index < 0 || slot.index >= static_cast<int64_t>(cells_.size()))
                fail(where + " names cell " + std::to_string(slot.index) + ", which does not exist");
            const View& cell = cells_[slot.index]->view();
            if (!same_type(cell, slot.type)) fail(where + " does not fit its cell, which is " + text_of(cell));
            int32_t& first = cell_slot[slot.index];
            if (first < 0) first = static_cast<int32_t>(id);
            storage.root = first;  // so that two slots of one cell count as the same memory
        } else if (slot.kind == SlotKind::feed || slot.kind == SlotKind::fetch) {
            auto& positions = slot.kind == SlotKind::feed ? feeds_ : fetches_;
            if (slot.index < 0 || slot.index >= count)
                fail(where + " has position " + std::to_string(slot.index) + "; positions count from 0");
            if (static_cast<size_t>(slot.index) >= positions.size())
                positions.resize(static_cast<size_t>(slot.index) + 1, -1);
            if (positions[slot.index] >= 0)
                fail(where + " has position " + std::to_string(slot.index) + ", as another slot");
            positions[slot.index] = static_cast<int32_t>(id);
        } else if (slot.kind == SlotKind::alias) {
            if (slot.index < 0 || slot.index >= count || slot.index == id)
                fail(where + " is an alias of slot " + std::to_string(slot.index) + ", which it cannot be");
        }
    }
    for (const auto* positions : {&feeds_, &fetches_})
        for (size_t i = 0; i < positions->size(); ++i)
            if ((*positions)[i] < 0)
                fail(std::string("no slot is ") + (positions == &feeds_ ? "feed " : "fetch ") + std::to_string(i));
    std::vector<size_t> chain;  // of aliases that lead to one root
    for (size_t id = 0; id < slots_.size(); ++id) {
        size_t root = id;
        for (chain.clear(); storage_[root].kind == SlotKind::alias; root = static_cast<size_t>(slots_[root].index)) {
            if (chain.size() == slots_.size()) fail("slot " + std::to_string(id) + " is an alias in a circle");
            chain.push_back(root);
        }
        for (size_t alias : chain) {
            const View &type = slots_[alias].type, &other = slots_[root].type;
            if (type.dtype != other.dtype || numel(type) != numel(other))
                fail("slot " + std::to_string(alias) + ", an alias, is " + text_of(type) +
                     " and cannot share the memory of " + text_of(other) +
                     ": that takes the same dtype and the same number of elements");
            storage_[alias] = storage_[root];
        }
    }
    constants_ = Buffer(constant_bytes);
    char* to = constants_.data();
    for (SlotSpec& slot : slots_) {
        if (slot.kind != SlotKind::constant || slot.owner) continue;
        int64_t bytes = checked_bytes(slot.type);
        if (bytes) std::memcpy(to, slot.type.data, static_cast<size_t>(bytes));
        slot.type.data = to;
        to += aligned(bytes);
    }
}

void Plan::resolve_instructions(const std::vector<InstructionSpec>& specs) {
    if (specs.size() > kMaxSlots) fail("a plan has at most " + std::to_string(kMaxSlots) + " instructions");
    int64_t count = static_cast<int64_t>(slots_.size());
    std::vector<char> filled(slots_.size(), 0);  // roots in the arena and fetches that hold something
    for (size_t number = 0; number < specs.size(); ++number) {
        const InstructionSpec& spec = specs[number];
        Instruction made;
        made.kernel = control_named(spec.kernel, made.control);
        if (!made.kernel) made.kernel = find_kernel(table_, spec.kernel);
        if (!made.kernel) fail("target " + std::string(table_.target) + " has no kernel named '" + spec.kernel + "'");
        made.number = static_cast<int32_t>(number);
        made.name = spec.name;
        made.ints = spec.ints;
        made.reals = spec.reals;
        made.writes = spec.writes;
        made.plans = spec.plans;
        std::string where = label(number, made);
        for (int64_t id : spec.inputs) {
            if (id < -1 || id >= count) fail(where + " reads slot " + std::to_string(id) + ", which does not exist");
            made.inputs.push_back(static_cast<int32_t>(id));
            if (id < 0 || !numel(slots_[id].type)) continue;
            const Storage& storage = storage_[id];
            bool computed = storage.kind == SlotKind::arena || storage.kind == SlotKind::fetch;
            if (computed && !filled[storage.root])
                fail(where + " reads slot " + std::to_string(id) + " before anything is in it");
        }
        if (spec.outputs.empty() && made.control == Control::none) fail(where + " has no output");
        made.empty = true;
        for (int64_t id : spec.outputs) {
            if (id < 0 || id >= count) fail(where + " writes slot " + std::to_string(id) + ", which does not exist");
            made.outputs.push_back(static_cast<int32_t>(id));
            const Storage& storage = storage_[id];
            if (storage.kind == SlotKind::constant || storage.kind == SlotKind::feed)
                fail(where + " writes a " + name_of(storage.kind));
            if (storage.kind == SlotKind::state) {
                if (!made.writes) fail(where + " writes a variable and does not say so");
                made.written.push_back(cells_[storage.index].get());
            }
            filled[storage.root] = 1;
            made.empty = made.empty && !numel(slots_[id].type);
        }
        made.empty = made.empty && !(made.kernel && is_always_called(made.kernel->name));
        check_operands(made);
        plan_work(made, where);
        writes_ = writes_ || made.writes;
        instructions_.push_back(std::move(made));
    }
    for (size_t i = 0; i < fetches_.size(); ++i) {
        int32_t id = fetches_[i];
        if (!filled[id] && numel(slots_[id].type)) fail("nothing writes fetch " + std::to_string(i));
    }
}

void Plan::fuse_instructions() {
    auto renew = [&](Instruction& made) {
        const std::string where = label(static_cast<size_t>(made.number), made);
        check_operands(made);
        plan_work(made, where);
    };
    for (size_t i : mask_before_pooling(instructions_, slots_, storage_)) renew(instructions_[i]);
    absorb_epilogues(instructions_, slots_, storage_);
    fuse_chains(instructions_, slots_, storage_);
    for (Instruction& made : instructions_) {
        if (made.parts.empty()) continue;
        made.number = made.parts.back().number;
        renew(made);
    }
    postpone(instructions_, slots_, storage_);
}

// Checks the operands and asks the kernel how it cuts its work.
void Plan::plan_work(Instruction& made, const std::string& where) const {
    std::vector<View> views;
    if (made.control != Control::none) {
        for (const auto& plan : made.plans)
            if (!plan || !plan->has_state(state_)) fail(where + " runs a plan of another State");
        made.empty = false;
        made.work.scratch_bytes = check_control(made, call_without_data(made, slots_, views), where);
        made.weight = kClockWeight;
        return;
    }
    if (made.empty) return;
    Call call = call_without_data(made, slots_, views);
    if (made.fused)
        made.fused->check();
    else
        check_signature(made.kernel->name, call);
    made.kernel->plan(call, made.work);
    const Work& work = made.work;
    bool sane = work.phases >= 0 && work.scratch_bytes >= 0 && work.scratch_bytes <= kMaxBytes && work.local_bytes >= 0 &&
                work.local_bytes <= kMaxBytes / kMaxThreads && (work.local_tasks > 0) == (work.local_bytes > 0);
    int64_t tasks = 0;
    for (int phase = 0; sane && phase < std::min(work.phases, kMaxPhases); ++phase)
        sane = work.tasks[phase] >= 0, tasks = std::max(tasks, work.tasks[phase]);
    if (!sane) fail(where + " cannot be planned for these shapes");
    made.serial = work.phases == 1 && work.tasks[0] == 1 && !work.local_bytes;
    int64_t elements = 0;
    for (const View& view : views) elements += view.rank >= 0 ? numel(view) : 0;
    made.weight = tasks > 1 || elements > 16384 ? kClockWeight : 1;
}

// An output shares memory with no other operand, but for output 0 of a kernel that works in place.
void Plan::check_operands(const Instruction& made) const {
    auto root = [&](int32_t id) { return storage_[id].root; };
    auto type = [&](int32_t id) -> const View& { return slots_[id].type; };
    for (size_t o = 0; o < made.outputs.size(); ++o) {
        int32_t out = made.outputs[o];
        for (size_t other = 0; other < o; ++other)
            if (root(out) == root(made.outputs[other]))
                fail(made.name + " (" + made.kernel->name + ") writes the same memory twice");
        for (int32_t in : made.inputs)
            if (in >= 0 && root(in) == root(out) &&
                !(o == 0 && made.kernel->in_place && same_type(type(in), type(out))))
                fail(made.name + " (" + made.kernel->name +
                     ") reads and writes the same memory, which this kernel cannot; copy the input first");
    }
}

std::unique_ptr<RunContext> Plan::take_context() const {
    {
        std::lock_guard<std::mutex> lock(runtime_mutex());
        if (!contexts_.empty()) {
            auto context = std::move(contexts_.back());
            contexts_.pop_back();
            return context;
        }
    }
    return std::make_unique<RunContext>(*this);
}

void Plan::give_context(std::unique_ptr<RunContext> context) const noexcept {
    std::lock_guard<std::mutex> lock(runtime_mutex());
    try {
        contexts_.push_back(std::move(context));
    } catch (const std::bad_alloc&) {
        // The context is freed here.
    }
}

}  // namespace labkit
