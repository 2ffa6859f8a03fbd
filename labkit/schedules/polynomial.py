"""PolynomialDecay: from one rate to another along a power of the steps that are left."""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.core.settings import check_scalar
from labkit.schedules.base import Schedule, like


class PolynomialDecay(Schedule):
    """rate = (initial_learning_rate - end_learning_rate) (1 - step / decay_steps)^power + end_learning_rate

    until decay_steps, then end_learning_rate. With `cycle` decay_steps grows to its next multiple each time it is passed,
    so that the rate jumps up and falls again.

    Args:
        initial_learning_rate, end_learning_rate: numbers or scalar tensors.
        decay_steps: greater than 0, or a scalar tensor.
        power: 1 falls along a line; from 0 on, or a scalar tensor.
        cycle: whether to begin again.
    """

    def __init__(
        self,
        initial_learning_rate: Any,
        decay_steps: Any,
        end_learning_rate: Any = 0.0001,
        power: Any = 1.0,
        cycle: bool = False,
    ) -> None:
        self.initial_learning_rate = check_scalar(self, "initial_learning_rate", initial_learning_rate)
        self.decay_steps = check_scalar(self, "decay_steps", decay_steps, 0.0, above=True)
        self.end_learning_rate = check_scalar(self, "end_learning_rate", end_learning_rate)
        self.power = check_scalar(self, "power", power, 0.0)
        self.cycle = bool(cycle)

    def rate(self, step: lk.Tensor) -> lk.Tensor:
        steps, end = like(self.decay_steps, step), like(self.end_learning_rate, step)
        if self.cycle:
            steps = steps * lk.maximum(1.0, lk.ceil(step / steps))
        else:
            step = lk.minimum(step, steps)
        height = like(self.initial_learning_rate, step) - end
        return height * lk.pow(1.0 - step / steps, like(self.power, step)) + end
