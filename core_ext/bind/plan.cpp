// State, Cell and Plan for Python.
#include <pybind11/stl.h>

#include <cstring>
#include <stdexcept>

#include "bind/arrays.h"
#include "bind/bind.h"
#include "bind/host.h"
#include "exec/checked.h"
#include "exec/executor.h"
#include "exec/memory.h"
#include "exec/memory_limit.h"
#include "exec/plan_text.h"

namespace labkit {
namespace {

using CellPointer = std::shared_ptr<Cell>;

// --- cells ---

void copy_cell(Cell& cell, const View& array, bool into_cell) {
    HostInterrupt host(nullptr, std::nullopt);
    bool held;
    {
        py::gil_scoped_release release;
        State::Hold hold(*cell.state(), into_cell, host);
        held = hold.held();
        if (held && cell.bytes()) {
            size_t bytes = static_cast<size_t>(cell.bytes());
            into_cell ? std::memcpy(cell.view().data, array.data, bytes)
                      : std::memcpy(array.data, cell.view().data, bytes);
        }
        if (held && into_cell) cell.mark_initialized();
    }
    if (!held) host.raise(0);
}

py::array read_cell(Cell& cell) {
    if (!cell.initialized()) raise_error(Error::uninitialized, py::make_tuple(0), 0);
    need_memory(checked_bytes(cell.view()));
    py::array copy = new_array(cell.view());
    copy_cell(cell, view_of(copy, "the copy", true), false);
    return copy;
}

// For a thread that holds the state for several runs: what a variable is now.
py::object save_cell(const Cell& cell) {
    if (!State::Hold::is_held(*cell.state(), false)) throw std::logic_error("the state is not held by this thread");
    if (!cell.initialized()) return py::none();
    need_memory(cell.bytes());
    py::array copy = new_array(cell.view());
    if (cell.bytes()) std::memcpy(copy.mutable_data(), cell.view().data, static_cast<size_t>(cell.bytes()));
    return copy;
}

std::vector<int64_t> shape_of(const Cell& cell) { return {cell.view().shape, cell.view().shape + cell.view().rank}; }

// --- holding a state over several runs ---

// A context manager in native code: no signal handler can raise between taking the state and the block that lets it go, nor
// between the block's end and the values' being taken back.
class PythonHold {
   public:
    PythonHold(std::shared_ptr<State> state, bool exclusive, std::optional<double> timeout, std::vector<CellPointer> cells)
        : state_(std::move(state)), exclusive_(exclusive), timeout_(timeout), cells_(std::move(cells)) {
        for (const CellPointer& cell : cells_)
            if (!cell || cell->state() != state_ || !exclusive)
                throw std::invalid_argument("taken_back: cells of this state, which is held exclusively");
    }

    void enter() {
        if (hold_) throw std::logic_error("the state is held already");
        HostInterrupt host(state_.get(), timeout_);
        {
            py::gil_scoped_release release;
            hold_ = std::make_unique<State::Hold>(*state_, exclusive_, host);
        }
        if (!hold_->held()) {
            hold_.reset();
            host.raise(0);
        }
        try {
            for (const CellPointer& cell : cells_) save(*cell);
        } catch (...) {
            leave(false);
            throw;
        }
    }

    void leave(bool failed) {
        for (size_t i = 0; failed && i < saved_.size(); ++i) {
            Cell& cell = *cells_[i];
            cell.mark_initialized(saved_[i].has_value());
            if (saved_[i] && cell.bytes())
                std::memcpy(cell.view().data, saved_[i]->data(), static_cast<size_t>(cell.bytes()));
        }
        saved_.clear();
        hold_.reset();
    }

   private:
    void save(const Cell& cell) {
        saved_.emplace_back();
        if (!cell.initialized()) return;
        need_memory(cell.bytes());
        saved_.back().emplace(cell.bytes());
        if (cell.bytes()) std::memcpy(saved_.back()->data(), cell.view().data, static_cast<size_t>(cell.bytes()));
    }

