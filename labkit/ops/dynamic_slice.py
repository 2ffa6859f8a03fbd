"""A block of a tensor at a place that each run decides: its size is known when the run is planned, its place is not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.opdef import Attr, OpContext, OpDef, Sample, register
from labkit.core.operation import Operation
from labkit.core.shapes import Dims, show
from labkit.core.tensor import Tensor
from labkit.errors import DTypeError, ShapeError
from labkit.ops.build import apply
from labkit.ops.compare import cast
from labkit.ops.rules import same_dtype
from labkit.ops.shape import full_dims, int_array, shape


def _check(large: Dims, block: Dims, begin: Dims) -> Dims:
    """The block's shape, as far as it is known.

    Raises:
        ShapeError: the block is larger than the whole, or a rank differs.
    """
    received = f"begin of shape {show(begin)}, a block {show(block)} of {show(large)}"
    ranks = {len(dims) for dims in (large, block) if dims is not None}
    if begin is not None:
        ranks.add(-1 if len(begin) != 1 else len(large or block or ()) if begin[0] is None else begin[0])
    if len(ranks) > 1 or -1 in ranks:
        raise ShapeError("", rule="begin and size have an entry for each dimension", received=received)
    pairs = zip(large or (), block or (), strict=False)
    if any(n is not None and m is not None and m > n for n, m in pairs):
        raise ShapeError("", rule="The block is no larger than x", received=received)
    return block if block is not None or large is None else (None,) * len(large)


def _gradient_shape(c: OpContext) -> list[Dims]:
    _check(c.dims[1], c.dims[0], c.dims[2])
    return [c.dims[1]]


def _dtypes(place: int, allowed: Sequence[dt.DType]) -> Any:
    def rule(inputs: Sequence[dt.DType], attrs: Any) -> Sequence[dt.DType]:
        if inputs[place] is not dt.int64:
            raise DTypeError("", rule="begin is int64", received=inputs[place].name, fix="Use lk.cast(..., lk.int64).")
        return same_dtype(allowed, 1)(inputs, attrs)

    return rule


def _block(large: Sequence[int], size: Sequence[int], begin: Any, from_end: bool) -> Any:
    """The index of the block in NumPy's terms."""
    key = []
    for total, n, first in zip(large, size, begin, strict=True):
        first = first + total if first < 0 and from_end else first
        if not 0 <= first <= total - n:
            raise IndexError("the block lies outside")
        key.append(np.s_[first : first + n])
    return tuple(key)


def _reference_gradient(g: np.ndarray, x: np.ndarray, begin: Any, from_end: bool) -> np.ndarray:
    result = np.zeros(np.shape(x))
    result[_block(np.shape(x), np.shape(g), begin, from_end)] = g
    return result


def _gradient(op: Operation, g: Tensor) -> list[Tensor | None]:
    return [apply("DynamicSliceGrad", [g, *op.inputs[:2]], op.attrs), None, None]


def _second_gradient(op: Operation, g: Tensor) -> list[Tensor | None]:
    return [apply("DynamicSlice", [g, op.inputs[2], shape(op.inputs[0])], op.attrs), None, None]


_CASES: tuple[Any, ...] = (
    ((7,), (3,), (2,), {}),
    ((4, 5), (1, -5), (1, 5), {"from_end": True}),
    ((2, 17, 3), (0, 1, 0), (2, 16, 3), {}),
    ((3, 4), (3, 0), (0, 4), {}),
)

register(
    OpDef(
        name="DynamicSlice",
        inputs=("x", "begin", "size"),
        value_inputs=(2,),
        attrs={"from_end": Attr("bool", False)},
        kernel="dynamic_slice",
        dtypes=_dtypes(1, dt.ALL),
        shapes=lambda c: [_check(c.dims[0], full_dims(c, 2), c.dims[1])],
        gradient=_gradient,
        reference=lambda x, begin, size, from_end: np.asarray(x)[_block(np.shape(x), size, begin, from_end)],
        samples=lambda rng: [
            Sample([rng.normal(size=dims), np.asarray(begin, np.int64), int_array(size)], attrs)
            for dims, begin, size, attrs in _CASES
        ],
        formula="y[i, j, ...] = x[begin₀ + i, begin₁ + j, ...]",
        doc="The block of x that has `size` and begins at `begin`, which may be another one in each run. With `from_end` a "
        "negative begin counts from the end.",
    )
)
register(
    OpDef(
        name="DynamicSliceGrad",
        inputs=("gradient", "x", "begin"),
        shape_inputs=(1,),
        attrs={"from_end": Attr("bool", False)},
        kernel="dynamic_slice_grad",
        dtypes=_dtypes(2, dt.FLOATS),
        shapes=_gradient_shape,
        gradient=_second_gradient,
        reference=_reference_gradient,
        samples=lambda rng: [
            Sample([rng.normal(size=size), np.zeros(dims), np.asarray(begin, np.int64)], attrs)
            for dims, begin, size, attrs in _CASES
        ],
        formula="dx[begin₀ + i, begin₁ + j, ...] = dy[i, j, ...], 0 elsewhere",
        doc="The gradient of DynamicSlice: the arriving gradient in its place, zeros around it.",
    )
)


def dynamic_slice(x: Tensor, begin: Tensor, size: Tensor, *, from_end: bool = False, name: str | None = None) -> Tensor:
    """The block of x that has `size` and begins at `begin`, a vector of integers that each run decides.

    Raises:
        ShapeError: the block is larger than x.
        InvalidArgumentError: when run: the block does not lie inside x.
    """
    return apply("DynamicSlice", [x, cast(begin, dt.int64), size], {"from_end": from_end}, name)
