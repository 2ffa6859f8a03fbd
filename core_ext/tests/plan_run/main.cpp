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
#include <cstdio>
#include <exception>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "exec/checked.h"
#include "exec/executor.h"
#include "exec/plan_text.h"
#include "exec/pool.h"
#include "options.h"
#include "runs.h"
#include "values.h"

using namespace labkit;

namespace {

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

// One line for each fetch and variable. Throws where a kernel refuses.
std::string execute(const PlanText& text, bool fuse, const Options& options) {
    std::mt19937_64 random(static_cast<uint64_t>(options.seed));
    auto state = std::make_shared<State>();
    std::vector<std::shared_ptr<Cell>> cells;
    std::shared_ptr<Plan> built = build(text, fuse, state, random, cells);
    const Plan& plan = *built;
    const int64_t bytes = plan.bytes_of_run(static_cast<int>(options.threads));
    if (bytes > options.max_bytes)
        throw std::invalid_argument("the arena takes " + std::to_string(bytes) + " bytes, more than --max-bytes");
    std::vector<Buffer> fed;
    std::vector<StepFeed> feeds;
    for (int32_t slot : plan.feeds()) {
        fed.emplace_back(checked_bytes(plan.slots()[slot].type));
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
