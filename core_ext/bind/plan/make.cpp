// From Python's dictionaries to a plan.
#include <pybind11/stl.h>

#include <stdexcept>

#include "bind/arrays.h"
#include "bind/plan/plan.h"
#include "exec/checked.h"

namespace labkit {
namespace {

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

}  // namespace

std::shared_ptr<Plan> make_plan(const py::list& slots, const py::list& instructions, std::vector<std::shared_ptr<Cell>> cells,
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

}  // namespace labkit
