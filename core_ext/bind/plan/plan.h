// What Plan does for Python.
#pragma once
#include <pybind11/pybind11.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "exec/executor.h"
#include "exec/plan.h"

namespace labkit {

namespace py = pybind11;

// make.cpp: a plan of Python's dictionaries. Throws std::invalid_argument: says what is wrong with it.
std::shared_ptr<Plan> make_plan(const py::list& slots, const py::list& instructions, std::vector<std::shared_ptr<Cell>> cells,
                                std::vector<int64_t> read_first, std::shared_ptr<State> state, bool fuse);

// tell.cpp: for each instruction its parts (number as given, operands, results, bytes of the results, place), and the name of
// the algorithm that serves it.
py::list parts_of(const Plan& plan);
std::vector<std::string> algorithms_of(const Plan& plan);

// tell.cpp: a measured run: (start, nanoseconds, bytes of temporaries, nodes, events, events left out).
py::tuple record_of(const Plan& plan, const Trace& trace, int64_t start);

// run.cpp: once, or several times without returning to Python; `traces` is None or a list that gets the record of the run.
py::list run_once(const Plan& plan, const py::list& arrays, std::optional<double> timeout, bool held,
                  std::optional<py::list> traces);
py::list run_steps(const Plan& plan, int64_t steps, const py::list& arrays, const std::vector<bool>& stepped,
                   std::optional<double> timeout, std::optional<py::list> traces);

}  // namespace labkit
