// Plan for Python.
#include <pybind11/stl.h>

#include "bind/bind.h"
#include "bind/plan/plan.h"
#include "exec/memory_limit.h"
#include "exec/plan_text.h"
#include "exec/pool.h"

namespace labkit {

void bind_plan(py::module_& module) {
    module.def("need_memory", &need_memory, py::arg("bytes"),
               "Raises MemoryError where so many bytes are more than is left: of LABKIT_MEMORY_LIMIT, of this process's "
               "control\ngroups, of the machine.");

    py::class_<Plan, std::shared_ptr<Plan>>(
        module, "Plan",
        "Instructions over slots of memory, validated and laid out once, run many times.\n\n"
        "Args:\n"
        "    slots: dicts {kind: 'arena' | 'constant' | 'state' | 'feed' | 'fetch' | 'alias', dtype, shape, index: "
        "position of a\n"
        "        feed or fetch, number of a cell; value: array of a constant, which is\n"
        "        copied unless it is large and read-only; of: slot of an alias}.\n"
        "    instructions: dicts {kernel, inputs: slots (-1: absent), outputs: slots, ints, reals, name, writes}.\n"
        "    cells: the variables, all of one State.\n"
        "    read_first: numbers of the cells that must be initialised before a run.\n"
        "    state: the session, needed only where there are no cells.\n"
        "    fuse: whether several instructions may become one that does the same to the same bits.\n\n"
        "Raises:\n    ValueError: says what is wrong with the plan.")
        .def(py::init(&make_plan), py::arg("slots"), py::arg("instructions"), py::arg("cells"), py::arg("read_first"),
             py::arg("state") = std::shared_ptr<State>(), py::arg("fuse") = true)
        .def_property_readonly("arena_bytes", [](const Plan& plan) { return plan.bytes_of_run(get_num_threads()); },
                               "Bytes of temporaries that a run needs with the present number of threads.")
        .def(
            "__len__", [](const Plan& plan) { return plan.instructions().size(); }, "The number of instructions.")
        .def_property_readonly("parts", &parts_of,
                               "For each instruction, in order, those given that it does: (number, types of operands, types\n"
                               "of results, bytes of results, 'writes' | 'in cache' | 'in place' | ''). Rewrites may have changed\n"
                               "their operands.")
        .def_property_readonly("algorithms", &algorithms_of,
                               "For each instruction, in order, the algorithm that serves it where its kernel has several, else ''.")
        .def("describe", &describe, py::arg("values") = true,
             "The plan as text, which plan_run reads. Without `values` constants are left out, for people.")
        .def("run", &run_once, py::arg("feeds"), py::arg("timeout") = py::none(), py::arg("held") = false,
             py::arg("traces") = py::none(),
             "Runs the plan once, without the GIL.\n\n"
             "Args:\n    feeds: arrays of exactly the feeds' dtypes and shapes, dense in C order; used in place.\n"
             "    timeout: seconds, or None.\n    held: the caller is inside State.hold.\n"
             "    traces: a list, to which a record of the run is added: (start, duration, bytes of temporaries,\n"
             "        [(operation, kernels, node around it or -1, calls, start, duration, bytes of its results)],\n"
             "        [(node, start, duration)], events left out); times are nanoseconds of time.monotonic_ns().\n\n"
             "Returns:\n    A new array for each fetch.\n\n"
             "Raises:\n    ValueError: the feeds do not fit.\n    UninitializedError: a cell of read_first has no "
             "value.\n"
             "    KernelError: a kernel refused its input.\n    TimeoutError_, CancelledError, KeyboardInterrupt: the "
             "run was stopped; only before its\n"
             "        first write, so that it changed nothing.\n    RuntimeError: called by a signal handler inside a "
             "run of the same session.")
        .def("run_steps", &run_steps, py::arg("steps"), py::arg("feeds"), py::arg("stepped"),
             py::arg("timeout") = py::none(), py::arg("traces") = py::none(),
             "Runs the plan `steps` times without returning to Python.\n\n"
             "Args:\n    feeds: for each feed one array for all steps, or where stepped[i]: an array with a leading "
             "dimension `steps`, or a\n"
             "        pair (array[n, ...], indices int64 [steps, batch]) of which each step gets the rows "
             "indices[step].\n"
             "    stepped: for each feed, whether it changes with the step.\n    timeout: seconds for all steps, or "
             "None.\n    traces: as run; calls and durations are of all steps.\n\n"
             "Returns:\n    For each fetch a new array with a leading dimension `steps`.\n\n"
             "Raises:\n    As run; the exception's `steps_done` says how many steps ran to their end. These hold, the "
             "one after them changed\n"
             "        nothing. KernelError for 'feed i' where an index is out of range.");
}

}  // namespace labkit
