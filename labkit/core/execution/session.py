"""Session: runs of a graph."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np

from labkit import native
from labkit.core.execution import session_stack
from labkit.core.execution.cells import Cells
from labkit.core.execution.failures import FAILURES, told
from labkit.core.execution.feeds import check_mapping, feed_array, flatten_keys, flatten_values
from labkit.core.execution.fetches import Fetches
from labkit.core.execution.run_metadata import RunMetadata
from labkit.core.execution.run_options import RunOptions, limit_of
from labkit.core.execution.runner import Planned, Runner
from labkit.core.execution.staging import run_stages
from labkit.core.execution.stepping import run_steps
from labkit.core.graph import Graph, get_default_graph
from labkit.core.passes.lower import Lowered
from labkit.core.variables import Variable
from labkit.errors import DTypeError, FeedError, SessionError

_CACHED_RUNNERS = 256


class Session:
    """Runs operations of one graph, and holds the values of its variables.

    What one run means: every read of a variable sees its value at the run's start unless a dependency puts it after a
    write; writes come last, in order of creation; a run that raises changes nothing, but for writes that a dependency of the
    graph puts before what raises. Runs that write exclude each other and every other run of the session; runs that only
    read may overlap.

    A run that needs more memory than there is is refused before it begins: than the machine or this process's control group
    has left, or LABKIT_MEMORY_LIMIT, the bytes that the variables, constants, temporaries and results of all sessions may
    take together (a number, perhaps with K, M or G).

    Args:
        graph: the graph to run; default: the default graph.
        optimize: whether plans fold constants and share equal operations. Never changes a bit.
    """

    def __init__(self, graph: Graph | None = None, *, optimize: bool = True) -> None:
        self.graph = get_default_graph() if graph is None else graph
        self.optimize = optimize
        self.cells = Cells(self.graph)
        self.plans: OrderedDict[Any, Planned] = OrderedDict()
        self.lock = threading.RLock()  # of what is planned; a run itself takes the native state's
        self.closed = False
        self._growth = self.graph.growth
        self._runners: OrderedDict[Any, Runner] = OrderedDict()
        self._entered: list[Any] = []

    # --- running ---

    def run(
        self,
        fetches: Any,
        feed_dict: Mapping[Any, Any] | None = None,
        options: RunOptions | None = None,
        run_metadata: RunMetadata | None = None,
        *,
        steps: int | None = None,
        timeout: float | None = None,
    ) -> Any:
        """Runs what `fetches` need and returns their values in the same structure.

        Ctrl-C stops a run within 100 ms, and then nothing has changed; a run that has begun to write is finished first. A
        Python function of the graph (`lk.py_func`) is stopped by Ctrl-C alone, not by a timeout.

        Args:
            fetches: a tensor, variable, operation or name, or any nest of lists, tuples, named tuples, dicts and dicts'
                views of them. Operations give None, scalars NumPy scalars, everything else an array of its own.
            feed_dict: tensors, variables, names, or nested tuples of them -> values that stand for them in this run.
            options: `lk.RunOptions(timeout_in_ms=..., trace_level=...)`.
            run_metadata: an `lk.RunMetadata()`, which is filled with the time and memory of each operation.
            steps: runs that many times without entering Python in between, and returns each fetch stacked, the step
                first. Values of feed_dict are then `lk.Batches`, or arrays of shape (steps, ...); an array of the
                tensor's own rank is fed at every step. Each step is a run of its own: when one fails, the steps before it
                hold, and the error names it.
            timeout: seconds after which the run is given up.

        Raises:
            DTypeError: a fetch is nothing that can be fetched, a tensor is fed as a value.
            GraphError: an element belongs to another graph, or a name is not in this one.
            FeedError, InvalidArgumentError: a value does not fit, or a placeholder is not fed.
            FailedPreconditionError: a variable is read before it was initialized.
            DeadlineExceededError: the timeout passed.
            CancelledError: the session was closed meanwhile.
            SessionError: the session is closed, or its graph is empty.
            ResourceExhaustedError: memory does not suffice.
        """
        if feed_dict is None:
            feed_dict = {}
        elif type(feed_dict) is not dict:
            check_mapping(feed_dict, "feed_dict", "It maps tensors to values")
        runner = self._runner(fetches, tuple(feed_dict))
        values: Any
        if runner.nested_keys:
            values = flatten_values(feed_dict)
        else:
            values = feed_dict.values()
        if steps is None and options is None and run_metadata is None and timeout is None:
            return self._run_once(runner, list(map(feed_array, runner.feeds, values)))
        timeout = limit_of(timeout, options)
        if run_metadata is not None and not isinstance(run_metadata, RunMetadata):
            raise DTypeError("run_metadata is an lk.RunMetadata", received=repr(run_metadata)[:80])
        trace: list[Any] | None = [] if run_metadata is not None and (options is None or options.traces) else None
        try:
            if steps is not None:
                self._growth.runs += 1
                return run_steps(self, runner, list(values), steps, timeout, trace)
            return self._run_once(runner, list(map(feed_array, runner.feeds, values)), timeout, trace)
        finally:
            if run_metadata is not None:
                run_metadata.fill(self.graph, trace or [])

    def make_callable(
        self, fetches: Any, feed_list: Sequence[Any] | None = None, accept_options: bool = False
    ) -> Callable[..., Any]:
        """A function that takes a value for each tensor of `feed_list` and returns what `run` of `fetches` would.

        It looks nothing up, and so costs less than `run` where a step is a matter of microseconds.

        Args:
            fetches: as in `run`.
            feed_list: tensors, variables or names, in the order of the function's arguments.
            accept_options: whether the function also takes `options` and `run_metadata`.

        Raises:
            DTypeError, GraphError, FeedError, SessionError: as `run`, at once; the function raises what `run` raises.
        """
        runner = self._runner(fetches, tuple(feed_list or ()))
        feeds, run_once, count = runner.feeds, self._run_once, len(runner.feeds)

        def check(values: tuple[Any, ...]) -> None:
            self.check_open()
            if len(values) != count:
                names = ", ".join(x.name for x in feeds) or "nothing"
                raise FeedError(f"The callable takes values for {names}", received=f"{len(values)} values")

        def call(*values: Any) -> Any:
            check(values)
            return run_once(runner, list(map(feed_array, feeds, values)))

        def call_with_options(
            *values: Any, options: RunOptions | None = None, run_metadata: RunMetadata | None = None
        ) -> Any:
            check(values)
            return self.run(fetches, dict(zip(feeds, values, strict=True)), options, run_metadata)

        return call_with_options if accept_options else call

    def _run_once(
        self,
        runner: Runner,
        arrays: list[np.ndarray],
        timeout: float | None = None,
        trace: list[Any] | None = None,
    ) -> Any:
        self._growth.runs += 1
        if not runner.program.native:
            return runner.fetches.rebuild(run_stages(self, runner, arrays, timeout, trace))
        planned = runner.plan(self, arrays, tuple([x.shape for x in arrays]))
        try:
            results = planned.plan.run(arrays, timeout, False, trace)
        except FAILURES as error:
            raise told(error, self.graph, planned, timeout=timeout) from None
        return runner.fetches.rebuild(results)

    def _runner(self, fetches: Any, keys: tuple[Any, ...]) -> Runner:
        """What runs these fetches when these keys are fed."""
        self.check_open()
        key = Fetches.key(fetches), keys
        with self.lock:
            try:
                runner = self._runners.get(key)
            except TypeError:  # something that cannot be hashed cannot be fetched either, which parsing says
                runner = None
            if runner is not None:
                self._runners.move_to_end(key)
                return runner
            if not self.graph.operations:
                raise SessionError(
                    "The Session graph is empty",
                    rule="A session runs operations of its own graph",
                    fix="Add operations to the graph before calling run(), or open the session with the graph that has "
                    "them: lk.Session(graph=...).",
                )
            runner = Runner(self.graph, fetches, flatten_keys(self.graph, keys), self.optimize)
            runner.nested_keys = any(isinstance(k, tuple) for k in keys)
            self._runners[key] = runner
            if len(self._runners) > _CACHED_RUNNERS:
                self._runners.popitem(last=False)
        return runner

    def make_plan(self, lowered: Lowered) -> Any:
        """The native plan of what was lowered for this session."""
        return native.Plan(
            lowered.slots, lowered.instructions, lowered.cells, lowered.read_first, self.cells.state, self.optimize
        )

    # --- values ---

    def read(self, variable: Variable) -> np.ndarray:
        """The variable's value.

        Raises:
            FailedPreconditionError: it is not initialized.
        """
        return self._open_cells.read(variable)

    def load(self, variable: Variable, value: Any) -> None:
        """Sets the variable's value.

        Raises:
            FeedError: the value does not have the variable's shape, or does not survive conversion.
        """
        self._open_cells.load(variable, value)

    def state(self, names: Collection[str] | None = None) -> dict[str, np.ndarray]:
        """Copies of everything that runs can change: initialized variables by operation name, and the counters of random
        operations as `random:<operation>` (int64, shape ()).

        Args:
            names: copy only these, as far as they have values.
        """
        return self._open_cells.snapshot(names)

    def frozen_state(self) -> AbstractContextManager[dict[str, np.ndarray]]:
        """What `state()` returns, without copies: read-only arrays of the session's own memory. They are right inside the
        block; runs of other threads that write wait until it is left.

        Raises:
            SessionError: on entering, a run of the session that writes is under way in this thread.
        """
        return self._open_cells.frozen()

    def restore_state(self, state: Mapping[str, np.ndarray], fresh_counters: bool = True) -> None:
        """Sets variables and counters to what `state()` returned, possibly in another process. Variables that the state
        does not hold keep their values.

        Args:
            fresh_counters: whether counters that the state does not hold start again from zero.

        Raises:
            CheckpointError: a name, shape or dtype does not fit the graph; then nothing has changed.
        """
        self._open_cells.restore(state, fresh_counters)

    @property
    def _open_cells(self) -> Cells:
        self.check_open()
        return self.cells

    # --- life ---

    def check_open(self) -> None:
        """Raises SessionError when the session is closed."""
        if self.closed:
            raise SessionError(
                "Attempted to use a closed Session", rule="A closed session holds nothing", fix="Open a new Session."
            )

    def close(self) -> None:
        """Stops runs under way, in whatever thread, and frees plans and variables; the session runs nothing afterwards."""
        self.closed = True
        self.cells.state.close()
        self._runners.clear()
        self.plans.clear()
        self.cells.clear()

    @contextmanager
    def as_default(self) -> Iterator[Session]:
        """Makes this the session that `eval()` and `run()` of tensors and operations use in this thread. It stays open."""
        session_stack.push(self)
        try:
            yield self
        finally:
            session_stack.remove(self)

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
