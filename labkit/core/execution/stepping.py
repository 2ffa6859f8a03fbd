"""Many steps in one call: natively where the whole run is one plan, else one run after the other."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import as_array
from labkit.core.execution.failures import FAILURES, told
from labkit.core.execution.feeds import Batches, feed_array
from labkit.core.execution.staging import run_stages
from labkit.core.tensor import Tensor
from labkit.errors import FeedError, InvalidArgumentError, LabkitError

if TYPE_CHECKING:
    from labkit.core.execution.runner import Runner
    from labkit.core.execution.session import Session


def run_steps(
    session: Session,
    runner: Runner,
    values: list[Any],
    steps: Any,
    timeout: float | None,
    trace: list[Any] | None = None,
) -> Any:
    """The fetches of all steps, the step first.

    Args:
        values: for each feed of the runner what `Session.run` takes with `steps`.
        trace: gets a record of each native run and each host operation (run_metadata.py).

    Raises:
        InvalidArgumentError, FeedError: as `Session.run`.
    """
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or not 1 <= steps < 2**31:
        raise InvalidArgumentError("steps is a whole number from 1 on, and below 2**31", received=repr(steps))
    keys = runner.feeds
    feeds: list[Any] = []
    stepped: list[bool] = []
    shapes: list[tuple[int, ...]] = []
    samples: list[np.ndarray] = []
    for tensor, value in zip(keys, values, strict=True):
        if isinstance(value, Batches):
            feeds.append(_batches(tensor, value, int(steps)))
            stepped.append(True)
            shapes.append((value.indices.shape[1], *feeds[-1][0].shape[1:]))
            samples.append(np.empty(0))
        else:
            is_stepped = tensor.dims is None or np.ndim(value) == len(tensor.dims) + 1
            array = feed_array(tensor, value, (int(steps),) if is_stepped else ())
            feeds.append(array)
            stepped.append(is_stepped)
            shapes.append(array.shape[1:] if is_stepped else array.shape)
            samples.append(array)
    if not runner.program.native:
        results = _one_by_one(session, runner, feeds, stepped, int(steps), timeout, trace)
        return runner.fetches.rebuild(results, stepped=True)
    for tensor in runner.program.stages[0].valued:
        if stepped[keys.index(tensor)]:
            raise FeedError(
                f"{tensor.name} decides a shape and cannot change from step to step",
                rule="A plan has fixed shapes",
            )
    planned = runner.plan(session, samples, tuple(shapes))
    try:
        results = planned.plan.run_steps(int(steps), feeds, stepped, timeout, trace)
    except FAILURES as error:
        raise told(error, session.graph, planned, timeout=timeout, stepping=True) from None
    return runner.fetches.rebuild(results, stepped=True)


def _batches(tensor: Tensor, value: Batches, steps: int) -> tuple[np.ndarray, np.ndarray]:
    if len(value.indices) != steps:
        raise FeedError(
            f"Batches for {tensor.name} hold another number of steps",
            rule="indices have shape (steps, batch)",
            received=f"{len(value.indices)} for steps={steps}",
        )
    rows = feed_array(Tensor(tensor.op, tensor.index, None, tensor.dtype), value.array)
    shape = (value.indices.shape[1], *rows.shape[1:])
    blank = as_array(b"" if tensor.dtype is dt.string else 0, tensor.dtype)
    feed_array(tensor, np.broadcast_to(blank, shape))  # the shape fits, or FeedError
    return rows, value.indices


def _one_by_one(
    session: Session,
    runner: Runner,
    feeds: list[Any],
    stepped: list[bool],
    steps: int,
    timeout: float | None,
    trace: list[Any] | None,
) -> list[np.ndarray]:
    deadline = None if timeout is None else time.monotonic() + timeout
    results = []
    for step in range(steps):
        try:
            arrays = [_of_step(feed, changes, step) for feed, changes in zip(feeds, stepped, strict=True)]
            results.append(run_stages(session, runner, arrays, timeout, trace, deadline))
        except LabkitError as error:
            what = f"At step {step} of this call (steps before it hold): {error.what}"
            raise type(error)(what, rule=error.rule, received=error.received, fix=error.fix) from error.__cause__
    try:
        return [np.stack(values) for values in zip(*results, strict=True)]
    except ValueError:
        raise InvalidArgumentError(
            "The steps' results cannot be stacked", rule="A fetch has the same shape in every step of one call"
        ) from None


def _of_step(feed: Any, changes: bool, step: int) -> np.ndarray:
    if not isinstance(feed, tuple):
        # ascontiguousarray would give a single number a dimension
        return np.ascontiguousarray(feed[step]).reshape(feed.shape[1:]) if changes else feed
    rows, indices = feed
    wrong = indices[step][(indices[step] < 0) | (indices[step] >= len(rows))]
    if wrong.size:
        raise InvalidArgumentError(
            "Batches got an index out of range", rule=f"Rows are from 0 to {len(rows) - 1}", received=str(wrong[0])
        )
    return np.ascontiguousarray(rows[indices[step]])
