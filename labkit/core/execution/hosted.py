"""Conditions and loops that Python runs, iteration by iteration, because no native plan can hold their subgraphs: what
Python computes is inside, or shapes that depend on data or change from one iteration to the next.

Each subgraph is run stage by stage like a run of its own, with plans that are kept; writes are taken back when the run
fails (labkit/core/execution/staging.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from labkit import native
from labkit.core.operation import Operation
from labkit.core.passes.lower import MIXING
from labkit.core.shapes import compatible, show
from labkit.core.subgraph import Subgraph
from labkit.errors import ResourceExhaustedError, ShapeError

Arrays: TypeAlias = list[np.ndarray]
Counters: TypeAlias = Mapping[str, np.ndarray]
RunBody: TypeAlias = Callable[[Subgraph, Arrays, Counters, int | None], Arrays]


def run_control(op: Operation, inputs: Arrays, counters: Counters, run: RunBody) -> Arrays:
    """The results of a condition or loop.

    Args:
        inputs: values of the operation's inputs but for the variables it writes.
        counters: of the random operations inside.
        run: (subgraph, its arguments, counters, iteration or None) -> its results.

    Raises:
        ShapeError: a loop variable contradicts what is promised of its shape, or results cannot be stacked.
    """
    return _KINDS[op.type](op, inputs, counters, run)


def _branch(op: Operation, inputs: Arrays, counters: Counters, run: RunBody) -> Arrays:
    return run(op.attrs["then" if inputs[0] else "otherwise"], inputs[1:], counters, None)


def _loop(op: Operation, inputs: Arrays, counters: Counters, run: RunBody) -> Arrays:
    condition, body, variables = op.attrs["condition"], op.attrs["body"], op.attrs["variables"]
    now, given = inputs[:variables], inputs[variables:]
    iteration, most = 0, op.attrs["most"]
    while most < 0 or iteration < most:
        number, mixed = np.asarray(iteration, np.int64), _mixed(counters, iteration)
        (go_on,) = run(condition, [number, *now, *given], mixed, iteration)
        if not go_on:
            break
        now = run(body, [number, *now, *given], mixed, iteration)
        _check(op, body, now)
        iteration += 1
    return [*now, np.asarray(iteration, np.int64)]


def _scan(op: Operation, inputs: Arrays, counters: Counters, run: RunBody) -> Arrays:
    body, variables, sliced = op.attrs["body"], op.attrs["variables"], op.attrs["sliced"]
    count, now, given = int(inputs[0]), inputs[1 : 1 + variables], inputs[1 + variables + sliced :]
    elements = inputs[1 + variables : 1 + variables + sliced]
    if count < 0 or any(len(x) != count for x in elements):
        lengths = ", ".join(str(len(x)) for x in elements)
        raise ShapeError(
            f"{op.type} '{op.name}' ({op.line}) goes through {count} elements",
            rule="What is gone through has that many along its first dimension",
            received=lengths or "a negative number",
        )
    rows: list[Arrays] = [[] for _ in body.outputs[variables:]]
    for i in reversed(range(count)) if op.attrs["backwards"] else range(count):
        slices = [x[i, ...] for x in elements]
        results = run(body, [np.asarray(i, np.int64), *now, *slices, *given], _mixed(counters, i), i)
        now = results[:variables]
        _check(op, body, now)
        if not rows or not rows[0]:
            _need_memory(op, count, results[variables:])
        for column, row in zip(rows, results[variables:], strict=True):
            column.append(row)
    return [*now, *(_stacked(op, i, column) for i, column in enumerate(rows))]


def _need_memory(op: Operation, count: int, rows: Arrays) -> None:
    """All rows and what they are stacked to have to fit, as far as the first ones tell."""
    try:
        native.need_memory(2 * count * sum(x.nbytes for x in rows))
    except MemoryError as error:
        raise ResourceExhaustedError(
            f"{op.type} '{op.name}' ({op.line}) goes through {count} elements and does not find enough memory for their "
            "results",
            received=str(error),
            fix="Go through fewer elements at once.",
        ) from None


def _mixed(counters: Counters, iteration: int) -> Counters:
    """The counters of one iteration, as the native loop mixes them."""
    mixed = {name: (int(c) * MIXING + iteration) & (2**64 - 1) for name, c in counters.items()}
    return {name: np.asarray(number, np.uint64).view(np.int64) for name, number in mixed.items()}


def _check(op: Operation, body: Subgraph, now: Sequence[np.ndarray]) -> None:
    for i, (array, argument) in enumerate(zip(now, body.arguments[1:], strict=False)):
        if not compatible(argument.dims, array.shape):
            raise ShapeError(
                f"{op.type} '{op.name}' ({op.line}): loop variable {i} contradicts its shape invariant",
                rule=f"Its shape is {show(argument.dims)} in every iteration",
                received=show(array.shape),
                fix="Say in shape_invariants which dimensions change.",
            )


def _stacked(op: Operation, place: int, rows: Arrays) -> np.ndarray:
    result = op.outputs[op.attrs["variables"] + place]
    if op.attrs["backwards"]:
        rows = rows[::-1]
    if not rows:
        dims = op.attrs["body"].outputs[op.attrs["variables"] + place].dims
        return np.zeros((0, *(n or 0 for n in dims or ())), result.dtype.numpy)
    shapes = {x.shape for x in rows}
    if len(shapes) > 1:
        raise ShapeError(
            f"{op.type} '{op.name}' ({op.line}) cannot stack its results",
            rule="The results of all elements have one shape",
            received=" and ".join(show(shape) for shape in sorted(shapes)[:2]),
        )
    return np.stack(rows)


_KINDS = {"If": _branch, "While": _loop, "Scan": _scan}
