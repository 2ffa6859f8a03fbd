// State and Cell for Python.
#include <pybind11/stl.h>

#include <cstring>
#include <stdexcept>

#include "bind/arrays.h"
#include "bind/bind.h"
#include "bind/host.h"
#include "exec/checked.h"
#include "exec/memory.h"
#include "exec/memory_limit.h"
#include "exec/plan.h"
#include "exec/pool.h"
#include "exec/state.h"

namespace labkit {
namespace {

using CellPointer = std::shared_ptr<Cell>;

// --- cells ---

void copy_cell(Cell& cell, const View& array, bool into_cell) {
    HostInterrupt host(nullptr, std::nullopt);
    bool held;
    {
        py::gil_scoped_release release;
        State::Hold hold(*cell.state(), into_cell, host);
        held = hold.held();
        if (held && cell.bytes()) {
            size_t bytes = static_cast<size_t>(cell.bytes());
            into_cell ? std::memcpy(cell.view().data, array.data, bytes)
                      : std::memcpy(array.data, cell.view().data, bytes);
        }
        if (held && into_cell) cell.mark_initialized();
    }
    if (!held) host.raise(0);
}

py::array read_cell(Cell& cell) {
    if (!cell.initialized()) raise_error(Error::uninitialized, py::make_tuple(0), 0);
    need_memory(checked_bytes(cell.view()));
    py::array copy = new_array(cell.view());
    copy_cell(cell, view_of(copy, "the copy", true), false);
    return copy;
}

// For a thread that holds the state for several runs: what a variable is now.
py::object save_cell(const Cell& cell) {
    if (!State::Hold::is_held(*cell.state(), false)) throw std::logic_error("the state is not held by this thread");
    if (!cell.initialized()) return py::none();
    need_memory(cell.bytes());
    py::array copy = new_array(cell.view());
    if (cell.bytes()) std::memcpy(copy.mutable_data(), cell.view().data, static_cast<size_t>(cell.bytes()));
    return copy;
}

// For a thread that holds the state: the variable's own memory, as an array that nobody may write.
py::object view_cell(const CellPointer& cell) {
    if (!State::Hold::is_held(*cell->state(), false)) throw std::logic_error("the state is not held by this thread");
    if (!cell->initialized()) return py::none();
    return view_array(cell->view(), py::cast(cell));
}

std::vector<int64_t> shape_of(const Cell& cell) { return {cell.view().shape, cell.view().shape + cell.view().rank}; }

// --- holding a state over several runs ---

// A context manager in native code: no signal handler can raise between taking the state and the block that lets it go, nor
// between the block's end and the values' being taken back.
class PythonHold {
   public:
    PythonHold(std::shared_ptr<State> state, bool exclusive, std::optional<double> timeout, std::vector<CellPointer> cells)
        : state_(std::move(state)), exclusive_(exclusive), timeout_(timeout), cells_(std::move(cells)) {
        for (const CellPointer& cell : cells_)
            if (!cell || cell->state() != state_ || !exclusive)
                throw std::invalid_argument("taken_back: cells of this state, which is held exclusively");
    }

    void enter() {
        if (hold_) throw std::logic_error("the state is held already");
        HostInterrupt host(state_.get(), timeout_);
        {
            py::gil_scoped_release release;
            hold_ = std::make_unique<State::Hold>(*state_, exclusive_, host);
        }
        if (!hold_->held()) {
            hold_.reset();
            host.raise(0);
        }
        try {
            for (const CellPointer& cell : cells_) save(*cell);
        } catch (...) {
            leave(false);
            throw;
        }
    }

    void leave(bool failed) {
        for (size_t i = 0; failed && i < saved_.size(); ++i) {
            Cell& cell = *cells_[i];
            cell.mark_initialized(saved_[i].has_value());
            if (saved_[i] && cell.bytes())
                std::memcpy(cell.view().data, saved_[i]->data(), static_cast<size_t>(cell.bytes()));
        }
        saved_.clear();
        hold_.reset();
    }

   private:
    void save(const Cell& cell) {
        saved_.emplace_back();
        if (!cell.initialized()) return;
        need_memory(cell.bytes());
        saved_.back().emplace(cell.bytes());
        if (cell.bytes()) std::memcpy(saved_.back()->data(), cell.view().data, static_cast<size_t>(cell.bytes()));
    }

