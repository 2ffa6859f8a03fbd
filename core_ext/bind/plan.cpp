// Plan for Python.
#include <pybind11/stl.h>

#include <stdexcept>

#include "bind/arrays.h"
#include "bind/bind.h"
#include "bind/host.h"
#include "exec/checked.h"
#include "exec/executor.h"
#include "exec/memory_limit.h"
#include "exec/plan_text.h"

namespace labkit {
namespace {

using CellPointer = std::shared_ptr<Cell>;

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
    for (py::object at = array; py::isinstance<py::array>(at); at = at.attr("base"))  // a view of what somebody may write
        if (py::cast<py::array>(at).writeable()) return nullptr;
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

// Where an instruction's results go: to variables, nowhere but the cache, or over an operand.
const char* place_of(const Plan& plan, const Instruction& made) {
    if (made.writes) return "writes";
    auto offset = [&](int32_t id) {
        const Storage* at = id < 0 ? nullptr : &plan.storage()[static_cast<size_t>(id)];
        return at && at->kind == SlotKind::arena ? at->offset : -2;
    };
    bool inside = !made.outputs.empty(), over = false;
    for (int32_t out : made.outputs) {
        inside = inside && offset(out) == -1;
        for (int32_t in : made.inputs) over = over || (offset(out) >= 0 && offset(out) == offset(in));
    }
    return inside ? "in cache" : over ? "in place" : "";
}

// For each instruction its parts: (number as given, operands, results, bytes of the results, place).
py::list parts_of(const Plan& plan) {
    auto types = [&](const std::vector<int32_t>& ids) {
        std::string text;
        for (int32_t id : ids)
            if (id >= 0) text += (text.empty() ? "" : ", ") + text_of(plan.slots()[static_cast<size_t>(id)].type);
        return text;
    };
    py::list all;
    for (const Instruction& made : plan.instructions()) {
        py::list parts;
        auto add = [&](const Instruction& part) {
            int64_t bytes = 0;
            for (int32_t id : part.outputs) bytes += checked_bytes(plan.slots()[static_cast<size_t>(id)].type);
            parts.append(py::make_tuple(part.number, types(part.inputs), types(part.outputs), bytes, place_of(plan, part)));
        };
        if (made.parts.empty()) add(made);
        for (const Instruction& part : made.parts) add(part);
        all.append(parts);
    }
    return all;
}

std::vector<std::string> algorithms_of(const Plan& plan) {
    std::vector<std::string> names;
    for (const Instruction& made : plan.instructions()) names.emplace_back(made.work.algorithm);
    return names;
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
        .def_property_readonly("parts", &parts_of,
                               "For each instruction, in order, those given that it does: (number, types of operands, types\n"
                               "of results, bytes of results, 'writes' | 'in cache' | 'in place' | ''). Rewrites may have changed\n"
                               "their operands.")
        .def_property_readonly("algorithms", &algorithms_of,
                               "For each instruction, in order, the algorithm that serves it where its kernel has several, else ''.")
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
