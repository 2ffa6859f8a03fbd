"""Precision, recall and F1 score: from the numbers of true and false positives, and of false negatives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from labkit.core.settings import check_number
from labkit.errors import InvalidArgumentError, ShapeError
from labkit.metrics.base import Metric
from labkit.metrics.reading import check_choice, labels, repeated, yes_or_no

AVERAGES = ("macro", "micro", "weighted", None)


class _Positives(Metric):
    """Counts true and false positives and false negatives, for each class, label or threshold apart.

    What y_pred is decides what is counted:

    - [batch] or [batch, ..., 1]: yes or no. The result is one float, or an array for several thresholds.
    - [batch, ..., classes] without a threshold: the largest prediction counts, among equal ones the first. y_true are
      numbers of classes or one-hot. The classes' results are averaged.
    - [batch, ..., labels] with a threshold: each label is a yes or no of its own. y_true has the same shape, 0 or 1. The
      labels' results are averaged.
    """

    average: str | None
    direction = "max"
    counted = ("true", "false", "missed")

    def __init__(self, limits: list[float] | None, several: bool, name: str | None) -> None:
        self._limits, self._several = limits, several
        super().__init__(name)

    def ratio(self, true: np.ndarray, false: np.ndarray, missed: np.ndarray) -> np.ndarray:
        """The result from counts of true positives, false positives, false negatives, float64 [n]."""
        raise NotImplementedError(f"{type(self).__name__} must define ratio(true, false, missed)")

    def add(self, y_true: np.ndarray, y_pred: np.ndarray, weight: np.ndarray) -> None:
        if y_pred.ndim > 1 and y_pred.shape[-1] > 1 and self._limits is None:
            right, best = labels(self, y_true, y_pred), y_pred.argmax(axis=-1).ravel()
            weight, right = repeated(weight, right), right.ravel()
            hit = right == best
            true, false, missed = (self.sum_of(name, y_pred.shape[-1]) for name in self.counted)
            true.add(weight[hit], right[hit])
            false.add(weight[~hit], best[~hit])
            missed.add(weight[~hit], right[~hit])
            return
        wanted, found = self._decided(y_true, y_pred)
        weight = np.repeat(weight, len(found) // max(len(weight), 1))[:, None]
        sums = [self.sum_of(name, found.shape[1]) for name in self.counted]
        for total, counted in zip(sums, (wanted & found, ~wanted & found, wanted & ~found), strict=True):
            total.add(counted * weight)

    def _decided(self, y_true: np.ndarray, y_pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What should be yes, and what is, bool [n, thresholds or labels]."""
        limits = self._limits or [0.5]
        if y_pred.ndim == 1 or y_pred.shape[-1] == 1:
            shape = y_pred.shape if y_pred.ndim == 1 else y_pred.shape[:-1]
            if y_true.shape not in (shape, (*shape, 1)):
                raise ShapeError(
                    f"{self.name} needs a target for each prediction",
                    rule="y_true is [batch, ...] or [batch, ..., 1] for y_pred [batch, ..., 1]",
                    received=f"y_true of shape {y_true.shape}, y_pred of shape {y_pred.shape}",
                )
            return yes_or_no(self, y_true).reshape(-1, 1), y_pred.reshape(-1, 1) > np.array(limits)
        if y_true.shape != y_pred.shape or self._several:
            raise ShapeError(
                f"{self.name} counts labels with a threshold",
                rule="y_true and y_pred are both [batch, ..., labels], and there is one threshold",
                received=f"y_true of shape {y_true.shape}, y_pred of shape {y_pred.shape}, {len(limits)} thresholds",
                fix="Leave the threshold out where each example is of one class.",
            )
        size = y_pred.shape[-1]
        return yes_or_no(self, y_true).reshape(-1, size), (y_pred > limits[0]).reshape(-1, size)

    def value(self) -> Any:
        true, false, missed = (self.sums[name].totals() for name in self.counted)
        if self.average == "micro" and not self._several:
            return float(self.ratio(*(counts.sum(keepdims=True) for counts in (true, false, missed)))[0])
        found = self.ratio(true, false, missed)
        if len(found) == 1:
            return float(found[0])
        if self.average is None or self._several:
            return found
        if self.average == "macro":
            return float(found.mean())
        return float(_quotient((found * (true + missed)).sum(keepdims=True), (true + missed).sum(keepdims=True))[0])


