// Targets, single kernel calls, threads and checksums for Python.
#include <pybind11/stl.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "bind/arrays.h"
#include "bind/bind.h"
#include "bind/host.h"
#include "dispatch/dispatch.h"
#include "exec/checked.h"
#include "exec/cpus.h"
#include "exec/crc32c.h"
#include "exec/denormals.h"
#include "exec/executor.h"
#include "exec/pool.h"
#include "exec/signature.h"

namespace labkit {
namespace {

std::vector<std::string> target_names() {
    std::vector<std::string> names;
    for (const KernelTable* table : available_targets()) names.push_back(table->target);
    return names;
}

std::vector<std::string> kernel_names(const std::string& target_name) {
    const KernelTable& table = target(target_name);
    std::vector<std::string> names;
    for (const KernelEntry& entry : table.entries) names.push_back(entry.name);
    return names;
}

// One call of a kernel on arrays: checked, and its work cut.
struct Prepared {
    Prepared(const std::string& target_name, const std::string& kernel, const py::list& inputs, const py::list& outputs,
             const std::vector<int64_t>& ints, const std::vector<double>& reals)
        : entry(find_kernel(target(target_name), kernel)) {
        if (!entry) throw std::invalid_argument("target " + target_name + " has no kernel named '" + kernel + "'");
        for (size_t i = 0; i < inputs.size(); ++i) {
            View absent{};
            absent.rank = -1;
            views.push_back(inputs[i].is_none() ? absent : view_of(inputs[i], "input " + std::to_string(i)));
        }
        for (size_t i = 0; i < outputs.size(); ++i) {
            views.push_back(view_of(outputs[i], "output " + std::to_string(i), true));
            empty = empty && !numel(views.back());
        }
        empty = empty && !is_always_called(kernel);
        std::vector<View> planned = views;
        for (View& view : planned) view.data = nullptr;
        call.n_in = static_cast<int32_t>(inputs.size());
        call.n_out = static_cast<int32_t>(outputs.size());
        call.ints = ints.data();
        call.reals = reals.data();
        call.n_ints = static_cast<int32_t>(ints.size());
        call.n_reals = static_cast<int32_t>(reals.size());
        call.in = planned.data();
        call.out = planned.data() + call.n_in;
        check_signature(kernel, call);
        if (!empty) entry->plan(call, work);
        if (work.phases < 0) throw std::invalid_argument(kernel + " has no way for these shapes and attributes");
        call.in = views.data();
        call.out = views.data() + call.n_in;
    }

