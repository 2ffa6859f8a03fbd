"""Which loop variables are TensorArrays that a body uses by element only.

Their elements are written once, and read after that: so the array as it is at the end of the loop stands for what it was in
any iteration, and a gradient need not keep it for each.
"""

from __future__ import annotations

from labkit.core.operation import Operation
from labkit.core.subgraph import Subgraph
from labkit.core.tensor import Tensor

_FIRST = {"If": -1, "While": 1, "Scan": 0}  # the argument of a subgraph that input 0 would be


def written_once(body: Subgraph, variables: int) -> tuple[list[int], list[int]]:
    """The loop variables that are the elements of such arrays, and those that hold their states."""
    elements: list[int] = []
    states: list[int] = []
    for k in range(variables):
        found = _follow(body, body.arguments[1 + k])
        places = [] if found is None else [i for i, x in enumerate(body.outputs) if x in found]
        if found is None or len(found) == 1 or places != [k]:
            continue
        (states if any(_reads_states(x) for x in _users(body, found)) else elements).append(k)
    return elements, states


def _users(graph: Subgraph, tensors: set[Tensor]) -> list[Operation]:
    return [op for op in graph.operations if any(x in tensors for x in op.inputs)]


def _reads_states(op: Operation) -> bool:
    return op.type in ("TensorArrayReadIndex", "TensorArrayWriteIndex")


def _follow(graph: Subgraph, start: Tensor) -> set[Tensor] | None:
    """The values that an array takes in a subgraph from `start` on; None where it is used otherwise than by element."""
    found = {start}
    for op in graph.operations:
        for i, x in enumerate(op.inputs):
            if x not in found or i in op.shape_inputs:
                continue
            if op.type == "TensorScatterUpdate" and i == 0 and _comes_from(op.inputs[1], "TensorArrayWriteIndex"):
                found.add(op.outputs[0])
            elif op.type in _FIRST:
                results = _through(op, i)
                if results is None:
                    return None
                found.update(results)
            elif not (_reads_states(op) and i == 1) and not _is_read(op, i):
                return None
    return found


def _is_read(op: Operation, i: int) -> bool:
    return op.type == "GatherV2" and i == 0 and _comes_from(op.inputs[1], "TensorArrayReadIndex")


def _comes_from(index: Tensor, type_name: str) -> bool:
    """Whether it is a checked index, perhaps under another shape."""
    while index.op.type in ("Reshape", "ExpandDims", "StridedSlice", "Squeeze"):
        index = index.op.inputs[0]
    return index.op.type == type_name


def _through(op: Operation, i: int) -> list[Tensor] | None:
    """The results of a loop or condition that are the array which is its input i, or None."""
    subgraphs = [x for x in op.attrs.values() if isinstance(x, Subgraph)]
    inside = _FIRST[op.type] + i
    followed = [_follow(subgraph, subgraph.arguments[inside]) for subgraph in subgraphs]
    if inside < 0 or any(found is None for found in followed):
        return None
    results = []
    for subgraph, found in zip(subgraphs, followed, strict=True):
        places = [k for k, x in enumerate(subgraph.outputs) if x in found]  # type: ignore[operator]
        if op.type != "If" and any(1 + k != inside for k in places):
            return None
        results.append(places)
    if op.type == "If" and results[0] != results[1]:
        return None
    return [op.outputs[k] for k in results[-1]]
