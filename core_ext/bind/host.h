// What the executor asks of Python, and what Python is told: signals, cancelling, exceptions.
#pragma once
#include <pybind11/pybind11.h>

#include <memory>
#include <optional>

#include "exec/interrupt.h"
#include "exec/state.h"

namespace labkit {

namespace py = pybind11;

// The interrupt of a run started from Python: asks whether a signal has come or the state's runs are cancelled. It
// takes the GIL for that, so the run must not hold it. Throws std::invalid_argument for a negative timeout.
class HostInterrupt {
   public:
    HostInterrupt(const State* state, std::optional<double> timeout);
    operator Interrupt&() { return interrupt_; }

    // Raises what stopped the run: the signal handler's exception (KeyboardInterrupt), CancelledError or TimeoutError_.
    [[noreturn]] void raise(int64_t steps_done);

   private:
    static bool poll(void* self);

    const State* state_;
    uint64_t cancels_;
    Interrupt interrupt_;
    std::unique_ptr<py::error_already_set> error_;
};

enum class Error { kernel, uninitialized, cancelled, timeout };

// Raises the module's exception of that kind with these arguments and an attribute `steps_done`.
[[noreturn]] void raise_error(Error kind, const py::tuple& arguments, int64_t steps_done);

void bind_errors(py::module_& module);

}  // namespace labkit
