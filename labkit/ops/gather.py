"""Taking parts of a tensor at indices."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import Attr, OpContext, OpDef, Sample, register
from labkit.core.operation import Operation
from labkit.core.shapes import Dims, is_known, normal_axes, show
from labkit.core.slices import IndexedSlices
from labkit.core.tensor import OPERATORS, Tensor
from labkit.errors import ShapeError
from labkit.ops.build import apply
from labkit.ops.indices import addressed, addressed_rows, first_dim, index_tensor, joined, need_same
from labkit.ops.shape import reshape, shape

_ATTRS = {"axis": Attr("int", 0), "batch_dims": Attr("int", 0)}


def _places(x: Dims, indices: Dims, attrs: Any) -> tuple[int, int]:
    """axis and batch_dims counted from the front; both ranks are known."""
    assert x is not None
    assert indices is not None
    (axis,) = normal_axes((attrs["axis"],), len(x))
    batch_dims = attrs["batch_dims"]
    if not -len(indices) <= batch_dims <= len(indices):
        raise ShapeError(
            "",
            rule=f"batch_dims counts dimensions of the indices: from {-len(indices)} to {len(indices)}",
            received=f"batch_dims {batch_dims} for indices of shape {show(indices)}",
        )
    batch_dims += len(indices) if batch_dims < 0 else 0
    if batch_dims > axis:
        raise ShapeError("", rule="batch_dims is at most axis", received=f"batch_dims {batch_dims}, axis {axis}")
    return axis, batch_dims


def _gathered(x: Dims, indices: Dims, attrs: Any) -> Dims:
    if x is None or indices is None:
        return None
    axis, batch = _places(x, indices, attrs)
    same = need_same(indices[:batch], x[:batch], "The batch dimensions of the indices are those of the values,")
    return joined(same, x[batch:axis], indices[batch:], x[axis + 1 :])


def _reference_gather(x: np.ndarray, indices: np.ndarray, axis: int, batch_dims: int) -> np.ndarray:
    axis, batch = _places(np.shape(x), np.shape(indices), {"axis": axis, "batch_dims": batch_dims})
    if (indices < 0).any():
        raise IndexError("negative")
    if batch == 0:
        return np.take(x, indices, axis=axis)
    return np.stack([_reference_gather(a, i, axis - 1, batch - 1) for a, i in zip(x, indices, strict=True)])


def _gather_gradient(op: Operation, g: Tensor) -> list[Any]:
    x, indices = op.inputs
    if x.dims is not None and indices.dims is not None and _places(x.dims, indices.dims, op.attrs) == (0, 0):
        return [rows_of(g, indices, x), None]
    return [apply("GatherGrad", [g, indices, x], op.attrs), None]


def rows_of(values: Tensor, indices: Tensor, x: Tensor) -> Tensor | IndexedSlices:
    """Rows of something of x's shape: values of shape indices.shape + x.shape[1:]. A tensor where x's rank is unknown."""
    if x.dims is None:
        return apply("UnsortedSegmentSum", [values, indices, first_dim(x)])
    whole = shape(x)
    if indices.dims is None or len(indices.dims) != 1:
        row = x.dims[1:]
        wanted = [-1, *row] if is_known(row) and 0 not in row else OPERATORS["concat"]([[-1], whole[1:]], 0)
        values, indices = reshape(values, wanted), reshape(indices, [-1])
    return IndexedSlices(values, indices, whole, x.dims)


_CASES = (
    ((5, 3), (4,), 0, 0, np.int32),
    ((5, 3), (2, 2), 0, 0, np.int64),
    ((7,), (), 0, 0, np.int32),
    ((2, 5, 17), (6,), 1, 0, np.int32),
    ((3, 5), (7,), -1, 0, np.int64),
    ((2, 6), (2, 3), 1, 1, np.int32),
    ((2, 3, 6, 4), (2, 3, 5), 2, -1, np.int32),
)


def _index_samples(rng: np.random.Generator, dims: Any, shape: Any, axis: int, dtype: Any) -> np.ndarray:
    return np.asarray(rng.integers(0, dims[axis], size=shape), dtype)


register(
    OpDef(
        name="GatherV2",
        inputs=("x", "indices"),
        attrs=_ATTRS,
        kernel="gather",
        dtypes=addressed(0, 1, dt.ANY),
        shapes=lambda c: [_gathered(c.dims[0], c.dims[1], c.attrs)],
        lower=lambda c: ([*_places(c.dims[0], c.dims[1], c.attrs), 0], ()),
        gradient=_gather_gradient,
        formula="y[b, o, k, :] = x[b, o, indices[b, k], :]",
        reference=_reference_gather,
        samples=lambda rng: [
            Sample(
                [rng.normal(size=dims) * 9, _index_samples(rng, dims, shape, axis, dtype)],
                {"axis": axis, "batch_dims": batch},
            )
            for dims, shape, axis, batch, dtype in _CASES
        ],
        text=True,
        doc="The parts of x that the indices name along an axis. With batch_dims the first dimensions of x and of the indices "
        "belong together. An index that is out of range is an error when run.",
    )
)


def _gather_grad_shape(c: OpContext) -> list[Dims]:
    need_same(c.dims[0], _gathered(c.dims[2], c.dims[1], c.attrs), "The gradient has the shape that gather gives,")
    return [c.dims[2]]


def _reference_gather_grad(g: np.ndarray, indices: np.ndarray, x: np.ndarray, axis: int, batch_dims: int) -> np.ndarray:
    axis, batch = _places(np.shape(x), np.shape(indices), {"axis": axis, "batch_dims": batch_dims})
    if batch:
        parts = zip(g, indices, x, strict=True)
        return np.stack([_reference_gather_grad(*part, axis - 1, batch - 1) for part in parts])
    result = np.zeros(np.shape(x))
    front = np.moveaxis(result, axis, 0)
    around = np.moveaxis(g, range(axis, axis + indices.ndim), range(indices.ndim))
    np.add.at(front, indices, around)
    return result


register(
    OpDef(
        name="GatherGrad",
        inputs=("gradient", "indices", "x"),
        outputs=("dx",),
        shape_inputs=(2,),
        attrs=_ATTRS,
        kernel="gather_grad",
        dtypes=addressed((0, 2), 1, dt.FLOATS),
        shapes=_gather_grad_shape,
        lower=lambda c: (_places(c.dims[2], c.dims[1], c.attrs), ()),
        gradient=lambda op, g: [apply("GatherV2", [g, op.inputs[1]], op.attrs), None, None],
        formula="dx[b, o, j, :] = sum over k with indices[b, k] = j of gradient[b, o, k, :]",
        reference=_reference_gather_grad,
        samples=lambda rng: [
            Sample(
                [
                    rng.normal(size=_gathered(dims, shape, {"axis": axis, "batch_dims": batch})),  # type: ignore[arg-type,list-item]
                    _index_samples(rng, dims, shape, axis, dtype),
                    np.zeros(dims),
                ],
                {"axis": axis, "batch_dims": batch},
            )
            for dims, shape, axis, batch, dtype in _CASES
        ],
        doc="The gradient of GatherV2: what arrives at each part is added up where the part was taken from, in order of "
        "position.",
    )
)

register(
    OpDef(
        name="GatherOrZeros",
        inputs=("x", "indices"),
        kernel="gather",
        dtypes=addressed(0, 1, dt.ALL),
        shapes=lambda c: [_gathered(c.dims[0], c.dims[1], {"axis": 0, "batch_dims": 0})],
        lower=lambda c: ((0, 0, 1), ()),
        gradient=lambda op, g: [apply("UnsortedSegmentSum", [g, op.inputs[1], first_dim(op.inputs[0])]), None],
        formula="y[k, :] = x[indices[k], :], or 0 where indices[k] < 0",
        reference=lambda x, indices: np.where(
            np.expand_dims(indices >= 0, tuple(range(indices.ndim, indices.ndim + x.ndim - 1))),
            np.take(x, np.maximum(indices, 0), axis=0),
            0,
        ),
        samples=lambda rng: [
            Sample([rng.normal(size=dims) * 9, np.asarray(indices, dtype)])
            for dims, indices, dtype in (
                ((4, 3), [2, -1, 0, 2], np.int32),
                ((5,), [[-7, 4], [0, 0]], np.int64),
                ((2, 17), -1, np.int32),
            )
        ],
        doc="The rows of x that the indices name, and zeros for a negative index: the gradient of an unsorted segment sum.",
    )
)


def _gather_nd_shape(c: OpContext) -> list[Dims]:
    return [joined(*addressed_rows(c, c.dims[1], c.dims[0]))]


def _reference_gather_nd(x: np.ndarray, indices: np.ndarray) -> np.ndarray:
    if (indices < 0).any():
        raise IndexError("negative")
    return (
        x[tuple(np.moveaxis(indices, -1, 0))]
        if indices.shape[-1]
        else np.broadcast_to(x, (*indices.shape[:-1], *x.shape))
    )


ND_CASES: Any = (
    ((5,), [[4], [0], [4]], np.int32),
    ((3, 4), [[0, 1], [2, 3], [0, 1]], np.int64),
    ((3, 4, 17), [[[2, 1]], [[0, 0]]], np.int32),
    ((3, 4), [2], np.int32),
    ((2, 3), [[], []], np.int32),
)
"""(shape, indices, dtype of the indices) of what is addressed by several numbers."""


register(
    OpDef(
        name="GatherNd",
        inputs=("x", "indices"),
        kernel="gather_nd",
        dtypes=addressed(0, 1, dt.ALL),
        shapes=_gather_nd_shape,
        gradient=lambda op, g: [apply("ScatterNd", [op.inputs[1], g, shape(op.inputs[0])]), None],
        formula="y[k, :] = x[indices[k, 0], indices[k, 1] ..., :]",
        reference=_reference_gather_nd,
        samples=lambda rng: [
            Sample([rng.normal(size=dims) * 9, np.asarray(indices, dtype)]) for dims, indices, dtype in ND_CASES
        ],
        doc="The parts of x that the indices name; the last dimension of the indices is one index into the first dimensions "
        "of x. An index that is out of range is an error when run.",
    )
)


def gather(params: Any, indices: Any, axis: int | None = None, batch_dims: int = 0, name: str | None = None) -> Tensor:
    """The parts of `params` that `indices` name along an axis, as NumPy's take: params[..., indices, ...].

    Args:
        params: any dtype, at least one dimension.
        indices: int32 or int64, any shape; each from 0 to the size of the axis - 1.
        axis: the dimension of params that is indexed; default: `batch_dims`.
        batch_dims: how many first dimensions of params and of indices belong together, at most `axis`.

    Returns:
        Shape params.shape[:axis] + indices.shape[batch_dims:] + params.shape[axis + 1:]. With axis 0 the gradient with
        respect to params has the form of rows (`IndexedSlices`).

    Raises:
        DTypeError: indices are no integers.
        ShapeError: axis or batch_dims do not fit.
        InvalidArgumentError: when run, an index is out of range.
    """
    attrs = {"axis": batch_dims if axis is None else axis, "batch_dims": batch_dims}
    return apply("GatherV2", [to_tensor(params), index_tensor(indices)], attrs, name)


def gather_nd(params: Any, indices: Any, name: str | None = None) -> Tensor:
    """The parts of `params` that `indices` name, each index being the last dimension of `indices`.

    Args:
        params: any dtype.
        indices: int32 or int64, shape (..., depth) with depth at most params' rank.

    Returns:
        Shape indices.shape[:-1] + params.shape[depth:].

    Raises:
        DTypeError, ShapeError: the indices do not fit params.
        InvalidArgumentError: when run, an index is out of range.
    """
    return apply("GatherNd", [to_tensor(params), index_tensor(indices)], name=name)


OPERATORS.update(gather=gather)
