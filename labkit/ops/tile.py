"""Copies of a tensor, or of its elements, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import ALIAS, Attr, OpContext, OpDef, Sample, register
from labkit.core.operation import Operation
from labkit.core.shapes import Dims, compatible, normal_axes, show
from labkit.core.tensor import Tensor
from labkit.errors import DTypeError, ShapeError
from labkit.ops.build import apply
from labkit.ops.rules import same_dtype
from labkit.ops.shape import int_array, reshape, shape_tensor


def _counted_dtypes(allowed: Sequence[dt.DType], what: str) -> Any:
    """Dtype rule: the first input is one of `allowed`, and the last counts."""

    def rule(inputs: Sequence[dt.DType], attrs: Any) -> Sequence[dt.DType]:
        if inputs[-1] not in dt.INTS:
            raise DTypeError("", rule=f"{what} is int32 or int64", received=inputs[-1].name)
        return same_dtype(allowed, 1)(inputs, attrs)

    return rule


def _gradient_shape(forward: Any) -> Any:
    """Shape rule of a gradient (gradient, x, counts): x's shape, where the gradient has that of the copies."""

    def rule(c: OpContext) -> list[Dims]:
        (copies,) = forward(c, 1)
        if not compatible(c.dims[0], copies):
            received = f"{show(c.dims[0])}, not {show(copies)}"
            raise ShapeError("", rule="The gradient has the shape that x's copies have", received=received)
        return [c.dims[1]]

    return rule


# --- tile ---


def _tiled(c: OpContext, x: int) -> list[Dims]:
    dims, multiples, shape_of = c.dims[x], c.values[x + 1], c.dims[x + 1]
    rank = None if shape_of is None else shape_of[0] if len(shape_of) == 1 else -1
    rank = len(dims) if rank is None and dims is not None else rank
    rule = "multiples has a number from 0 on for each dimension"
    if rank == -1 or (dims is not None and rank is not None and len(dims) != rank):
        raise ShapeError("", rule=rule, received=f"multiples of shape {show(shape_of)} for {show(dims)}")
    if rank is None:
        return [None]
    times = c.partial.get(x + 1) if multiples is None else multiples.tolist()
    if multiples is not None and (multiples < 0).any():
        raise ShapeError("", rule=rule, received=str(times))
    if dims is None or times is None:
        return [(None,) * rank]
    return [tuple(None if n is None or m is None or m < 0 else n * m for n, m in zip(dims, times, strict=True))]


def _reference_tile_gradient(g: np.ndarray, x: np.ndarray, multiples: Any) -> np.ndarray:
    split = [n for pair in zip(multiples, np.shape(x), strict=True) for n in pair]
    return np.reshape(g, split).sum(axis=tuple(range(0, len(split), 2)))


_TILES: tuple[Any, ...] = (
    ((3,), (2,)),
    ((2, 3), (1, 17)),
    ((2, 3), (3, 1)),
    ((2, 1, 3), (2, 5, 2)),
    ((), ()),
    ((2, 2), (0, 1)),
    ((2, 1, 2, 1, 2), (1, 2, 2, 1, 2)),
)

register(
    OpDef(
        name="Tile",
        inputs=("x", "multiples"),
        value_inputs=(1,),
        kernel="tile",
        dtypes=_counted_dtypes(dt.ALL, "multiples"),
        shapes=lambda c: _tiled(c, 0),
        lower=lambda c: ALIAS if c.dims[0] == c.out_dims[0] else ((), ()),
        gradient=lambda op, g: [apply("TileGrad", [g, *op.inputs]), None],
        reference=lambda x, multiples: np.tile(x, np.asarray(multiples, np.int64)),  # NumPy multiplies sizes in it
        samples=lambda rng: [Sample([rng.normal(size=dims), int_array(m)]) for dims, m in _TILES],
        formula="y[i, j, ...] = x[i mod n₀, j mod n₁, ...]",
        doc="x several times side by side along each dimension.",
    )
)
register(
    OpDef(
        name="TileGrad",
        inputs=("gradient", "x", "multiples"),
        shape_inputs=(1,),
        value_inputs=(2,),
        kernel="tile_grad",
        dtypes=_counted_dtypes(dt.FLOATS, "multiples"),
        shapes=_gradient_shape(_tiled),
        lower=lambda c: ALIAS if c.dims[0] == c.out_dims[0] else ((), ()),
        gradient=lambda op, g: [apply("Tile", [g, op.inputs[2]]), None, None],
        reference=_reference_tile_gradient,
        samples=lambda rng: [
            Sample([rng.normal(size=np.multiply(dims, m).astype(int)), np.zeros(dims), int_array(m)])
            for dims, m in _TILES
        ],
        formula="dx[i] = the sum of dy over all copies of x[i]",
        doc="The gradient of Tile: what arrives at the copies, added up in float64.",
    )
)


def tile(x: Any, multiples: Any, name: str | None = None) -> Tensor:
    """x several times side by side, as np.tile with one number for each dimension.

    Args:
        multiples: how many times along each dimension, from 0 on: a list, or an int32 or int64 tensor.

    Raises:
        ShapeError: there is not one number for each dimension, or one is negative.
    """
    return apply("Tile", [to_tensor(x), shape_tensor(multiples)], name=name)


