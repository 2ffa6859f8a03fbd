"""Running sums and products along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import Attr, OpContext, OpDef, Sample, register
from labkit.core.operation import Operation
from labkit.core.shapes import Dims, normal_axes
from labkit.core.tensor import Tensor
from labkit.ops.build import apply
from labkit.ops.rules import equal_shapes, same_dtype

_REVERSE = {"axis": Attr("int", 0), "reverse": Attr("bool", False)}
_ATTRS = {"axis": Attr("int", 0), "exclusive": Attr("bool", False), "reverse": Attr("bool", False)}


def _axis(c: OpContext) -> int:
    (axis,) = normal_axes((c.attrs["axis"],), len(c.dims[0] or ()))
    return axis


def _same_with_axis(c: OpContext) -> list[Dims]:
    dims = equal_shapes(c)[0] if len(c.dims) == 2 else c.dims[0]
    if dims is not None:
        normal_axes((c.attrs["axis"],), len(dims))
    return [dims]


def _reference(accumulate: Any, first: float) -> Any:
    def reference(x: np.ndarray, axis: int, exclusive: bool, reverse: bool) -> np.ndarray:
        lines = np.moveaxis(np.asarray(x), axis, 0)
        lines = lines[::-1] if reverse else lines
        if exclusive:
            lines = np.concatenate([np.full_like(lines[:1], first), lines[:-1]])
        running = accumulate(lines, axis=0, dtype=lines.dtype)
        return np.moveaxis(running[::-1] if reverse else running, 0, axis)

    return reference


def _samples(rng: np.random.Generator) -> list[Sample]:
    cases = []
    for dims, axis in (((7,), 0), ((3, 17), 1), ((3, 17), 0), ((2, 3, 5), -2), ((1, 33), -1)):
        for exclusive in (False, True):
            for reverse in (False, True):
                attrs = {"axis": axis, "exclusive": exclusive, "reverse": reverse}
                cases.append(Sample([rng.uniform(0.7, 1.4, size=dims)], attrs))
    return cases


def _factors(rng: np.random.Generator) -> list[Sample]:
    """Samples with no, one and two zeros in a line."""
    cases = _samples(rng)
    for sample in _samples(rng)[4:12]:
        x = sample.inputs[0].copy()
        x[0, 1] = x[1, 2] = x[1, 0] = x[2, 0] = 0
        cases.append(Sample([x], sample.attrs))
    return cases


def _sum_gradient(op: Operation, g: Tensor) -> list[Tensor]:
    return [apply("Cumsum", [g], {**op.attrs, "reverse": not op.attrs["reverse"]})]


def _product_gradient(op: Operation, g: Tensor) -> list[Tensor]:
    # dx[i] is the product of the factors before x[i] times the sum, over the outputs that x[i] reaches, of g times the
    # factors after x[i]. That sum is a recurrence: no division, so zeros do no harm.
    x, attrs = op.inputs[0], op.attrs
    back = {"axis": attrs["axis"], "reverse": not attrs["reverse"]}
    if attrs["exclusive"]:
        after = apply("LinearRecurrence", [x, g], back)
    else:
        after = g + apply("LinearRecurrence", [x, x * g], back)
    return [apply("Cumprod", [x], {**attrs, "exclusive": True}) * after]


def _running(name: str, kernel: str, gradient: Any, reference: Any, samples: Any, formula: str, doc: str) -> None:
    register(
        OpDef(
            name=name,
            inputs=("x",),
            attrs=_ATTRS,
            kernel=kernel,
            dtypes=same_dtype(dt.NUMBERS),
            shapes=_same_with_axis,
            lower=lambda c: ([_axis(c), c.attrs["exclusive"], c.attrs["reverse"]], ()),
            gradient=gradient,
            formula=formula,
            reference=reference,
            samples=samples,
            doc=doc,
        )
    )


_running(
    "Cumsum",
    "cumsum",
    _sum_gradient,
    _reference(np.cumsum, 0),
    _samples,
    "y[k] = Σ x[j], j ≤ k",
    "The sum of all elements up to each one along an axis; exclusive: up to the one before. Integers wrap around.",
)
_running(
    "Cumprod",
    "cumprod",
    _product_gradient,
    _reference(np.cumprod, 1),
    _factors,
    "y[k] = Π x[j], j ≤ k",
    "The product of all elements up to each one along an axis; exclusive: up to the one before. Integers wrap around.",
)


def _recurrence_gradient(op: Operation, g: Tensor) -> list[Tensor]:
    arriving = apply("LinearRecurrence", [op.inputs[0], g], {**op.attrs, "reverse": not op.attrs["reverse"]})
    return [arriving * op.outputs[0], arriving]


def _reference_recurrence(x: np.ndarray, v: np.ndarray, axis: int, reverse: bool) -> np.ndarray:
    a, b = (np.moveaxis(t, axis, 0)[:: -1 if reverse else 1] for t in (x, v))
    y = np.zeros(a.shape)
    for k in range(1, len(y)):
        y[k] = b[k - 1] + a[k - 1] * y[k - 1]
    return np.moveaxis(y[:: -1 if reverse else 1], 0, axis)


register(
    OpDef(
        name="LinearRecurrence",
        inputs=("x", "v"),
        attrs=_REVERSE,
        kernel="recurrence",
        dtypes=same_dtype(dt.FLOATS),
        shapes=_same_with_axis,
        lower=lambda c: ([_axis(c), c.attrs["reverse"]], ()),
        gradient=_recurrence_gradient,
        formula="y[0] = 0, y[k] = v[k-1] + x[k-1] y[k-1]",
        reference=_reference_recurrence,
        samples=lambda rng: [
            Sample([rng.normal(size=dims), rng.normal(size=dims)], {"axis": axis, "reverse": reverse})
            for dims, axis in (((7,), 0), ((3, 17), 1), ((3, 17), 0), ((2, 3, 5), -2))
            for reverse in (False, True)
        ],
        doc="A linear recurrence of the first order along an axis, from its first or its last element on. The gradient of "
        "Cumprod is made of it.",
    )
)


def cumsum(x: Any, axis: int = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Tensor:
    """The sum of all elements of x up to each one along `axis`.

    Args:
        x: float32, float64, int32, int64 or uint8, of at least one dimension; integers wrap around.
        axis: the dimension to run along, negative ones counted from the end.
        exclusive: whether an element itself is left out: [a, b, c] gives [0, a, a + b].
        reverse: whether to run from the end: [a, b, c] gives [a + b + c, b + c, c].

    Raises:
        ShapeError: x has no such dimension.
    """
    return apply("Cumsum", [to_tensor(x)], {"axis": axis, "exclusive": exclusive, "reverse": reverse}, name)


def cumprod(x: Any, axis: int = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Tensor:
    """The product of all elements of x up to each one along `axis`. Its gradient is right beside zeros, too.

    Args:
        x: float32, float64, int32, int64 or uint8, of at least one dimension; integers wrap around.
        axis: the dimension to run along, negative ones counted from the end.
        exclusive: whether an element itself is left out: [a, b, c] gives [1, a, a b].
        reverse: whether to run from the end: [a, b, c] gives [a b c, b c, c].

    Raises:
        ShapeError: x has no such dimension.
    """
    return apply("Cumprod", [to_tensor(x)], {"axis": axis, "exclusive": exclusive, "reverse": reverse}, name)
