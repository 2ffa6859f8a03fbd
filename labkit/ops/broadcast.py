"""Repeating numbers to a larger shape, and summing back."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import as_array, to_tensor
from labkit.core.opdef import ALIAS, OpContext, OpDef, Sample, register
from labkit.core.shapes import Dims, show
from labkit.core.tensor import OPERATORS, Tensor
from labkit.errors import ShapeError
from labkit.ops.build import apply
from labkit.ops.rules import same_dtype
from labkit.ops.shape import full_dims, int_array, shape, shape_tensor


def _broadcast_to_shape(c: OpContext) -> list[Dims]:
    wanted, dims = full_dims(c, 1), c.dims[0]
    if wanted is None or dims is None:
        return [wanted]
    if not fits(dims, wanted):
        raise ShapeError(
            "",
            rule="Aligned at the last dimensions, each dimension is the wanted one or 1",
            received=f"{show(dims)} to {show(wanted)}",
        )
    return [wanted]


register(
    OpDef(
        name="BroadcastTo",
        inputs=("x", "shape"),
        value_inputs=(1,),
        kernel="broadcast_to",
        lower=lambda c: ((), ()),
        dtypes=lambda inputs, attrs: [inputs[0]],
        shapes=_broadcast_to_shape,
        gradient=lambda op, g: [g, None],
        reference=lambda x, shape: np.broadcast_to(x, tuple(np.asarray(shape, int))),
        samples=lambda rng: [
            Sample([rng.normal(size=a), int_array(b)])
            for a, b in (((), (2, 3)), ((3,), (2, 3)), ((2, 1, 17), (2, 5, 17)))
        ],
        formula="y[i, j] = x[0, j] where x has 1 row",
        doc="x repeated to a larger shape, as broadcasting in arithmetic does.",
    )
)


def fits(dims: Dims, wanted: Dims) -> bool:
    """Whether broadcasting can stretch `dims` to `wanted`."""
    if dims is None or wanted is None:
        return True
    pairs = zip(reversed(dims), reversed(wanted), strict=False)
    return len(dims) <= len(wanted) and all(m in (1, None, n) or n is None for m, n in pairs)


def _summed_shape(c: OpContext) -> list[Dims]:
    if not fits(c.dims[1], c.dims[0]):
        received = f"{show(c.dims[0])} to {show(c.dims[1])}"
        raise ShapeError("", rule="The gradient has a shape that broadcasting stretches x to", received=received)
    return [c.dims[1]]


def _sum_to_shape(c: OpContext) -> Any:
    grad, target = c.dims[0] or (), c.dims[1] or ()
    if grad == target:
        return ALIAS
    lead = len(grad) - len(target)
    return [i for i, n in enumerate(grad) if i < lead or target[i - lead] == 1], ()


register(
    OpDef(
        name="SumToShape",
        inputs=("gradient", "x"),
        shape_inputs=(1,),
        kernel="reduce_sum",
        lower=_sum_to_shape,
        dtypes=same_dtype(dt.FLOATS, 1),
        shapes=_summed_shape,
        gradient=lambda op, g: [broadcast_to(g, shape(op.inputs[0])), None],
        reference=lambda g, x: _reference_sum_to(g, np.shape(x)),
        samples=lambda rng: [
            Sample([rng.normal(size=a), np.zeros(b)])
            for a, b in (((2, 3), (2, 3)), ((4, 3), (3,)), ((2, 5, 3), (5, 1)), ((7,), ()))
        ],
        formula="dx[0, j] = Σᵢ dy[i, j] where x has 1 row",
        doc="A gradient summed over the dimensions that broadcasting stretched x along: the reverse of broadcasting.",
    )
)


def _reference_sum_to(g: np.ndarray, dims: tuple[int, ...]) -> np.ndarray:
    lead = g.ndim - len(dims)
    axes = tuple(i for i in range(g.ndim) if i < lead or (dims[i - lead] == 1 and g.shape[i] != 1))
    return g.sum(axis=axes).reshape(dims)


def broadcast_to(x: Any, shape: Any, name: str | None = None) -> Tensor:
    """x repeated to a larger shape as broadcasting does; `shape` as in reshape, without -1."""
    return apply("BroadcastTo", [to_tensor(x), shape_tensor(shape)], name=name)


def fill(shape: Any, value: Any, name: str | None = None) -> Tensor:
    """A tensor of `shape` (as in reshape, without -1) with one value everywhere."""
    return broadcast_to(to_tensor(value), shape, name or "Fill")


def zeros_like(x: Any, name: str | None = None) -> Tensor:
    """Zeros of x's shape and dtype."""
    return _filled_like(x, 0, name or "zeros_like")


def ones_like(x: Any, name: str | None = None) -> Tensor:
    """Ones of x's shape and dtype."""
    return _filled_like(x, 1, name or "ones_like")


def _filled_like(x: Any, value: int, name: str) -> Tensor:
    tensor = to_tensor(x)
    with tensor.graph.name_scope(name) as scope:
        filling = to_tensor(as_array(value, tensor.dtype))
        result = apply("BroadcastTo", [filling, shape(tensor)], name=scope)
    result.set_shape(tensor.dims)
    return result


def zeros(shape: Any, dtype: Any = dt.float32, name: str | None = None) -> Tensor:
    """Zeros of a known shape."""
    return fill(shape, as_array(0, dt.as_dtype(dtype)), name or "zeros")


def ones(shape: Any, dtype: Any = dt.float32, name: str | None = None) -> Tensor:
    """Ones of a known shape."""
    return fill(shape, as_array(1, dt.as_dtype(dtype)), name or "ones")


OPERATORS.update(ones_like=ones_like)
