"""Session: the values of variables, and runs of the graph."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from labkit import native
from labkit.core.convert import as_array
from labkit.core.failures import NATIVE_ERRORS, told
from labkit.core.feeds import feed_array, flatten_feeds
from labkit.core.fetches import Fetches
from labkit.core.graph import Graph, get_default_graph
from labkit.core.operation import Operation
from labkit.core.passes.lower import Lowered
from labkit.core.runner import Planned, Runner
from labkit.core.shapes import show
from labkit.core.staging import run_stages
from labkit.core.stepping import run_steps
from labkit.core.tensor import Tensor
from labkit.core.variables import Variable
from labkit.errors import (
    CheckpointError,
    FailedPreconditionError,
    GraphError,
    InvalidArgumentError,
    SessionError,
)

_CACHED_RUNNERS = 256
_RANDOM = "random:"  # no operation's name holds a colon


class Session:
    """Runs operations of one graph, and holds the values of its variables.

    What one run means: every read of a variable sees its value at the run's start unless a dependency puts it after a
    write; writes come last, in order of creation; a run that raises changes nothing. Runs that write exclude each other
    and every other run of the session; runs that only read may overlap.

    Args:
        graph: the graph to run; default: the default graph.
        optimize: whether plans fold constants and share equal operations. Never changes a bit.
    """

    def __init__(self, graph: Graph | None = None, *, optimize: bool = True) -> None:
        self.graph = get_default_graph() if graph is None else graph
        self.optimize = optimize
        self._state = native.State()
        self._cells: dict[str, Any] = {}  # variable or counter name -> native cell
        self._runners: OrderedDict[Any, Runner] = OrderedDict()
        self._plans: OrderedDict[Any, Planned] = OrderedDict()
        self._lock = threading.Lock()
        self._closed = False
        self._entered: list[Any] = []

    # --- running ---

    def run(
        self,
        fetches: Any,
        feed_dict: Mapping[Any, Any] | None = None,
        *,
        steps: int | None = None,
        timeout: float | None = None,
    ) -> Any:
        """Runs what `fetches` need and returns their values in the same structure.

        Args:
            fetches: a tensor, variable, operation or name, or any nest of lists, tuples and dicts of them. Operations
                give None, scalars NumPy scalars, everything else an array of its own.
            feed_dict: tensors, variables or names -> values that stand for them in this run.
            steps: runs that many times without entering Python in between, and returns each fetch stacked, the step
                first. Values of feed_dict are then `lk.Batches`, or arrays of shape (steps, ...); an array of the
                tensor's own rank is fed at every step. Each step is a run of its own: when one fails, the steps before it
                hold, and the error names it.
            timeout: seconds after which the run is given up.

        Raises:
            FeedError, InvalidArgumentError: a value does not fit, or a placeholder is not fed.
            FailedPreconditionError: a variable is read before it was initialized.
            DeadlineExceededError: the timeout passed.
            SessionError: the session is closed.
            ResourceExhaustedError: memory does not suffice.
        """
        self._need_open()
        if timeout is not None and not (isinstance(timeout, int | float) and 0 < timeout < float("inf")):
            raise InvalidArgumentError("timeout is a positive number of seconds", received=repr(timeout))
        keys, values = flatten_feeds(self.graph, feed_dict)
        runner = self._runner(fetches, keys)
        self.graph.has_run = True
        if steps is None:
            arrays = [feed_array(tensor, value) for tensor, value in zip(keys, values, strict=True)]
            results = self._run_once(runner, arrays, timeout)
        else:
            results = run_steps(self, runner, values, steps, timeout)
        return runner.fetches.rebuild(results, stepped=steps is not None)

    def _run_once(self, runner: Runner, arrays: list[np.ndarray], timeout: float | None) -> list[np.ndarray]:
        if not runner.program.native:
            return run_stages(self, runner, arrays, timeout)
        planned = runner.plan(self, arrays, [x.shape for x in arrays])
        return self._native(planned, planned.plan.run, arrays, timeout=timeout)

    def _native(self, planned: Planned | None, function: Any, *args: Any, timeout: float | None, **more: Any) -> Any:
        """What a native function answers; its errors are told in labkit's terms."""
        try:
            return function(*args, timeout=timeout, **more)
        except NATIVE_ERRORS as error:
            raise told(error, self.graph, planned, timeout=timeout, stepping=len(args) > 1) from None
        except RuntimeError as error:
            raise SessionError(f"The run cannot start: {error}") from None

    def _runner(self, fetches: Any, feeds: list[Tensor]) -> Runner:
        parsed_key = Fetches.key(fetches), tuple(map(id, feeds))
        with self._lock:
            runner = self._runners.get(parsed_key)
            if runner is not None:
                self._runners.move_to_end(parsed_key)
            else:
                runner = Runner(self.graph, fetches, feeds, self.optimize)
                self._runners[parsed_key] = runner
                if len(self._runners) > _CACHED_RUNNERS:
                    self._runners.popitem(last=False)
            return runner

    # --- state ---

    def _make_plan(self, lowered: Lowered) -> Any:
        return native.Plan(lowered.slots, lowered.instructions, lowered.cells, lowered.read_first, self._state)

    def _variable_cell(self, op: Operation) -> Any:
        if op.name not in self._cells:
            self._cells[op.name] = self._state.cell(op.outputs[0].dtype.code, list(op.attrs["shape"]))
        return self._cells[op.name]

    def _counter_cell(self, name: str) -> Any:
        key = _RANDOM + name
        if key not in self._cells:
            cell = self._state.cell("i64", [])
            cell.load(np.zeros((), np.int64))
            self._cells[key] = cell
        return self._cells[key]

    def _need_open(self) -> None:
        if self._closed:
            raise SessionError(
                "The session is closed", rule="A closed session holds nothing", fix="Open a new Session."
            )

    def _own(self, variable: Variable) -> Any:
        self._need_open()
        if variable.graph is not self.graph:
            raise GraphError(f"{variable.name} belongs to another graph than the session's")
        return self._variable_cell(variable.op)

    def read(self, variable: Variable) -> np.ndarray:
        """The variable's value.

        Raises:
            FailedPreconditionError: it is not initialized.
        """
        cell = self._own(variable)
        if not cell.initialized:
            raise FailedPreconditionError(f"Attempting to use uninitialized value {variable.op.name}")
        return cell.read()

    def load(self, variable: Variable, value: Any) -> None:
        """Sets the variable's value.

        Raises:
            FeedError: the value does not have the variable's shape, or does not survive conversion.
        """
        self._own(variable).load(feed_array(variable.ref, value))

    def state(self) -> dict[str, np.ndarray]:
        """Copies of everything that runs can change: initialized variables by operation name, and the counters of random
        operations as `random:<operation>` (int64, shape ())."""
        self._need_open()
        return {name: cell.read() for name, cell in sorted(self._cells.items()) if cell.initialized}

    def restore_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Sets variables and counters to what `state()` returned, possibly in another process. Counters that the state
        does not hold start again from zero; variables that it does not hold keep their values.

        Raises:
            CheckpointError: a name, shape or dtype does not fit the graph; then nothing has changed.
        """
        self._need_open()
        variables = {op.name: op for op in self.graph.operations if op.type == "VariableV2"}
        counters = {name for op in self.graph.operations for name in op.counters}
        checked = {}
        for name, value in state.items():
            array = np.asarray(value)
            if name in variables:
                dtype, shape = variables[name].outputs[0].dtype.numpy, tuple(variables[name].attrs["shape"])
            elif name.startswith(_RANDOM) and name.removeprefix(_RANDOM) in counters:
                dtype, shape = np.dtype(np.int64), ()
            else:
                raise CheckpointError(
                    f"The state holds {name!r}, which this graph does not have", fix="Build the same graph."
                )
            if array.shape != shape or array.dtype != dtype:
                raise CheckpointError(
                    f"The state's {name!r} does not fit",
                    rule=f"The graph has {dtype} {show(shape)}",
                    received=f"{array.dtype} {show(array.shape)}",
                )
            checked[name] = as_array(array)
        for counter in counters:
            checked.setdefault(_RANDOM + counter, np.zeros((), np.int64))
        for name, array in checked.items():
            op = variables.get(name)
            cell = self._variable_cell(op) if op is not None else self._counter_cell(name.removeprefix(_RANDOM))
            cell.load(array)

    # --- life ---

    def close(self) -> None:
        """Stops runs under way, frees plans and variables; the session runs nothing afterwards."""
        self._closed = True
        self._state.cancel()
        self._runners.clear()
        self._plans.clear()
        self._cells.clear()

    @contextmanager
    def as_default(self) -> Any:
        """Makes this the session that `eval()` and `run()` of tensors and operations use in this thread."""
        _stack.sessions.append(self)
        try:
            yield self
        finally:
            _stack.sessions.remove(self)

    def __enter__(self) -> Session:
        graph, session = self.graph.as_default(), self.as_default()
        graph.__enter__()
        session.__enter__()
        self._entered.append((graph, session))
        return self

    def __exit__(self, *details: Any) -> None:
        graph, session = self._entered.pop()
        session.__exit__(None, None, None)
        graph.__exit__(None, None, None)
        self.close()


class InteractiveSession(Session):
    """A session that is the default one from its making until it is closed."""

    def __init__(self, graph: Graph | None = None) -> None:
        super().__init__(graph)
        _stack.sessions.append(self)

    def close(self) -> None:
        if self in _stack.sessions:
            _stack.sessions.remove(self)
        super().close()


class _Stack(threading.local):
    def __init__(self) -> None:
        self.sessions: list[Session] = []


_stack = _Stack()


def get_default_session() -> Session | None:
    """The session that `eval()` uses in this thread, or None."""
    return _stack.sessions[-1] if _stack.sessions else None


def need_session(session: Session | None, what: str) -> Session:
    """The given session, or the default one.

    Raises:
        SessionError: there is none.
    """
    found = session or get_default_session()
    if found is None:
        raise SessionError(
            f"{what} needs a session",
            rule="A session is given, or is the default one of this thread",
            fix="Write `with lk.Session() as session:` around it, or pass session=.",
        )
    return found
