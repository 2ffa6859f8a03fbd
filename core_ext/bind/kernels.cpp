// Targets, single kernel calls, threads and checksums for Python.
#include <pybind11/stl.h>

#include <stdexcept>

#include "bind/arrays.h"
#include "bind/bind.h"
#include "bind/host.h"
#include "dispatch/dispatch.h"
#include "exec/checked.h"
#include "exec/crc32c.h"
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

py::list call_kernel(const std::string& target_name, const std::string& kernel, const py::list& inputs,
                     const py::list& outputs, const std::vector<int64_t>& ints, const std::vector<double>& reals,
                     int threads) {
    const KernelEntry* entry = find_kernel(target(target_name), kernel);
    if (!entry) throw std::invalid_argument("target " + target_name + " has no kernel named '" + kernel + "'");
    if (threads < 1) throw std::invalid_argument("the number of threads is at least 1");
    std::vector<View> views;
    bool empty = true;
    for (size_t i = 0; i < inputs.size(); ++i) {
        View absent{};
        absent.rank = -1;
        views.push_back(inputs[i].is_none() ? absent : view_of(inputs[i], "input " + std::to_string(i)));
    }
    for (size_t i = 0; i < outputs.size(); ++i) {
        views.push_back(view_of(outputs[i], "output " + std::to_string(i), true));
        empty = empty && !numel(views.back());
    }
    std::vector<View> planned = views;
    for (View& view : planned) view.data = nullptr;
    Call call{};
    call.n_in = static_cast<int32_t>(inputs.size());
    call.n_out = static_cast<int32_t>(outputs.size());
    call.ints = ints.data();
    call.reals = reals.data();
    call.n_ints = static_cast<int32_t>(ints.size());
    call.n_reals = static_cast<int32_t>(reals.size());
    call.in = planned.data();
    call.out = planned.data() + call.n_in;
    check_signature(kernel, call);
    if (empty) return outputs;
    Work work;
    entry->plan(call, work);
    Buffer scratch(work.scratch_bytes);
    call.in = views.data();
    call.out = views.data() + call.n_in;
    call.scratch = scratch.data();
    HostInterrupt host(nullptr, std::nullopt);
    Status status;
    bool stopped = false;
    {
        py::gil_scoped_release release;
        status = run_call(*entry, call, work, threads, host, stopped);
    }
    if (stopped) host.raise(0);
    if (status.code != Code::ok)
        raise_error(Error::kernel, py::make_tuple(kernel, static_cast<int>(status.code), status.value, status.limit),
                    0);
    return outputs;
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
               py::arg("threads") = 1,
               "Runs one kernel on arrays, for tests and constant folding.\n\n"
               "Args:\n    inputs: arrays, dense in C order; None where the operation leaves one out.\n    outputs: "
               "arrays that are filled.\n"
               "    ints, reals: attributes, in the order of the operation's record.\n    threads: at most so many "
               "threads.\n\n"
               "Returns:\n    `outputs`.\n\nRaises:\n    ValueError: no such kernel, or an array that it cannot "
               "take.\n    KernelError: the kernel refused its input.");
    module.def("set_num_threads", &set_num_threads, py::arg("count"), py::call_guard<py::gil_scoped_release>(),
               "Sets the number of threads of all runs to come. Results do not depend on it.\n\nRaises:\n    "
               "ValueError: not from 1 to 256.");
    module.def("get_num_threads", &get_num_threads,
               "The number of threads of a run: LABKIT_NUM_THREADS, or the cores that this process may use (affinity, "
               "CPU quota).\n\n"
               "Raises:\n    ValueError: LABKIT_NUM_THREADS is not a number from 1 to 256.");
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
