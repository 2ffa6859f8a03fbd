"""What the compiled core's errors mean to a user."""

from __future__ import annotations

from typing import Any

from labkit import native
from labkit.core.collections import GraphKeys
from labkit.core.execution.runner import Planned
from labkit.core.graph import Graph
from labkit.core.operation import Operation
from labkit.errors import (
    CancelledError,
    DeadlineExceededError,
    FailedPreconditionError,
    InvalidArgumentError,
    LabkitError,
    ResourceExhaustedError,
    SessionError,
)

FAILURES = (
    native.UninitializedError,
    native.KernelError,
    native.TimeoutError_,
    native.CancelledError,
    MemoryError,
    RuntimeError,  # the run cannot start
)
_INDEX_OUT_OF_RANGE = 1  # the code in a KernelError


def told(
    error: Exception, graph: Graph, planned: Planned | None, *, timeout: float | None, stepping: bool = False
) -> LabkitError:
    """The labkit error for one of FAILURES.

    Args:
        planned: what ran; None when nothing ran yet.
        stepping: the run was one of many steps, of which the error names one.
    """
    if planned and isinstance(error, native.UninitializedError):
        return uninitialized(graph.get_operation_by_name(planned.cell_names[error.args[0]]))
    if planned and isinstance(error, native.KernelError):
        return _told_by_kernel(error, graph, planned, stepping=stepping)
    if isinstance(error, native.TimeoutError_):
        return too_late(timeout)
    if isinstance(error, native.CancelledError):
        return CancelledError(f"The run was cancelled. {error}")
    if isinstance(error, MemoryError):
        return ResourceExhaustedError(
            "There is not enough memory for this run",
            rule="Its temporaries and results fit into what the machine, its control group and LABKIT_MEMORY_LIMIT leave",
            received=str(error),
            fix="Use smaller batches or tensors.",
        )
    return SessionError(f"The run cannot start: {error}")


def too_late(timeout: float | None) -> LabkitError:
    """The error of a run that took longer than `timeout` seconds."""
    return DeadlineExceededError(
        f"The run was given up after its timeout of {timeout} s",
        rule="A run ends within its timeout, or changes nothing",
        fix="Give it more time, or see by lk.RunMetadata which operation takes it.",
    )


def uninitialized(variable: Operation) -> LabkitError:
    """The error of a run that needs a value which the variable does not have yet."""

    def is_in(key: str) -> bool:
        return any(v.op is variable for v in variable.graph.get_collection(key))

    if is_in(GraphKeys.ADAPTED_VARIABLES):
        return FailedPreconditionError(
            f"{variable.name} is to be learned from data, and was not ({variable.line})",
            rule="Before a layer that adapts to data runs it is adapted, or its weights are loaded",
            fix="Call the layer's adapt(data) before the model is built or run, or load saved weights.",
        )
    return FailedPreconditionError(
        f"Attempting to use uninitialized value {variable.name} ({variable.line})",
        rule="A variable is initialized before a run reads it",
        fix="Run lk.global_variables_initializer() in this session first."
        if is_in(GraphKeys.GLOBAL_VARIABLES)
        else f"It is in no collection that lk.global_variables_initializer() knows: run '{variable.name}/Assign' in this "
        "session, or load its value.",
    )


def _told_by_kernel(error: Any, graph: Graph, planned: Planned, *, stepping: bool) -> LabkitError:
    name, code, value, limit = error.args[:4]
    op = graph.get_operation_by_name(name) if name in graph else graph.inside.get(name)
    if name.startswith("feed "):
        where = f"The Batches for {planned.feed_names[int(name.removeprefix('feed '))]}"
        rule = f"Rows are from 0 to {limit - 1}" if limit > 0 else "There are no rows, and so no index of one"
    else:
        where = f"Operation '{name}'" + (f" ({op.line})" if op and op.line else "")
        rule = (
            f"Indices are from 0 to {limit - 1}"
            if limit > 0
            else "There is nothing to index there: the dimension has size 0"
        )
    if stepping:
        where += f", at step {error.steps_done} of this call (steps before it hold),"
    note = op.note if op else ""
    if code == _INDEX_OUT_OF_RANGE:
        return InvalidArgumentError(f"{where} got an index out of range", rule=rule, received=str(value), fix=note)
    rule = op.definition.refuses if op else ""
    return InvalidArgumentError(f"{where} got a value it cannot compute with", rule=rule, received=str(value), fix=note)
