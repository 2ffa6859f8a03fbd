"""Momentum: gradient descent that keeps going."""

from __future__ import annotations

from typing import Any, Unpack

from labkit.optimizers.clipping import Clipping
from labkit.optimizers.sgd import SGD


class Momentum(SGD):
    """SGD with momentum 0.9 unless another is given; formulas, arguments and slots as there."""

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.9,
        nesterov: bool = False,
        name: str | None = None,
        **clipping: Unpack[Clipping],
    ) -> None:
        super().__init__(learning_rate, momentum, nesterov, name, **clipping)
        self._keep_accumulator()  # even where momentum is 0, as its name promises
