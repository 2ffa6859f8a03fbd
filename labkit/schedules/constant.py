"""Constant: the same rate in every step."""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.core.settings import check_scalar
from labkit.schedules.base import Schedule, like


class Constant(Schedule):
    """rate = learning_rate, where a schedule is asked for, such as inside of Warmup.

    Args:
        learning_rate: a number or a scalar tensor.
    """

    def __init__(self, learning_rate: Any) -> None:
        self.learning_rate = check_scalar(self, "learning_rate", learning_rate)

    def rate(self, step: lk.Tensor) -> lk.Tensor:
        return like(self.learning_rate, step)