    const KernelEntry* entry;
    std::vector<View> views;
    Call call{};
    Work work;
    bool empty = true;  // nothing is to be written: the kernel is not called
};

// The tasks of each phase from the last to the first, in scratch memory full of NaN; so is a thread's own memory before each
// task. A kernel whose tasks are independent of each other gives the same bits.
Status run_backwards(const KernelEntry& kernel, const Call& call, const Work& work) {
    FlushDenormals flush;
    if (work.scratch_bytes) std::memset(call.scratch, 0xFF, static_cast<size_t>(work.scratch_bytes));
    for (int phase = 0; phase < work.phases; ++phase) {
        Status first;  // of the failed tasks
        for (int64_t task = work.tasks_in(phase); task-- > 0;) {
            if (work.local_bytes) std::memset(call.local, 0xFF, static_cast<size_t>(work.local_bytes));
            Status status = kernel.run(call, phase, task);
            if (status.code != Code::ok) first = status;
        }
        if (first.code != Code::ok) return first;
    }
    return {};
}

py::list call_kernel(const std::string& target_name, const std::string& kernel, const py::list& inputs,
                     const py::list& outputs, const std::vector<int64_t>& ints, const std::vector<double>& reals,
                     int threads, bool backwards) {
    if (threads < 1 || threads > kMaxThreads)
        throw std::invalid_argument("the number of threads is from 1 to " + std::to_string(kMaxThreads));
    Prepared made(target_name, kernel, inputs, outputs, ints, reals);
    if (made.empty) return outputs;
    Buffer scratch(made.work.scratch_bytes);
    made.call.scratch = scratch.data();
    Buffer local(std::min<int64_t>(threads, made.work.local_tasks) * aligned(made.work.local_bytes));
    made.call.local = local.data();
    HostInterrupt host(nullptr, std::nullopt);
    Status status;
    bool stopped = false;
    {
        py::gil_scoped_release release;
        status = backwards ? run_backwards(*made.entry, made.call, made.work)
                           : run_call(*made.entry, made.call, made.work, threads, host, stopped);
    }
    if (stopped) host.raise(0);
    if (status.code != Code::ok)
        raise_error(Error::kernel, py::make_tuple(kernel, static_cast<int>(status.code), status.value, status.limit),
                    0);
    return outputs;
}

std::vector<int64_t> kernel_tasks(const std::string& target_name, const std::string& kernel, const py::list& inputs,
                                  const py::list& outputs, const std::vector<int64_t>& ints,
                                  const std::vector<double>& reals) {
    const Prepared made(target_name, kernel, inputs, outputs, ints, reals);
    if (made.empty) return {};
    std::vector<int64_t> tasks;
    for (int32_t phase = 0; phase < made.work.phases; ++phase) tasks.push_back(made.work.tasks_in(phase));
    return tasks;
}

}  // namespace

void bind_kernels(py::module_& module) {
    module.def("targets", &target_names, "Names of the kernel targets this machine can run, best first.");
    module.def(
        "active_target", [] { return std::string(active_target().target); },
        "The target that plans use: LABKIT_TARGET, or the best.\n\nRaises:\n    ValueError: LABKIT_TARGET names none "
        "of targets().");
    module.def("kernel_names", &kernel_names, py::arg("target"),
               "Names of a target's kernels, 'operation.dtype'.\n\nRaises:\n    ValueError: no such target.");
    module.def("call_kernel", &call_kernel, py::arg("target"), py::arg("kernel"), py::arg("inputs"), py::arg("outputs"),
               py::arg("ints") = std::vector<int64_t>{}, py::arg("reals") = std::vector<double>{},
               py::arg("threads") = 1, py::arg("backwards") = false,
               "Runs one kernel on arrays, for tests and constant folding.\n\n"
               "Args:\n    inputs: arrays, dense in C order; None where the operation leaves one out.\n    outputs: "
               "arrays that are filled.\n"
               "    ints, reals: attributes, in the order of the operation's record.\n    threads: at most so many "
               "threads.\n    backwards: one thread takes each phase's tasks from the last to the first, in scratch "
               "memory that is full of NaN.\n\n"
               "Returns:\n    `outputs`.\n\nRaises:\n    ValueError: no such kernel, or an array that it cannot "
               "take.\n    KernelError: the kernel refused its input.");
    module.def("kernel_tasks", &kernel_tasks, py::arg("target"), py::arg("kernel"), py::arg("inputs"),
               py::arg("outputs"), py::arg("ints") = std::vector<int64_t>{},
               py::arg("reals") = std::vector<double>{},
               "The number of tasks in each phase of a call, for tests; empty where nothing is to be written. Arguments "
               "as in call_kernel.");
    module.attr("MAX_THREADS") = kMaxThreads;
    module.def("set_num_threads", &set_num_threads, py::arg("count"), py::call_guard<py::gil_scoped_release>(),
               "Sets the number of threads of all runs to come. Results do not depend on it.\n\nRaises:\n    "
               "ValueError: not from 1 to 256.");
    module.def("get_num_threads", &get_num_threads,
               "The number of threads of a run: LABKIT_NUM_THREADS, or the cores that this process may use (affinity, "
               "CPU quota).\n\n"
               "Raises:\n    ValueError: LABKIT_NUM_THREADS is not a number from 1 to 256.");
    module.def("usable_cores", &usable_cores, py::arg("root") = "",
               "The cores that this process may use, by affinity and CPU quota.\n\nArgs:\n    root: in front of the paths "
               "of /proc and /sys, for tests.");
    module.def(
        "crc32c",
        [](const py::buffer& data, uint32_t value) {
            py::buffer_info info = data.request();
            if (!PyBuffer_IsContiguous(info.view(), 'C'))
                throw std::invalid_argument("crc32c takes a contiguous buffer");
            size_t bytes = static_cast<size_t>(info.size * info.itemsize);
            py::gil_scoped_release release;
            return crc32c(info.ptr, bytes, value);
        },
        py::arg("data"), py::arg("value") = 0,
        "The CRC-32C (Castagnoli) of `data`; `value` is the checksum of what came before.");
}

}  // namespace labkit
