"""Where the largest and the smallest elements are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import Attr, NotDifferentiable, OpContext, OpDef, Sample, register
from labkit.core.shapes import Dims, normal_axes, show
from labkit.core.tensor import Tensor
from labkit.errors import DTypeError, ShapeError
from labkit.ops.build import apply
from labkit.ops.compare import cast
from labkit.ops.rules import same_dtype


def _arg(name: str, kernel: str, reference: Callable[..., Any], formula: str, doc: str) -> None:
    checked = same_dtype(dt.NUMBERS)

    def dtypes(inputs: Any, attrs: Any) -> list[dt.DType]:
        checked(inputs, attrs)
        return [dt.int64]

    def axis(c: OpContext) -> int:
        dims = c.dims[0] or ()
        (one,) = normal_axes((c.attrs["axis"],), len(dims))
        if dims[one] == 0:
            raise ShapeError("", rule="The axis has at least one element", received=f"axis {one} of {show(dims)}")
        return one

    def shapes(c: OpContext) -> list[Dims]:
        dims = c.dims[0]
        if dims is None:
            return [None]
        one = axis(c)
        return [tuple(n for i, n in enumerate(dims) if i != one)]

    register(
        OpDef(
            name=name,
            inputs=("x",),
            attrs={"axis": Attr("int", 0)},
            kernel=kernel,
            dtypes=dtypes,
            shapes=shapes,
            gradient=NotDifferentiable("an index does not change smoothly"),
            lower=lambda c: ([axis(c)], ()),
            reference=lambda x, axis: reference(x, axis=axis),
            formula=formula,
            doc=doc,
            samples=lambda rng: [
                Sample([rng.integers(0, 9, size=dims).astype(float)], {"axis": a})
                for dims, a in (((7,), 0), ((3, 17), 1), ((3, 17), 0), ((2, 3, 5), -1))
            ],
        )
    )


_arg(
    "ArgMax",
    "argmax",
    np.argmax,
    "y = argmax x",
    "The index of the largest element along an axis, the first of several, or of the first NaN; int64.",
)
_arg(
    "ArgMin",
    "argmin",
    np.argmin,
    "y = argmin x",
    "The index of the smallest element along an axis, the first of several, or of the first NaN; int64.",
)


def _finder(type_name: str, what: str) -> Callable[..., Tensor]:
    def build(x: Any, axis: int = 0, output_type: Any = dt.int64, name: str | None = None) -> Tensor:
        wanted = dt.as_dtype(output_type)
        if wanted not in dt.INTS:
            raise DTypeError("An index has no such dtype", rule="It is int32 or int64", received=wanted.name)
        if wanted is dt.int64:
            return apply(type_name, [to_tensor(x)], {"axis": axis}, name)
        full = name or type_name
        return cast(apply(type_name, [to_tensor(x)], {"axis": axis}, f"{full}/{type_name}"), wanted, full)

    build.__name__ = build.__qualname__ = type_name.lower()
    build.__doc__ = f"""The index of the {what} element along an axis, the first of several; a NaN wins.

    Args:
        x: float32, float64, int32, int64 or uint8.
        axis: the dimension to search, negative ones counted from the end.
        output_type: int64 or int32, the result's dtype.

    Raises:
        ShapeError: x has no such dimension, or nothing in it.
        DTypeError: x is bool, or output_type is neither int32 nor int64.
    """
    return build


argmax = _finder("ArgMax", "largest")
argmin = _finder("ArgMin", "smallest")
