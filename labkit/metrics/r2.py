"""R2Score: how much of the targets' variance the predictions explain."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.metrics.base import Metric
from labkit.metrics.reading import check_choice, paired


class R2Score(Metric):
    """result = 1 - sum of w (y_true - y_pred)² / sum of w (y_true - m)², m the mean of y_true with weights w.

    1 is perfect, 0 what predicting the mean gives; it may be below 0. Where all targets of an output are equal, it is 1
    for perfect predictions and else 0, as in scikit-learn. NaN for fewer than 2 examples.

    The lower sum is computed from exact sums of w, w y and w y², in fractions: no digit is lost where the targets' mean
    is far larger than their spread.

    y_true, y_pred: [batch, ...] of one shape, of any dtypes of numbers, each number of an example being an output;
    [batch] and [batch, 1] stand for each other.

    Args:
        class_aggregation: of the outputs' results: "uniform_average", "variance_weighted_average", or None for all of
            them, float64 [outputs].
        name: as for `Metric`.

    Source: Keras; scikit-learn, `r2_score`.

    Raises:
        InvalidArgumentError: a setting is none of these.
        ShapeError, DTypeError, InvalidArgumentError: (from `update_state`) as `Metric` says.
    """

    direction = "max"
    counted = ("errors", "targets", "squares", "weights", "examples")

    def __init__(self, class_aggregation: str | None = "uniform_average", name: str | None = None) -> None:
        choices = ("uniform_average", "variance_weighted_average", None)
        self.class_aggregation = check_choice(self, "class_aggregation", class_aggregation, choices)
        super().__init__(name)

    def add(self, y_true: np.ndarray, y_pred: np.ndarray, weight: np.ndarray) -> None:
        outputs = int(np.prod(y_pred.shape[1:]))
        true, predicted = (array.reshape(len(weight), outputs) for array in paired(self, y_true, y_pred))
        w = weight[:, None]
        sums = {name: self.sum_of(name, outputs) for name in ("errors", "targets", "squares")}
        with np.errstate(over="ignore", invalid="ignore"):  # beyond float64 the result is NaN
            sums["errors"].add(w * np.square(true - predicted))
            for first in _product(true, w):
                sums["targets"].add(first)
                for second in _product(first, true):
                    sums["squares"].add(second)
        self.sum_of("weights").add(w)
        self.sum_of("examples").add(np.ones((len(w), 1)))

    def value(self) -> Any:
        examples = int(self.sums["examples"].totals()[0])
        errors = self.sums["errors"].totals()
        variances = np.array([self._variance(output) for output in range(len(errors))])
        if examples < 2 or not np.isfinite([errors, variances]).all():
            scores = np.full(len(errors), np.nan)
        else:
            constant = variances == 0
            scores = np.where(constant, errors == 0, 1 - errors / np.where(constant, 1, variances))
        if self.class_aggregation is None:
            return scores
        weighted = self.class_aggregation == "variance_weighted_average" and variances.any()
        return float(np.average(scores, weights=variances if weighted else None))

    def _variance(self, output: int) -> float:
        """Sum of w (y_true - m)² = sum of w y² - (sum of w y)² / sum of w."""
        try:
            weight = self.sums["weights"].exact(0)
            targets, squares = (self.sums[name].exact(output) for name in ("targets", "squares"))
            return float(squares - targets**2 / weight) if weight else 0.0
        except (OverflowError, ValueError):  # a target was infinite, or too large to be squared
            return float("nan")


_SPLIT = float(2**27 + 1)


def _product(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two numbers whose sum is a b exactly (Dekker 1971), unless it over- or underflows."""
    a, b = np.broadcast_arrays(a, b)
    (a_high, a_low), (b_high, b_low) = ((high, x - high) for x in (a, b) for high in (_SPLIT * x - (_SPLIT * x - x),))
    high = a * b
    return high, ((a_high * b_high - high) + a_high * b_low + a_low * b_high) + a_low * b_low
