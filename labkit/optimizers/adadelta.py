"""Adadelta: steps in the units of the weights, from running means of squared gradients and squared steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

import labkit as lk
from labkit.core.settings import check_scalar
from labkit.ops.optimizer_steps import apply_adadelta
from labkit.optimizers.base import Optimizer
from labkit.optimizers.clipping import Clipping
from labkit.optimizers.state import Slot


class Adadelta(Optimizer):
    """With a and u starting at 0 (Zeiler 2012, algorithm 1):

        a = rho a + (1 - rho) g²
        d = sqrt(u + epsilon) / sqrt(a + epsilon) g
        u = rho u + (1 - rho) d²
        w -= learning_rate d

    Args:
        learning_rate: a number, a scalar tensor or a schedule; 1 in the paper.
        rho: from 0 on and below 1, or a scalar tensor.
        epsilon: from 0 on, or a scalar tensor. (TensorFlow 1's AdadeltaOptimizer has 1e-8.)

    Slots: `<variable>/Adadelta` holds a, `<variable>/Adadelta_1` holds u. A gradient that has the form of rows changes
    these rows of the weights and the slots only.
    """

    slots: Mapping[str, Slot] = {"accum": Slot("Adadelta"), "accum_update": Slot("Adadelta")}
    numbers: Mapping[str, str] = {"rho": "rho", "epsilon": "epsilon"}

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: Any = 0.95,
        epsilon: Any = 1e-7,
        name: str | None = None,
        **clipping: Unpack[Clipping],
    ) -> None:
        super().__init__(learning_rate, name, **clipping)
        self.rho = check_scalar(self, "rho", rho, 0.0, 1.0, below=True)
        self.epsilon = check_scalar(self, "epsilon", epsilon, 0.0)

    def update(
        self, variable: lk.Variable, gradient: Any, learning_rate: lk.Tensor, *, accum: Any, accum_update: Any
    ) -> lk.Tensor:
        rho, epsilon = self.number("rho", variable.dtype), self.number("epsilon", variable.dtype)
        return apply_adadelta(variable, accum, accum_update, learning_rate, rho, epsilon, gradient)

    update_rows = update
