// From text to plans. A text from elsewhere is checked record by record; what it means is checked by Plan.
#include <stdexcept>
#include <utility>

#include "exec/checked.h"
#include "exec/plan_text.h"
#include "exec/plan_text/format.h"
#include "exec/plan_text/line.h"

namespace labkit {
namespace {

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

PlanText parse_plan(const std::string& text) {
    if (text.empty()) throw std::invalid_argument("the plan is empty");
    Reader reader(text);
    if (text.compare(0, text.find('\n'), kHeader) != 0) reader.next().fail(std::string("it is not '") + kHeader + "'");
    reader.next();
    return reader.read(0);
}

}  // namespace labkit
