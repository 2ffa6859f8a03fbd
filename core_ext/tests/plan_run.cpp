// Executes a saved plan without Python, so that sanitizers and fuzzers see the executor and the kernels alone.
//
//   plan_run FILE [--threads N] [--steps N] [--runners N] [--seed N] [--max-bytes N] [--churn N] [--many]
//
// FILE may be - for standard input.
//
// Variables and feeds are filled from the seed. Runs instruction by instruction, then with fused instructions for 1 to N
// threads, starting each time from the same values, and prints the CRC-32C of every fetch and variable. All NaNs count as
// the same one: their signs are the processor's choice, and which of two an addition gives is the compiler's.
//
// With several runners, so many threads then run the plan at once, on the same variables; their results are not looked at.
// They go on for N rounds of --churn; in each the number of threads changes and a child is forked, which runs the plan, too.
//
// Exit code 0: done; 1: the plan is refused, or a kernel refused its input; 2: wrong usage; 3: results depend on the number
// of threads or on fusion; 4: a child hangs or crashes.
//
// With --many the text holds several plans, each from its header on. They are run one after the other, with a line "plan
// NUMBER" before each and "refused: why" after those that are; exit code 0 unless one of them has code 3.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "exec/checked.h"
#include "exec/crc32c.h"
#include "exec/executor.h"
#include "exec/plan_text.h"
#include "exec/pool.h"

using namespace labkit;

