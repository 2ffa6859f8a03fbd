#include "runs.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <thread>

#include "exec/checked.h"
#include "exec/pool.h"

using namespace labkit;

namespace {

constexpr double kSecondsOfARun = 20;

}  // namespace

std::vector<Buffer> run_once(const Plan& plan, const std::vector<StepFeed>& feeds, int64_t steps) {
    std::vector<Buffer> buffers;
    std::vector<StepFetch> fetches;
    for (int32_t slot : plan.fetches()) {
        buffers.emplace_back(checked_bytes(plan.slots()[slot].type));
        fetches.push_back({buffers.back().data(), 0});
    }
    Interrupt interrupt(nullptr, nullptr, kSecondsOfARun);  // a loop over random numbers need not end
    Outcome outcome = run(plan, steps, feeds, fetches, interrupt);
    if (outcome.kind == Outcome::Kind::failed)
        throw std::invalid_argument("'" + outcome.failed->name + "' refused " +
                                    std::to_string(outcome.status.value) + ", limit " +
                                    std::to_string(outcome.status.limit));
    if (outcome.kind == Outcome::Kind::timed_out) throw std::invalid_argument("the run does not end");
    return buffers;
}

namespace {

constexpr int kChildFailed = 4;

// In a child: the variables of a run that the fork cut off are refused, everything else works as in the parent.
[[noreturn]] void run_in_child(const Plan& plan, const std::vector<StepFeed>& feeds) {
    alarm(60);
    try {
        run_once(plan, feeds, 1);
    } catch (const std::exception&) {
    }
    _exit(0);
}

// Changes the number of threads and forks while others run the plan.
void churn(const Plan& plan, const std::vector<StepFeed>& feeds, const Options& options) {
    const int threads = get_num_threads();
    for (int64_t round = 0; round < options.churn; ++round) {
        set_num_threads(1 + static_cast<int>(round * 3 % options.threads));
        pid_t child = fork();
        if (child == 0) run_in_child(plan, feeds);
        int status = 0;
        if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
            std::fprintf(stderr, "plan_run: a forked child ended with status %d\n", status);
            _exit(kChildFailed);
        }
    }
    set_num_threads(threads);
}

}  // namespace

void run_at_once(const Plan& plan, const std::vector<StepFeed>& feeds, const Options& options) {
    std::atomic<bool> more{options.churn > 0};
    std::vector<std::thread> threads;
    for (int64_t i = 0; i < options.runners; ++i)
        threads.emplace_back([&] {
            try {
                do run_once(plan, feeds, options.steps);
                while (more.load());
            } catch (const std::exception& error) {
                std::fprintf(stderr, "plan_run: a runner: %s\n", error.what());
            }
        });
    churn(plan, feeds, options);
    more.store(false);
    for (std::thread& thread : threads) thread.join();
}
