"""Indices as rows in which one place stands out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor, to_tensors
from labkit.core.opdef import Attr, OpContext, OpDef, Sample, register
from labkit.core.operation import Operation
from labkit.core.shapes import Dims, compatible, normal_axes, show
from labkit.core.tensor import Tensor
from labkit.errors import DTypeError, ShapeError
from labkit.ops.build import apply
from labkit.ops.reduce import reduce_sum
from labkit.ops.shape import int_array

_INDICES = (*dt.INTS, dt.uint8)


def _dtypes(inputs: Sequence[dt.DType], attrs: Any) -> Sequence[dt.DType]:
    indices, depth, on, off = inputs
    if indices not in _INDICES or depth not in dt.INTS or on is not off:
        raise DTypeError(
            "",
            rule="indices are int32, int64 or uint8, depth is int32 or int64, on_value and off_value have one dtype",
            received=", ".join(d.name for d in inputs),
            fix="Convert with lk.cast.",
        )
    return [on]


def _shape(c: OpContext) -> list[Dims]:
    if not all(compatible(dims, ()) for dims in c.dims[1:]):
        received = ", ".join(show(dims) for dims in c.dims[1:])
        raise ShapeError("", rule="depth, on_value and off_value are one number each", received=received)
    dims, depth = c.dims[0], c.values[1]
    if depth is not None and depth < 0:
        raise ShapeError("", rule="depth is not negative", received=str(depth))
    if dims is None:
        return [None]
    axis = normal_axes([c.attrs["axis"]], len(dims) + 1)[0]
    return [(*dims[:axis], None if depth is None else int(depth), *dims[axis:])]


def _gradient(op: Operation, g: Tensor) -> list[Tensor | None]:
    indices, depth, on, _ = op.inputs
    places = one_hot(indices, depth, axis=op.attrs["axis"], dtype=on.dtype)
    return [None, None, reduce_sum(g * places), reduce_sum(g * (1 - places))]


def _reference(indices: Any, depth: Any, on: Any, off: Any, axis: int) -> np.ndarray:
    rank = np.ndim(indices) + 1
    place = np.arange(int(depth)).reshape([-1 if i == axis % rank else 1 for i in range(rank)])
    return np.where(np.expand_dims(indices, axis) == place, on, off)


_CASES: tuple[Any, ...] = (
    ((0, 2, 1, 3, -1), 3, -1),
    (((0, 1, 2), (2, 1, 9)), 3, 1),
    (((0, 1, 2), (2, 1, 9)), 17, 0),
    (5, 7, 0),
    ((1, 0), 1, -2),
    ((1, 0), 0, -1),
)

register(
    OpDef(
        name="OneHot",
        inputs=("indices", "depth", "on_value", "off_value"),
        value_inputs=(1,),
        attrs={"axis": Attr("int", -1)},
        kernel="one_hot",
        kernel_dtype="output",
        dtypes=_dtypes,
        shapes=_shape,
        lower=lambda c: (normal_axes([c.attrs["axis"]], len(c.out_dims[0] or ())), ()),
        gradient=_gradient,
        reference=_reference,
        samples=lambda rng: [
            Sample([int_array(indices), int_array(depth), rng.normal(size=()), rng.normal(size=())], {"axis": axis})
            for indices, depth, axis in _CASES
        ],
        formula="y[i, k] = on where indices[i] = k, off elsewhere",
        doc="For each index a row of `depth` numbers: `on_value` at its place and `off_value` elsewhere; an index below 0 or "
        "from depth on has no place, and its row is off_value throughout.",
    )
)


def one_hot(
    indices: Any,
    depth: Any,
    on_value: Any = None,
    off_value: Any = None,
    axis: int = -1,
    dtype: Any = None,
    name: str | None = None,
) -> Tensor:
    """For each index a row of `depth` numbers: `on_value` at its place and `off_value` elsewhere.

    Args:
        indices: int32, int64 or uint8, any shape; one below 0 or from depth on has no place, its row is all off.
        depth: a whole number from 0 on, or an int32 or int64 tensor without dimensions.
        on_value, off_value: one number each; default 1 and 0.
        axis: where in the result's shape the new dimension stands; default: last.
        dtype: the result's; default: that of the values, or float32.

    Raises:
        DTypeError: indices or depth are no integers, or the values have different dtypes.
        ShapeError: depth is negative, or there is no such axis.
    """
    wanted = None if dtype is None else dt.as_dtype(dtype)
    if wanted is None and on_value is None and off_value is None:
        wanted = dt.float32
    values = (1 if on_value is None else on_value, 0 if off_value is None else off_value)
    first = 1 if on_value is None and wanted is None else 0  # a given value decides the dtype of the other
    tensors = to_tensors(*(values[::-1] if first else values), dtype=wanted)
    on, off = tensors[::-1] if first else tensors
    return apply("OneHot", [to_tensor(indices), to_tensor(depth), on, off], {"axis": axis}, name or "one_hot")
