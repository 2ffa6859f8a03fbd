"""Initializer: the contract of what gives weights their first values."""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.plugins import show


class Initializer:
    """Builds the tensor that a variable starts from.

    A layer calls it once for each of its weights, while the graph is built; the tensor is computed when the variable is
    initialized. An initializer keeps no state: the numbers it draws follow from the graph's seed and from the name of
    the operation that draws them, or from a seed of its own, so that a program draws the same ones every time.

    A subclass keeps each constructor argument in an attribute of the same name, and defines `__call__`. Where no
    settings are needed a plain function (shape, dtype, seed=None) -> Tensor does as well.
    """

    def __call__(self, shape: Any, dtype: Any = lk.float32, seed: int | None = None) -> lk.Tensor:
        """Adds the operations to the default graph.

        Args:
            shape: the weights' shape, fully known.
            dtype: their dtype.
            seed: goes before the initializer's own seed.

        Returns:
            A tensor of that shape and dtype.
        """
        raise NotImplementedError(f"{type(self).__name__} must define __call__(shape, dtype, seed)")

    def __repr__(self) -> str:
        return show(self)
