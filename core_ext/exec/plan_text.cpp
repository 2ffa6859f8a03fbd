// The format, one record a line; `#` starts a comment:
//
//   labkit-plan 1
//   cell f32 [784, 10]
//   slot feed 0 f32 [100, 784]              kind, then the position, cell or aliased slot where the kind has one
//   slot constant f32 [2] 0000803f00000040  bytes in hex, in memory order
//   do matmul.f32 "dense/MatMul" in 0 1 -1 out 2 ints 0 0 reals 0x1p-1 writes
//   read_first 0
//   plan                                    the plans that the next `do` runs come before it, each up to its `end`
//   end
#include "exec/plan_text.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <utility>

#include "exec/checked.h"

namespace labkit {
namespace {

constexpr const char* kHeader = "labkit-plan 1";
constexpr const char* kHex = "0123456789abcdef";

bool has_index(SlotKind kind) { return kind != SlotKind::arena && kind != SlotKind::constant; }

// --- writing ---

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
        for (int phase = 0; phase < instruction.work.phases; ++phase)
            to += ' ' + std::to_string(instruction.empty ? 0 : instruction.work.tasks[phase]);
        if (instruction.work.scratch_bytes) to += ", scratch " + std::to_string(instruction.work.scratch_bytes);
    }
    to += '\n';
}

// --- reading ---

// The words of one line.
class Line {
   public:
    Line(const char* from, const char* end, size_t number) : at_(from), end_(end), number_(number) { skip(); }

    [[noreturn]] void fail(const std::string& text) const {
        throw std::invalid_argument("line " + std::to_string(number_) + " of the plan: " + text);
    }

    bool done() const { return at_ == end_ || *at_ == '#'; }

    std::string word() {
        const char* from = at_;
        while (at_ != end_ && *at_ != ' ' && *at_ != '#') ++at_;
        std::string found(from, at_);
        if (found.empty()) fail("something is missing");
        skip();
        return found;
    }

    int64_t integer() {
        std::string text = word();
        char* rest;
        errno = 0;
        int64_t value = std::strtoll(text.c_str(), &rest, 10);
        if (*rest || errno) fail("'" + text + "' is not an integer");
        return value;
    }

    double real() {
        std::string text = word();
        char* rest;
        double value = std::strtod(text.c_str(), &rest);
        if (*rest) fail("'" + text + "' is not a number");
        return value;
    }

    bool at_number() const {
        return !done() && (*at_ == '-' || (*at_ >= '0' && *at_ <= '9') || *at_ == 'n' ||
                           (*at_ == 'i' && end_ - at_ >= 3 && at_[2] == 'f'));
    }

    View type() {
        View view{};
        view.dtype = dtype_named(word());
        if (at_ == end_ || *at_++ != '[') fail("a shape such as [2, 3] is missing");
        while (at_ != end_ && *at_ != ']') {
            if (view.rank == kMaxRank) fail("a shape has at most " + std::to_string(kMaxRank) + " dimensions");
            const char* from = at_;
            while (at_ != end_ && *at_ != ',' && *at_ != ']') ++at_;
            std::string text(from, at_);
            char* rest;
            errno = 0;
            view.shape[view.rank++] = std::strtoll(text.c_str(), &rest, 10);
            if (*rest || errno || text.empty()) fail("'" + text + "' is not a dimension");
            if (at_ != end_ && *at_ == ',') ++at_, skip();
        }
        if (at_ == end_) fail("a shape does not end");
        ++at_;
        skip();
        checked_bytes(view);
        return view;
    }

    std::string name() {
        std::string found;
        if (at_ == end_ || *at_++ != '"') fail("a name in quotes is missing");
        while (at_ != end_ && *at_ != '"') {
            if (*at_ != '\\') {
                found += *at_++;
                continue;
            }
            if (end_ - at_ < 4 || at_[1] != 'x') fail("a name has an escape that is not \\xHH");
            found += static_cast<char>(hex(at_[2]) * 16 + hex(at_[3]));
            at_ += 4;
        }
        if (at_ == end_) fail("a name does not end");
        ++at_;
        skip();
        return found;
    }

    Buffer bytes(int64_t count) {
        if (count > (end_ - at_) / 2) fail("a constant has fewer bytes than its shape asks for");
        Buffer made(count);
        for (int64_t i = 0; i < count; ++i, at_ += 2)
            made.data()[i] = static_cast<char>(hex(at_[0]) * 16 + hex(at_[1]));
        skip();
        return made;
    }

