"""Initial values drawn from one distribution whatever the shape: RandomNormal, TruncatedNormal, RandomUniform."""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.core.settings import check_number
from labkit.errors import InvalidArgumentError
from labkit.initializers.base import Initializer


class RandomNormal(Initializer):
    """Normal numbers.

    Args:
        mean, stddev: of the distribution.
        seed: None, or a whole number that makes two initializers of the same seed draw the same numbers.
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        self.mean, self.stddev = check_number(self, "mean", mean), check_number(self, "stddev", stddev, low=0.0)
        self.seed = seed

    def __call__(self, shape: Any, dtype: Any = lk.float32, seed: int | None = None) -> lk.Tensor:
        return lk.random.normal(shape, self.mean, self.stddev, dtype, seed=self.seed if seed is None else seed)


class TruncatedNormal(Initializer):
    """Normal numbers, drawn again where they are more than two standard deviations from the mean.

    The standard deviation of what is drawn is 0.8796 stddev. Arguments as for RandomNormal.
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        self.mean, self.stddev = check_number(self, "mean", mean), check_number(self, "stddev", stddev, low=0.0)
        self.seed = seed

    def __call__(self, shape: Any, dtype: Any = lk.float32, seed: int | None = None) -> lk.Tensor:
        return lk.random.truncated_normal(
            shape, self.mean, self.stddev, dtype, seed=self.seed if seed is None else seed
        )


class RandomUniform(Initializer):
    """Numbers spread evenly from minval on and below maxval; seed as for RandomNormal."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None) -> None:
        self.minval, self.maxval = check_number(self, "minval", minval), check_number(self, "maxval", maxval)
        self.seed = seed
        if self.minval > self.maxval:
            raise InvalidArgumentError(
                "RandomUniform has an empty range", rule="minval is at most maxval", received=f"{minval} and {maxval}"
            )

    def __call__(self, shape: Any, dtype: Any = lk.float32, seed: int | None = None) -> lk.Tensor:
        return lk.random.uniform(shape, self.minval, self.maxval, dtype, seed=self.seed if seed is None else seed)
