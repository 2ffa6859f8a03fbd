// What Python is told of a plan and of its runs.
#include "bind/plan/plan.h"
#include "exec/checked.h"
#include "exec/pool.h"
#include "exec/trace.h"

namespace labkit {
namespace {

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

// "conv2d.f32", or of several kernels in one "conv2d.f32 + bias_add.f32 + relu.f32".
std::string kernels_of(const Instruction& made) {
    if (made.parts.empty()) return made.kernel->name;
    std::string names;
    for (const Instruction& part : made.parts) names += (names.empty() ? "" : " + ") + std::string(part.kernel->name);
    return names;
}

}  // namespace

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

py::tuple record_of(const Plan& plan, const Trace& trace, int64_t start) {
    py::list nodes, events;
    for (const Trace::Node& node : trace.nodes())
        nodes.append(py::make_tuple(node.instruction->name, kernels_of(*node.instruction), node.parent, node.calls,
                                    node.start, node.duration, node.bytes));
    for (const Trace::Event& event : trace.events())
        events.append(py::make_tuple(event.node, event.start, event.duration));
    return py::make_tuple(start, Trace::now() - start, plan.bytes_of_run(get_num_threads()), nodes, events, trace.dropped());
}

}  // namespace labkit
