"""Comparisons, and conversion between dtypes."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import Attr, NotDifferentiable, OpDef, Sample, register
from labkit.core.tensor import OPERATORS, Tensor
from labkit.ops.build import BROADCAST_CASES, SHAPES, apply, binary, unary
from labkit.ops.rules import broadcast_shape, same_dtype, same_shape

_STEP = NotDifferentiable("a truth value does not change smoothly")


def _comparison(name: str, kernel: str, reference: Any, sign: str, allowed: Any = dt.NUMBERS) -> None:
    checked = same_dtype(allowed)

    def dtypes(inputs: Any, attrs: Any) -> list[dt.DType]:
        checked(inputs, attrs)
        return [dt.bool_]

    def samples(rng: np.random.Generator) -> list[Sample]:
        draw = lambda shape: rng.integers(0, 3, size=shape).astype(float)  # noqa: E731
        return [Sample([np.asarray(draw(a)), np.asarray(draw(b))]) for a, b in BROADCAST_CASES]

    register(
        OpDef(
            name=name,
            inputs=("x", "y"),
            outputs=("z",),
            kernel=kernel,
            dtypes=dtypes,
            shapes=broadcast_shape,
            gradient=_STEP,
            reference=reference,
            samples=samples,
            text=dt.string in allowed,
            formula=f"z = [x {sign} y]",
            doc=f"Whether x {sign} y, element by element.",
        )
    )


_comparison("Equal", "equal", np.equal, "=", dt.ANY)
_comparison("NotEqual", "not_equal", np.not_equal, "≠", dt.ANY)
_comparison("Less", "less", np.less, "<")
_comparison("LessEqual", "less_equal", np.less_equal, "≤")
_comparison("Greater", "greater", np.greater, ">")
_comparison("GreaterEqual", "greater_equal", np.greater_equal, "≥")


def _cast_gradient(op: Any, grad: Tensor) -> list[Tensor | None]:
    source = op.inputs[0].dtype
    return [cast(grad, source) if source.is_floating and grad.dtype.is_floating else None]


def _cast_samples(rng: np.random.Generator) -> list[Sample]:
    cases = []
    for dtype in dt.ALL:
        x = rng.integers(0, 2, size=(3, 17)) if dtype is dt.bool_ else rng.uniform(0, 200, size=(3, 17))
        cases.append(Sample([x.astype(float)], {"dtype": dtype}, differentiate=dtype is dt.float64))
    return cases


register(
    OpDef(
        name="Cast",
        inputs=("x",),
        kernel="cast",
        attrs={"dtype": Attr("dtype")},
        dtypes=lambda inputs, attrs: [attrs["dtype"]],
        shapes=same_shape,
        gradient=_cast_gradient,
        lower=lambda context: ((), ()),
        reference=lambda x, dtype: np.asarray(x).astype(dtype.numpy),
        samples=_cast_samples,
        formula="y = x as a number of another kind",
        doc="x in another dtype: floats lose their fraction on the way to ints, values out of range become the nearest "
        "possible one, everything but 0 is true.",
    )
)

_KINDS = (0.0, -1.5, 3.0, np.inf, -np.inf, np.nan)


def _kind(name: str, kernel: str, reference: Any, formula: str, doc: str) -> None:
    checked = same_dtype(dt.FLOATS)

    def dtypes(inputs: Any, attrs: Any) -> list[dt.DType]:
        checked(inputs, attrs)
        return [dt.bool_]

    register(
        OpDef(
            name=name,
            inputs=("x",),
            kernel=kernel,
            dtypes=dtypes,
            shapes=same_shape,
            gradient=_STEP,
            reference=reference,
            samples=lambda rng: [Sample([np.resize(_KINDS, shape)]) for shape in SHAPES],
            formula=formula,
            doc=doc,
        )
    )


_kind("IsNan", "is_nan", np.isnan, "y = [x ≠ x]", "Whether x is not a number, element by element.")
_kind("IsInf", "is_inf", np.isinf, "y = [|x| = ∞]", "Whether x is infinite, element by element.")
_kind(
    "IsFinite", "is_finite", np.isfinite, "y = [|x| < ∞]", "Whether x is neither infinite nor NaN, element by element."
)

equal = binary(
    "Equal", "Whether x = y, broadcast; bool. `==` on tensors compares identity, because tensors are feed keys."
)
not_equal = binary("NotEqual", "Whether x ≠ y, broadcast; bool.")
less = binary("Less", "Whether x < y, broadcast; bool.")
less_equal = binary("LessEqual", "Whether x ≤ y, broadcast; bool.")
greater = binary("Greater", "Whether x > y, broadcast; bool.")
greater_equal = binary("GreaterEqual", "Whether x ≥ y, broadcast; bool.")

is_nan = unary("IsNan", "Whether x is not a number; floats, bool comes out.")
is_inf = unary("IsInf", "Whether x is infinite, of either sign; floats, bool comes out.")
is_finite = unary("IsFinite", "Whether x is neither infinite nor NaN; floats, bool comes out.")


def cast(x: Any, dtype: Any, name: str | None = None) -> Tensor:
    """x in another dtype; x itself when it has that dtype already.

    Floats lose their fraction on the way to ints, values out of range become the nearest possible one (NaN becomes 0),
    everything but 0 is true.

    Raises:
        DTypeError: labkit has no such dtype.
    """
    tensor, wanted = to_tensor(x), dt.as_dtype(dtype)
    return tensor if tensor.dtype is wanted else apply("Cast", [tensor], {"dtype": wanted}, name)


OPERATORS.update(cast=cast, less=less, less_equal=less_equal, greater=greater, greater_equal=greater_equal)
