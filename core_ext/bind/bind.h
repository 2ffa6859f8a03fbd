// The parts of the Python module.
#pragma once
#include <pybind11/pybind11.h>

namespace labkit {

void bind_kernels(pybind11::module_& module);  // targets, kernels, threads, checksums
void bind_state(pybind11::module_& module);    // State, Cell
void bind_plan(pybind11::module_& module);     // Plan

}  // namespace labkit
