#include "exec/executor.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <utility>

#include "exec/checked.h"
#include "exec/context.h"
#include "exec/control.h"
#include "exec/denormals.h"
#include "exec/gather.h"
#include "exec/memory_limit.h"
#include "exec/pool.h"

namespace labkit {
namespace {

// One phase of one call while its tasks run. Of several tasks that fail, the first one's status is reported, whatever
// the threads do: a task is skipped only when an earlier one has failed.
struct Phase {
    RunFunction run;
    const Call* call;
    char* local;           // Call::local of thread 0, and so many bytes further that of the next
    int64_t local_bytes;
    Interrupt* interrupt;  // null: the phase may not be stopped
    int phase;
    std::atomic<bool> stopped{false};
    std::atomic<int64_t> failed{INT64_MAX};  // the first task known to have failed
    std::mutex mutex{};
    Status status{};  // of that task

    static void task(void* context, int64_t index, int thread) {
        Phase& self = *static_cast<Phase*>(context);
        if (self.stopped.load(std::memory_order_relaxed) || index > self.failed.load(std::memory_order_relaxed)) return;
        if (thread == 0 && self.interrupt && self.interrupt->check()) {
            self.stopped.store(true, std::memory_order_relaxed);
            return;
        }
        Status status = self.local_bytes ? self.run_locally(index, thread) : self.run(*self.call, self.phase, index);
        if (status.code == Code::ok) return;
        std::lock_guard<std::mutex> lock(self.mutex);
        if (index > self.failed.load(std::memory_order_relaxed)) return;
        self.failed.store(index, std::memory_order_relaxed);
        self.status = status;
    }

    Status run_locally(int64_t index, int thread) const {
        Call mine = *call;
        mine.local = local + thread * local_bytes;
        return run(mine, phase, index);
    }
};

// Says in `stopped` whether the interrupt cut the call short.
Status run_phases(RunFunction run, const Call& call, const Work& work, char* local, int threads, Interrupt* interrupt,
                  bool& stopped) {
    for (int i = 0; i < work.phases; ++i) {
        Phase phase{run, &call, local, aligned(work.local_bytes), interrupt, i};
        parallel_for(work.tasks_in(i), threads, Phase::task, &phase);
        if (phase.status.code != Code::ok) return phase.status;
        if ((stopped = phase.stopped.load())) return {};
    }
    return {};
}

class Lease {  // a context and an arena, the threads' own memory behind it, for the time of one call
   public:
    Lease(const Plan& plan, int threads, int64_t beside) : plan_(plan), context_(plan.take_context()) {
        const int64_t bytes = plan.bytes_of_run(threads);
        if (!bytes) return;
        arena_ = plan.state().take_arena(bytes, beside);
        context_->set_arena(arena_.data());
        local_ = arena_.data() + aligned(plan.arena_bytes());
    }
    ~Lease() {
        if (arena_.size()) plan_.state().give_arena(std::move(arena_));
        plan_.give_context(std::move(context_));
    }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    RunContext& operator*() const { return *context_; }
    char* local() const { return local_; }

   private:
    const Plan& plan_;
    std::unique_ptr<RunContext> context_;
    Buffer arena_;
    char* local_ = nullptr;
};

// What variables were before a step, for a step that may fail when it has written.
class Before {
   public:
    explicit Before(const std::vector<Cell*>& cells) : cells_(cells), initialized_(cells.size()) {
        int64_t bytes = 0;
        for (const Cell* cell : cells) bytes += cell->bytes();
        if (bytes) need_memory(bytes);
        for (const Cell* cell : cells) values_.emplace_back(cell->bytes());
    }
    void keep() {
        for (size_t i = 0; i < cells_.size(); ++i) {
            initialized_[i] = cells_[i]->initialized();
            if (values_[i].size()) std::memcpy(values_[i].data(), cells_[i]->view().data, bytes_of(i));
        }
    }
    void restore() const {
        for (size_t i = 0; i < cells_.size(); ++i) {
            cells_[i]->mark_initialized(initialized_[i]);
            if (values_[i].size()) std::memcpy(cells_[i]->view().data, values_[i].data(), bytes_of(i));
        }
    }

   private:
    size_t bytes_of(size_t i) const { return static_cast<size_t>(cells_[i]->bytes()); }

