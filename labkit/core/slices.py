"""IndexedSlices: some rows of a tensor that is zero elsewhere, as the gradient of a lookup is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from labkit.core.dtypes import DType
from labkit.core.graph import Graph
from labkit.core.operation import Operation
from labkit.core.shapes import Dims, show
from labkit.core.tensor import OPERATORS, Tensor
from labkit.core.tensor_shape import TensorShape


class IndexedSlices:
    """Rows of a tensor: `values[i]` belongs to row `indices[i]`; rows that come several times are added up.

    The gradient of `lk.gather` has this form, so that a step of an embedding costs as much as the rows it looked up.
    Wherever a tensor is needed it becomes one: as an operand, and by `lk.convert_to_tensor`.

    Attributes:
        values: shape (n, *row), a floating dtype.
        indices: shape (n,), int32 or int64.
        dense_shape: int32 or int64, one dimension: the shape of the whole tensor.
    """

    def __init__(self, values: Tensor, indices: Tensor, dense_shape: Tensor, dims: Dims = None) -> None:
        self.values, self.indices, self.dense_shape = values, indices, dense_shape
        self.dims = dims  # what is known of the whole tensor's shape while the graph is built
        self._dense: Tensor | None = None

    @property
    def dtype(self) -> DType:
        return self.values.dtype

    @property
    def graph(self) -> Graph:
        return self.values.graph

    @property
    def op(self) -> Operation:
        return self.values.op

    @property
    def name(self) -> str:
        return self.values.name

    @property
    def shape(self) -> TensorShape:
        return TensorShape(self.dims)

    def as_tensor(self) -> Tensor:
        """The whole tensor: its rows added up in order, zeros elsewhere."""
        if self._dense is None:
            graph = self.graph
            with graph.as_default(), graph.control_dependencies(None):
                self._dense = OPERATORS["unsorted_segment_sum"](self.values, self.indices, self.dense_shape[0])
            self._dense.set_shape(self.dims)
        return self._dense

    def concat(self, other: IndexedSlices) -> IndexedSlices:
        """The sum: the rows of both, one after the other."""
        values = OPERATORS["concat"]([self.values, other.values], 0)
        ids = [x if x.dtype.name == "int64" else OPERATORS["cast"](x, "int64") for x in (self.indices, other.indices)]
        return IndexedSlices(values, OPERATORS["concat"](ids, 0), self.dense_shape, self.dims)

    __array_priority__ = 100.0
    __array_ufunc__ = None  # `array * rows` asks the rows

    def __repr__(self) -> str:
        return f"IndexedSlices(values={self.values!r}, indices={self.indices!r}, shape={show(self.dims)})"


def _lend(name: str) -> Callable[..., Tensor]:
    def operator(self: IndexedSlices, *args: Any) -> Tensor:
        return getattr(self.as_tensor(), name)(*args)

    operator.__name__ = name
    return operator


_OPERATORS = """
    __add__ __radd__ __sub__ __rsub__ __mul__ __rmul__ __truediv__ __rtruediv__ __pow__ __rpow__ __matmul__ __rmatmul__
    __neg__ __abs__ __getitem__
"""
for _name in _OPERATORS.split():
    setattr(IndexedSlices, _name, _lend(_name))
