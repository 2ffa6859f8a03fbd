"""Rounding to whole numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from labkit.core.convert import to_tensor
from labkit.core.opdef import NotDifferentiable
from labkit.core.tensor import Tensor
from labkit.ops.build import apply, unary_record

_STEPS = NotDifferentiable("it is constant between its steps")


def _spread(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draws quarters from -5 to 5: halves and whole numbers among them."""
    return rng.integers(-20, 21, shape) / 4


def _rounder(record: str, kernel: str, reference: Any, formula: str, doc: str, short: str) -> Callable[..., Tensor]:
    unary_record(record, kernel, _STEPS, reference, formula, doc, draw=_spread)

    def build(x: Any, name: str | None = None) -> Tensor:
        tensor = to_tensor(x)
        return apply("Identity" if tensor.dtype.is_integer else record, [tensor], name=name)

    build.__doc__ = short + " of floats; whole numbers come back as they are."
    build.__name__ = build.__qualname__ = record.lower()
    return build


floor = _rounder(
    "Floor", "floor", np.floor, "y = ⌊x⌋", "The largest whole number up to x.", "The whole number below x,"
)
ceil = _rounder("Ceil", "ceil", np.ceil, "y = ⌈x⌉", "The smallest whole number from x on.", "The whole number above x,")
round = _rounder(
    "Round",
    "round",
    np.rint,
    "y = the whole number nearest to x",
    "x rounded to the nearest whole number, halves to the even one.",
    "The whole number nearest to x, halves to the even one,",
)
trunc = _rounder("Trunc", "trunc", np.trunc, "y = sign(x) ⌊|x|⌋", "x without its fraction.", "x without its fraction,")


def rint(x: Any, name: str | None = None) -> Tensor:
    """As `lk.round`: the whole number nearest to x, halves to the even one."""
    return round(x, name or "Rint")
