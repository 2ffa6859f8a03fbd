#include "exec/control.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "exec/checked.h"
#include "exec/context.h"
#include "exec/signature.h"

namespace labkit {
namespace {

const KernelEntry kBranch{"branch", nullptr, nullptr, false}, kLoop{"loop", nullptr, nullptr, false},
    kScan{"scan", nullptr, nullptr, false};

[[noreturn]] void fail(const std::string& text) { throw std::invalid_argument(text); }

// --- checking ---

// What a plan takes and gives has to be what the instruction hands over.
class Interface {
   public:
    Interface(const Plan& plan, std::string where) : plan_(plan), where_(std::move(where)) {}

    void takes(const View& type) { next(plan_.feeds(), fed_, "takes", type); }
    void gives(const View& type) { next(plan_.fetches(), fetched_, "gives", type); }
    void done() const {
        if (fed_ != plan_.feeds().size() || fetched_ != plan_.fetches().size())
            fail(where_ + " takes or gives more than the instruction says");
    }

   private:
    void next(const std::vector<int32_t>& slots, size_t& position, const char* verb, const View& type) {
        if (position >= slots.size()) fail(where_ + " " + verb + " fewer tensors than the instruction says");
        const View& own = plan_.slots()[slots[position]].type;
        if (!same_type(own, type))
            fail(where_ + " " + verb + " " + text_of(own) + " where the instruction has " + text_of(type));
        ++position;
    }

    const Plan& plan_;
    std::string where_;
    size_t fed_ = 0, fetched_ = 0;
};

View number(DType dtype) {
    View view{};
    view.dtype = dtype;
    return view;
}

View slice_of(View view) {
    std::copy(view.shape + 1, view.shape + view.rank, view.shape);
    --view.rank;
    return view;
}

int64_t arena_of(const Plan& plan) { return aligned(plan.arena_bytes()); }

constexpr size_t ints_of(Control control) {  // before those that name variables
    return control == Control::branch ? 0 : control == Control::loop ? 2 : 4;
}

// For each variable whether it is in place.
std::vector<char> in_place_of(const Instruction& made, size_t variables) {
    std::vector<char> found(variables, 0);
    for (size_t i = ints_of(made.control); i < made.ints.size(); ++i) {
        if (made.ints[i] < 0 || static_cast<size_t>(made.ints[i]) >= variables)
            fail("instruction '" + made.name + "' names a variable that it does not have");
        found[static_cast<size_t>(made.ints[i])] = 1;
    }
    return found;
}

// A kernel sees its inputs unchanged while it runs. Element-wise kernels may have become part of others that read the old value
// later, so they do not write such a variable.
void check_in_place(const Plan& body, size_t feed, size_t fetch, const std::string& where) {
    const int32_t read = body.feeds()[feed], written = body.fetches()[fetch];
    for (const Instruction& made : body.instructions()) {
        auto uses = [&](const std::vector<int32_t>& operands, int32_t root) {
            return std::any_of(operands.begin(), operands.end(),
                               [&](int32_t id) { return id >= 0 && body.storage()[id].root == root; });
        };
        if (!uses(made.outputs, written)) continue;
        if (made.fused || is_elementwise(made.kernel->name))
            fail(where + ": '" + made.name + "' is element-wise and writes a variable that is in place");
        if (uses(made.inputs, read))
            fail(where + ": '" + made.name + "' reads and writes a variable that is in place");
    }
}

// --- running ---

// A plan while an instruction runs it, perhaps many times.
class Running {
   public:
    Running(const Plan& plan, char*& scratch) : plan_(plan), context_(plan.take_context()) {
        context_->set_arena(scratch);
        scratch += arena_of(plan);
    }
    ~Running() { plan_.give_context(std::move(context_)); }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

    void feed(size_t position, const void* data) { context_->set_feed(position, data); }
    void fetch(size_t position, void* data) { context_->set_fetch(position, data); }
    Outcome::Kind run(Step& step) {
        for (int64_t cell : plan_.read_first())
            if (!plan_.cells()[cell]->initialized()) {
                step.outcome.cell = plan_.cells()[cell].get();
                return Outcome::Kind::uninitialized;
            }
        return run_instructions(plan_, *context_, step);
    }

   private:
    const Plan& plan_;
    std::unique_ptr<RunContext> context_;
};

void copy(const View& from, const View& to) {
    if (int64_t bytes = checked_bytes(from)) std::memcpy(to.data, from.data, static_cast<size_t>(bytes));
}

// The values that go from one iteration to the next: read in one place, written in another, or in place where the results
// will lie.
class Carried {
   public:
    Carried(const Call& call, int64_t count, const std::vector<char>& in_place, char*& scratch) {
        for (int64_t i = 0; i < count; ++i) {
            now.push_back(call.in[i].data);
            for (auto* spare : {&spares_[0], &spares_[1]}) {
                spare->push_back(in_place[i] ? call.out[i].data : scratch);
                if (!in_place[i]) scratch += aligned(checked_bytes(call.in[i]));
            }
            if (!in_place[i]) continue;
            copy(call.in[i], call.out[i]);
            now.back() = call.out[i].data;
        }
    }

