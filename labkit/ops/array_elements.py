"""What the elements of a TensorArray have in common, and arrays that nothing was written to on their way into loops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.shapes import Dims, compatible, is_known, merge, show
from labkit.core.subgraph import Subgraph, copies
from labkit.core.tensor import Tensor
from labkit.errors import InvalidArgumentError, ShapeError
from labkit.ops.broadcast import zeros
from labkit.ops.shape import expand_dims

if TYPE_CHECKING:
    from labkit.ops.tensor_array import TensorArray


class Elements:
    """What all values of one array have in common."""

    def __init__(self, dtype: dt.DType, dims: Dims, grows: bool, name: str) -> None:
        self.dtype, self.dims, self.grows, self.name = dtype, dims, grows, name
        self.example: Tensor | None = None  # an element, where only a run knows the shape

    def learn(self, value: Tensor) -> None:
        if not compatible(self.dims, value.dims):
            raise ShapeError(
                f"Inconsistent shapes: saw {show(value.dims)} but expected {show(self.dims)} (TensorArray '{self.name}')",
                rule="The elements of a TensorArray have one shape",
                fix="Pad them to one shape, or keep them in a Python list.",
            )
        self.dims = merge(self.dims, value.dims)
        if self.example is None and not is_known(value.dims):
            self.example = value


def index_of(index: Any, rank: int = 0) -> Tensor:
    tensor = to_tensor(index)
    if not tensor.dtype.is_integer or not compatible(tensor.dims, (None,) * rank):
        rule = "It is one whole number" if not rank else "They are whole numbers, in one dimension"
        received = f"{tensor.dtype.name} {show(tensor.dims)}"
        raise InvalidArgumentError("A TensorArray's index is of the wrong kind", rule=rule, received=received)
    return tensor


# --- arrays that nothing was written to, on the way into loops and branches ---


class Unwritten:
    """Stands for the elements of an array whose shape is not known because nothing was written to it."""

    dims: Dims = None

    def __init__(self, array: TensorArray) -> None:
        self.array = array
        self.dtype, self.name = array.dtype, array.elements.name

    @property
    def is_empty(self) -> bool:
        """Whether nothing was written that could tell the elements' shape."""
        return self.array.elements.dims is None and self.array.elements.example is None

    def start(self, body: Subgraph, first: Sequence[Any]) -> Tensor:
        """The elements as they enter a loop, zeros, of the shape of what its body writes.

        Args:
            body: the loop's body, whose arguments are the number of the iteration and the loop variables.
            first: the loop variables' first values.
        """
        elements, size = self.array.elements, expand_dims(self.array.size(), 0)
        if self.is_empty:  # nothing is written inside
            return zeros(size, self.dtype)
        if is_known(elements.dims):
            rows = self.array.rows()
        else:
            elements.example = _outside(elements, body, first)
            rows = self.array.rows()
        argument = body.arguments[1 + first.index(self)]
        argument.set_shape(rows.dims if not elements.grows or rows.dims is None else (None, *rows.dims[1:]))
        return rows


def _outside(elements: Elements, body: Subgraph, first: Sequence[Any]) -> Tensor | None:
    """What has the shape of the array's example, which is inside a loop's body, in the graph around it."""
    if elements.example is None or elements.example.graph is not body:
        return elements.example
    given = [to_tensor(np.int64(0)), *first, *body.captured]
    made = {x: y for x, y in zip(body.arguments, given, strict=True) if isinstance(y, Tensor)}
    try:
        return copies(body, made, [elements.example])[0]
    except KeyError:
        return None
