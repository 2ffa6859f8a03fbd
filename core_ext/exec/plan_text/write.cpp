// From plans to text.
#include <algorithm>
#include <cstdio>

#include "exec/checked.h"
#include "exec/plan_text.h"
#include "exec/plan_text/format.h"

namespace labkit {
namespace {

void write_name(std::string& to, const std::string& name) {
    to += '"';
    for (unsigned char c : name) {
        if (c >= ' ' && c < 127 && c != '"' && c != '\\') {
            to += static_cast<char>(c);
        } else {
            to += "\\x";
            to += kHex[c >> 4];
            to += kHex[c & 15];
        }
    }
    to += '"';
}

void write_slot(std::string& to, const Plan& plan, size_t id, bool values) {
    const SlotSpec& slot = plan.slots()[id];
    to += std::string("slot ") + name_of(slot.kind) + ' ';
    if (has_index(slot.kind)) to += std::to_string(slot.index) + ' ';
    to += text_of(slot.type);
    if (slot.kind == SlotKind::constant && values) {
        const auto* bytes = static_cast<const unsigned char*>(slot.type.data);
        int64_t count = checked_bytes(slot.type);
        if (count) to += ' ';
        for (int64_t i = 0; i < count; ++i) {
            to += kHex[bytes[i] >> 4];
            to += kHex[bytes[i] & 15];
        }
    }
    if (!values) {
        to += "  # " + std::to_string(id);
        const Storage& storage = plan.storage()[id];
        if (slot.kind == SlotKind::arena && storage.offset >= 0) to += " at " + std::to_string(storage.offset);
    }
    to += '\n';
}

void write_instruction(std::string& to, const Instruction& instruction, bool values) {
    to += std::string("do ") + instruction.kernel->name + ' ';
    write_name(to, instruction.name);
    to += " in";
    for (int32_t id : instruction.inputs) to += ' ' + std::to_string(id);
    to += " out";
    for (int32_t id : instruction.outputs) to += ' ' + std::to_string(id);
    if (!instruction.ints.empty()) to += " ints";
    for (int64_t value : instruction.ints) to += ' ' + std::to_string(value);
    if (!instruction.reals.empty()) to += " reals";
    for (double value : instruction.reals) {
        char text[40];
        std::snprintf(text, sizeof text, values ? " %a" : " %.9g", value);
        to += text;
    }
    if (instruction.writes) to += " writes";
    if (!values) {
        to += "  # tasks";
        const Work& work = instruction.work;
        for (int phase = 0; phase < std::min(work.phases, kMaxPhases); ++phase)
            to += ' ' + std::to_string(instruction.empty ? 0 : work.tasks[phase]);
        if (work.phases > kMaxPhases) to += " in " + std::to_string(work.phases) + " phases";
        if (instruction.work.scratch_bytes) to += ", scratch " + std::to_string(instruction.work.scratch_bytes);
        if (instruction.work.local_bytes) to += ", a thread " + std::to_string(instruction.work.local_bytes);
    }
    to += '\n';
}

void write_plan(std::string& text, const Plan& plan, bool values) {
    text +=
        "# target " + std::string(plan.table().target) + ", arena " + std::to_string(plan.arena_bytes()) + " bytes" +
        (plan.local_bytes() ? ", a thread " + std::to_string(plan.local_bytes()) : "") + "\n";
    for (const auto& cell : plan.cells()) text += "cell " + text_of(cell->view()) + '\n';
    for (size_t id = 0; id < plan.slots().size(); ++id) write_slot(text, plan, id, values);
    for (const Instruction& instruction : plan.instructions()) {
        for (const auto& inner : instruction.plans) {
            text += "plan\n";
            write_plan(text, *inner, values);
            text += "end\n";
        }
        if (instruction.parts.empty()) write_instruction(text, instruction, values);
        for (const Instruction& part : instruction.parts) write_instruction(text, part, values);
    }
    if (!plan.read_first().empty()) {
        text += "read_first";
        for (int64_t cell : plan.read_first()) text += ' ' + std::to_string(cell);
        text += '\n';
    }
}

}  // namespace

std::string describe(const Plan& plan, bool values) {
    std::string text = std::string(kHeader) + "\n";
    write_plan(text, plan, values);
    return text;
}

}  // namespace labkit
