"""Trigonometric and hyperbolic functions and their inverses."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.operation import Operation
from labkit.core.tensor import Tensor
from labkit.ops.build import Draw, apply, away_from, binary, binary_record, unary, unary_record


def _of(type_name: str, x: Tensor) -> Tensor:
    return apply(type_name, [x])


def _between(low: float, high: float) -> Draw:
    return lambda rng, shape: rng.uniform(low, high, shape)


def _atan2_gradient(op: Operation, g: Tensor) -> list[Tensor]:
    y, x = op.inputs
    scaled = g / (_of("Square", x) + _of("Square", y))
    return [scaled * x, -scaled * y]


def _circle(x: Tensor) -> Tensor:
    """1 - x², accurate near x = 1."""
    return (1 - x) * (1 + x)


# name -> gradient, reference, formula, sentence, samples
_FUNCTIONS: dict[str, tuple[Any, Any, str, str, Draw | None]] = {
    "Sin": (lambda op, g: [g * _of("Cos", op.inputs[0])], np.sin, "y = sin x", "The sine of x, in radians.", None),
    "Cos": (lambda op, g: [-g * _of("Sin", op.inputs[0])], np.cos, "y = cos x", "The cosine of x, in radians.", None),
    "Tan": (
        lambda op, g: [g * (1 + _of("Square", op.outputs[0]))],
        np.tan,
        "y = sin x / cos x",
        "The tangent of x, in radians.",
        _between(-1.2, 1.2),
    ),
    "Asin": (
        lambda op, g: [g * _of("Rsqrt", _circle(op.inputs[0]))],
        np.arcsin,
        "sin y = x",
        "The angle from -π/2 to π/2 whose sine is x; NaN beyond -1 and 1.",
        _between(-0.9, 0.9),
    ),
    "Acos": (
        lambda op, g: [-g * _of("Rsqrt", _circle(op.inputs[0]))],
        np.arccos,
        "cos y = x",
        "The angle from 0 to π whose cosine is x; NaN beyond -1 and 1.",
        _between(-0.9, 0.9),
    ),
    "Atan": (
        lambda op, g: [g / (1 + _of("Square", op.inputs[0]))],
        np.arctan,
        "tan y = x",
        "The angle from -π/2 to π/2 whose tangent is x.",
        None,
    ),
    "Sinh": (
        lambda op, g: [g * _of("Cosh", op.inputs[0])],
        np.sinh,
        "y = (e^x - e^-x) / 2",
        "The hyperbolic sine of x.",
        None,
    ),
    "Cosh": (
        lambda op, g: [g * _of("Sinh", op.inputs[0])],
        np.cosh,
        "y = (e^x + e^-x) / 2",
        "The hyperbolic cosine of x.",
        None,
    ),
    "Asinh": (
        lambda op, g: [g / _of("Cosh", op.outputs[0])],
        np.arcsinh,
        "sinh y = x",
        "The number whose hyperbolic sine is x.",
        None,
    ),
    "Acosh": (
        lambda op, g: [g / _of("Sinh", op.outputs[0])],
        np.arccosh,
        "cosh y = x",
        "The number from 0 on whose hyperbolic cosine is x; NaN below 1.",
        _between(1.2, 4.0),
    ),
    "Atanh": (
        lambda op, g: [g / _circle(op.inputs[0])],
        np.arctanh,
        "tanh y = x",
        "The number whose hyperbolic tangent is x; NaN beyond -1 and 1.",
        _between(-0.9, 0.9),
    ),
}
for _name, (_gradient, _reference, _formula, _doc, _draw) in _FUNCTIONS.items():
    unary_record(_name, _name.lower(), _gradient, _reference, _formula, _doc, draw=_draw)

binary_record(
    "Atan2",
    "atan2",
    _atan2_gradient,
    np.arctan2,
    "z = the angle of the point (y, x)",
    "The angle from -π to π between the horizontal axis and the point whose vertical coordinate is x (the first input) and "
    "whose horizontal one is y (the second).",
    allowed=dt.FLOATS,
    draw=away_from(0.0),
)


def _public(name: str) -> Any:
    return unary(name, _FUNCTIONS[name][3][:-1] + "; floats.")


sin, cos, tan = _public("Sin"), _public("Cos"), _public("Tan")
asin, acos, atan = _public("Asin"), _public("Acos"), _public("Atan")
sinh, cosh = _public("Sinh"), _public("Cosh")
asinh, acosh, atanh = _public("Asinh"), _public("Acosh"), _public("Atanh")
atan2 = binary("Atan2", "atan2(y, x): the angle from -π to π of the point (x, y), broadcast; two floats of one dtype.")
