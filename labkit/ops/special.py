"""Special functions, element by element."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor, to_tensors
from labkit.core.opdef import Attr, OpDef, Sample, register
from labkit.core.operation import Operation
from labkit.core.tensor import Tensor
from labkit.ops.build import SHAPES, apply, scoped, unary, unary_record
from labkit.ops.logic import where
from labkit.ops.rules import same_dtype, same_shape

_TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)


def _scipy(name: str) -> Any:
    """A function of scipy.special, imported when it is called: importing labkit does not load scipy."""

    def reference(*inputs: Any) -> np.ndarray:
        from scipy import special

        return getattr(special, name)(*inputs)

    return reference


def _off_the_poles(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draws numbers from -2.8 to 6 that are 0.2 or more away from whole ones below 1."""
    return rng.integers(-3, 6, shape) + rng.uniform(0.2, 0.8, shape)


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

unary_record(
    "Lgamma",
    "lgamma",
    lambda op, g: [g * apply("Digamma", [op.inputs[0]])],
    _scipy("gammaln"),
    "y = log |Γ(x)|",
    "The logarithm of the gamma function's absolute value; infinite at 0 and the negative whole numbers.",
    draw=_off_the_poles,
)
unary_record(
    "Digamma",
    "digamma",
    lambda op, g: [g * polygamma(1, op.inputs[0])],
    _scipy("psi"),
    "y = Γ'(x) / Γ(x)",
    "The derivative of lgamma; infinite at 0, NaN at the negative whole numbers.",
    draw=_off_the_poles,
    source="Abramowitz and Stegun, Handbook of Mathematical Functions, 6.3",
)
register(
    OpDef(
        name="PolyGamma",
        inputs=("x",),
        attrs={"order": Attr("int", low=1, high=30)},
        kernel="polygamma",
        dtypes=same_dtype(dt.FLOATS),
        shapes=same_shape,
        gradient=lambda op, g: [g * polygamma(op.attrs["order"] + 1, op.inputs[0])],
        reference=lambda x, order: _scipy("polygamma")(order, x),
        samples=lambda rng: [
            Sample([_off_the_poles(rng, shape)], {"order": order})
            for shape, order in zip((*SHAPES, (33,)), (1, 1, 2, 3, 1, 4, 6), strict=True)
        ],
        formula="y = (-1)^(n + 1) n! Σ 1 / (x + k)^(n + 1) over k ≥ 0, for the order n",
        source="Abramowitz and Stegun, Handbook of Mathematical Functions, 6.4.10",
        doc="The derivative of digamma of a given order: 1 is the trigamma function. At 0 and the negative whole numbers it is "
        "infinite, with the sign of the order's parity.",
    )
)

erf = unary("Erf", "The error function 2/√π ∫ exp(-t²) dt from 0 to x; floats.")
erfc = unary("Erfc", "1 - erf(x), accurate where erf is close to 1; floats.")
log1p = unary("Log1p", "log(1 + x), accurate for x near 0; floats. log1p(-1) is -inf.")
expm1 = unary("Expm1", "e^x - 1, accurate for x near 0; floats.")
lgamma = unary("Lgamma", "log |Γ(x)|; floats. Infinite at 0 and the negative whole numbers.")
digamma = unary("Digamma", "The derivative of lgamma; floats. Infinite at 0, NaN at the negative whole numbers.")


def polygamma(order: int, x: Any, name: str | None = None) -> Tensor:
    """The derivative of digamma of a whole order from 1 (the trigamma function) to 30; floats.

    Raises:
        InvalidArgumentError: the order is out of range.
    """
    return apply("PolyGamma", [to_tensor(x)], {"order": order}, name)


@scoped("Xlogy")
def xlogy(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x log(y), and 0 where x is 0, whatever y is; broadcast; two floats of one dtype.

    The gradient with respect to x is 0 where x is 0.

    Raises:
        DTypeError: the dtypes differ, or they are not of floats.
        ShapeError: the shapes do not fit.
    """
    factor, argument = to_tensors(x, y)
    present = apply("NotEqual", list(to_tensors(factor, 0)))
    return apply("Mul", [factor, apply("Log", [where(present, argument, 1)])], name=name)
