"""The while loop under TensorFlow's name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.graph import get_default_graph
from labkit.core.nest import flatten, pack
from labkit.core.shapes import Dims, as_dims, compatible, show
from labkit.core.tensor import Tensor
from labkit.core.values import constant_value
from labkit.core.variables import Variable
from labkit.errors import DTypeError, GraphError, InvalidArgumentError, LabkitError, ShapeError
from labkit.ops.array_elements import Unwritten
from labkit.ops.compare import cast, less
from labkit.ops.logic import logical_and
from labkit.ops.tensor_array import TensorArray
from labkit.ops.tracing import Traced, leaves_of, need_callable, next_values, structure
from labkit.ops.while_loop import loop


def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    shape_invariants: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
    maximum_iterations: Any = None,
    return_same_structure: bool = False,
) -> Any:
    """The loop variables after `body` was repeated as long as `cond` held.

    Args:
        cond: loop variables -> bool, one truth value.
        body: loop variables -> their next values, of the same structure, dtypes and shapes.
        loop_vars: their first values: a list or tuple of tensors and TensorArrays, or of nests of them.
        shape_invariants: for each loop variable what is known of its shape in every iteration, e.g. lk.TensorShape([None]);
            default: its first shape as far as the graph knows it. A loop whose shapes do change is run by Python, iteration
            by iteration, as is one with operations inside that Python computes.
        maximum_iterations: the loop ends after so many; a number, or a tensor. Given as a number it keeps a gradient native
            that is taken inside another loop or a branch.
        return_same_structure: a list of one variable stays a list.
        parallel_iterations, back_prop, swap_memory: accepted as in TensorFlow. Iterations run one after the other, and
            gradients keep the variables of each iteration in memory.

    Raises:
        DTypeError, ShapeError: a variable changes its dtype or shape.
        GraphError: the structure changes.
    """
    for what, function in (("cond", cond), ("body", body)):
        need_callable(what, function)
    if isinstance(loop_vars, Tensor | Variable):
        raise InvalidArgumentError(
            "lk.while_loop got a single tensor as loop_vars",
            rule="loop_vars is a list or tuple, also of one variable",
            received=repr(loop_vars),
            fix="Write [x].",
        )
    if not flatten(loop_vars):
        raise InvalidArgumentError("lk.while_loop has no loop variable", rule="loop_vars holds at least one tensor")
    first = [x if isinstance(x, Unwritten) else to_tensor(x) for x in flatten(loop_vars)]
    dims = _invariants(first, loop_vars, shape_invariants)
    types = [(dt.int64, ()), *((x.dtype, d) for x, d in zip(first, dims, strict=True))]
    with get_default_graph().name_scope(name or "while"):
        most, limit = _limit(maximum_iterations)

        def goes_on(i: Tensor, *values: Tensor) -> list[Tensor]:
            holds = _truth(cond(*pack(loop_vars, values)))
            return [holds if limit is None else logical_and(less(i, limit), holds)]

        check = Traced("cond", goes_on, types)
        step = Traced(
            "body", lambda i, *values: next_values(body(*pack(loop_vars, values)), loop_vars, first, dims), types
        )
        subgraphs = check.finish(leaves_of), step.finish(leaves_of)
        start = [x.start(step.subgraph, first) if isinstance(x, Unwritten) else x for x in first]
        varying = any(d != x.dims for d, x in zip(dims, first, strict=True))
        last = loop(*subgraphs, start, most, varying=varying)[:-1]
        results = [x if isinstance(x, Unwritten) and x.is_empty else r for x, r in zip(first, last, strict=True)]
    nest = pack(loop_vars, results)
    return nest[0] if len(nest) == 1 and not return_same_structure else nest


def _invariants(first: Sequence[Any], loop_vars: Any, given: Any) -> list[Dims]:
    """The shapes that the loop variables keep: their first ones, or what the user says."""
    shapes: list[Any] = []

    def collect(part: Any, shape: Any) -> None:
        if isinstance(part, TensorArray):
            shapes.extend(part.part_dims())
        elif isinstance(part, dict):
            for key in sorted(part, key=repr):
                collect(part[key], None if given is None else shape[key])
        elif isinstance(part, list | tuple):
            for x, s in zip(part, [None] * len(part) if given is None else shape, strict=True):
                collect(x, s)
        else:
            shapes.append(first[len(shapes)].dims if given is None else shape)

    try:
        collect(loop_vars, given)
    except (TypeError, KeyError, IndexError, ValueError) as error:
        if isinstance(error, LabkitError):
            raise
        raise GraphError(
            "shape_invariants has another structure than loop_vars",
            rule="It holds one shape for each loop variable",
            received=f"{given!r} for {structure(loop_vars)}",
        ) from None
    dims = [as_dims(shape) for shape in shapes]
    for i, (x, d) in enumerate(zip(first, dims, strict=True)):
        if not compatible(x.dims, d):
            raise ShapeError(
                f"The shape invariant of loop variable {i} is not compatible with its first value",
                rule="An invariant says of the shape only what is true in every iteration",
                received=f"{show(d)} for {x.name} of shape {show(x.dims)}",
                fix="Put None for the dimensions that change.",
            )
    return dims


def _limit(most: Any) -> tuple[int, Tensor | None]:
    """The largest number of iterations as an attribute, or as a tensor where only a run knows it."""
    if most is None:
        return -1, None
    tensor = to_tensor(most)
    if not tensor.dtype.is_integer or not compatible(tensor.dims, ()):
        raise InvalidArgumentError(
            "maximum_iterations is one whole number", received=f"{tensor.dtype.name} {show(tensor.dims)}"
        )
    value = constant_value(tensor)
    return (-1, cast(tensor, dt.int64)) if value is None else (max(int(value), 0), None)


def _truth(value: Any) -> Tensor:
    condition = to_tensor(value)
    if condition.dtype is not dt.bool_ or not compatible(condition.dims, ()):
        raise DTypeError(
            "A loop's condition is one truth value",
            rule="It is bool of shape ()",
            received=f"{condition.dtype.name} {show(condition.dims)}",
            fix="Compare numbers, e.g. lk.less(i, 10).",
        )
    return condition
