"""Schedules along a cosine: CosineDecay, CosineDecayRestarts (Loshchilov and Hutter 2017, "SGDR", equation 5)."""

from __future__ import annotations

import math
from typing import Any

import labkit as lk
from labkit.core.settings import check_scalar
from labkit.schedules.base import Schedule, like


def _fall(done: lk.Tensor, alpha: Any, height: Any = 1.0) -> lk.Tensor:
    """From (1 - alpha) height + alpha to alpha along half a wave while `done` goes from 0 to 1."""
    low = like(alpha, done)
    return (1.0 - low) * (height * (0.5 * (1.0 + lk.cos(done * math.pi)))) + low


class CosineDecay(Schedule):
    """rate = initial_learning_rate ((1 - alpha) (1 + cos(pi step / decay_steps)) / 2 + alpha)

    until decay_steps, then alpha initial_learning_rate. With warmup_target the rate first rises along a line from
    initial_learning_rate to warmup_target in warmup_steps steps, and falls from there.

    Args:
        initial_learning_rate: a number or a scalar tensor.
        decay_steps: how many steps it falls: greater than 0, or a scalar tensor.
        alpha: what is left in the end, as a part of the highest rate: a number or a scalar tensor.
        warmup_target: None, or the highest rate.
        warmup_steps: greater than 0 where there is a warmup_target.
    """

    def __init__(
        self,
        initial_learning_rate: Any,
        decay_steps: Any,
        alpha: Any = 0.0,
        warmup_target: Any = None,
        warmup_steps: Any = 0,
    ) -> None:
        self.initial_learning_rate = check_scalar(self, "initial_learning_rate", initial_learning_rate)
        self.decay_steps = check_scalar(self, "decay_steps", decay_steps, 0.0, above=True)
        self.alpha = check_scalar(self, "alpha", alpha)
        self.warmup_target = None if warmup_target is None else check_scalar(self, "warmup_target", warmup_target)
        self.warmup_steps = check_scalar(self, "warmup_steps", warmup_steps, 0.0, above=self.warmup_target is not None)

    def rate(self, step: lk.Tensor) -> lk.Tensor:
        initial, steps = like(self.initial_learning_rate, step), like(self.decay_steps, step)
        if self.warmup_target is None:
            return initial * _fall(lk.minimum(step, steps) / steps, self.alpha)
        highest, warmup = like(self.warmup_target, step), like(self.warmup_steps, step)
        fallen = lk.minimum(lk.maximum(step - warmup, 0.0), steps)
        rising = (highest - initial) * (step / warmup) + initial
        return lk.where(step < warmup, rising, highest * _fall(fallen / steps, self.alpha))


class CosineDecayRestarts(Schedule):
    """As CosineDecay, but each time the rate has fallen it begins again: the n-th time (from 0) for first_decay_steps t_mul^n
    steps, from m_mul^n times the height above alpha initial_learning_rate.

    Args:
        initial_learning_rate: a number or a scalar tensor.
        first_decay_steps: greater than 0, or a scalar tensor.
        t_mul: from 1 on.
        m_mul, alpha: numbers or scalar tensors.
    """

    def __init__(
        self,
        initial_learning_rate: Any,
        first_decay_steps: Any,
        t_mul: float = 2.0,
        m_mul: Any = 1.0,
        alpha: Any = 0.0,
    ) -> None:
        self.initial_learning_rate = check_scalar(self, "initial_learning_rate", initial_learning_rate)
        self.first_decay_steps = check_scalar(self, "first_decay_steps", first_decay_steps, 0.0, above=True)
        self.t_mul = float(check_scalar(self, "t_mul", t_mul, 1.0))
        self.m_mul, self.alpha = check_scalar(self, "m_mul", m_mul), check_scalar(self, "alpha", alpha)

    def rate(self, step: lk.Tensor) -> lk.Tensor:
        done = step / like(self.first_decay_steps, step)
        if self.t_mul == 1.0:
            restarts = lk.floor(done)
            done = done - restarts
        else:  # the n-th time begins at (t^n - 1) / (t - 1)
            restarts = lk.floor(lk.log(1.0 + done * (self.t_mul - 1.0)) / math.log(self.t_mul))
            length = lk.pow(like(self.t_mul, step), restarts)
            done = (done - (length - 1.0) / (self.t_mul - 1.0)) / length
        height = lk.pow(like(self.m_mul, step), restarts)
        return like(self.initial_learning_rate, step) * _fall(done, self.alpha, height)
