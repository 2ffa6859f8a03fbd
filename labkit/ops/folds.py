"""Loops along the first dimension under TensorFlow's names: map_fn, scan, foldl, foldr."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.graph import get_default_graph
from labkit.core.nest import flatten, pack
from labkit.core.shapes import Dims
from labkit.core.tensor import Tensor
from labkit.errors import DTypeError, InvalidArgumentError, ShapeError
from labkit.ops.concat import concat
from labkit.ops.control_flow import add_scan
from labkit.ops.shape import shape
from labkit.ops.tracing import Traced, leaves_of, next_values


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
        body = Traced("fn", lambda i, *values: fn(pack(elems, values)), [(dt.int64, ()), *_sliced(tensors)])
        results = add_scan(count, body.finish(leaves_of), tensors, variables=0, sliced=len(tensors))
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
        after = next_values([fn(pack(initializer, values[:n]), pack(elems, values[n:]))], [initializer], first, dims)
        return [*after, *after] if keep else after

    types = [(dt.int64, ()), *((x.dtype, x.dims) for x in first), *_sliced(tensors)]
    step = Traced("fn", body, types)
    results = add_scan(
        count, step.finish(leaves_of), [*first, *tensors], variables=n, sliced=len(tensors), backwards=backwards
    )
    stacked = results[n:]
    if leading and keep:
        stacked = [concat([b, a] if backwards else [a, b], 0) for a, b in zip(leading, stacked, strict=True)]
    return initializer, results[:n], stacked
