"""Taking the parts of a tensor that a mask says are true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import Attr, OpContext, OpDef, Sample, register
from labkit.core.shapes import Dims, compatible, normal_axes, show
from labkit.core.tensor import Tensor
from labkit.errors import DTypeError, ShapeError
from labkit.ops.build import apply

_ATTRS = {"axis": Attr("int", 0)}


def _split(x: Dims, mask: Dims, axis: int) -> tuple[Any, Any, Any] | None:
    """The dimensions of x before the masked ones, these as x and mask together know them, and those behind.

    Raises:
        ShapeError: the mask does not have the shape of dimensions of x from the axis on.
    """
    if mask == ():
        raise ShapeError("", rule="A mask has at least one dimension", received="()")
    if x is None:
        return None
    (first,) = normal_axes((axis,), len(x))
    if mask is None:
        return None
    masked = x[first : first + len(mask)]
    if not compatible(masked, mask):
        raise ShapeError(
            "",
            rule="The mask has the shape of x's dimensions from the axis on",
            received=f"a mask {show(mask)} at axis {first} of {show(x)}",
        )
    return x[:first], masked, x[first + len(mask) :]


def _masked_shape(c: OpContext) -> list[Dims]:
    parts = _split(c.dims[0], c.dims[1], c.attrs["axis"])
    return [None if parts is None else (*parts[0], None, *parts[2])]


def _masked_dtype(inputs: Sequence[dt.DType], attrs: Mapping[str, Any]) -> Sequence[dt.DType]:
    if inputs[1] is not dt.bool_:
        raise DTypeError("", rule="A mask is bool", received=inputs[1].name, fix="Compare: lk.not_equal(mask, 0).")
    return [inputs[0]]


def _place(mask: np.ndarray, axis: int, rank: int) -> Any:
    (first,) = normal_axes((axis,), rank)
    return (slice(None),) * first + (mask,)


def _take(x: np.ndarray, mask: np.ndarray, axis: int) -> np.ndarray:
    return x[_place(mask, axis, x.ndim)]


def _put(gradient: np.ndarray, mask: np.ndarray, x: np.ndarray, axis: int) -> np.ndarray:
    result = np.zeros_like(x)
    result[_place(mask, axis, x.ndim)] = gradient
    return result


_CASES = (((7,), (7,), 0), ((5, 3), (5,), 0), ((5, 3), (5, 3), 0), ((2, 5, 3), (5,), 1), ((2, 4, 3), (4, 3), -2))


def _masks(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray, int]]:
    return [(rng.normal(size=x), np.asarray(rng.random(mask) < 0.6), axis) for x, mask, axis in _CASES]


register(
    OpDef(
        name="BooleanMask",
        inputs=("x", "mask"),
        attrs=_ATTRS,
        host=_take,
        dtypes=_masked_dtype,
        shapes=_masked_shape,
        gradient=lambda op, g: [apply("BooleanMaskGrad", [g, op.inputs[1], op.inputs[0]], op.attrs), None],
        formula="y = x[..., mask]",
        reference=_take,
        samples=lambda rng: [Sample([x, mask], {"axis": axis}) for x, mask, axis in _masks(rng)],
        doc="The parts of x where the mask, which lies along the dimensions from the axis on, is true, in one dimension. How "
        "many there are is known when it runs.",
    )
)


def _put_dtype(inputs: Sequence[dt.DType], attrs: Mapping[str, Any]) -> Sequence[dt.DType]:
    if inputs[0] is not inputs[2] or inputs[0] not in dt.FLOATS:
        raise DTypeError(
            "", rule="The gradient has x's dtype, float32 or float64", received=", ".join(d.name for d in inputs)
        )
    return _masked_dtype(inputs, attrs)


def _put_shape(c: OpContext) -> list[Dims]:
    (taken,) = _masked_shape(OpContext([c.dims[2], c.dims[1]], [c.dtypes[2], c.dtypes[1]], c.attrs))
    if not compatible(c.dims[0], taken):
        raise ShapeError(
            "", rule="The gradient has the shape of x under the mask", received=f"{show(c.dims[0])} for {show(taken)}"
        )
    return [c.dims[2]]


register(
    OpDef(
        name="BooleanMaskGrad",
        inputs=("gradient", "mask", "x"),
        outputs=("dx",),
        attrs=_ATTRS,
        host=_put,
        dtypes=_put_dtype,
        shapes=_put_shape,
        gradient=lambda op, g: [apply("BooleanMask", [g, op.inputs[1]], op.attrs), None, None],
        formula="dx[..., mask] = gradient, 0 elsewhere",
        reference=_put,
        samples=lambda rng: [
            Sample([rng.normal(size=_take(x, mask, axis).shape), mask, x], {"axis": axis})
            for x, mask, axis in _masks(rng)
        ],
        doc="The gradient of BooleanMask: the arriving gradient where the mask is true, 0 elsewhere.",
    )
)


def boolean_mask(tensor: Any, mask: Any, name: str | None = None, axis: int = 0) -> Tensor:
    """The parts of a tensor where a mask is true, e.g. boolean_mask([1, 2, 3], [True, False, True]) = [1, 3].

    Args:
        tensor: any dtype.
        mask: bool, of the shape of the tensor's dimensions from `axis` on; these become one dimension.
        axis: where the mask begins, negative ones counted from the end.

    Returns:
        Shape (dimensions before, number of true elements, dimensions behind the mask).

    Raises:
        DTypeError: the mask is not bool.
        ShapeError: the mask does not fit, or has no dimension.
    """
    return apply("BooleanMask", [to_tensor(tensor), to_tensor(mask)], {"axis": axis}, name or "boolean_mask")