    // Where the next values go.
    const std::vector<void*>& next() const { return spares_[turn_]; }
    void advance() {
        now = spares_[turn_];
        turn_ = 1 - turn_;
    }

    std::vector<void*> now;

   private:
    std::vector<void*> spares_[2];
    int turn_ = 0;
};

Outcome::Kind run_branch(const Instruction& made, const Call& call, Step& step) {
    char* scratch = call.scratch;
    Running plan(*made.plans[*data<bool>(call.in[0]) ? 0 : 1], scratch);
    for (int32_t i = 1; i < call.n_in; ++i) plan.feed(static_cast<size_t>(i - 1), call.in[i].data);
    for (int32_t i = 0; i < call.n_out; ++i) plan.fetch(static_cast<size_t>(i), call.out[i].data);
    return plan.run(step);
}

bool stopped(Step& step) {
    // Even where something was written: a loop need not have an end.
    step.clock = 0;
    return step.interrupt.check();
}

Outcome::Kind reason(const Step& step) {
    return step.interrupt.reason() == Interrupt::Reason::deadline ? Outcome::Kind::timed_out : Outcome::Kind::stopped;
}

Outcome::Kind run_loop(const Instruction& made, const Call& call, Step& step) {
    const auto variables = static_cast<size_t>(made.ints[0]);
    const int64_t most = made.ints[1];
    char* scratch = call.scratch;
    Running condition(*made.plans[0], scratch), body(*made.plans[1], scratch);
    const std::vector<char> in_place = in_place_of(made, variables);
    Carried values(call, made.ints[0], in_place, scratch);
    bool go_on = false;
    int64_t iteration = 0;
    condition.fetch(0, &go_on);
    for (Running* plan : {&condition, &body}) {
        plan->feed(0, &iteration);
        for (size_t i = variables; i < static_cast<size_t>(call.n_in); ++i) plan->feed(1 + i, call.in[i].data);
    }
    for (; most < 0 || iteration < most; ++iteration) {
        for (size_t i = 0; i < variables; ++i) condition.feed(1 + i, values.now[i]);
        Outcome::Kind kind = condition.run(step);
        if (kind != Outcome::Kind::done) return kind;
        if (!go_on) break;
        if (step.clock >= kClockWeight && stopped(step)) return reason(step);
        for (size_t i = 0; i < variables; ++i) {
            body.feed(1 + i, values.now[i]);
            body.fetch(i, values.next()[i]);
        }
        kind = body.run(step);
        if (kind != Outcome::Kind::done) return kind;
        values.advance();
        ++step.clock;
    }
    for (size_t i = 0; i < variables; ++i) {
        if (in_place[i]) continue;
        View last = call.in[i];
        last.data = values.now[i];
        copy(last, call.out[i]);
    }
    *data<int64_t>(call.out[variables]) = iteration;
    return Outcome::Kind::done;
}

Outcome::Kind run_scan(const Instruction& made, const Call& call, Step& step) {
    const int64_t count = made.ints[0];
    const auto variables = static_cast<size_t>(made.ints[1]), sliced = static_cast<size_t>(made.ints[2]);
    const bool backwards = made.ints[3];
    char* scratch = call.scratch;
    Running body(*made.plans[0], scratch);
    const std::vector<char> in_place = in_place_of(made, variables);
    Carried values(call, made.ints[1], in_place, scratch);
    int64_t iteration = 0;
    body.feed(0, &iteration);
    for (size_t i = variables + sliced; i < static_cast<size_t>(call.n_in); ++i) body.feed(1 + i, call.in[i].data);
    auto slice = [&](const View& view) {
        return data<char>(view) + checked_bytes(slice_of(view)) * iteration;
    };
    for (int64_t turn = 0; turn < count; ++turn) {
        iteration = backwards ? count - 1 - turn : turn;
        if (step.clock >= kClockWeight && stopped(step)) return reason(step);
        for (size_t i = 0; i < variables; ++i) {
            body.feed(1 + i, values.now[i]);
            body.fetch(i, turn + 1 < count ? values.next()[i] : call.out[i].data);
        }
        for (size_t i = variables; i < variables + sliced; ++i) body.feed(1 + i, slice(call.in[i]));
        for (size_t i = variables; i < static_cast<size_t>(call.n_out); ++i) body.fetch(i, slice(call.out[i]));
        Outcome::Kind kind = body.run(step);
        if (kind != Outcome::Kind::done) return kind;
        values.advance();
        ++step.clock;
    }
    if (!count)
        for (size_t i = 0; i < variables; ++i)
            if (!in_place[i]) copy(call.in[i], call.out[i]);
    return Outcome::Kind::done;
}

}  // namespace

const KernelEntry* control_named(const std::string& name, Control& control) {
    const std::pair<const KernelEntry*, Control> known[] = {
        {&kBranch, Control::branch}, {&kLoop, Control::loop}, {&kScan, Control::scan}};
    for (const auto& [entry, kind] : known)
        if (name == entry->name) {
            control = kind;
            return entry;
        }
    return nullptr;
}

int64_t check_control(const Instruction& made, const Call& call, const std::string& where) {
    auto need = [&](bool condition, const char* text) {
        if (!condition) fail(where + " " + text);
    };
    for (int32_t i = 0; i < call.n_in; ++i) need(call.in[i].rank >= 0, "lacks an input");
    const size_t plans = made.control == Control::scan ? 1 : 2, ints = ints_of(made.control);
    need(made.plans.size() == plans && made.ints.size() >= ints && (ints || made.ints.empty()),
         "has another number of plans or attributes");
    std::vector<Interface> interfaces;
    for (size_t i = 0; i < plans; ++i)
        interfaces.emplace_back(*made.plans[i], where + ": plan " + std::to_string(i));
    int64_t scratch = 0;
    if (made.control == Control::branch) {
        need(call.n_in >= 1 && same_type(call.in[0], number(DType::b8)), "takes a condition, one number of b8");
        for (Interface& plan : interfaces) {
            for (int32_t i = 1; i < call.n_in; ++i) plan.takes(call.in[i]);
            for (int32_t i = 0; i < call.n_out; ++i) plan.gives(call.out[i]);
        }
        scratch = std::max(arena_of(*made.plans[0]), arena_of(*made.plans[1]));
    } else {
        const bool scan = made.control == Control::scan;
        const int64_t variables = made.ints[scan ? 1 : 0], sliced = scan ? made.ints[2] : 0;
        need(variables >= 0 && sliced >= 0 && variables <= call.n_in && sliced <= call.n_in - variables &&
                 variables + !scan <= call.n_out,
             "names more operands than it has");
        need(scan ? made.ints[0] >= 0 : made.ints[1] >= -1, "has a negative number of iterations");
        for (Interface& plan : interfaces) plan.takes(number(DType::i64));
        for (int32_t i = 0; i < call.n_in; ++i) {
            View type = call.in[i];
            if (i >= variables && i < variables + sliced) {
                need(type.rank >= 1 && type.shape[0] == made.ints[0], "slices an operand of another length");
                type = slice_of(type);
            }
            for (Interface& plan : interfaces) plan.takes(type);
        }
        if (!scan) interfaces[0].gives(number(DType::b8));
        for (int32_t i = 0; i < call.n_out; ++i) {
            View type = call.out[i];
            if (i < variables) {
                need(same_type(call.in[i], type), "changes the type of a variable");
            } else if (scan) {
                need(type.rank >= 1 && type.shape[0] == made.ints[0], "stacks a result of another length");
                type = slice_of(type);
            } else {
                need(i == variables && same_type(type, number(DType::i64)), "gives the variables and the iterations");
                continue;
            }
            interfaces.back().gives(type);
        }
        const std::vector<char> in_place = in_place_of(made, static_cast<size_t>(variables));
        for (int64_t i = 0; i < variables; ++i)
            for (int spare = 0; spare < 2 && !in_place[i]; ++spare)
                scratch = checked_add(scratch, aligned(checked_bytes(call.in[i])));
        for (const auto& plan : made.plans) scratch = checked_add(scratch, arena_of(*plan));
    }
    for (const Interface& plan : interfaces) plan.done();
    if (made.control != Control::branch) {
        const auto variables = static_cast<size_t>(made.ints[made.control == Control::scan ? 1 : 0]);
        const std::vector<char> in_place = in_place_of(made, variables);
        for (size_t i = 0; i < variables; ++i)
            if (in_place[i]) check_in_place(*made.plans.back(), 1 + i, i, where);
    }
    return scratch;
}

Outcome::Kind run_control(const Instruction& instruction, const Call& call, Step& step) {
    switch (instruction.control) {
        case Control::branch:
            return run_branch(instruction, call, step);
        case Control::loop:
            return run_loop(instruction, call, step);
        default:
            return run_scan(instruction, call, step);
    }
}

}  // namespace labkit