# --- repeat ---


def _repeated(c: OpContext, x: int) -> list[Dims]:
    dims, repeats, shape_of = c.dims[x], c.values[x + 1], c.dims[x + 1]
    if dims is None:
        return [None]
    if not dims:
        raise ShapeError("", rule="A tensor without dimensions has no elements along an axis", received=show(dims))
    axis = normal_axes([c.attrs["axis"]], len(dims))[0]
    length = dims[axis]
    count = None if shape_of is None else shape_of[0] if len(shape_of) == 1 else 1 if shape_of == () else -1
    rule = f"repeats is a number from 0 on, or one for each element of axis {axis}"
    if count == -1 or (count not in (None, 1) and length is not None and count != length):
        raise ShapeError("", rule=rule, received=f"repeats of shape {show(shape_of)} for {show(dims)}")
    if repeats is not None and (repeats < 0).any():
        raise ShapeError("", rule=rule, received=str(repeats.tolist()))
    total = None
    if repeats is not None and count != 1:
        total = sum(repeats.tolist())
    elif repeats is not None and length is not None:
        total = length * int(repeats.reshape(()))
    return [(*dims[:axis], total, *dims[axis + 1 :])]


def _lower_repeat(x: int) -> Any:
    def lower(c: OpContext) -> Any:
        repeats = c.values[x + 1]
        assert repeats is not None
        return [normal_axes([c.attrs["axis"]], len(c.dims[x] or ()))[0], *repeats.reshape(-1).tolist()], ()

    return lower


def _reference_repeat_gradient(g: np.ndarray, x: np.ndarray, repeats: Any, axis: int) -> np.ndarray:
    counts = np.broadcast_to(repeats, np.shape(x)[axis])
    parts = np.split(g, np.cumsum(counts)[:-1], axis)
    return np.stack([part.sum(axis) for part in parts], axis) if parts and np.shape(x)[axis] else np.zeros(np.shape(x))


_REPEATS: tuple[Any, ...] = (
    ((3,), 2, 0),
    ((2, 3), 17, 1),
    ((2, 3), (0, 3, 1), -1),
    ((4, 2), (1, 0, 2, 5), 0),
    ((2, 3, 2), (2,), 1),
    ((2, 2), 0, 0),
)


def _repeat_gradient(op: Operation, g: Tensor) -> list[Tensor | None]:
    return [apply("RepeatGrad", [g, *op.inputs], op.attrs), None]


def _repeat_gradient_samples(rng: np.random.Generator) -> list[Sample]:
    cases = []
    for dims, r, axis in _REPEATS:
        copies = np.repeat(rng.normal(size=dims), r, axis)
        cases.append(Sample([copies, np.zeros(dims), int_array(r)], {"axis": axis}))
    return cases


register(
    OpDef(
        name="Repeat",
        inputs=("x", "repeats"),
        value_inputs=(1,),
        attrs={"axis": Attr("int")},
        kernel="repeat",
        dtypes=_counted_dtypes(dt.ALL, "repeats"),
        shapes=lambda c: _repeated(c, 0),
        lower=_lower_repeat(0),
        gradient=_repeat_gradient,
        reference=lambda x, repeats, axis: np.repeat(x, repeats, axis),
        samples=lambda rng: [
            Sample([rng.normal(size=dims), int_array(r)], {"axis": axis}) for dims, r, axis in _REPEATS
        ],
        formula="y = [x[0] ... x[0] x[1] ... x[1] ...], each x[i] repeats[i] times",
        doc="Each element of an axis several times in a row: all equally often, or each its own number of times.",
    )
)
register(
    OpDef(
        name="RepeatGrad",
        inputs=("gradient", "x", "repeats"),
        shape_inputs=(1,),
        value_inputs=(2,),
        attrs={"axis": Attr("int")},
        kernel="repeat_grad",
        dtypes=_counted_dtypes(dt.FLOATS, "repeats"),
        shapes=_gradient_shape(_repeated),
        lower=_lower_repeat(1),
        gradient=lambda op, g: [apply("Repeat", [g, op.inputs[2]], op.attrs), None, None],
        reference=_reference_repeat_gradient,
        samples=_repeat_gradient_samples,
        formula="dx[i] = the sum of dy over all copies of x[i]",
        doc="The gradient of Repeat: what arrives at the copies, added up in float64.",
    )
)


def repeat(x: Any, repeats: Any, axis: int | None = None, name: str | None = None) -> Tensor:
    """Each element of an axis several times in a row, as np.repeat.

    Args:
        repeats: how many times, from 0 on: a whole number, or one for each element of the axis (a list, or an int32 or int64
            tensor).
        axis: from -rank to rank - 1; None: x as one row of numbers.

    Raises:
        ShapeError: the numbers do not match the axis, or one is negative.
    """
    tensor = to_tensor(x)
    if axis is None:
        tensor, axis = reshape(tensor, [-1]), 0
    return apply("Repeat", [tensor, to_tensor(repeats)], {"axis": axis}, name)
