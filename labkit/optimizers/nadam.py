"""Nadam: Adam that looks ahead along its momentum, as Nesterov's does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

import labkit as lk
from labkit.core.settings import check_number
from labkit.ops.adam_steps import apply_nadam
from labkit.optimizers.clipping import Clipping
from labkit.optimizers.moments import Moments
from labkit.optimizers.state import Slot

_DECAY = 0.96  # of the momentum's distance from beta_1, per 1 / momentum_decay steps


class Nadam(Moments):
    """With m and v starting at 0, in step t = 1, 2, ... (Dozat 2016, algorithm 2, with the momentum of section 4):

        mu_t = beta_1 (1 - 0.96^(momentum_decay t) / 2)
        P_t = mu_1 mu_2 ... mu_t
        m = beta_1 m + (1 - beta_1) g
        v = beta_2 v + (1 - beta_2) g²
        d = mu_{t+1} / (1 - P_{t+1}) m + (1 - mu_t) / (1 - P_t) g
        w -= learning_rate d / (sqrt(v / (1 - beta_2^t)) + epsilon)

    Args:
        learning_rate: a number, a scalar tensor or a schedule. (PyTorch has 0.002.)
        beta_1, beta_2: from 0 on and below 1, or scalar tensors.
        epsilon: from 0 on, or a scalar tensor.
        momentum_decay: from 0 on; how fast mu grows to beta_1: 0.004 in the paper and PyTorch, 1 in Keras 3.

    Slots: `<variable>/Nadam` holds m, `<variable>/Nadam_1` holds v. The variables `momentum_power`, `momentum_product` and
    `beta2_power` hold 0.96^(momentum_decay t), P_{t-1} and beta_2^t of the step to come. A gradient that has the form of rows
    is made a tensor: m and v of all rows decay, and all rows move.
    """

    slots: Mapping[str, Slot] = {"m": Slot("Nadam"), "v": Slot("Nadam")}

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        momentum_decay: float = 0.004,
        name: str | None = None,
        **clipping: Unpack[Clipping],
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, name, **clipping)
        self.momentum_decay = check_number(self, "momentum_decay", momentum_decay, 0.0)
        self._factor = _DECAY**self.momentum_decay
        self.shared = {"momentum_power": self._factor, "momentum_product": 1.0, "beta2_power": self.beta_2}

    def update(
        self,
        variable: lk.Variable,
        gradient: lk.Tensor,
        learning_rate: lk.Tensor,
        *,
        m: Any,
        v: Any,
        momentum_power: Any,
        momentum_product: Any,
        beta2_power: Any,
    ) -> lk.Tensor:
        shared = momentum_power, self._factor, momentum_product, beta2_power
        beta_1, beta_2, epsilon = (self.number(key, variable.dtype) for key in self.numbers)
        return apply_nadam(variable, m, v, learning_rate, *shared, beta_1, beta_2, epsilon, gradient)

    def advance(self, *, momentum_power: Any, momentum_product: Any, beta2_power: Any) -> Sequence[lk.Tensor]:
        beta_1, beta_2 = (self.number(key, beta2_power.dtype) for key in ("beta_1", "beta_2"))
        return [
            momentum_product.assign(momentum_product * (beta_1 * (1.0 - 0.5 * momentum_power))),
            momentum_power.assign(momentum_power * self._factor),
            beta2_power.assign(beta2_power * beta_2),
        ]
