"""Dead code: keeps what the fetches need, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from labkit.core.graph import Operation
from labkit.core.tensor import Tensor


@dataclass(frozen=True)
class Needed:
    """What a run needs.

    Attributes:
        run: operations that are executed.
        shapes: operations of which only shapes or small integer values are needed while planning, besides `run`.
        values: tensors whose value decides a shape.
        valued_feeds: fed tensors whose value decides a shape, so that it is part of the plan's key.
    """

    run: frozenset[Operation]
    shapes: frozenset[Operation]
    values: frozenset[Tensor]
    valued_feeds: frozenset[Tensor]


def prune(targets: Iterable[Operation], feeds: Sequence[Tensor]) -> Needed:
    """The operations that `targets` need when `feeds` are given from outside."""
    fed = set(feeds)
    run: set[Operation] = set()
    shape_roots: list[Tensor] = []
    value_roots: list[Tensor] = []
    stack = list(targets)
    while stack:
        op = stack.pop()
        if op in run:
            continue
        run.add(op)
        stack.extend(op.control_inputs)
        for i, tensor in enumerate(op.inputs):
            if i in op.definition.shape_inputs:
                shape_roots.append(tensor)
            elif i in op.definition.value_inputs:
                value_roots.append(tensor)
            elif i in op.definition.writes or tensor not in fed:
                stack.append(tensor.op)

    values: set[Tensor] = set()
    shapes: set[Operation] = set()
    while value_roots or shape_roots:
        if value_roots:
            tensor = value_roots.pop()
            if tensor in values:
                continue
            values.add(tensor)
            if tensor not in fed and tensor.dtype.is_integer:
                shape_roots.append(tensor)
                if tensor.op.definition.from_shapes is None:
                    value_roots.extend(tensor.op.inputs)
            continue
        tensor = shape_roots.pop()
        if tensor in fed or tensor.op in shapes:
            continue
        shapes.add(tensor.op)
        shape_roots.extend(tensor.op.inputs)
        value_roots.extend(tensor.op.inputs[i] for i in tensor.op.definition.value_inputs)
    return Needed(
        frozenset(run),
        frozenset(shapes - run),
        frozenset(values),
        frozenset(x for x in values & fed if x.dtype.is_integer),
    )
