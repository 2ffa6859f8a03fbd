"""What the optimizers of Adam's family share: the settings of two running means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from labkit.core.settings import check_scalar
from labkit.optimizers.base import Optimizer
from labkit.optimizers.clipping import Clipping


class Moments(Optimizer):
    """An optimizer with a running mean of gradients, another of their size, and an epsilon beside the second.

    Args:
        learning_rate: a number, a scalar tensor or a schedule.
        beta_1, beta_2: from 0 on and below 1, or scalar tensors.
        epsilon: from 0 on, or a scalar tensor.
    """

    numbers: Mapping[str, str] = {"beta_1": "beta1", "beta_2": "beta2", "epsilon": "epsilon"}

    def __init__(
        self,
        learning_rate: Any,
        beta_1: Any,
        beta_2: Any,
        epsilon: Any,
        name: str | None = None,
        **clipping: Unpack[Clipping],
    ) -> None:
        super().__init__(learning_rate, name, **clipping)
        self.beta_1 = check_scalar(self, "beta_1", beta_1, 0.0, 1.0, below=True)
        self.beta_2 = check_scalar(self, "beta_2", beta_2, 0.0, 1.0, below=True)
        self.epsilon = check_scalar(self, "epsilon", epsilon, 0.0)
