"""Warmup: a rate that rises along a line before another schedule begins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import labkit as lk
from labkit.core.settings import check_scalar
from labkit.plugins import resolve
from labkit.schedules.base import Schedule, like
from labkit.schedules.constant import Constant


class Warmup(Schedule):
    """For the first warmup_steps steps, with s the schedule inside (gradual warm-up, Goyal et al. 2017, section 2.2):

        rate = initial_learning_rate + (s(0) - initial_learning_rate) step / warmup_steps

    and s(step - warmup_steps) from there: the schedule inside begins when the rate has risen.

    Args:
        schedule: a schedule, a function of the step, a registered name or mapping of one; or a number or scalar tensor,
            which is Constant.
        warmup_steps: how many steps the rate rises: greater than 0, or a scalar tensor.
        initial_learning_rate: the rate at step 0: a number or a scalar tensor.
    """

    def __init__(self, schedule: Any, warmup_steps: Any, initial_learning_rate: Any = 0.0) -> None:
        given = callable(schedule) or isinstance(schedule, str | Mapping)
        self.schedule = resolve("schedules", schedule) if given else Constant(schedule)
        self.warmup_steps = check_scalar(self, "warmup_steps", warmup_steps, 0.0, above=True)
        self.initial_learning_rate = check_scalar(self, "initial_learning_rate", initial_learning_rate)

    def rate(self, step: lk.Tensor) -> lk.Tensor:
        initial, steps = like(self.initial_learning_rate, step), like(self.warmup_steps, step)
        highest = lk.cast(self.schedule(lk.zeros_like(step)), step.dtype)
        after = lk.cast(self.schedule(lk.maximum(step - steps, 0.0)), step.dtype)
        return lk.where(step < steps, initial + (highest - initial) * (step / steps), after)
