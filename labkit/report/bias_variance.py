"""Bias and variance as one speaks of them when deciding what to do next with a network.

bias = training error - reference error, variance = validation error - training error ("Learn TensorFlow Now", part 12,
J. Varty). All errors are fractions, measured in inference mode after training.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from labkit.report.statistics import Estimate, estimate


@dataclasses.dataclass(frozen=True)
class BiasVariance:
    """Bias and variance over seeds, and `gap` = variance - bias, which decides which of them dominates."""

    bias: Estimate
    variance: Estimate
    gap: Estimate

    def verdict(self) -> str:
        """What the figures allow to say, in words; "within noise" where they allow no more."""
        bias, variance = self.bias.mean, self.variance.mean
        if self.bias.n == 0:
            return "nothing measured"
        if not (math.isfinite(bias) and math.isfinite(variance)):
            return "the errors are no numbers"
        if self.bias.n == 1:
            if bias == variance:
                return "one seed: bias and variance are equal; more seeds would give intervals"
            larger = "bias" if bias > variance else "variance"
            return f"one seed: {larger} is the larger; more seeds would tell whether that is noise"
        if not self.bias.differs_from_zero and not self.variance.differs_from_zero:
            return "within noise: neither bias nor variance differs from zero"
        if not self.gap.differs_from_zero:
            return "within noise: bias and variance cannot be told apart"
        if self.gap.mean < 0:
            return "mostly bias: train longer, or use a larger network"
        return "mostly variance: use more data, or regularise"


def bias_variance(train_errors: Sequence[float], validation_errors: Sequence[float], reference: float) -> BiasVariance:
    """From the errors of the same seeds in the same order, each a fraction in [0, 1]."""
    bias = [error - reference for error in train_errors]
    variance = [validation - train for train, validation in zip(train_errors, validation_errors, strict=True)]
    gap = [v - b for b, v in zip(bias, variance, strict=True)]
    return BiasVariance(estimate(bias), estimate(variance), estimate(gap))
