"""Common subexpressions: of equal operations the first is computed, and serves for all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from labkit.core.operation import Operation
from labkit.core.tensor import Tensor

_LARGEST_COMPARED_CONSTANT = 4096  # bytes; larger constants are shared by identity only


def share(operations: Sequence[Operation], fed: frozenset[Tensor]) -> dict[Tensor, Tensor]:
    """For each output of an operation that repeats an earlier one: the earlier one's output.

    Args:
        operations: in an order in which inputs come before their users.
        fed: fed tensors; an operation one of whose outputs is fed is left alone.
    """
    first: dict[Any, Operation] = {}
    replacement: dict[Tensor, Tensor] = {}
    for op in operations:
        definition = op.definition
        if not definition.pure or op.counters or op.writes or op.control_inputs:
            continue
        if any(x in fed for x in op.outputs):
            continue
        inputs = tuple(id(replacement.get(x, x)) for x in op.inputs)
        key = (op.type, inputs, tuple((name, _hashable(value)) for name, value in op.attrs.items()))
        earlier = first.setdefault(key, op)
        if earlier is not op:
            replacement.update(zip(op.outputs, earlier.outputs, strict=True))
    return replacement


def _hashable(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        if value.nbytes > _LARGEST_COMPARED_CONSTANT:
            return id(value)
        return value.dtype.str, value.shape, tuple(value.flat) if value.dtype.hasobject else value.tobytes()
    return value.hex() if isinstance(value, float) else value  # 0.0 equals -0.0, and is another number