    std::shared_ptr<State> state_;
    bool exclusive_;
    std::optional<double> timeout_;
    std::vector<CellPointer> cells_;
    std::vector<std::optional<Buffer>> saved_;  // of cells_; nothing where there was no value
    std::unique_ptr<State::Hold> hold_;
};

// --- plans ---

template <class T>
T item(const py::dict& from, const char* key, const std::string& where) {
    if (!from.contains(key)) throw std::invalid_argument(where + " has no '" + key + "'");
    try {
        return from[key].cast<T>();
    } catch (const py::cast_error&) {
        throw std::invalid_argument(where + ": '" + key + "' is of the wrong type");
    }
}

constexpr int64_t kReferenceFrom = int64_t(1) << 16;  // bytes; smaller constants lie together

// Keeps an array that nobody may write.
std::shared_ptr<const void> owner_of(const py::object& array) {
    if (py::cast<py::array>(array).writeable()) return nullptr;
    auto drop = [](const py::object* held) {
        py::gil_scoped_acquire gil;
        delete held;
    };
    return std::shared_ptr<const py::object>(new py::object(array), drop);
}

SlotSpec slot_from(const py::dict& from, const std::string& where) {
    SlotSpec slot{};
    slot.kind = slot_kind(item<std::string>(from, "kind", where));
    slot.type = type_from(item<std::string>(from, "dtype", where), item<py::sequence>(from, "shape", where));
    if (slot.kind == SlotKind::constant) {
        auto value = item<py::object>(from, "value", where);
        slot.type.data = view_like(value, slot.type, where + ": its value").data;
        if (checked_bytes(slot.type) >= kReferenceFrom) slot.owner = owner_of(value);
    } else if (slot.kind == SlotKind::alias)
        slot.index = item<int64_t>(from, "of", where);
    else if (slot.kind != SlotKind::arena)
        slot.index = item<int64_t>(from, "index", where);
    return slot;
}

InstructionSpec instruction_from(const py::dict& from, const std::string& where) {
    InstructionSpec made;
    made.kernel = item<std::string>(from, "kernel", where);
    made.inputs = item<std::vector<int64_t>>(from, "inputs", where);
    made.outputs = item<std::vector<int64_t>>(from, "outputs", where);
    if (from.contains("ints")) made.ints = item<std::vector<int64_t>>(from, "ints", where);
    if (from.contains("reals")) made.reals = item<std::vector<double>>(from, "reals", where);
    made.name = from.contains("name") ? item<std::string>(from, "name", where) : made.kernel;
    made.writes = from.contains("writes") && item<bool>(from, "writes", where);
    if (from.contains("plans"))
        for (auto& plan : item<std::vector<std::shared_ptr<Plan>>>(from, "plans", where)) made.plans.push_back(plan);
    return made;
}

std::shared_ptr<Plan> make_plan(const py::list& slots, const py::list& instructions, std::vector<CellPointer> cells,
                                std::vector<int64_t> read_first, std::shared_ptr<State> state, bool fuse) {
    PlanSpec spec;
    spec.fuse = fuse;
    for (size_t i = 0; i < slots.size(); ++i)
        spec.slots.push_back(slot_from(py::cast<py::dict>(slots[i]), "slot " + std::to_string(i)));
    for (size_t i = 0; i < instructions.size(); ++i)
        spec.instructions.push_back(
            instruction_from(py::cast<py::dict>(instructions[i]), "instruction " + std::to_string(i)));
    spec.read_first = std::move(read_first);
    return std::make_shared<Plan>(std::move(spec), std::move(cells), std::move(state), active_target());
}

std::vector<std::vector<int32_t>> groups_of(const Plan& plan) {
    std::vector<std::vector<int32_t>> groups;
    for (const Instruction& made : plan.instructions()) {
        auto& group = groups.emplace_back();
        if (made.parts.empty()) group.push_back(made.number);
        for (const Instruction& part : made.parts) group.push_back(part.number);
    }
    return groups;
}

// "conv2d.f32", or of several kernels in one "conv2d.f32 + bias_add.f32 + relu.f32".
std::string kernels_of(const Instruction& made) {
    if (made.parts.empty()) return made.kernel->name;
    std::string names;
    for (const Instruction& part : made.parts) names += (names.empty() ? "" : " + ") + std::string(part.kernel->name);
    return names;
}

// A measured run: (start, nanoseconds, bytes of temporaries, nodes, events, events left out).
py::tuple record_of(const Plan& plan, const Trace& trace, int64_t start) {
    py::list nodes, events;
    for (const Trace::Node& node : trace.nodes())
        nodes.append(py::make_tuple(node.instruction->name, kernels_of(*node.instruction), node.parent, node.calls,
                                    node.start, node.duration, node.bytes));
    for (const Trace::Event& event : trace.events())
        events.append(py::make_tuple(event.node, event.start, event.duration));
    return py::make_tuple(start, Trace::now() - start, plan.arena_bytes(), nodes, events, trace.dropped());
}

// Runs without the GIL, then raises what went wrong. `traces` is None or a list that gets the record of the run.
void run_plan(const Plan& plan, int64_t steps, const std::vector<StepFeed>& feeds,
              const std::vector<StepFetch>& fetches, std::optional<double> timeout, bool held,
              std::optional<py::list> traces) {
    HostInterrupt host(&plan.state(), timeout);
    Outcome outcome;
    std::optional<Trace> trace;
    int64_t start = traces ? trace.emplace(), Trace::now() : 0;
    {
        py::gil_scoped_release release;
        outcome = run(plan, steps, feeds, fetches, host, held, trace ? &*trace : nullptr);
    }
    if (traces) traces->append(record_of(plan, *trace, start));
    switch (outcome.kind) {
        case Outcome::Kind::done:
            return;
        case Outcome::Kind::uninitialized:
            raise_error(Error::uninitialized, py::make_tuple(outcome.where), 0);
        case Outcome::Kind::failed:
        case Outcome::Kind::bad_index: {
            std::string name = outcome.kind == Outcome::Kind::failed ? outcome.failed->name
                                                                     : "feed " + std::to_string(outcome.where);
            const Status& status = outcome.status;
            raise_error(Error::kernel, py::make_tuple(name, static_cast<int>(status.code), status.value, status.limit),
                        outcome.steps_done);
        }
        case Outcome::Kind::stopped:
        case Outcome::Kind::timed_out:
            host.raise(outcome.steps_done);
    }
}

void check_feed_count(const Plan& plan, size_t received) {
    if (received != plan.feeds().size())
        throw std::invalid_argument("the plan takes " + std::to_string(plan.feeds().size()) + " feeds, received " +
                                    std::to_string(received));
}

const View& feed_type(const Plan& plan, size_t i) { return plan.slots()[plan.feeds()[i]].type; }

std::vector<StepFetch> new_fetches(const Plan& plan, py::list& arrays, int64_t lead) {
    std::vector<StepFetch> fetches;
    fetches.reserve(plan.fetches().size());
    int64_t total = 0;
    for (int32_t slot : plan.fetches()) {
        int64_t bytes = checked_bytes(plan.slots()[slot].type);
        total = checked_add(total, lead >= 0 ? checked_mul(bytes, lead, "a result") : bytes, "the results' size");
    }
    need_memory(total);
    for (int32_t slot : plan.fetches()) {
        const View& type = plan.slots()[slot].type;
        int64_t bytes = checked_bytes(type);
        py::array array = new_array(type, lead);
        fetches.push_back({array.mutable_data(), bytes});
        arrays.append(array);
    }
    return fetches;
}

py::list run_once(const Plan& plan, const py::list& arrays, std::optional<double> timeout, bool held,
                  std::optional<py::list> traces) {
    check_feed_count(plan, arrays.size());
    std::vector<StepFeed> feeds(arrays.size());
    for (size_t i = 0; i < feeds.size(); ++i)
        feeds[i].data = view_like(arrays[i], feed_type(plan, i), "feed " + std::to_string(i)).data;
    py::list results;
    std::vector<StepFetch> fetches = new_fetches(plan, results, -1);
    run_plan(plan, 1, feeds, fetches, timeout, held, traces);
    return results;
}

StepFeed step_feed(const py::handle& given, bool stepped, const View& type, int64_t steps, const std::string& what) {
    StepFeed feed;
    if (!stepped) {
        feed.data = view_like(given, type, what).data;
    } else if (!py::isinstance<py::tuple>(given)) {
        feed.data = view_like(given, type, what, steps).data;
        feed.stride = checked_bytes(type);
    } else {
        auto pair = py::reinterpret_borrow<py::tuple>(given);
        if (pair.size() != 2) throw std::invalid_argument(what + " is not a pair (array, indices)");
        if (type.rank < 1) throw std::invalid_argument(what + " takes scalars, which have no rows to gather");
        View indices = view_of(pair[1], what + ", its indices");
        if (indices.dtype != DType::i64 || indices.rank != 2 || indices.shape[0] != steps ||
            indices.shape[1] != type.shape[0])
            throw std::invalid_argument(what + ": its indices are " + text_of(indices) + ", expected i64 [" +
                                        std::to_string(steps) + ", " + std::to_string(type.shape[0]) + "]");
        View rows = view_of(pair[0], what + ", its array");
        View wanted = type;
        wanted.shape[0] = rows.rank ? rows.shape[0] : 0;
        feed.data = view_like(pair[0], wanted, what + ", its array").data;
        feed.indices = static_cast<const int64_t*>(indices.data);
        feed.batch = type.shape[0];
        feed.rows = wanted.shape[0];
        View row = type;
        row.shape[0] = 1;
        feed.row_bytes = checked_bytes(row);
    }
    return feed;
}

py::list run_steps(const Plan& plan, int64_t steps, const py::list& arrays, const std::vector<bool>& stepped,
                   std::optional<double> timeout, std::optional<py::list> traces) {
    if (steps < 0)
        throw std::invalid_argument("the number of steps is never negative, received " + std::to_string(steps));
    check_feed_count(plan, arrays.size());
    if (stepped.size() != arrays.size()) throw std::invalid_argument("`stepped` has one entry for each feed");
    std::vector<StepFeed> feeds;
    for (size_t i = 0; i < arrays.size(); ++i)
        feeds.push_back(step_feed(arrays[i], stepped[i], feed_type(plan, i), steps, "feed " + std::to_string(i)));
    py::list results;
    std::vector<StepFetch> fetches = new_fetches(plan, results, steps);
    run_plan(plan, steps, feeds, fetches, timeout, false, traces);
    return results;
}

}  // namespace

void bind_plan(py::module_& module) {
    module.def("need_memory", &need_memory, py::arg("bytes"),
               "Raises MemoryError where so many bytes are more than is left: of LABKIT_MEMORY_LIMIT, of this process's "
               "control\ngroups, of the machine.");

    py::class_<State, std::shared_ptr<State>>(
        module, "State",
        "The memory of one session: its cells, and the lock that runs take. Runs that only read overlap; a run that\n"
        "writes a cell has the state to itself.")
        .def(py::init([] {
                 memory_limit();  // where it is wrong, that is said before anything runs
                 return std::make_shared<State>();
             }),
             "Raises:\n    ValueError: LABKIT_MEMORY_LIMIT is no number of bytes.")
        .def(
            "cell",
            [](const std::shared_ptr<State>& state, const std::string& dtype, const py::sequence& shape) {
                return std::make_shared<Cell>(state, type_from(dtype, shape));
            },
            py::arg("dtype"), py::arg("shape"),
            "A new variable's storage, not initialised.\n\nArgs:\n    dtype: 'f32', 'f64', 'i32', 'i64', 'u8' or "
            "'b8'.\n    shape: dimensions, at most 8.\n\n"
            "Raises:\n    ValueError: unknown dtype or impossible shape.\n    MemoryError: no memory.")
        .def(
            "hold",
            [](const std::shared_ptr<State>& state, bool exclusive, std::optional<double> timeout,
               std::vector<CellPointer> taken_back) {
                return std::make_unique<PythonHold>(state, exclusive, timeout, std::move(taken_back));
            },
            py::arg("exclusive"), py::arg("timeout") = py::none(), py::arg("taken_back") = std::vector<CellPointer>(),
            "A context manager that keeps runs of others from coming between several runs of this thread, which are made\n"
            "with held=True: runs that write, or with `exclusive` any.\n\n"
            "Args:\n    timeout: seconds to wait for the state, or None.\n    taken_back: cells that are as they were "
            "when the block is left by an exception.\n\n"
            "Raises:\n    TimeoutError_, CancelledError, KeyboardInterrupt: waiting was given up.\n    RuntimeError: "
            "this thread is inside a run of the state already.\n    MemoryError: there is none for the cells' values.")
        .def("cancel", &State::cancel,
             "Stops the runs under way, as an interrupt would: they raise CancelledError. May be called from any "
             "thread.")
        .def("close", &State::close, "Stops the runs under way and all that start later, as `cancel` does.");

    py::class_<PythonHold>(module, "Hold", "A state held by a thread; made by State.hold.")
        .def("__enter__", &PythonHold::enter)
        .def("__exit__", [](PythonHold& hold, const py::object& type, const py::object&, const py::object&) {
            hold.leave(!type.is_none());
        });

    py::class_<Cell, CellPointer>(module, "Cell", "One variable's storage in one session; made by State.cell.")
        .def_property_readonly("initialized", &Cell::initialized)
        .def_property_readonly("dtype", [](const Cell& cell) { return name_of(cell.view().dtype); })
        .def_property_readonly("shape", [](const Cell& cell) { return py::tuple(py::cast(shape_of(cell))); })
        .def("read", &read_cell,
             "A copy of the value. Waits for runs that write.\n\nRaises:\n    UninitializedError: it has no value.")
        .def("save", &save_cell,
             "For a thread that holds the state: a copy of the value, or None where there is none.\n\nRaises:\n"
             "    RuntimeError: the thread does not hold the state.\n    MemoryError: no memory.")
        .def(
            "load",
            [](Cell& cell, const py::object& array) {
                copy_cell(cell, view_like(array, cell.view(), "the value"), true);
            },
            py::arg("array"),
            "Copies an array of the cell's dtype and shape into it. Waits for runs.\n\nRaises:\n    ValueError: "
            "another dtype or shape.");

    py::class_<Plan, std::shared_ptr<Plan>>(
        module, "Plan",
        "Instructions over slots of memory, validated and laid out once, run many times.\n\n"
        "Args:\n"
        "    slots: dicts {kind: 'arena' | 'constant' | 'state' | 'feed' | 'fetch' | 'alias', dtype, shape, index: "
        "position of a\n"
        "        feed or fetch, number of a cell; value: array of a constant, which is\n"
        "        copied unless it is large and read-only; of: slot of an alias}.\n"
        "    instructions: dicts {kernel, inputs: slots (-1: absent), outputs: slots, ints, reals, name, writes}.\n"
        "    cells: the variables, all of one State.\n"
        "    read_first: numbers of the cells that must be initialised before a run.\n"
        "    state: the session, needed only where there are no cells.\n"
        "    fuse: whether several instructions may become one that does the same to the same bits.\n\n"
        "Raises:\n    ValueError: says what is wrong with the plan.")
        .def(py::init(&make_plan), py::arg("slots"), py::arg("instructions"), py::arg("cells"), py::arg("read_first"),
             py::arg("state") = std::shared_ptr<State>(), py::arg("fuse") = true)
        .def_property_readonly("arena_bytes", &Plan::arena_bytes, "Bytes of temporaries that a run needs.")
        .def(
            "__len__", [](const Plan& plan) { return plan.instructions().size(); }, "The number of instructions.")
        .def_property_readonly("groups", &groups_of,
                               "For each instruction, in order, the numbers of those given that it does.")
        .def("describe", &describe, py::arg("values") = true,
             "The plan as text, which plan_run reads. Without `values` constants are left out, for people.")
        .def("run", &run_once, py::arg("feeds"), py::arg("timeout") = py::none(), py::arg("held") = false,
             py::arg("traces") = py::none(),
             "Runs the plan once, without the GIL.\n\n"
             "Args:\n    feeds: arrays of exactly the feeds' dtypes and shapes, dense in C order; used in place.\n"
             "    timeout: seconds, or None.\n    held: the caller is inside State.hold.\n"
             "    traces: a list, to which a record of the run is added: (start, duration, bytes of temporaries,\n"
             "        [(operation, kernels, node around it or -1, calls, start, duration, bytes of its results)],\n"
             "        [(node, start, duration)], events left out); times are nanoseconds of time.monotonic_ns().\n\n"
             "Returns:\n    A new array for each fetch.\n\n"
             "Raises:\n    ValueError: the feeds do not fit.\n    UninitializedError: a cell of read_first has no "
             "value.\n"
             "    KernelError: a kernel refused its input.\n    TimeoutError_, CancelledError, KeyboardInterrupt: the "
             "run was stopped; only before its\n"
             "        first write, so that it changed nothing.\n    RuntimeError: called by a signal handler inside a "
             "run of the same session.")
        .def("run_steps", &run_steps, py::arg("steps"), py::arg("feeds"), py::arg("stepped"),
             py::arg("timeout") = py::none(), py::arg("traces") = py::none(),
             "Runs the plan `steps` times without returning to Python.\n\n"
             "Args:\n    feeds: for each feed one array for all steps, or where stepped[i]: an array with a leading "
             "dimension `steps`, or a\n"
             "        pair (array[n, ...], indices int64 [steps, batch]) of which each step gets the rows "
             "indices[step].\n"
             "    stepped: for each feed, whether it changes with the step.\n    timeout: seconds for all steps, or "
             "None.\n    traces: as run; calls and durations are of all steps.\n\n"
             "Returns:\n    For each fetch a new array with a leading dimension `steps`.\n\n"
             "Raises:\n    As run; the exception's `steps_done` says how many steps ran to their end. These hold, the "
             "one after them changed\n"
             "        nothing. KernelError for 'feed i' where an index is out of range.");
}

}  // namespace labkit
