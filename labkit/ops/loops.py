"""Conditions and loops under TensorFlow's names: cond, case, while_loop, scan, map_fn, foldl, foldr."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.graph import get_default_graph
from labkit.core.nest import flatten, pack
from labkit.core.operation import Operation
from labkit.core.shapes import Dims, as_dims, compatible, show
from labkit.core.subgraph import Subgraph, traced
from labkit.core.tensor import Tensor
from labkit.core.values import constant_value
from labkit.errors import DTypeError, GraphError, InvalidArgumentError, LabkitError, ShapeError
from labkit.ops.branch import branch
from labkit.ops.compare import cast, less
from labkit.ops.concat import concat
from labkit.ops.logic import logical_and
from labkit.ops.scan import scan as build_scan
from labkit.ops.shape import identity, shape
from labkit.ops.while_loop import loop


def _leaves(nest: Any) -> list[Tensor]:
    """What a function inside returned, as tensors; an operation becomes a number that comes after it."""
    tensors = []
    for x in flatten(nest):
        if isinstance(x, Operation):
            with x.graph.control_dependencies([x]):
                tensors.append(identity(to_tensor(0)))
        else:
            tensors.append(to_tensor(x))
    return tensors


def _need_callable(what: str, function: Any) -> None:
    if not callable(function):
        raise DTypeError(
            f"'{what}' must be callable",
            rule="It is a function that builds a part of the graph",
            received=repr(function),
            fix="Write lambda: ... around it.",
        )


class _Traced:
    """A function that was called once, in a subgraph of its own."""

    def __init__(self, what: str, function: Callable[..., Any], given: Sequence[tuple[Any, Dims]] = ()) -> None:
        _need_callable(what, function)
        self.nest: Any = None

        def build(*arguments: Tensor) -> list[Tensor]:
            self.nest = function(*arguments)
            return [] if self.nest is None else _leaves(self.nest)

        self.subgraph: Subgraph = traced(get_default_graph(), what, given, build)


def cond(
    pred: Any,
    true_fn: Callable[[], Any],
    false_fn: Callable[[], Any],
    strict: bool = False,
    name: str | None = None,
) -> Any:
    """The results of `true_fn` where `pred` holds, else those of `false_fn`; only that one is run.

    Operations that were built outside the functions and that one of them uses are run in either case.

    Args:
        pred: bool, one truth value.
        true_fn, false_fn: build the branches; each is called once, and both return the same structure of tensors of the
            same dtypes and shapes (or operations, or None).
        strict: a list of one result stays a list.

    Raises:
        DTypeError, ShapeError: the branches' results differ.
        GraphError: they differ in structure, or a branch holds what only Python computes.
    """
    condition = to_tensor(pred)
    with get_default_graph().name_scope(name or "cond"):
        then, otherwise = _Traced("true_fn", true_fn), _Traced("false_fn", false_fn)
        if _structure(then.nest) != _structure(otherwise.nest):
            raise GraphError(
                "The branches of lk.cond return different structures",
                rule="Both return the same lists, tuples and dicts of tensors",
                received=f"{_structure(then.nest)} and {_structure(otherwise.nest)}",
            )
        results = branch(condition, then.subgraph, otherwise.subgraph)
        if then.nest is None:
            return None
    nest = pack(then.nest, results)
    return nest[0] if isinstance(nest, list) and len(nest) == 1 and not strict else nest


def _structure(nest: Any) -> str:
    """The structure of a nest, as text."""
    if nest is None:
        return "None"
    if isinstance(nest, dict):
        return "{" + ", ".join(f"{key!r}: {_structure(nest[key])}" for key in sorted(nest, key=repr)) + "}"
    if isinstance(nest, list | tuple):
        return "(" + ", ".join(map(_structure, nest)) + ")"
    return "*"


def case(
    pred_fn_pairs: Any, default: Callable[[], Any] | None = None, exclusive: bool = False, name: str | None = None
) -> Any:
    """The results of the first function whose condition holds, else those of `default`.

    Args:
        pred_fn_pairs: (condition, function) pairs, or a dict of them.
        default: default: the last pair's function.
        exclusive: accepted as in TensorFlow; of several conditions that hold the first one counts.

    Raises:
        InvalidArgumentError: there is no pair.
        As `cond`.
    """
    pairs = list(pred_fn_pairs.items() if isinstance(pred_fn_pairs, dict) else pred_fn_pairs)
    if not pairs:
        raise InvalidArgumentError("lk.case has no case", rule="There is at least one (condition, function) pair")
    if default is None:
        *pairs, (_, default) = pairs
        if not pairs:
            return default()
    (pred, function), rest = pairs[0], pairs[1:]
    with get_default_graph().name_scope(name or "case"):
        otherwise = default if not rest else lambda: case(rest, default)
        return cond(pred, function, otherwise, strict=True)


def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    shape_invariants: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
    maximum_iterations: int | None = None,
    return_same_structure: bool = False,
) -> Any:
    """The loop variables after `body` was repeated as long as `cond` held.

    Args:
        cond: loop variables -> bool, one truth value.
        body: loop variables -> their next values, of the same structure, dtypes and shapes.
        loop_vars: their first values: a list or tuple of tensors, or of nests of them.
        maximum_iterations: the loop ends after so many. Needed where a gradient is taken inside another loop or a branch.
        return_same_structure: a list of one variable stays a list.
        shape_invariants, parallel_iterations, back_prop, swap_memory: accepted as in TensorFlow. Iterations run one after
            the other, variables keep their shapes, and gradients keep the variables of each iteration in memory.

    Raises:
        DTypeError, ShapeError: a variable changes its dtype or shape.
        GraphError: the structure changes, or the loop holds what only Python computes.
    """
    for what, function in (("cond", cond), ("body", body)):
        _need_callable(what, function)
    if not flatten(loop_vars):
        raise InvalidArgumentError("lk.while_loop has no loop variable", rule="loop_vars holds at least one tensor")
    first = [to_tensor(x) for x in flatten(loop_vars)]
    dims = _invariants(first, loop_vars, shape_invariants)
    types = [(dt.int64, ()), *((x.dtype, d) for x, d in zip(first, dims, strict=True))]
    with get_default_graph().name_scope(name or "while"):
        most, limit = _limit(maximum_iterations)

        def goes_on(i: Tensor, *values: Tensor) -> list[Tensor]:
            holds = _truth(cond(*pack(loop_vars, values)))
            return [holds if limit is None else logical_and(less(i, limit), holds)]

        check = _Traced("cond", goes_on, types)
        step = _Traced("body", lambda i, *values: _next(body(*pack(loop_vars, values)), loop_vars, first, dims), types)
        varying = any(d != x.dims for d, x in zip(dims, first, strict=True))
        results = loop(check.subgraph, step.subgraph, first, most, varying=varying)[:-1]
    nest = pack(loop_vars, results)
    return nest[0] if len(nest) == 1 and not return_same_structure else nest


def _invariants(first: Sequence[Tensor], loop_vars: Any, given: Any) -> list[Dims]:
    """The shapes that the loop variables keep: their first ones, or what the user says."""
    if given is None:
        return [x.dims for x in first]
    shapes: list[Any] = []

    def collect(part: Any, shape: Any) -> None:
        if isinstance(part, dict):
            for key in sorted(part, key=repr):
                collect(part[key], shape[key])
        elif isinstance(part, list | tuple):
            for x, s in zip(part, shape, strict=True):
                collect(x, s)
        else:
            shapes.append(shape)

    try:
        collect(loop_vars, given)
    except (TypeError, KeyError, IndexError, ValueError) as error:
        if isinstance(error, LabkitError):
            raise
        raise GraphError(
            "shape_invariants has another structure than loop_vars",
            rule="It holds one shape for each loop variable",
            received=f"{given!r} for {_structure(loop_vars)}",
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


def _next(values: Any, loop_vars: Any, first: Sequence[Tensor], dims: Sequence[Dims]) -> list[Tensor]:
    """The next values of loop variables, checked against the first ones and their shape invariants."""
    if isinstance(loop_vars, list | tuple) and len(loop_vars) == 1 and not isinstance(values, list | tuple):
        values = [values]
    leaves = flatten(values)
    if _structure(values) != _structure(loop_vars):
        raise GraphError(
            "A loop's body returns another structure than the loop variables have",
            rule=f"It returns the next values of all of them, {_structure(loop_vars)}",
            received=_structure(values),
        )
    after = [
        to_tensor(x, None if isinstance(x, Tensor) else before.dtype) for x, before in zip(leaves, first, strict=True)
    ]
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


# --- along the first dimension ---


def _elements(elems: Any, what: str) -> tuple[list[Tensor], Tensor]:
    """The tensors that are gone through, and how many elements they have."""
    tensors = [to_tensor(x) for x in flatten(elems)]
    if not tensors:
        raise InvalidArgumentError(f"{what} needs at least one tensor to go through")
    for x in tensors:
        if x.dims == ():
            raise ShapeError(f"{what} goes through the first dimension", received=f"{x.name} has none")
    return tensors, shape(tensors[0])[0]


def _sliced(tensors: Sequence[Tensor]) -> list[tuple[Any, Dims]]:
    return [(x.dtype, None if x.dims is None else x.dims[1:]) for x in tensors]


def map_fn(
    fn: Callable[[Any], Any],
    elems: Any,
    dtype: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    name: str | None = None,
) -> Any:
    """`fn` of each element along the first dimension, stacked.

    Args:
        fn: an element (of the structure of `elems`) -> a tensor or a nest of them.
        elems: a tensor or a nest of tensors with the same first dimension.
        dtype: of the results; checked when it is given.
        parallel_iterations, back_prop, swap_memory, infer_shape: accepted as in TensorFlow.

    Returns:
        The structure that fn returns; each tensor with one more first dimension.

    Raises:
        ShapeError, DTypeError, GraphError: the function's results do not fit.
    """
    tensors, count = _elements(elems, "lk.map_fn")
    with get_default_graph().name_scope(name or "map"):
        body = _Traced("fn", lambda i, *values: fn(pack(elems, values)), [(dt.int64, ()), *_sliced(tensors)])
        results = build_scan(count, body.subgraph, tensors, variables=0, sliced=len(tensors))
    wanted = [] if dtype is None else [dt.as_dtype(d) for d in flatten(dtype)]
    for result, kind in zip(results, wanted, strict=False):
        if result.dtype is not kind:
            raise DTypeError(
                "lk.map_fn's function returns another dtype", rule=f"It is {kind.name}", received=result.dtype.name
            )
    return pack(body.nest, results)


def scan(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    reverse: bool = False,
    name: str | None = None,
) -> Any:
    """All values that a state takes: state = fn(state, element) for each element along the first dimension, stacked.

    Args:
        fn: (state, element) -> the next state, of the same structure, dtypes and shapes.
        elems: a tensor or a nest of tensors with the same first dimension.
        initializer: the first state; default: the first element, which is then the first result.
        reverse: begins with the last element; the results stay at their elements' places.
        parallel_iterations, back_prop, swap_memory, infer_shape: accepted as in TensorFlow.

    Returns:
        The state's structure; each tensor with one more first dimension.
    """
    with get_default_graph().name_scope(name or "scan"):
        state, _, stacked = _through(fn, elems, initializer, reverse, keep=True)
    return pack(state, stacked)


def foldl(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
) -> Any:
    """The last state of `scan`."""
    with get_default_graph().name_scope(name or "foldl"):
        state, last, _ = _through(fn, elems, initializer, False, keep=False)
    return pack(state, last)


def foldr(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
) -> Any:
    """As `foldl`, from the last element to the first."""
    with get_default_graph().name_scope(name or "foldr"):
        state, last, _ = _through(fn, elems, initializer, True, keep=False)
    return pack(state, last)


def _through(
    fn: Callable[[Any, Any], Any], elems: Any, initializer: Any, backwards: bool, *, keep: bool
) -> tuple[Any, list[Tensor], list[Tensor]]:
    """The state's structure, its last value, and with `keep` all values stacked."""
    tensors, count = _elements(elems, "A scan")
    leading: list[Tensor] = []
    if initializer is None:
        initializer = pack(elems, [x[-1] if backwards else x[0] for x in tensors])
        leading = [x[-1:] if backwards else x[:1] for x in tensors]
        tensors = [x[:-1] if backwards else x[1:] for x in tensors]
        count = count - 1
    first = [to_tensor(x) for x in flatten(initializer)]
    n, dims = len(first), [x.dims for x in first]

    def body(i: Tensor, *values: Tensor) -> list[Tensor]:
        after = _next([fn(pack(initializer, values[:n]), pack(elems, values[n:]))], [initializer], first, dims)
        return [*after, *after] if keep else after

    types = [(dt.int64, ()), *((x.dtype, x.dims) for x in first), *_sliced(tensors)]
    step = _Traced("fn", body, types)
    results = build_scan(
        count, step.subgraph, [*first, *tensors], variables=n, sliced=len(tensors), backwards=backwards
    )
    stacked = results[n:]
    if leading and keep:
        stacked = [concat([b, a] if backwards else [a, b], 0) for a, b in zip(leading, stacked, strict=True)]
    return initializer, results[:n], stacked
