"""What is fed to a run: from user's values to the arrays that a plan takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from labkit.core.convert import as_array
from labkit.core.graph import Graph
from labkit.core.shapes import compatible, show
from labkit.core.tensor import Tensor
from labkit.errors import DTypeError, FeedError, LabkitError


class Batches:
    """A feed for native stepping: at step i the rows `array[indices[i]]`, gathered without Python.

    Args:
        array: shape (n, ...); all examples.
        indices: int64, shape (steps, batch), each from 0 to n - 1.

    Raises:
        FeedError: `indices` is no two-dimensional array of whole numbers.
    """

    def __init__(self, array: np.ndarray, indices: np.ndarray) -> None:
        self.array = np.asarray(array)
        numbers = np.asarray(indices)
        if numbers.ndim != 2 or numbers.dtype.kind not in "iu" or not self.array.ndim:
            raise FeedError(
                "Batches got indices that name no rows",
                rule="indices are whole numbers of shape (steps, batch), array has at least one dimension",
                received=f"indices {numbers.dtype} {show(numbers.shape)}, array {show(self.array.shape)}",
            )
        self.indices = np.ascontiguousarray(numbers, np.int64)


def feed_key(graph: Graph, key: Any) -> Tensor:
    """The tensor that a key of a feed names: a tensor, a variable, or a tensor's name.

    Raises:
        FeedError: the key names no tensor of this graph.
    """
    tensor = getattr(key, "ref", key)
    if isinstance(key, str):
        tensor = graph.get_tensor_by_name(key)
    if not isinstance(tensor, Tensor) or tensor.graph is not graph:
        raise FeedError(
            "A key of the feed names nothing that can be fed",
            rule="Keys are tensors or variables of the session's graph, or names such as 'x:0'",
            received=repr(key),
        )
    return tensor


def flatten_feeds(graph: Graph, feed_dict: Mapping[Any, Any] | None) -> tuple[list[Tensor], list[Any]]:
    """Keys and values of a feed, with tuples of tensors as keys taken apart.

    Raises:
        FeedError: the feed is no mapping, names a tensor twice, or a tuple's values do not match it.
    """
    if not feed_dict:
        return [], []
    if not isinstance(feed_dict, Mapping):
        raise FeedError("feed_dict is no dict", rule="It maps tensors to values", received=type(feed_dict).__name__)
    keys: list[Tensor] = []
    values: list[Any] = []

    def add(key: Any, value: Any) -> None:
        if isinstance(key, tuple):
            if not isinstance(value, tuple | list) or len(value) != len(key):
                raise FeedError("A tuple of tensors is fed a tuple of as many values", received=repr(value)[:80])
            for k, v in zip(key, value, strict=True):
                add(k, v)
            return
        keys.append(feed_key(graph, key))
        values.append(value)

    for key, value in feed_dict.items():
        add(key, value)
    if len(set(keys)) < len(keys):
        raise FeedError("A tensor is fed twice", received=", ".join(k.name for k in keys))
    return keys, values


def feed_array(tensor: Tensor, value: Any, leading: tuple[int, ...] = ()) -> np.ndarray:
    """The array for one fed tensor, in its dtype, C-contiguous.

    Args:
        leading: dimensions in front of the tensor's own (steps of native stepping).

    Raises:
        FeedError: the value does not survive conversion or does not have the tensor's shape.
    """
    # The usual case first: an array that fits as it is.
    if (
        isinstance(value, np.ndarray)
        and value.dtype == tensor.dtype.numpy
        and value.dtype.kind != "O"
        and value.flags.c_contiguous
        and value.flags.aligned
    ):
        array = value
    else:
        if isinstance(value, Tensor) or hasattr(value, "as_tensor"):
            raise DTypeError(
                f"A tensor cannot be fed for {tensor.name}",
                rule="Values are numbers, lists or arrays",
                received=repr(value),
                fix="Run it first, and feed the array.",
            )
        try:
            array = as_array(value, tensor.dtype)
        except LabkitError as error:
            raise FeedError(
                f"Cannot feed {tensor.name} ({tensor.op.line}), {tensor.dtype.name} {show(tensor.dims)}",
                rule=error.rule,
                received=error.received,
                fix=error.fix,
            ) from None
    expected = None if tensor.dims is None else (*leading, *tensor.dims)
    if not compatible(array.shape, expected):
        raise FeedError(
            f"Cannot feed value of shape {show(array.shape)} for Tensor {tensor.name} ({tensor.op.line}), which has shape "
            f"{show(expected)}" + (" (steps first)" if leading else ""),
            rule="A fed array has the tensor's shape",
            received=f"{array.dtype} {show(array.shape)}",
        )
    return array
