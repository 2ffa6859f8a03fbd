"""Initial values that are not drawn: Zeros, Ones, Constant."""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.initializers.base import Initializer


class Constant(Initializer):
    """Every weight starts at `value`: a number, or an array that broadcasts to the weights' shape.

    Raises:
        ShapeError: (when called) the array does not broadcast to that shape.
        DTypeError: (when called) the value does not survive conversion to that dtype.
    """

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Any, dtype: Any = lk.float32, seed: int | None = None) -> lk.Tensor:
        return lk.broadcast_to(lk.constant(self.value, dtype), shape)


class Zeros(Initializer):
    """Every weight starts at 0: for biases."""

    def __call__(self, shape: Any, dtype: Any = lk.float32, seed: int | None = None) -> lk.Tensor:
        return lk.zeros(shape, dtype)


class Ones(Initializer):
    """Every weight starts at 1: for scales."""

    def __call__(self, shape: Any, dtype: Any = lk.float32, seed: int | None = None) -> lk.Tensor:
        return lk.ones(shape, dtype)
