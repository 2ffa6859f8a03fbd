// The Python module labkit._native. Nothing outside bind/ knows Python.
#include "bind/bind.h"
#include "bind/host.h"

PYBIND11_MODULE(_native, module) {
    module.doc() = "labkit's compiled core: kernels and the executor of plans.";
    labkit::bind_errors(module);
    labkit::bind_kernels(module);
    labkit::bind_state(module);
    labkit::bind_plan(module);
}
