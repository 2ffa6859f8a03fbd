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
        """What the figures allow to say, in words.

        A cause, and what helps against it, is named only if its own interval lies above zero and it is the larger of
        the two beyond noise.
        """
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
        has_bias, has_variance = self.bias.low > 0.0, self.variance.low > 0.0
        if has_bias and self.gap.high < 0.0:
            return "mostly bias: train longer, or use a larger network"
        if has_variance and self.gap.low > 0.0:
            return "mostly variance: use more data, or regularise"
        if has_bias or has_variance:
            return "within noise: bias and variance cannot be told apart"
        found = []  # no cause to name: what is known all the same
        if self.bias.high <= 0.0:
            found.append(f"training {'better than' if self.bias.high < 0.0 else 'as good as'} the reference error")
        if self.variance.high <= 0.0:
            found.append("validation no harder than training")
        if len(found) == 2:
            return "; ".join(found)
        if found:
            rest = "bias" if self.bias.high > 0.0 else "variance"
            return f"{found[0]}; {rest} within the noise of {self.bias.n} seeds"
        return f"within the noise of {self.bias.n} seeds: neither bias nor variance differs from zero"


def bias_variance(train_errors: Sequence[float], validation_errors: Sequence[float], reference: float) -> BiasVariance:
    """From the errors of the same seeds in the same order, each a fraction in [0, 1]."""
    bias = [error - reference for error in train_errors]
    variance = [validation - train for train, validation in zip(train_errors, validation_errors, strict=True)]
    gap = [v - b for b, v in zip(bias, variance, strict=True)]
    return BiasVariance(estimate(bias), estimate(variance), estimate(gap))
