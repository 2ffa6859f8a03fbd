"""Schedules that fall by a part of what is left: ExponentialDecay, StepDecay, NaturalExponentialDecay, InverseTimeDecay."""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.core.settings import check_scalar
from labkit.schedules.base import Schedule, like


class _Decay(Schedule):
    """What these have in common: a function of p = step / decay_steps, in whole numbers when `staircase`.

    Args:
        initial_learning_rate: the rate at step 0: a number or a scalar tensor.
        decay_steps: after how many steps p is 1: greater than 0, or a scalar tensor.
        decay_rate: from 0 on, or a scalar tensor.
        staircase: whether p is rounded down, so that the rate falls in steps.
    """

    def __init__(self, initial_learning_rate: Any, decay_steps: Any, decay_rate: Any, staircase: bool = False) -> None:
        self.initial_learning_rate = check_scalar(self, "initial_learning_rate", initial_learning_rate)
        self.decay_steps = check_scalar(self, "decay_steps", decay_steps, 0.0, above=True)
        self.decay_rate = check_scalar(self, "decay_rate", decay_rate, 0.0)
        self.staircase = bool(staircase)

    def rate(self, step: lk.Tensor) -> lk.Tensor:
        p = step / like(self.decay_steps, step)
        return self.decayed(
            like(self.initial_learning_rate, step), like(self.decay_rate, step), lk.floor(p) if self.staircase else p
        )

    def decayed(self, initial: lk.Tensor, decay: lk.Tensor, p: lk.Tensor) -> lk.Tensor:
        raise NotImplementedError(f"{type(self).__name__} must define decayed(initial, decay, p)")


class ExponentialDecay(_Decay):
    """rate = initial_learning_rate decay_rate^p, with p = step / decay_steps, rounded down when staircase.

    Args:
        initial_learning_rate: the rate at step 0: a number or a scalar tensor.
        decay_steps: after how many steps the rate is decay_rate times what it was: greater than 0, or a scalar tensor.
        decay_rate: from 0 on, or a scalar tensor.
        staircase: whether the rate falls in steps.
    """

    def decayed(self, initial: lk.Tensor, decay: lk.Tensor, p: lk.Tensor) -> lk.Tensor:
        return initial * lk.pow(decay, p)


class StepDecay(ExponentialDecay):
    """rate = initial_learning_rate decay_rate^floor(step / decay_steps): ExponentialDecay in steps.

    Args:
        initial_learning_rate: the rate of the first decay_steps steps: a number or a scalar tensor.
        decay_steps: after how many steps the rate falls, each time: greater than 0, or a scalar tensor.
        decay_rate: what it is multiplied by: from 0 on, or a scalar tensor.
    """

    def __init__(self, initial_learning_rate: Any, decay_steps: Any, decay_rate: Any = 0.1) -> None:
        super().__init__(initial_learning_rate, decay_steps, decay_rate, staircase=True)


class NaturalExponentialDecay(_Decay):
    """rate = initial_learning_rate exp(-decay_rate p); arguments as ExponentialDecay's."""

    def decayed(self, initial: lk.Tensor, decay: lk.Tensor, p: lk.Tensor) -> lk.Tensor:
        return initial * lk.exp(-decay * p)


class InverseTimeDecay(_Decay):
    """rate = initial_learning_rate / (1 + decay_rate p); arguments as ExponentialDecay's."""

    def decayed(self, initial: lk.Tensor, decay: lk.Tensor, p: lk.Tensor) -> lk.Tensor:
        return initial / (1.0 + decay * p)
