// Branches, loops and scans: an instruction that runs plans.
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "exec/checked.h"
#include "exec/context.h"
#include "exec/control.h"
#include "exec/control/operands.h"

namespace labkit {
namespace {

const KernelEntry kBranch{"branch", nullptr, nullptr, false}, kLoop{"loop", nullptr, nullptr, false},
    kScan{"scan", nullptr, nullptr, false};

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
