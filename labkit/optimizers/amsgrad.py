"""AMSGrad: Adam whose step sizes do not grow again."""

from __future__ import annotations

from typing import Any, Unpack

from labkit.optimizers.adam import Adam
from labkit.optimizers.clipping import Clipping


class AMSGrad(Adam):
    """Adam with amsgrad (Reddi, Kale and Kumar 2018, algorithm 2); formulas, arguments and slots as there."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        name: str | None = None,
        **clipping: Unpack[Clipping],
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, True, name, **clipping)
