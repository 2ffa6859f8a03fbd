"""IndexedSlices: some rows of a tensor that is zero elsewhere, as the gradient of a lookup is."""

from __future__ import annotations

from labkit.core.dtypes import DType
from labkit.core.graph import Graph, Operation
from labkit.core.shapes import Dims, show
from labkit.core.tensor import OPERATORS, Tensor


class IndexedSlices:
    """Rows of a tensor: `values[i]` belongs to row `indices[i]`; rows that come several times are added up.

    The gradient of `lk.gather` has this form, so that a step of an embedding costs as much as the rows it looked up.
    Wherever a tensor is needed it becomes one (`lk.convert_to_tensor`).

    Attributes:
        values: shape (n, *row), a floating dtype.
        indices: shape (n,), int32 or int64.
        dense_shape: int32 or int64, one dimension: the shape of the whole tensor.
    """

    def __init__(self, values: Tensor, indices: Tensor, dense_shape: Tensor, dims: Dims = None) -> None:
        self.values, self.indices, self.dense_shape = values, indices, dense_shape
        self.dims = dims  # what is known of the whole tensor's shape while the graph is built

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

    def as_tensor(self) -> Tensor:
        """The whole tensor: its rows added up in order, zeros elsewhere."""
        dense = OPERATORS["unsorted_segment_sum"](self.values, self.indices, self.dense_shape[0])
        dense.set_shape(self.dims)
        return dense

    def __add__(self, other: IndexedSlices) -> IndexedSlices:
        """The rows of both, one after the other."""
        values = OPERATORS["concat"]([self.values, other.values], 0)
        ids = [x if x.dtype.name == "int64" else OPERATORS["cast"](x, "int64") for x in (self.indices, other.indices)]
        return IndexedSlices(values, OPERATORS["concat"](ids, 0), self.dense_shape, self.dims)

    def __repr__(self) -> str:
        return f"IndexedSlices(values={self.values!r}, indices={self.indices!r}, shape={show(self.dims)})"
