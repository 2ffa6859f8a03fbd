"""Ftrl: FTRL-Proximal, which sets weights that matter little to zero."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

import labkit as lk
from labkit.core.settings import check_scalar
from labkit.ops.optimizer_steps import apply_ftrl
from labkit.optimizers.base import Optimizer
from labkit.optimizers.clipping import Clipping
from labkit.optimizers.state import Slot


class Ftrl(Optimizer):
    """With the sum n of squares and z, which starts at 0 (McMahan et al. 2013, algorithm 1, where the power is -1/2):

        p = -learning_rate_power
        n' = n + g²
        z += g + 2 shrinkage w - (n'^p - n^p) / learning_rate w
        w = 0 where |z| <= l1, else (sign(z) l1 - z) / ((beta + n'^p) / learning_rate + 2 l2)
        n = n'

    Args:
        learning_rate: a number, a scalar tensor or a schedule.
        learning_rate_power: at most 0, or a scalar tensor.
        initial_accumulator_value: what n starts from; from 0 on.
        l1_regularization_strength, l2_regularization_strength: from 0 on, or scalar tensors.
        l2_shrinkage_regularization_strength: from 0 on, or a scalar tensor: a penalty that n does not see.
        beta: from 0 on, or a scalar tensor.

    Slots: `<variable>/Ftrl` holds n, `<variable>/Ftrl_1` holds z. A gradient that has the form of rows changes these rows
    of the weights and the slots only.
    """

    numbers: Mapping[str, str] = {
        "l1_regularization_strength": "l1_regularization_strength",
        "l2_regularization_strength": "l2_regularization_strength",
        "l2_shrinkage_regularization_strength": "l2_shrinkage_regularization_strength",
        "beta": "beta",
        "learning_rate_power": "learning_rate_power",
    }

    def __init__(
        self,
        learning_rate: Any = 0.001,
        learning_rate_power: Any = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: Any = 0.0,
        l2_regularization_strength: Any = 0.0,
        l2_shrinkage_regularization_strength: Any = 0.0,
        beta: Any = 0.0,
        name: str | None = None,
        **clipping: Unpack[Clipping],
    ) -> None:
        super().__init__(learning_rate, name, **clipping)
        self.learning_rate_power = check_scalar(self, "learning_rate_power", learning_rate_power, high=0.0)
        self.initial_accumulator_value = check_scalar(self, "initial_accumulator_value", initial_accumulator_value, 0.0)
        self.l1_regularization_strength = check_scalar(
            self, "l1_regularization_strength", l1_regularization_strength, 0.0
        )
        self.l2_regularization_strength = check_scalar(
            self, "l2_regularization_strength", l2_regularization_strength, 0.0
        )
        self.l2_shrinkage_regularization_strength = check_scalar(
            self, "l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength, 0.0
        )
        self.beta = check_scalar(self, "beta", beta, 0.0)
        self.slots = {"accum": Slot("Ftrl", self.initial_accumulator_value), "linear": Slot("Ftrl")}

    def update(
        self, variable: lk.Variable, gradient: Any, learning_rate: lk.Tensor, *, accum: Any, linear: Any
    ) -> lk.Tensor:
        l1, l2, shrinkage, beta, power = (self.number(key, variable.dtype) for key in self.numbers)
        l2 = l2 + beta / (2.0 * learning_rate)  # (beta + n^p) / learning_rate + 2 l2 = n^p / learning_rate + 2 this
        return apply_ftrl(variable, accum, linear, learning_rate, power, l1, l2, shrinkage, gradient)

    update_rows = update
