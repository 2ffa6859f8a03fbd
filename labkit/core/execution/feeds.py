"""What is fed to a run: from user's values to the arrays that a plan takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from labkit.core.convert import as_array, holds_tensors, refuse_masked
from labkit.core.graph import Graph
from labkit.core.shapes import Dims, compatible, show
from labkit.core.tensor import Tensor
from labkit.errors import DTypeError, FeedError, FeedKeyError, LabkitError


class Batches:
    """A feed for native stepping: at step i the rows `array[indices[i]]`, gathered without Python.

    Args:
        array: shape (n, ...); all examples.
        indices: int64, shape (steps, batch), each from 0 to n - 1.

    Raises:
        FeedError: `indices` is no two-dimensional array of whole numbers.
        DTypeError: elements are masked (numpy.ma).
    """

    def __init__(self, array: np.ndarray, indices: np.ndarray) -> None:
        refuse_masked(array)
        self.array = np.asarray(array)
        numbers = np.asarray(indices)
        if numbers.ndim != 2 or numbers.dtype.kind not in "iu" or not self.array.ndim:
            raise FeedError(
                "Batches got indices that name no rows",
                rule="indices are whole numbers of shape (steps, batch), array has at least one dimension",
                received=f"indices {numbers.dtype} {show(numbers.shape)}, array {show(self.array.shape)}",
            )
        self.indices = np.require(numbers, np.int64, ["C", "A"])


def feed_key(graph: Graph, key: Any) -> Tensor:
    """The tensor that a key of a feed names: a tensor, a variable, or a tensor's name.

    Raises:
        FeedKeyError: the key names no tensor of this graph.
    """
    tensor, received = getattr(key, "ref", key), repr(key)
    if isinstance(key, str):
        try:
            tensor = graph.get_tensor_by_name(key)
        except LabkitError as error:
            received = error.what
    if not isinstance(tensor, Tensor) or tensor.graph is not graph:
        inside = isinstance(tensor, Tensor) and tensor.graph.is_inside(graph)
        raise FeedKeyError(
            "Cannot interpret feed_dict key as Tensor",
            rule="Keys are tensors or variables of the session's graph, or names such as 'x:0', or tuples of them",
            received=received + ", which is inside a loop or branch" * inside,
            fix="Feed a tensor that is made outside, and use it inside." if inside else "",
        )
    return tensor


def flatten_keys(graph: Graph, keys: Iterable[Any]) -> list[Tensor]:
    """The tensors that the keys of a feed name, with nested tuples taken apart.

    Raises:
        FeedKeyError: a key names no tensor, or two keys name the same one.
    """
    tensors: list[Tensor] = []
    for key in keys:
        tensors.extend(flatten_keys(graph, key) if isinstance(key, tuple) else (feed_key(graph, key),))
    if len(set(tensors)) < len(tensors):
        raise FeedKeyError("A tensor is fed twice", received=", ".join(x.name for x in tensors))
    return tensors


def flatten_values(feed_dict: Mapping[Any, Any]) -> list[Any]:
    """The values of a feed in the order of `flatten_keys`.

    Raises:
        FeedError: what is fed for a tuple of tensors is no tuple of as many values.
    """
    return [x for key, value in feed_dict.items() for x in _taken_apart(key, value)]


def _taken_apart(key: Any, value: Any) -> list[Any]:
    if not isinstance(key, tuple):
        return [value]
    if not isinstance(value, tuple | list) or len(value) != len(key):
        raise FeedError("A tuple of tensors is fed a tuple of as many values", received=repr(value)[:80])
    return [x for k, v in zip(key, value, strict=True) for x in _taken_apart(k, v)]


def feed_array(tensor: Tensor, value: Any, leading: tuple[int, ...] = ()) -> np.ndarray:
    """The array for one fed tensor, in its dtype, C-contiguous.

    Args:
        leading: dimensions in front of the tensor's own (steps of native stepping).

    Raises:
        FeedError: the value does not survive conversion or does not have the tensor's shape.
    """
    if type(value) is np.ndarray and value.dtype == tensor.dtype.numpy and _is_dense(value):  # the usual case
        array = value
    else:
        array = _converted(tensor, value)
    if leading or tensor.dims is not None:
        expected = None if tensor.dims is None else (*leading, *tensor.dims)
        if not compatible(array.shape, expected):
            raise _misshapen(tensor, array.shape, expected, " (steps first)" if leading else "", f"{array.dtype} ")
    return array


def check_shape(tensor: Tensor, shape: Dims) -> None:
    """Whether an array of this shape can be fed.

    Raises:
        FeedError: it cannot.
    """
    if not compatible(shape, tensor.dims):
        raise _misshapen(tensor, shape, tensor.dims)


def _misshapen(tensor: Tensor, shape: Dims, expected: Dims, which: str = "", dtype: str = "") -> FeedError:
    return FeedError(
        f"Cannot feed value of shape {show(shape)} for Tensor {tensor.name} ({tensor.op.line}), which has "
        f"shape {show(expected)}{which}",
        rule="A fed array has the tensor's shape",
        received=f"{dtype}{show(shape)}",
    )


def check_mapping(value: Any, what: str, rule: str) -> None:
    """Raises FeedKeyError for what should map tensors to something, and does not."""
    if not isinstance(value, Mapping):
        raise FeedKeyError(f"{what} is no dict", rule=rule, received=repr(value)[:80])


def _is_dense(array: np.ndarray) -> bool:
    flags = array.flags
    return flags.c_contiguous and flags.aligned and not array.dtype.hasobject


def _converted(tensor: Tensor, value: Any) -> np.ndarray:
    if isinstance(value, Tensor) or hasattr(value, "as_tensor"):
        raise _tensor_as_value(tensor, value)
    try:
        return as_array(value, tensor.dtype)
    except LabkitError as error:
        if isinstance(value, list | tuple) and holds_tensors(value):
            raise _tensor_as_value(tensor, value) from None
        raise FeedError(
            f"Cannot feed {tensor.name} ({tensor.op.line}), {tensor.dtype.name} {show(tensor.dims)}",
            rule=error.rule,
            received=error.received,
            fix=error.fix,
        ) from None


def _tensor_as_value(tensor: Tensor, value: Any) -> DTypeError:
    return DTypeError(
        f"The value of a feed cannot be a tensor, as it is for {tensor.name}",
        rule="Values are numbers, lists or arrays",
        received=repr(value)[:100],
        fix="Run it first, and feed the array.",
    )
