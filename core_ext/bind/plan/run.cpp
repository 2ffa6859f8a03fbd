// Runs of a plan: feeds and fetches as arrays, and what went wrong as exceptions.
#include <stdexcept>

#include "bind/arrays.h"
#include "bind/host.h"
#include "bind/plan/plan.h"
#include "exec/checked.h"
#include "exec/memory_limit.h"
#include "exec/trace.h"

namespace labkit {
namespace {

// Runs without the GIL, then raises what went wrong. `traces` is None or a list that gets the record of the run.
void run_plan(const Plan& plan, int64_t steps, const std::vector<StepFeed>& feeds,
              const std::vector<StepFetch>& fetches, std::optional<double> timeout, bool held,
              std::optional<py::list> traces) {
    HostInterrupt host(&plan.state(), timeout);
    Outcome outcome;
    std::optional<Trace> trace;
    int64_t start = traces ? trace.emplace(), Trace::now() : 0;
    {
        py::gil_scoped_release release;
        outcome = run(plan, steps, feeds, fetches, host, held, trace ? &*trace : nullptr);
    }
    if (traces) traces->append(record_of(plan, *trace, start));
    switch (outcome.kind) {
        case Outcome::Kind::done:
            return;
        case Outcome::Kind::uninitialized:
            raise_error(Error::uninitialized, py::make_tuple(outcome.where), 0);
        case Outcome::Kind::failed:
        case Outcome::Kind::bad_index: {
            std::string name = outcome.kind == Outcome::Kind::failed ? outcome.failed->name
                                                                     : "feed " + std::to_string(outcome.where);
            const Status& status = outcome.status;
            raise_error(Error::kernel, py::make_tuple(name, static_cast<int>(status.code), status.value, status.limit),
                        outcome.steps_done);
        }
        case Outcome::Kind::stopped:
        case Outcome::Kind::timed_out:
            host.raise(outcome.steps_done);
    }
}

void check_feed_count(const Plan& plan, size_t received) {
    if (received != plan.feeds().size())
        throw std::invalid_argument("the plan takes " + std::to_string(plan.feeds().size()) + " feeds, received " +
                                    std::to_string(received));
}

const View& feed_type(const Plan& plan, size_t i) { return plan.slots()[plan.feeds()[i]].type; }

std::vector<StepFetch> new_fetches(const Plan& plan, py::list& arrays, int64_t lead) {
    std::vector<StepFetch> fetches;
    fetches.reserve(plan.fetches().size());
    int64_t total = 0;
    for (int32_t slot : plan.fetches()) {
        int64_t bytes = checked_bytes(plan.slots()[slot].type);
        total = checked_add(total, lead >= 0 ? checked_mul(bytes, lead, "a result") : bytes, "the results' size");
    }
    need_memory(total);
    for (int32_t slot : plan.fetches()) {
        const View& type = plan.slots()[slot].type;
        int64_t bytes = checked_bytes(type);
        py::array array = new_array(type, lead);
        fetches.push_back({array.mutable_data(), bytes});
        arrays.append(array);
    }
    return fetches;
}

StepFeed step_feed(const py::handle& given, bool stepped, const View& type, int64_t steps, const std::string& what) {
    StepFeed feed;
    if (!stepped) {
        feed.data = view_like(given, type, what).data;
    } else if (!py::isinstance<py::tuple>(given)) {
        feed.data = view_like(given, type, what, steps).data;
        feed.stride = checked_bytes(type);
    } else {
        auto pair = py::reinterpret_borrow<py::tuple>(given);
        if (pair.size() != 2) throw std::invalid_argument(what + " is not a pair (array, indices)");
        if (type.rank < 1) throw std::invalid_argument(what + " takes scalars, which have no rows to gather");
        View indices = view_of(pair[1], what + ", its indices");
        if (indices.dtype != DType::i64 || indices.rank != 2 || indices.shape[0] != steps ||
            indices.shape[1] != type.shape[0])
            throw std::invalid_argument(what + ": its indices are " + text_of(indices) + ", expected i64 [" +
                                        std::to_string(steps) + ", " + std::to_string(type.shape[0]) + "]");
        View rows = view_of(pair[0], what + ", its array");
        View wanted = type;
        wanted.shape[0] = rows.rank ? rows.shape[0] : 0;
        feed.data = view_like(pair[0], wanted, what + ", its array").data;
        feed.indices = static_cast<const int64_t*>(indices.data);
        feed.batch = type.shape[0];
        feed.rows = wanted.shape[0];
        View row = type;
        row.shape[0] = 1;
        feed.row_bytes = checked_bytes(row);
    }
    return feed;
}

}  // namespace

py::list run_once(const Plan& plan, const py::list& arrays, std::optional<double> timeout, bool held,
                  std::optional<py::list> traces) {
    check_feed_count(plan, arrays.size());
    std::vector<StepFeed> feeds(arrays.size());
    for (size_t i = 0; i < feeds.size(); ++i)
        feeds[i].data = view_like(arrays[i], feed_type(plan, i), "feed " + std::to_string(i)).data;
    py::list results;
    std::vector<StepFetch> fetches = new_fetches(plan, results, -1);
    run_plan(plan, 1, feeds, fetches, timeout, held, traces);
    return results;
}

py::list run_steps(const Plan& plan, int64_t steps, const py::list& arrays, const std::vector<bool>& stepped,
                   std::optional<double> timeout, std::optional<py::list> traces) {
    if (steps < 0)
        throw std::invalid_argument("the number of steps is never negative, received " + std::to_string(steps));
    check_feed_count(plan, arrays.size());
    if (stepped.size() != arrays.size()) throw std::invalid_argument("`stepped` has one entry for each feed");
    std::vector<StepFeed> feeds;
    for (size_t i = 0; i < arrays.size(); ++i)
        feeds.push_back(step_feed(arrays[i], stepped[i], feed_type(plan, i), steps, "feed " + std::to_string(i)));
    py::list results;
    std::vector<StepFetch> fetches = new_fetches(plan, results, steps);
    run_plan(plan, steps, feeds, fetches, timeout, false, traces);
    return results;
}

}  // namespace labkit
