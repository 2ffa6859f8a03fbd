"""Division, in all the ways a quotient can be rounded, and the remainders that belong to them."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensors
from labkit.core.opdef import NotDifferentiable
from labkit.core.operation import Operation
from labkit.core.tensor import OPERATORS, Tensor
from labkit.ops.build import Draw, apply, away_from, binary, binary_record, named

_STEPS = NotDifferentiable("it is constant between its steps")
_NO_ZERO = "A whole number is not divided by 0"
_WHOLE_DIVISOR: Draw = away_from(0.0, 1.0)  # stays a divisor when it becomes a whole number


def _truncated(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    if np.asarray(x).dtype.kind == "f":
        return np.trunc(x / y)
    return np.where((np.sign(x) * np.sign(y) < 0) & (x % y != 0), x // y + 1, x // y)


def _no_nan(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.where(y == 0, 0, np.divide(x, np.where(y == 0, 1, y)))


def _quotient_gradient(op: Operation, g: Tensor) -> list[Tensor]:
    divide_again = op.type  # RealDiv or DivNoNan
    partial = apply(divide_again, [g, op.inputs[1]])
    return [partial, -partial * op.outputs[0]]


def _remainder_gradient(quotient: str) -> Any:
    return lambda op, g: [g, -g * apply(quotient, list(op.inputs))]


binary_record(
    "RealDiv",
    "div",
    _quotient_gradient,
    np.divide,
    "z = x / y",
    "The quotient of two floats; x / 0 is infinite, 0 / 0 is NaN.",
    allowed=dt.FLOATS,
    draw=away_from(0.0, 0.3),
)
binary_record(
    "DivNoNan",
    "div_no_nan",
    _quotient_gradient,
    _no_nan,
    "z = x / y where y ≠ 0, else 0",
    "The quotient of two floats, and 0 where the divisor is 0. The gradient there is 0, too.",
    allowed=dt.FLOATS,
    draw=away_from(0.0, 0.3),
)
binary_record(
    "FloorDiv",
    "floor_div",
    _STEPS,
    np.floor_divide,
    "z = ⌊x / y⌋",
    "The quotient, rounded down. A whole number divided by 0 makes the run fail; floats give infinity or NaN.",
    draw=_WHOLE_DIVISOR,
    refuses=_NO_ZERO,
)
binary_record(
    "FloorMod",
    "floor_mod",
    _remainder_gradient("FloorDiv"),
    np.mod,
    "z = x - ⌊x / y⌋ y",
    "The remainder of a division that rounds down: its sign is y's, as in Python. A whole number divided by 0 makes the run "
    "fail; floats give NaN.",
    draw=_WHOLE_DIVISOR,
    refuses=_NO_ZERO,
)
binary_record(
    "TruncateDiv",
    "truncate_div",
    _STEPS,
    _truncated,
    "z = trunc(x / y)",
    "The quotient, rounded towards 0. A whole number divided by 0 makes the run fail; floats give infinity or NaN.",
    draw=_WHOLE_DIVISOR,
    refuses=_NO_ZERO,
)
binary_record(
    "TruncateMod",
    "truncate_mod",
    _remainder_gradient("TruncateDiv"),
    np.fmod,
    "z = x - trunc(x / y) y",
    "The remainder of a division that rounds towards 0: its sign is x's, as in C. A whole number divided by 0 makes the run "
    "fail; floats give NaN.",
    draw=_WHOLE_DIVISOR,
    refuses=_NO_ZERO,
)

_ZERO = " Whole numbers: a divisor of 0 raises InvalidArgumentError when the graph runs."

floordiv = binary("FloorDiv", "⌊x / y⌋, broadcast; two of one dtype, any but bool." + _ZERO, "floordiv")
floormod = binary("FloorMod", "x - ⌊x / y⌋ y, with y's sign, broadcast; two of one dtype, any but bool." + _ZERO)
truncatediv = binary("TruncateDiv", "x / y rounded towards 0, broadcast; two of one dtype, any but bool." + _ZERO)
truncatemod = binary(
    "TruncateMod", "The remainder of truncatediv, with x's sign, broadcast; two of one dtype, any but bool." + _ZERO
)
divide_no_nan = binary("DivNoNan", "x / y, and 0 where y is 0; broadcast; two floats of one dtype.", "div_no_nan")
mod = floormod


def divide(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x / y, broadcast. Two whole numbers give float64, as in Python and NumPy; of uint8, float32.

    Raises:
        DTypeError: the dtypes differ, or they are bool.
    """
    a, b = to_tensors(x, y)
    if a.dtype.is_integer and b.dtype.is_integer:
        wide = dt.float32 if a.dtype is b.dtype is dt.uint8 else dt.float64
        a, b = (apply("Cast", [t], {"dtype": wide}) for t in (a, b))
    return apply("RealDiv", [a, b], name=name or "truediv")


truediv = divide


def div(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x / y as in Python 2, broadcast: ⌊x / y⌋ of whole numbers, the quotient of floats.

    Raises:
        DTypeError: the dtypes differ, or they are bool.
    """
    a, b = to_tensors(x, y)
    return (floordiv if a.dtype.is_integer else divide)(a, b, name or "div")


OPERATORS.update(truediv=named(divide, "truediv"), floordiv=named(floordiv, "floordiv"), mod=named(floormod, "mod"))
