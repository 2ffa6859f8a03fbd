"""Calling the functions that build branches and bodies, and checking what they return."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from labkit.core.convert import to_tensor
from labkit.core.graph import get_default_graph
from labkit.core.nest import Compound, flatten
from labkit.core.operation import Operation
from labkit.core.shapes import Dims, compatible, show
from labkit.core.subgraph import Subgraph
from labkit.core.tensor import Tensor
from labkit.errors import DTypeError, GraphError, ShapeError
from labkit.ops.array_elements import Unwritten
from labkit.ops.shape import identity


def need_callable(what: str, function: Any) -> None:
    if not callable(function):
        raise DTypeError(
            f"'{what}' must be callable",
            rule="It is a function that builds a part of the graph",
            received=repr(function),
            fix="Write lambda: ... around it.",
        )


class Traced:
    """A function that was called once, in a subgraph of its own.

    Attributes:
        nest: what it returned.
    """

    def __init__(self, what: str, function: Callable[..., Any], given: Sequence[tuple[Any, Dims]] = ()) -> None:
        need_callable(what, function)
        graph = get_default_graph()
        self.subgraph = Subgraph(graph, graph.unique_name(what) + "/")
        with self.subgraph.as_default():
            self.nest = function(*(self.subgraph.argument(dtype, dims) for dtype, dims in given))

    def finish(self, leaves: Callable[[Any], Sequence[Tensor]]) -> Subgraph:
        """The subgraph; its results are what `leaves` makes of the function's."""
        with self.subgraph.as_default():
            self.subgraph.outputs = [self.subgraph.adopt(x) for x in leaves(self.nest)]
        return self.subgraph


def leaves_of(nest: Any) -> list[Tensor]:
    """What a function inside returned, as tensors; an operation becomes a number that comes after it."""
    tensors = []
    for x in () if nest is None else flatten(nest):
        if isinstance(x, Operation):
            with get_default_graph().control_dependencies([x]):
                tensors.append(identity(to_tensor(0)))
        else:
            tensors.append(x.array.rows() if isinstance(x, Unwritten) else to_tensor(x))
    return tensors


def structure(nest: Any) -> str:
    """The structure of a nest, as text."""
    if nest is None:
        return "None"
    if isinstance(nest, dict):
        return "{" + ", ".join(f"{key!r}: {structure(nest[key])}" for key in sorted(nest, key=repr)) + "}"
    if isinstance(nest, list | tuple):
        return "(" + ", ".join(map(structure, nest)) + ")"
    return type(nest).__name__ if isinstance(nest, Compound) else "*"


def next_values(values: Any, loop_vars: Any, first: Sequence[Any], dims: Sequence[Dims]) -> list[Tensor]:
    """The next values of loop variables, checked against the first ones and their shape invariants."""
    if isinstance(loop_vars, list | tuple) and len(loop_vars) == 1 and structure(values) == structure(loop_vars[0]):
        values = [values]
    leaves = flatten(values)
    if structure(values) != structure(loop_vars):
        raise GraphError(
            "A loop's body returns another structure than the loop variables have",
            rule=f"It returns the next values of all of them, {structure(loop_vars)}",
            received=structure(values),
        )
    after = []
    for x, before in zip(leaves, first, strict=True):
        tensor = x.array.rows() if isinstance(x, Unwritten) else x
        after.append(to_tensor(tensor, None if isinstance(tensor, Tensor) else before.dtype))
    for i, (a, b, kept) in enumerate(zip(first, after, dims, strict=True)):
        if a.dtype is not b.dtype:
            raise DTypeError(
                f"Loop variable {i} changes its dtype",
                rule="A loop variable keeps its dtype",
                received=f"{a.dtype.name} and after an iteration {b.dtype.name}",
                fix="Use lk.cast inside the body.",
            )
        if not compatible(kept, b.dims):
            raise ShapeError(
                f"Loop variable {i} ({a.name}) enters the loop with shape {show(kept)} and has shape {show(b.dims)} after "
                "one iteration",
                rule="A loop variable keeps its shape from one iteration to the next",
                fix="Let it vary by shape_invariants, e.g. lk.TensorShape([None]); or give it its final shape at the start.",
            )
    return after
