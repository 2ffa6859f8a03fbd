"""Adamax: Adam with the largest gradient, slowly forgotten, in the place of the root of squares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

import labkit as lk
from labkit.ops.adam_steps import apply_adamax
from labkit.optimizers.clipping import Clipping
from labkit.optimizers.moments import Moments
from labkit.optimizers.state import Slot


class Adamax(Moments):
    """With m and u starting at 0, in step t = 1, 2, ... (Kingma and Ba 2015, algorithm 2; epsilon, which is not there, keeps
    what has had no gradient from a division by 0, as in Keras):

        m = beta_1 m + (1 - beta_1) g
        u = max(beta_2 u, |g|)
        w -= learning_rate / (1 - beta_1^t) m / (u + epsilon)

    Args:
        learning_rate: a number, a scalar tensor or a schedule. (The paper has 0.002.)
        beta_1, beta_2: from 0 on and below 1, or scalar tensors.
        epsilon: from 0 on, or a scalar tensor.

    Slots: `<variable>/Adamax` holds m, `<variable>/Adamax_1` holds u. The variable `beta1_power` holds beta_1^t of the step to
    come. A gradient that has the form of rows is made a tensor: m and u of all rows decay, and all rows move.
    """

    slots: Mapping[str, Slot] = {"m": Slot("Adamax"), "u": Slot("Adamax")}

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        name: str | None = None,
        **clipping: Unpack[Clipping],
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, name, **clipping)
        self.shared = {"beta1_power": self.beta_1}

    def update(
        self, variable: lk.Variable, gradient: lk.Tensor, learning_rate: lk.Tensor, *, m: Any, u: Any, beta1_power: Any
    ) -> lk.Tensor:
        beta_1, beta_2, epsilon = (self.number(key, variable.dtype) for key in self.numbers)
        return apply_adamax(variable, m, u, learning_rate, beta1_power, beta_1, beta_2, epsilon, gradient)

    def advance(self, *, beta1_power: Any) -> Sequence[lk.Tensor]:
        return [beta1_power.assign(beta1_power * self.number("beta_1", beta1_power.dtype))]
