// The Python module labkit._native. Nothing outside bind/ knows Python.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <stdexcept>

#include "dispatch/dispatch.h"

namespace py = pybind11;
using namespace labkit;

namespace {

DType dtype_of(const py::array& array) {
    char kind = array.dtype().kind();
    auto size = array.dtype().itemsize();
    if (kind == 'f' && size == 4) return DType::f32;
    if (kind == 'f' && size == 8) return DType::f64;
    if (kind == 'i' && size == 4) return DType::i32;
    if (kind == 'i' && size == 8) return DType::i64;
    if (kind == 'u' && size == 1) return DType::u8;
    if (kind == 'b') return DType::b8;
    throw std::invalid_argument("unsupported array dtype");
}

View view_of(const py::array& array) {
    View view{};
    view.data = const_cast<void*>(array.data());
    view.rank = static_cast<int32_t>(array.ndim());
    view.dtype = dtype_of(array);
    for (int i = 0; i < view.rank; ++i) view.shape[i] = array.shape(i);
    return view;
}

py::list call_kernel(const std::string& target_name, const std::string& kernel, const std::vector<py::array>& inputs,
                     const std::vector<py::array>& outputs, const std::vector<int64_t>& ints, const std::vector<double>& reals) {
    const KernelEntry* entry = find_kernel(target(target_name), kernel);
    if (!entry) throw std::invalid_argument("no kernel named " + kernel);
    std::vector<View> in, out;
    for (auto& a : inputs) in.push_back(view_of(a));
    for (auto& a : outputs) out.push_back(view_of(a));
    Call call{in.data(), out.data(), int(in.size()), int(out.size()), ints.data(), reals.data(), int(ints.size()), int(reals.size()), nullptr};
    Work work;
    entry->plan(call, work);
    std::vector<char> scratch(work.scratch_bytes + 64);
    call.scratch = reinterpret_cast<char*>((reinterpret_cast<uintptr_t>(scratch.data()) + 63) / 64 * 64);
    for (int phase = 0; phase < work.phases; ++phase)
        for (int64_t task = 0; task < work.tasks[phase]; ++task) {
            Status status = entry->run(call, phase, task);
            if (status.code != Code::ok)
                throw std::out_of_range("kernel status " + std::to_string(int(status.code)) + " value " + std::to_string(status.value) +
                                        " limit " + std::to_string(status.limit));
        }
    py::list result;
    for (auto& a : outputs) result.append(a);
    return result;
}

}  // namespace

PYBIND11_MODULE(_native, m) {
    m.def("targets", [] {
        std::vector<std::string> names;
        for (auto* t : available_targets()) names.push_back(t->target);
        return names;
    });
    m.def("active_target", [] { return std::string(active_target().target); });
    m.def("kernel_names", [](const std::string& name) {
        std::vector<std::string> names;
        const KernelTable& table = target(name);
        for (int i = 0; i < table.count; ++i) names.push_back(table.entries[i].name);
        return names;
    });
    m.def("call_kernel", &call_kernel, py::arg("target"), py::arg("kernel"), py::arg("inputs"), py::arg("outputs"),
          py::arg("ints") = std::vector<int64_t>{}, py::arg("reals") = std::vector<double>{});
}
