#include "bind/host.h"

#include <stdexcept>
#include <string>

namespace labkit {
namespace {

PyObject* errors[4];  // live as long as the process

}  // namespace

HostInterrupt::HostInterrupt(const State* state, std::optional<double> timeout)
    : state_(state), cancels_(state ? state->cancels() : 0), interrupt_(poll, this, timeout.value_or(-1)) {
    if (timeout && !(*timeout >= 0)) throw std::invalid_argument("a timeout is a number of seconds, not negative");
}

bool HostInterrupt::poll(void* context) {
    auto& self = *static_cast<HostInterrupt*>(context);
    if (self.state_ && (self.state_->closed() || self.state_->cancels() != self.cancels_)) return false;
    py::gil_scoped_acquire gil;
    if (PyErr_CheckSignals() == 0) return true;
    self.error_ = std::make_unique<py::error_already_set>();  // takes the exception out of the interpreter
    return false;
}

void HostInterrupt::raise(int64_t steps_done) {
    if (error_) {
        error_->value().attr("steps_done") = steps_done;
        throw py::error_already_set(*error_);
    }
    if (interrupt_.reason() == Interrupt::Reason::deadline)
        raise_error(Error::timeout, py::make_tuple("the run took longer than its timeout"), steps_done);
    raise_error(Error::cancelled, py::make_tuple("the run was cancelled"), steps_done);
}

void raise_error(Error kind, const py::tuple& arguments, int64_t steps_done) {
    py::handle type = errors[static_cast<int>(kind)];
    py::object error = type(*arguments);
    error.attr("steps_done") = steps_done;
    PyErr_SetObject(type.ptr(), error.ptr());
    throw py::error_already_set();
}

void bind_errors(py::module_& module) {
    auto define = [&](Error kind, const char* name, const char* doc, PyObject* base) {
        std::string full = module.attr("__name__").cast<std::string>() + "." + name;
        PyObject* type = PyErr_NewExceptionWithDoc(full.c_str(), doc, base, nullptr);
        if (!type) throw py::error_already_set();
        errors[static_cast<int>(kind)] = type;
        module.add_object(name, type);
    };
    define(Error::kernel, "KernelError",
           "A kernel refused its input. Arguments: the operation's name, the code (1: an index is out of range, 2: a\n"
           "value is not allowed), the offending value, its exclusive limit. `steps_done`: whole steps before it, "
           "which hold.",
           PyExc_RuntimeError);
    define(Error::uninitialized, "UninitializedError",
           "A variable is read before it has a value. Argument: the number of its cell in the plan.",
           PyExc_RuntimeError);
    define(Error::cancelled, "CancelledError",
           "State.cancel() stopped the run. `steps_done`: whole steps before it, which hold.", PyExc_RuntimeError);
    define(Error::timeout, "TimeoutError_",
           "The run took longer than its timeout. `steps_done`: whole steps before it, which hold.",
           PyExc_TimeoutError);
}

}  // namespace labkit
