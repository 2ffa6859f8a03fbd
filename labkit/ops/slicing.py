"""Blocks and strided slices of a tensor, and their gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import ALIAS, OpContext, OpDef, Sample, register
from labkit.core.shapes import Dims, compatible, show
from labkit.core.tensor import Tensor
from labkit.core.values import constant_value
from labkit.errors import DTypeError, ShapeError
from labkit.ops.build import apply
from labkit.ops.dynamic_slice import dynamic_slice
from labkit.ops.shape import int_array, shape_tensor

# --- slice: a block ---


def _slice_dtypes(inputs: Sequence[dt.DType], attrs: Any) -> list[dt.DType]:
    if any(dtype not in dt.INTS for dtype in inputs[-2:]):
        raise DTypeError("", rule="begin and size are int32 or int64", received=", ".join(d.name for d in inputs[-2:]))
    return [inputs[0]]


def _slice_dims(dims: Dims, begin: np.ndarray | None, size: np.ndarray | None) -> Dims:
    """The shape of a block of a tensor of shape `dims`; what is not known yet is None."""
    rank = None if dims is None else len(dims)
    for values in (begin, size):
        rank = values.size if rank is None and values is not None else rank
        if values is not None and (values.ndim != 1 or values.size != rank):
            rule = "begin and size are lists with an entry for each dimension"
            raise ShapeError("", rule=rule, received=f"begin {_listed(begin)}, size {_listed(size)} of {show(dims)}")
    if rank is None:
        return None
    result: list[int | None] = []
    for d in range(rank):
        total = None if dims is None else dims[d]
        first = None if begin is None else int(begin[d])
        n = None if size is None else int(size[d])
        if n is not None and n < 0:
            n = None if total is None or first is None else total - first + n + 1
        inside = n is None or first is None or total is None or 0 <= first <= first + n <= total
        if (first is not None and first < 0) or not inside:
            received = f"begin {_listed(begin)}, size {_listed(size)} of {show(dims)}"
            raise ShapeError("", rule="The slice lies inside x", received=received)
        result.append(n)
    return tuple(result)


def _listed(values: np.ndarray | None) -> str:
    return "not known yet" if values is None else str(values.tolist())


def _ints(values: np.ndarray | None) -> list[int]:
    return [] if values is None else [int(n) for n in values]


def _slice_gradient_shape(c: OpContext) -> list[Dims]:
    block = _slice_dims(c.dims[1], c.values[2], c.values[3])
    if not compatible(c.dims[0], block):
        raise ShapeError("", rule=f"The gradient has the slice's shape, {show(block)}", received=show(c.dims[0]))
    return [c.dims[1]]


def _block(x: np.ndarray, begin: Any, size: Any) -> Any:
    """The index of a slice in NumPy's terms."""
    return tuple(
        np.s_[b : b + n if n >= 0 else total + n + 1] for b, n, total in zip(begin, size, x.shape, strict=True)
    )


def _reference_slice_gradient(g: np.ndarray, x: np.ndarray, begin: Any, size: Any) -> np.ndarray:
    result = np.zeros(np.shape(x))
    result[_block(result, begin, size)] = g
    return result


register(
    OpDef(
        name="Slice",
        inputs=("x", "begin", "size"),
        value_inputs=(1, 2),
        kernel="slice",
        dtypes=_slice_dtypes,
        shapes=lambda c: [_slice_dims(c.dims[0], c.values[1], c.values[2])],
        lower=lambda c: ALIAS if c.dims[0] == c.out_dims[0] else (_ints(c.values[1]), ()),
        gradient=lambda op, g: [apply("SliceGrad", [g, *op.inputs]), None, None],
        reference=lambda x, begin, size: x[_block(x, begin, size)],
        samples=lambda rng: [
            Sample([rng.normal(size=dims), int_array(begin), int_array(size)])
            for dims, begin, size in (
                ((4, 5), (1, 0), (2, -1)),
                ((2, 7, 3), (1, 2, 1), (1, 4, -2)),
                ((17,), (16,), (1,)),
                ((3, 4), (0, 0), (3, 4)),
                ((3, 4), (3, 1), (0, 2)),
            )
        ],
        formula="y[i, j, ...] = x[begin₀ + i, begin₁ + j, ...]",
        doc="The block of x that begins at `begin` and has `size`; a negative size -1 - k reaches to k before the end.",
    )
)
register(
    OpDef(
        name="SliceGrad",
        inputs=("gradient", "x", "begin", "size"),
        shape_inputs=(1,),
        value_inputs=(2, 3),
        kernel="pad",
        dtypes=_slice_dtypes,
        shapes=_slice_gradient_shape,
        lower=lambda c: (_ints(c.values[2]), [0.0]),
        gradient=lambda op, g: [apply("Slice", [g, *op.inputs[2:]]), None, None, None],
        reference=_reference_slice_gradient,
        samples=lambda rng: [
            Sample([rng.normal(size=(2, 5)), np.zeros((4, 5)), int_array((1, 0)), int_array((2, -1))]),
            Sample([rng.normal(size=(0, 5)), np.zeros((4, 5)), int_array((1, 0)), int_array((0, -1))]),
        ],
        formula="dx[begin₀ + i, begin₁ + j, ...] = dy[i, j, ...], 0 elsewhere",
        doc="The gradient of Slice: the arriving gradient in its place, zeros around it.",
    )
)


def slice(x: Any, begin: Any, size: Any, name: str | None = None) -> Tensor:
    """The block of x that begins at `begin` and has `size`.

    Args:
        begin, size: for each dimension a whole number; a size of -1 reaches to the end, -1 - k to k before it. Lists, or
            int32 or int64 tensors. With known sizes from 0 on a begin that each run feeds or computes costs nothing;
            otherwise each of its values has a plan of its own.

    Raises:
        ShapeError: the block does not lie inside x.
        InvalidArgumentError: when run: the same, of a begin that a run decides.
    """
    tensor, first, wanted = to_tensor(x), shape_tensor(begin), shape_tensor(size)
    dims = constant_value(wanted)
    if dims is not None and (dims >= 0).all() and constant_value(first) is None:
        return dynamic_slice(tensor, first, wanted, name=name)
    return apply("Slice", [tensor, first, wanted], name=name)