namespace {

struct Options {
    std::string file;
    int64_t threads = 1, steps = 1, runners = 0, churn = 0, seed = 0, max_bytes = int64_t(1) << 30;
    bool many = false;
};

[[noreturn]] void usage(const std::string& wrong) {
    std::fprintf(
        stderr,
        "plan_run: %s\nusage: plan_run FILE [--threads N] [--steps N] [--runners N] [--churn N] [--seed N] [--max-bytes N] "
        "[--many]\n",
        wrong.c_str());
    std::exit(2);
}

Options parse_options(int count, char** words) {
    Options options;
    for (int i = 1; i < count; ++i) {
        std::string word = words[i];
        if (word == "--many") {
            options.many = true;
            continue;
        }
        int64_t* to = word == "--threads"     ? &options.threads
                      : word == "--steps"     ? &options.steps
                      : word == "--runners"   ? &options.runners
                      : word == "--churn"     ? &options.churn
                      : word == "--seed"      ? &options.seed
                      : word == "--max-bytes" ? &options.max_bytes
                                              : nullptr;
        if (!to && word.rfind("--", 0) != 0 && options.file.empty()) {
            options.file = word;
            continue;
        }
        if (!to) usage("unknown argument " + word);
        if (++i == count) usage(word + " needs a number");
        char* rest;
        *to = std::strtoll(words[i], &rest, 10);
        if (*rest || *to < 0) usage(word + " needs a number, not " + words[i]);
    }
    if (options.file.empty()) usage("no file");
    if (options.threads < 1 || options.threads > 64) usage("--threads is from 1 to 64");
    if (options.runners > 64) usage("--runners is from 0 to 64");
    return options;
}

std::string read(const Options& options) {
    std::ifstream opened;
    if (options.file != "-") {
        opened.open(options.file, std::ios::binary);
        if (!opened) usage("cannot open " + options.file);
    }
    std::istream& from = options.file == "-" ? std::cin : opened;
    std::string text;
    char block[1 << 16];
    while (from.read(block, sizeof block), from.gcount()) {
        text.append(block, static_cast<size_t>(from.gcount()));
        if (static_cast<int64_t>(text.size()) > options.max_bytes)
            throw std::invalid_argument("the plan's text is longer than --max-bytes");
    }
    return text;
}

// Reals from -1 to 1; integers small, so that they may be labels; counters and shapes are integers too.
void fill(const View& view, std::mt19937_64& random) {
    int64_t count = numel(view);
    for (int64_t i = 0; i < count; ++i) {
        uint64_t bits = random();
        double real = static_cast<double>(bits >> 11) / double(uint64_t(1) << 52) - 1;
        switch (view.dtype) {
            case DType::f32:
                data<float>(view)[i] = static_cast<float>(real);
                break;
            case DType::f64:
                data<double>(view)[i] = real;
                break;
            case DType::i32:
                data<int32_t>(view)[i] = static_cast<int32_t>(bits % 4);
                break;
            case DType::i64:
                data<int64_t>(view)[i] = static_cast<int64_t>(bits % 4);
                break;
            case DType::u8:
                data<uint8_t>(view)[i] = static_cast<uint8_t>(bits);
                break;
            case DType::b8:
                data<uint8_t>(view)[i] = bits & 1;
                break;
        }
    }
}

int64_t bytes_of(const Plan& plan, int32_t slot) { return checked_bytes(plan.slots()[slot].type); }

constexpr double kSecondsOfARun = 20;

// Runs with fetches of its own. Throws where a kernel refuses.
std::vector<Buffer> run_once(const Plan& plan, const std::vector<StepFeed>& feeds, int64_t steps) {
    std::vector<Buffer> buffers;
    std::vector<StepFetch> fetches;
    for (int32_t slot : plan.fetches()) {
        buffers.emplace_back(bytes_of(plan, slot));
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

// The plan of a text and those inside it, each with cells of its own, filled with random numbers and put into `cells`.
std::shared_ptr<Plan> build(const PlanText& text, bool fuse, const std::shared_ptr<State>& state, std::mt19937_64& random,
                            std::vector<std::shared_ptr<Cell>>& cells) {
    std::vector<std::shared_ptr<Cell>> own;
    for (const View& type : text.cells) {
        own.push_back(std::make_shared<Cell>(state, type));
        fill(own.back()->view(), random);
        own.back()->mark_initialized();
    }
    cells.insert(cells.end(), own.begin(), own.end());
    PlanSpec spec = text.spec;
    spec.fuse = fuse;
    size_t next = 0;
    for (size_t i = 0; i < spec.instructions.size(); ++i)
        for (size_t k = 0; k < text.inner_of[i]; ++k)
            spec.instructions[i].plans.push_back(build(text.inner[next++], fuse, state, random, cells));
    return std::make_shared<Plan>(std::move(spec), own, state, active_target());
}

template <class T>
void make_nans_alike(T* x, int64_t count) {
    for (int64_t i = 0; i < count; ++i)
        if (x[i] != x[i]) x[i] = std::numeric_limits<T>::quiet_NaN();
}

uint32_t checksum(const View& view) {
    if (view.dtype == DType::f32) make_nans_alike(data<float>(view), numel(view));
    if (view.dtype == DType::f64) make_nans_alike(data<double>(view), numel(view));
    return crc32c(view.data, static_cast<size_t>(checked_bytes(view)));
}

// One line for each fetch and variable. Throws where a kernel refuses.
std::string execute(const PlanText& text, bool fuse, const Options& options) {
    std::mt19937_64 random(static_cast<uint64_t>(options.seed));
    auto state = std::make_shared<State>();
    std::vector<std::shared_ptr<Cell>> cells;
    std::shared_ptr<Plan> built = build(text, fuse, state, random, cells);
    const Plan& plan = *built;
    if (plan.arena_bytes() > options.max_bytes)
        throw std::invalid_argument("the arena takes " + std::to_string(plan.arena_bytes()) +
                                    " bytes, more than --max-bytes");
    std::vector<Buffer> fed;
    std::vector<StepFeed> feeds;
    for (int32_t slot : plan.feeds()) {
        fed.emplace_back(bytes_of(plan, slot));
        View view = plan.slots()[slot].type;
        view.data = fed.back().data();
        fill(view, random);
        feeds.emplace_back();
        feeds.back().data = view.data;
    }
    std::vector<Buffer> results = run_once(plan, feeds, options.steps);
    std::string report;
    char line[80];
    for (size_t i = 0; i < results.size(); ++i) {
        View view = plan.slots()[plan.fetches()[i]].type;
        view.data = results[i].data();
        std::snprintf(line, sizeof line, "fetch %zu %08x\n", i, checksum(view));
        report += line;
    }
    for (size_t i = 0; i < cells.size(); ++i) {
        std::snprintf(line, sizeof line, "cell %zu %08x\n", i, checksum(cells[i]->view()));
        report += line;
    }
    if (fuse) run_at_once(plan, feeds, options);
    return report;
}

// Everything but the arena, which only the plan knows.
void check_size(const PlanText& text, int64_t max_bytes) {
    int64_t total = 0;
    for (const View& cell : text.cells) total = checked_add(total, checked_bytes(cell));
    for (const PlanText& inner : text.inner) check_size(inner, max_bytes);
    for (const SlotSpec& slot : text.spec.slots)
        if (slot.kind == SlotKind::feed || slot.kind == SlotKind::fetch)
            total = checked_add(total, checked_bytes(slot.type));
    if (total > max_bytes)
        throw std::invalid_argument("the plan takes " + std::to_string(total) + " bytes, more than --max-bytes");
}

// Runs one plan without fusion, then with it for 1 to N threads. Exit code 0 or 3; throws where the plan or a kernel refuses.
int run_text(const std::string& given, const Options& options) {
    PlanText text = parse_plan(given);
    check_size(text, options.max_bytes);
    set_num_threads(1);
    const std::string plain = execute(text, false, options);
    std::fputs(plain.c_str(), stdout);
    for (int threads = 1; threads <= options.threads; ++threads) {
        set_num_threads(threads);
        const std::string report = execute(text, true, options);
        if (report == plain) continue;
        std::printf("fused, with %d threads:\n%s", threads, report.c_str());
        return 3;
    }
    return 0;
}

int run_many(const std::string& texts, const Options& options) {
    const std::string header = "labkit-plan ";
    int code = 0, number = 0;
    for (size_t from = 0; from < texts.size(); ++number) {
        size_t next = texts.find("\n" + header, from);
        size_t end = next == std::string::npos ? texts.size() : next + 1;
        std::printf("plan %d\n", number);
        std::fflush(stdout);  // it names the plan that a sanitizer stops
        try {
            if (int wrong = run_text(texts.substr(from, end - from), options)) code = wrong;
        } catch (const std::exception& error) {
            std::printf("refused: %s\n", error.what());
        }
        from = end;
    }
    return code;
}

}  // namespace

int main(int count, char** words) {
    Options options = parse_options(count, words);
    try {
        std::string text = read(options);
        return options.many ? run_many(text, options) : run_text(text, options);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "plan_run: %s\n", error.what());
        return 1;
    }
}