    const std::vector<Cell*>& cells_;
    std::vector<Buffer> values_;
    std::vector<bool> initialized_;
};

}  // namespace

// Before the first write a step may end early; after it, it goes on to the end.
Outcome::Kind run_instructions(const Plan& plan, const RunContext& context, Step& step) {
    const auto& instructions = plan.instructions();
    for (size_t i = 0; i < instructions.size(); ++i) {
        const Instruction& instruction = instructions[i];
        if (!instruction.empty) {
            bool stopped = !step.wrote && step.clock >= kClockWeight && step.interrupt.check();
            if (step.clock >= kClockWeight && !step.wrote) step.clock = 0;  // else a loop around reads the clock
            step.clock += instruction.weight;
            Status status;
            Trace::Span span(step.trace, instruction, context.call(i));
            if (stopped) {
            } else if (instruction.control != Control::none) {
                Outcome::Kind kind = run_control(instruction, context.call(i), step);
                if (kind != Outcome::Kind::done) return kind;
            } else if (instruction.serial) {
                status = instruction.kernel->run(context.call(i), 0, 0);
            } else {
                status = run_phases(instruction.kernel->run, context.call(i), instruction.work, step.local, step.threads,
                                    step.wrote || instruction.writes ? nullptr : &step.interrupt, stopped);
            }
            if (stopped)
                return step.interrupt.reason() == Interrupt::Reason::deadline ? Outcome::Kind::timed_out
                                                                              : Outcome::Kind::stopped;
            if (status.code != Code::ok) {
                step.outcome.failed = &instruction;
                step.outcome.status = status;
                return Outcome::Kind::failed;
            }
        }
        if (instruction.writes) {
            step.wrote = true;
            for (Cell* cell : instruction.written) cell->mark_initialized();
        }
    }
    return Outcome::Kind::done;
}

Outcome run(const Plan& plan, int64_t steps, const std::vector<StepFeed>& feeds, const std::vector<StepFetch>& fetches,
            Interrupt& interrupt, bool held, Trace* trace) {
    Outcome outcome;
    const int threads = get_num_threads();
    auto interrupted = [&] {
        outcome.kind =
            interrupt.reason() == Interrupt::Reason::deadline ? Outcome::Kind::timed_out : Outcome::Kind::stopped;
        return outcome;
    };
    if (interrupt.check()) return interrupted();
    std::optional<State::Hold> hold;
    if (held && !State::Hold::is_held(plan.state(), plan.writes()))
        throw std::logic_error("the state of the session is not held by this thread as this run needs it");
    if (!held && !hold.emplace(plan.state(), plan.writes(), interrupt).held()) return interrupted();
    for (int64_t cell : plan.read_first())
        if (!plan.cells()[cell]->initialized()) {
            outcome.kind = Outcome::Kind::uninitialized;
            outcome.where = cell;
            return outcome;
        }
    Before before(plan.taken_back());
    int64_t results = 0;
    for (const StepFetch& fetch : fetches) results += fetch.stride * steps;
    Lease lease(plan, threads, results);
    RunContext& context = *lease;
    for (size_t i = 0; i < feeds.size(); ++i)
        if (feeds[i].indices) context.set_feed(i, context.staging(i, feeds[i].batch * feeds[i].row_bytes));
    FlushDenormals flush;
    Step running{threads, lease.local(), interrupt, 0, false, outcome, trace};
    for (int64_t step = 0; step < steps; ++step) {
        for (size_t i = 0; i < feeds.size(); ++i) {
            const StepFeed& feed = feeds[i];
            if (!feed.indices) {
                context.set_feed(i, static_cast<const char*>(feed.data) + step * feed.stride);
                continue;
            }
            outcome.status = gather(feed.data, feed.rows, feed.row_bytes, feed.indices + step * feed.batch, feed.batch,
                                    context.staging(i, feed.batch * feed.row_bytes), threads);
            if (outcome.status.code != Code::ok) {
                outcome.kind = Outcome::Kind::bad_index;
                outcome.where = static_cast<int64_t>(i);
                return outcome;
            }
        }
        for (size_t i = 0; i < fetches.size(); ++i)
            context.set_fetch(i, static_cast<char*>(fetches[i].data) + step * fetches[i].stride);
        running.wrote = false;
        before.keep();
        outcome.kind = run_instructions(plan, context, running);
        if (outcome.kind == Outcome::Kind::uninitialized) {
            auto is_it = [&](const auto& cell) { return cell.get() == outcome.cell; };
            outcome.where = std::find_if(plan.cells().begin(), plan.cells().end(), is_it) - plan.cells().begin();
        }
        if (outcome.kind != Outcome::Kind::done) {
            before.restore();
            return outcome;
        }
        ++outcome.steps_done;
    }
    return outcome;
}

Status run_call(const KernelEntry& kernel, const Call& call, const Work& work, int threads, Interrupt& interrupt,
                bool& stopped) {
    FlushDenormals flush;
    return run_phases(kernel.run, call, work, call.local, threads, &interrupt, stopped);
}

}  // namespace labkit