class Precision(_Positives):
    """result = true positives / (true positives + false positives): the share of what is found that is right.

    Where nothing is found it is 0, as in Keras and scikit-learn.

    y_true, y_pred: yes or no, [batch] or [batch, ..., 1], a prediction above the threshold counting as yes; or classes:
    y_pred [batch, ..., classes] with y_true numbers of classes or one-hot, the largest prediction counting, among equal
    ones the first; or, with a threshold, several labels for each example: both [batch, ..., labels], y_true 0 or 1.

    Args:
        thresholds: from 0 to 1; None is 0.5 for yes or no. Several for yes or no make the result an array.
        average: of the classes' or labels' results: "macro" is their mean, "weighted" their mean by the numbers of true
            examples, "micro" the result of all counts added up; None gives all of them, float64 [classes].
        name: as for `Metric`.

    Source: van Rijsbergen 1979, "Information retrieval", chapter 7; scikit-learn, `precision_score`.

    Raises:
        InvalidArgumentError: a setting is none of these; (from `update_state`) a target is out of range.
        ShapeError, DTypeError: (from `update_state`) as `Metric` says.
    """

    def __init__(
        self, thresholds: float | Sequence[float] | None = None, average: str | None = "macro", name: str | None = None
    ) -> None:
        self.thresholds = thresholds
        self.average = check_choice(self, "average", average, AVERAGES)
        super().__init__(*_limits(self, "thresholds", thresholds), name)

    def ratio(self, true: np.ndarray, false: np.ndarray, missed: np.ndarray) -> np.ndarray:
        return _quotient(true, true + false)


class Recall(_Positives):
    """result = true positives / (true positives + false negatives): the share of what is to be found that is found.

    Where nothing is to be found it is 0, as in Keras and scikit-learn. All else as for Precision.
    """

    def __init__(
        self, thresholds: float | Sequence[float] | None = None, average: str | None = "macro", name: str | None = None
    ) -> None:
        self.thresholds = thresholds
        self.average = check_choice(self, "average", average, AVERAGES)
        super().__init__(*_limits(self, "thresholds", thresholds), name)

    def ratio(self, true: np.ndarray, false: np.ndarray, missed: np.ndarray) -> np.ndarray:
        return _quotient(true, true + missed)


class F1Score(_Positives):
    """result = 2 precision recall / (precision + recall) = 2 true positives / (2 true positives + false + missed).

    Where there is nothing to find and nothing found it is 0, as in Keras and scikit-learn.

    y_true, y_pred: as for Precision.

    Args:
        average: as for Precision. (Keras's default is None, all classes' results.)
        threshold: from 0 to 1; None is 0.5 for yes or no.
        name: as for `Metric`.

    Source: van Rijsbergen 1979, "Information retrieval", chapter 7; scikit-learn, `f1_score`.

    Raises:
        InvalidArgumentError, ShapeError, DTypeError: as for Precision.
    """

    def __init__(self, average: str | None = "macro", threshold: float | None = None, name: str | None = None) -> None:
        self.average = check_choice(self, "average", average, AVERAGES)
        self.threshold = None if threshold is None else check_number(self, "threshold", threshold, low=0.0, high=1.0)
        super().__init__(None if self.threshold is None else [self.threshold], False, name)

    def ratio(self, true: np.ndarray, false: np.ndarray, missed: np.ndarray) -> np.ndarray:
        return _quotient(2 * true, 2 * true + false + missed)


def _limits(metric: Metric, name: str, thresholds: Any) -> tuple[list[float] | None, bool]:
    """The thresholds as a list, and whether the user gave several."""
    if thresholds is None:
        return None, False
    several = isinstance(thresholds, list | tuple | np.ndarray)
    limits = [
        check_number(metric, name, limit, low=0.0, high=1.0) for limit in (thresholds if several else [thresholds])
    ]
    if not limits:
        raise InvalidArgumentError(f"{type(metric).__name__} needs a threshold", received=f"{name}={thresholds!r}")
    return limits, several


def _quotient(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, 0 where both are."""
    return part / np.where(whole == 0, 1, whole)