   private:
    int hex(char c) const {
        if (c >= '0' && c <= '9') return c - '0';
        if (c >= 'a' && c <= 'f') return c - 'a' + 10;
        fail("a byte is not in hex");
    }

    void skip() {
        while (at_ != end_ && *at_ == ' ') ++at_;
    }

    const char *at_, *end_;
    size_t number_;
};

InstructionSpec read_instruction(Line& line) {
    InstructionSpec made;
    made.kernel = line.word();
    made.name = line.name();
    while (!line.done()) {
        std::string key = line.word();
        if (key == "writes") {
            made.writes = true;
        } else if (key == "reals") {
            while (line.at_number()) made.reals.push_back(line.real());
        } else if (key == "in" || key == "out" || key == "ints") {
            auto& to = key == "in" ? made.inputs : key == "out" ? made.outputs : made.ints;
            while (line.at_number()) to.push_back(line.integer());
        } else {
            line.fail("'" + key + "' is not in, out, ints, reals or writes");
        }
    }
    return made;
}

}  // namespace

namespace {

void write_plan(std::string& text, const Plan& plan, bool values) {
    text +=
        "# target " + std::string(plan.table().target) + ", arena " + std::to_string(plan.arena_bytes()) + " bytes\n";
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

constexpr int kDeepest = 32;  // plans inside plans

// Reads records up to the text's end, or in a plan inside another one up to its `end`.
class Reader {
   public:
    explicit Reader(const std::string& text) : at_(text.data()), end_(at_ + text.size()) {}

    PlanText read(int depth) {
        PlanText plan;
        std::vector<PlanText> waiting;  // for the instruction that runs them
        while (at_ != end_) {
            Line line = next();
            if (line.done()) continue;
            std::string record = line.word();
            if (record == "cell") {
                plan.cells.push_back(line.type());
            } else if (record == "slot") {
                read_slot(line, plan);
            } else if (record == "plan") {
                if (depth == kDeepest) line.fail("plans lie too deep inside each other");
                waiting.push_back(read(depth + 1));
            } else if (record == "end") {
                if (!depth) line.fail("no plan ends here");
                if (!line.done()) line.fail("something is left over at its end");
                if (!waiting.empty()) line.fail("no instruction runs the plan before");
                return plan;
            } else if (record == "do") {
                plan.spec.instructions.push_back(read_instruction(line));
                plan.inner_of.push_back(waiting.size());
                for (PlanText& inner : waiting) plan.inner.push_back(std::move(inner));
                waiting.clear();
            } else if (record == "read_first") {
                while (line.at_number()) plan.spec.read_first.push_back(line.integer());
            } else {
                line.fail("'" + record + "' is not cell, slot, do, plan, end or read_first");
            }
            if (!line.done()) line.fail("something is left over at its end");
        }
        if (depth || !waiting.empty()) throw std::invalid_argument("a plan inside the plan does not end");
        return plan;
    }

    Line next() {
        const char* stop = at_;
        while (stop != end_ && *stop != '\n') ++stop;
        Line line(at_, stop, ++number_);
        at_ = stop == end_ ? end_ : stop + 1;
        return line;
    }

   private:
    static void read_slot(Line& line, PlanText& plan) {
        SlotSpec slot{};
        slot.kind = slot_kind(line.word());
        if (has_index(slot.kind)) slot.index = line.integer();
        slot.type = line.type();
        if (slot.kind == SlotKind::constant) {
            plan.constants.push_back(line.bytes(checked_bytes(slot.type)));
            slot.type.data = plan.constants.back().data();
        }
        plan.spec.slots.push_back(slot);
    }

    const char *at_, *end_;
    size_t number_ = 0;
};

}  // namespace

std::string describe(const Plan& plan, bool values) {
    std::string text = std::string(kHeader) + "\n";
    write_plan(text, plan, values);
    return text;
}

PlanText parse_plan(const std::string& text) {
    if (text.empty()) throw std::invalid_argument("the plan is empty");
    Reader reader(text);
    if (text.compare(0, text.find('\n'), kHeader) != 0) reader.next().fail(std::string("it is not '") + kHeader + "'");
    reader.next();
    return reader.read(0);
}

}  // namespace labkit
