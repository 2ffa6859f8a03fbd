"""Adagrad: a step size for each weight, from the sum of its squared gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

import labkit as lk
from labkit.core.settings import check_scalar
from labkit.ops.optimizer_steps import apply_adagrad
from labkit.optimizers.base import Optimizer
from labkit.optimizers.clipping import Clipping
from labkit.optimizers.state import Slot


class Adagrad(Optimizer):
    """With the sum a of squares (Duchi, Hazan and Singer 2011, figure 1 with a diagonal matrix):

        a += g²
        w -= learning_rate g / sqrt(a + epsilon)

    Args:
        learning_rate: a number, a scalar tensor or a schedule.
        initial_accumulator_value: what a starts from; from 0 on.
        epsilon: from 0 on, or a scalar tensor. (TensorFlow 1's AdagradOptimizer has none, which is 0.)

    Slots: `<variable>/Adagrad` holds a. A gradient that has the form of rows changes these rows of the weights and of a
    only, which with this rule is what the whole tensor would do.
    """

    numbers: Mapping[str, str] = {"epsilon": "epsilon"}

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: Any = 1e-7,
        name: str | None = None,
        **clipping: Unpack[Clipping],
    ) -> None:
        super().__init__(learning_rate, name, **clipping)
        self.initial_accumulator_value = check_scalar(self, "initial_accumulator_value", initial_accumulator_value, 0.0)
        self.epsilon = check_scalar(self, "epsilon", epsilon, 0.0)
        self.slots = {"accumulator": Slot("Adagrad", self.initial_accumulator_value)}

    def update(self, variable: lk.Variable, gradient: Any, learning_rate: lk.Tensor, *, accumulator: Any) -> lk.Tensor:
        epsilon = self.number("epsilon", variable.dtype)
        return apply_adagrad(variable, accumulator, learning_rate, epsilon, gradient)

    update_rows = update
