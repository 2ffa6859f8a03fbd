"""Fractions from whole numbers, and whole numbers from fractions, for layers that need one of them."""

from __future__ import annotations

import labkit as lk


def floats(x: lk.Tensor) -> lk.Tensor:
    """x itself, or whole numbers as float32."""
    return x if x.dtype.is_floating else lk.cast(x, lk.float32)


def whole_numbers(x: lk.Tensor) -> lk.Tensor:
    """x itself, or floats as int64, for models without an Input of whole numbers; what is none becomes -1."""
    if not x.dtype.is_floating:
        return x
    return lk.cast(lk.where(lk.equal(lk.floor(x), x), x, -lk.ones_like(x)), lk.int64)
