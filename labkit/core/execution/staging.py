"""Runs of several stages: native plans, with host operations computed in Python between them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.execution.failures import FAILURES, told, too_late, uninitialized
from labkit.core.execution.hosted import run_control
from labkit.core.execution.run_metadata import host_record
from labkit.core.operation import Operation
from labkit.core.own_function import function_of
from labkit.core.shapes import compatible, show
from labkit.core.tensor import Tensor
from labkit.errors import (
    CancelledError,
    DTypeError,
    InvalidArgumentError,
    LabkitError,
    ResourceExhaustedError,
    ShapeError,
)

if TYPE_CHECKING:
    from labkit.core.execution.runner import Planned, Planner, Runner
    from labkit.core.execution.session import Session
    from labkit.core.passes.program import Program
    from labkit.core.subgraph import Subgraph


def run_stages(
    session: Session,
    runner: Runner,
    arrays: list[np.ndarray],
    timeout: float | None,
    trace: list[Any] | None = None,
    deadline: float | None = None,
) -> list[np.ndarray]:
    """One run, stage by stage; no other run that writes comes between them.

    Args:
        arrays: what is fed.
        timeout: seconds for the whole run, or None.
        trace: gets a record of each native run and each host operation (run_metadata.py).
        deadline: when the timeout passes, of time.monotonic(), where it has begun before this run.

    Returns:
        An array of its own for each tensor of the fetches.
    """
    program = runner.program
    if timeout is not None and deadline is None:
        deadline = time.monotonic() + timeout
    staged = _Staged(session, deadline, timeout, trace, runner.called_again)
    cells = {name: session.cells.counter(name) for name in program.stages[-1].counters}  # a new one is loaded with zero
    held = False
    try:
        with session.cells.state.hold(program.writes, staged.left(), _taken_back(session, program, cells.values())):
            held = True
            for variable in program.read_first:
                if not session.cells.variable(variable).initialized:
                    raise uninitialized(variable)
            counters = {name: cell.save() for name, cell in cells.items()}
            results = staged.run(runner, arrays, counters)
    except FAILURES as error:
        if held:
            raise
        raise told(error, session.graph, None, timeout=timeout) from None
    given = {id(x) for x in arrays}
    fetched = []
    for array in results:
        fetched.append(array.copy() if id(array) in given else array)
        given.add(id(array))
    return fetched


class _Staged:
    """One run, and the runs of subgraphs inside it."""

    def __init__(
        self,
        session: Session,
        deadline: float | None,
        timeout: float | None,
        trace: list[Any] | None,
        called_again: frozenset[int],
    ) -> None:
        self.session, self.deadline, self.timeout, self.trace = session, deadline, timeout, trace
        self.called_again = called_again
        self.answers: dict[Any, Sequence[np.ndarray]] = {}  # of these functions, by the iterations around

    def run(
        self,
        planner: Planner,
        arrays: list[np.ndarray],
        counters: Mapping[str, np.ndarray],
        around: tuple[int, ...] = (),
    ) -> list[np.ndarray]:
        """The fetches of a program, each perhaps the very array of another value.

        Args:
            counters: the random counters' values, for what Python runs; a subgraph's plans are fed with theirs.
            around: the numbers of the iterations of the loops around.
        """

        def inside(
            subgraph: Subgraph, given: list[np.ndarray], drawn: Mapping[str, np.ndarray], iteration: int | None
        ) -> list[np.ndarray]:
            return self.run(subgraph.planner, given, drawn, around if iteration is None else (*around, iteration))

        session, program = self.session, planner.program
        values = dict(zip(program.feeds, arrays, strict=True))
        drawn = [counters[name] for name in planner.drawn]
        planned: Planned | None = None
        for number, stage in enumerate(program.stages):
            if planned is None:
                planned = planner.plan(session, arrays, tuple([x.shape for x in arrays]))
            else:
                planned = planner.plan_next(session, number, planned, values)
            feeds = [*(values[x] for x in stage.feeds), *drawn]
            left = self.left()
            try:
                results = planned.plan.run(feeds, left, True, self.trace)
            except FAILURES as error:
                raise told(error, session.graph, planned, timeout=self.timeout) from None
            values.update(zip(stage.exports, results, strict=True))
            shapes = planned.shapes
            for op, operands, trusted in program.calls[number]:
                start, mark = time.monotonic_ns(), len(self.trace or ())
                inputs = [shapes.value(x) if decides else values[x] for x, decides in operands]
                outputs: Sequence[np.ndarray]
                if op.roles.hosted:
                    outputs = run_control(op, inputs, counters, inside)
                else:
                    outputs = self._computed(op, inputs, trusted, around)
                for tensor, value in zip(op.outputs, outputs, strict=True):
                    own = value if trusted else _checked(op, tensor, value, inputs)
                    values.setdefault(tensor, own)  # a fed output stays what was fed
                if self.trace is not None:
                    told_inside = self.trace[mark:]  # what a loop's body told
                    self.trace[mark:] = [host_record(op.name, start, [values[x] for x in op.outputs], told_inside)]
                if not op.definition.unfailing:  # what it comes after may be a write, and stands
                    self.left()
        return [values[program.replace(x)] for x in program.fetches]

    def _computed(
        self, op: Operation, inputs: list[np.ndarray], trusted: bool, around: tuple[int, ...]
    ) -> Sequence[np.ndarray]:
        looked_at = op.shape_inputs if op.definition.of_cells else ()
        cells = [self.session.cells.variable(op.inputs[i].op) for i in looked_at]
        function = id(function_of(op))
        if function not in self.called_again:
            return _compute(op, inputs, trusted, cells)
        if (function, around) not in self.answers:
            self.answers[function, around] = _compute(op, inputs, trusted, cells)
        return self.answers[function, around]

    def left(self) -> float | None:
        """The seconds that are left."""
        if self.session.closed:
            raise CancelledError("The run was cancelled: the session was closed")
        if self.deadline is None:
            return None
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise too_late(self.timeout)
        return left


def _taken_back(session: Session, program: Program, counters: Iterable[Any]) -> list[Any]:
    """The cells that are as before when the run fails: all that it writes, where a loop or branch that Python runs does so
    bit by bit."""
    if not any(op.hosted and op.writes for op in program.sequence):
        return []
    written = dict.fromkeys(op.inputs[i].op for op in program.sequence for i in op.writes)
    return [*map(session.cells.variable, written), *counters]


def _where(op: Operation) -> str:
    return f"{op.type} '{op.name}' ({op.line})"


def _compute(op: Operation, inputs: list[np.ndarray], trusted: bool, cells: Sequence[Any] = ()) -> Sequence[np.ndarray]:
    """The results of a host operation; as they are where it is trusted (HostCall)."""
    host = op.host
    assert host is not None
    seen = inputs if trusted else [x.view() for x in inputs]
    for x in () if trusted else seen:
        x.setflags(write=False)  # a function that changes its arguments would change other operations' inputs
    try:
        result = host(*cells, *seen, **op.attrs)
    except LabkitError as error:
        where = _where(op)
        what = f"{where}: {error.what}" if error.what else f"{where} cannot compute with these values"
        raise type(error)(what, rule=error.rule, received=error.received, fix=error.fix) from error.__cause__
    except MemoryError as error:
        raise ResourceExhaustedError(f"{_where(op)} does not find enough memory", received=str(error)) from None
    except Exception as error:  # whatever a user's function raises
        fix = "Copy an argument before you change it: x = x.copy()." if "read-only" in str(error) else ""
        received = f"{type(error).__name__}: {error}"
        raise InvalidArgumentError(f"{_where(op)} failed in Python", received=received, fix=fix) from error
    outputs = result if isinstance(result, tuple | list) else (result,)
    if trusted:
        return outputs
    if len(outputs) != len(op.outputs):
        raise InvalidArgumentError(f"{_where(op)} gives {len(op.outputs)} results", received=str(len(outputs)))
    arrays = []
    for tensor, value in zip(op.outputs, outputs, strict=True):
        if op.by_reference:
            value = np.array(value, tensor.dtype.numpy)
        elif tensor.dtype is dt.string:
            value = np.asarray(value, object)
        arrays.append(np.asarray(value))
    return arrays


def _checked(op: Operation, tensor: Tensor, array: np.ndarray, inputs: list[np.ndarray]) -> np.ndarray:
    """The array as results have to be: of the promised dtype and shape, dense, and not another one's memory."""
    if array.dtype != tensor.dtype.numpy:
        raise DTypeError(
            f"{_where(op)} gives another dtype than it promised",
            rule=f"It is {tensor.dtype.name}",
            received=str(array.dtype),
        )
    if not compatible(tensor.dims, array.shape):
        raise ShapeError(
            f"{_where(op)} gives another shape than it promised",
            rule=f"It is {show(tensor.dims)}",
            received=show(array.shape),
        )
    own: Any = array if array.flags.c_contiguous else np.ascontiguousarray(array)
    return own.copy() if any(np.may_share_memory(own, x) for x in inputs) or not own.flags.writeable else own