    std::shared_ptr<State> state_;
    bool exclusive_;
    std::optional<double> timeout_;
    std::vector<CellPointer> cells_;
    std::vector<std::optional<Buffer>> saved_;  // of cells_; nothing where there was no value
    std::unique_ptr<State::Hold> hold_;
};

}  // namespace

void bind_state(py::module_& module) {
    py::class_<State, std::shared_ptr<State>>(
        module, "State",
        "The memory of one session: its cells, and the lock that runs take. Runs that only read overlap; a run that\n"
        "writes a cell has the state to itself.")
        .def(py::init([] {
                 memory_limit();  // where a setting is wrong, that is said before anything runs
                 get_num_threads();
                 return std::make_shared<State>();
             }),
             "Raises:\n    ValueError: LABKIT_MEMORY_LIMIT is no number of bytes, or LABKIT_NUM_THREADS no number of threads.")
        .def(
            "cell",
            [](const std::shared_ptr<State>& state, const std::string& dtype, const py::sequence& shape) {
                return std::make_shared<Cell>(state, type_from(dtype, shape));
            },
            py::arg("dtype"), py::arg("shape"),
            "A new variable's storage, not initialised.\n\nArgs:\n    dtype: 'f32', 'f64', 'i32', 'i64', 'u8' or "
            "'b8'.\n    shape: dimensions, at most 8.\n\n"
            "Raises:\n    ValueError: unknown dtype or impossible shape.\n    MemoryError: no memory.")
        .def(
            "hold",
            [](const std::shared_ptr<State>& state, bool exclusive, std::optional<double> timeout,
               std::vector<CellPointer> taken_back) {
                return std::make_unique<PythonHold>(state, exclusive, timeout, std::move(taken_back));
            },
            py::arg("exclusive"), py::arg("timeout") = py::none(), py::arg("taken_back") = std::vector<CellPointer>(),
            "A context manager that keeps runs of others from coming between several runs of this thread, which are made\n"
            "with held=True: runs that write, or with `exclusive` any.\n\n"
            "Args:\n    timeout: seconds to wait for the state, or None.\n    taken_back: cells that are as they were "
            "when the block is left by an exception.\n\n"
            "Raises:\n    TimeoutError_, CancelledError, KeyboardInterrupt: waiting was given up.\n    RuntimeError: "
            "this thread is inside a run of the state already.\n    MemoryError: there is none for the cells' values.")
        .def("cancel", &State::cancel,
             "Stops the runs under way, as an interrupt would: they raise CancelledError. May be called from any "
             "thread.")
        .def("close", &State::close, "Stops the runs under way and all that start later, as `cancel` does.");

    py::class_<PythonHold>(module, "Hold", "A state held by a thread; made by State.hold.")
        .def("__enter__", &PythonHold::enter)
        .def("__exit__", [](PythonHold& hold, const py::object& type, const py::object&, const py::object&) {
            hold.leave(!type.is_none());
        });

    py::class_<Cell, CellPointer>(module, "Cell", "One variable's storage in one session; made by State.cell.")
        .def_property_readonly("initialized", &Cell::initialized)
        .def_property_readonly("dtype", [](const Cell& cell) { return name_of(cell.view().dtype); })
        .def_property_readonly("shape", [](const Cell& cell) { return py::tuple(py::cast(shape_of(cell))); })
        .def("read", &read_cell,
             "A copy of the value. Waits for runs that write.\n\nRaises:\n    UninitializedError: it has no value.")
        .def("save", &save_cell,
             "For a thread that holds the state: a copy of the value, or None where there is none.\n\nRaises:\n"
             "    RuntimeError: the thread does not hold the state.\n    MemoryError: no memory.")
        .def("view", &view_cell,
             "For a thread that holds the state: a read-only array of the variable's own memory, or None where it has no "
             "value. What\nit shows changes once the state is let go.\n\nRaises:\n    RuntimeError: the thread does not "
             "hold the state.")
        .def(
            "load",
            [](Cell& cell, const py::object& array) {
                copy_cell(cell, view_like(array, cell.view(), "the value"), true);
            },
            py::arg("array"),
            "Copies an array of the cell's dtype and shape into it. Waits for runs.\n\nRaises:\n    ValueError: "
            "another dtype or shape.");
}

}  // namespace labkit
