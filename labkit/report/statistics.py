"""Means over seeds and how sure they are."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

CONFIDENCE = 0.95


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A mean over n repeats, and half the width of its confidence interval (NaN for n < 2: none is invented)."""

    mean: float
    half_width: float
    n: int

    @property
    def low(self) -> float:
        return self.mean - self.half_width

    @property
    def high(self) -> float:
        return self.mean + self.half_width

    @property
    def differs_from_zero(self) -> bool:
        """Zero lies outside the interval. Never true without one."""
        return self.n > 1 and (self.low > 0.0 or self.high < 0.0)

    def __str__(self) -> str:
        if self.n == 0:
            return "-"
        half = "" if math.isnan(self.half_width) else f" ± {self.half_width:.2g}"
        return f"{self.mean:.5g}{half} (n={self.n})"


def estimate(values: Sequence[float]) -> Estimate:
    """The mean of independent repeats with its two-sided 95% t-interval, mean +- t(0.975, n-1) * s / sqrt(n).

    Student (1908), "The probable error of a mean". A NaN or infinity among the values makes mean and interval so.
    """
    n = len(values)
    if n == 0:
        return Estimate(math.nan, math.nan, 0)
    if not all(math.isfinite(value) for value in values):
        return Estimate(sum(values), math.nan, n)
    mean = math.fsum(values) / n
    if n == 1:
        return Estimate(mean, math.nan, 1)
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    return Estimate(mean, _quantile(n) * deviation / math.sqrt(n), n)


def more_needed(found: Estimate, limit: int = 100) -> int | None:
    """About how many further repeats would take zero out of the interval, if mean and spread stay what they are.

    None where there is no interval, the mean is zero, or more than `limit` would be needed.
    """
    if found.n < 2 or not math.isfinite(found.half_width) or found.mean == 0.0:
        return None
    deviation = found.half_width * math.sqrt(found.n) / _quantile(found.n)
    for n in range(found.n, found.n + limit + 1):
        if _quantile(n) * deviation / math.sqrt(n) < abs(found.mean):
            return n - found.n
    return None


def _quantile(n: int) -> float:
    """Of Student's t with n - 1 degrees of freedom, for a two-sided interval."""
    from scipy.special import stdtrit  # scipy.stats would take a second to import

    return float(stdtrit(n - 1, 0.5 + CONFIDENCE / 2))


def paired_difference(first: dict[int, float], second: dict[int, float]) -> Estimate:
    """The mean of first - second over the seeds that both have. `first`, `second`: seed -> value."""
    return estimate([first[seed] - second[seed] for seed in sorted(first.keys() & second.keys())])
