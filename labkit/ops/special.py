"""Special functions, element by element."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from labkit.core.graph import Operation
from labkit.core.tensor import Tensor
from labkit.ops.build import apply, unary, unary_record

_TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)


def _scipy(name: str) -> Any:
    """A function of scipy.special, imported when it is called: importing labkit does not load scipy."""

    def reference(x: np.ndarray) -> np.ndarray:
        from scipy import special

        return getattr(special, name)(x)

    return reference


def _bell(op: Operation, g: Tensor) -> Tensor:
    """g times the derivative of erf."""
    return g * _TWO_OVER_ROOT_PI * apply("Exp", [-apply("Square", [op.inputs[0]])])


unary_record(
    "Erf",
    "erf",
    lambda op, g: [_bell(op, g)],
    _scipy("erf"),
    "y = 2/√π ∫ exp(-t²) dt from 0 to x",
    "The error function: the share of a normal distribution with variance 1/2 that lies between -x and x.",
    source="Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.1",
)
unary_record(
    "Erfc",
    "erfc",
    lambda op, g: [-_bell(op, g)],
    _scipy("erfc"),
    "y = 1 - erf(x)",
    "The complementary error function, accurate where erf is close to 1.",
    source="Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.2",
)
unary_record(
    "Log1p",
    "log1p",
    lambda op, g: [g / (1 + op.inputs[0])],
    np.log1p,
    "y = log(1 + x)",
    "The natural logarithm of 1 + x, accurate for x near 0.",
    draw=lambda rng, shape: rng.uniform(-0.8, 3.0, shape),
)
unary_record(
    "Expm1",
    "expm1",
    lambda op, g: [g * (op.outputs[0] + 1)],
    np.expm1,
    "y = e^x - 1",
    "e to the power of x, less 1; accurate for x near 0.",
)

erf = unary("Erf", "The error function 2/√π ∫ exp(-t²) dt from 0 to x; floats.")
erfc = unary("Erfc", "1 - erf(x), accurate where erf is close to 1; floats.")
log1p = unary("Log1p", "log(1 + x), accurate for x near 0; floats. log1p(-1) is -inf.")
expm1 = unary("Expm1", "e^x - 1, accurate for x near 0; floats.")
