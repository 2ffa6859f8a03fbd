"""AUC: how well predictions rank examples, exactly, from all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from labkit.errors import CheckpointError, ShapeError
from labkit.metrics.base import Metric
from labkit.metrics.reading import check_choice, class_numbers, repeated, yes_or_no


class AUC(Metric):
    """The area under the ROC curve or, for curve="PR", the average precision.

    ROC: the probability that an example of class 1 has a larger prediction than one of class 0, equal ones counting half:
    the area under the share of true positives over that of false positives, by trapezoids. NaN where one of the classes
    is absent, as in scikit-learn. PR: sum over falling thresholds of (R_n - R_n-1) P_n, P and R precision and recall;
    0 where class 1 is absent.

    No buckets: the predictions of all examples are kept, with labels and weights, 13 bytes for an example with one
    float32 prediction, and sorted for each `result`. Examples with equal predictions are one step of the curve.

    y_true, y_pred: one prediction each, [batch] or [batch, ..., 1], y_true 0 or 1; or one for each class or label,
    [batch, ..., classes], y_true numbers of classes or of the same shape, 0 or 1 (one-hot, or several labels): each class
    against the rest, and the average over the classes. Logits or probabilities: the order alone counts.

    Args:
        curve: "ROC" or "PR".
        average: of several classes' areas: "macro" is their mean, "weighted" their mean by the numbers of examples of the
            class, "micro" the area of all predictions as one list; None gives all of them, float64 [classes].
        name: as for `Metric`.

    Source: Hanley and McNeil 1982; Fawcett 2006, "An introduction to ROC analysis"; scikit-learn, `roc_auc_score` and
    `average_precision_score`.

    Raises:
        InvalidArgumentError: a setting is none of these; (from `update_state`) a target is out of range.
        ShapeError, DTypeError: (from `update_state`) as `Metric` says.
    """

    direction = "max"

    def __init__(self, curve: str = "ROC", average: str | None = "macro", name: str | None = None) -> None:
        self.curve = check_choice(self, "curve", curve, ("ROC", "PR"))
        self.average = check_choice(self, "average", average, ("macro", "weighted", "micro", None))
        super().__init__(name)

    def reset_state(self) -> None:
        super().reset_state()
        self._batches: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def add(self, y_true: np.ndarray, y_pred: np.ndarray, weight: np.ndarray) -> None:
        classes = 1 if y_pred.ndim == 1 else y_pred.shape[-1]
        if self._batches and self._batches[0][0].shape[1] != classes:
            raise ShapeError(
                f"{self.name} was shown examples of another shape before",
                rule="All batches have the same number of classes",
                received=f"{classes}, first {self._batches[0][0].shape[1]}",
                fix="Call reset_state() before other data.",
            )
        scores = y_pred if y_pred.ndim > 1 else y_pred[:, None]
        if y_true.shape in (y_pred.shape, scores.shape) or (classes == 1 and y_true.shape == scores.shape[:-1]):
            true = yes_or_no(self, y_true).reshape(-1, classes)
        elif classes > 1:
            true = class_numbers(self, y_true, scores)[..., None] == np.arange(classes)
        else:
            raise ShapeError(
                f"{self.name} needs a target for each prediction",
                rule="y_true is [batch, ...] or [batch, ..., 1] for y_pred [batch, ..., 1]",
                received=f"y_true of shape {y_true.shape}, y_pred of shape {y_pred.shape}",
            )
        weight = repeated(weight, scores[..., 0])
        self._batches.append((scores.reshape(-1, classes).copy(), true.reshape(-1, classes), weight))

    def value(self) -> Any:
        scores, true, weight = self._joined()
        if self.average == "micro":
            weight = np.repeat(weight, scores.shape[1])
            scores, true = scores.reshape(-1, 1), true.reshape(-1, 1)
        found = [self._area(s, t, weight) for s, t in zip(scores.T, true.T, strict=True)]
        areas, positives = np.array(found).T
        if len(areas) == 1:
            return float(areas[0])
        if self.average is None:
            return areas
        if self.average == "macro":
            return float(areas.mean())
        shares = np.where(positives, areas * positives, 0)  # a class without examples has no part in it
        return float(shares.sum() / positives.sum()) if positives.any() else float("nan")

    def _area(self, scores: np.ndarray, true: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
        """The area, and the weight of what is positive."""
        if not len(scores):
            return float("nan"), 0.0
        # Sums of different weights have the same bits whatever the order the examples came in when all three are sorted.
        alike = bool((weight == weight[0]).all())
        order = (np.argsort(scores) if alike else np.lexsort((weight, true, scores)))[::-1]
        scores, true, weight = scores[order], true[order], weight[order]
        last = np.flatnonzero(np.append(scores[1:] != scores[:-1], True))  # of the examples with equal predictions
        positives, negatives = (np.cumsum(weight * of)[last] for of in (true, ~true))
        every, others = float(positives[-1]), float(negatives[-1])
        if not every:
            return (float("nan") if self.curve == "ROC" else 0.0), every
        steps = np.diff(positives, prepend=0)
        if self.curve == "PR":
            return float((steps * (positives / (positives + negatives))).sum()) / every, every
        if not others:
            return float("nan"), every
        # Each step's positives stand before the negatives that come later, and level with those of the step.
        before = others - negatives + np.diff(negatives, prepend=0) / 2
        return float((steps * before).sum()) / (every * others), every

    def _joined(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """All predictions [n, classes], labels of the same shape, and weights [n]."""
        scores, true, weight = (np.concatenate(parts) for parts in zip(*self._batches, strict=True))
        self._batches = [(scores, true, weight)]
        return scores, true, weight

    def state(self) -> dict[str, np.ndarray]:
        arrays = self._joined() if self._batches else (np.zeros((0, 0)), np.zeros((0, 0), bool), np.zeros(0))
        return {**super().state(), **{key: array.copy() for key, array in zip(_KEYS, arrays, strict=True)}}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        scores, true, weight = (np.array(state.get(key, 0)) for key in _KEYS)
        if (scores.ndim, weight.ndim) != (2, 1) or scores.shape != true.shape or len(scores) != len(weight):
            raise CheckpointError(
                f"This is no state of {self.name}",
                rule=f"{', '.join(_KEYS)} hold as many examples each",
                received=f"shapes {scores.shape}, {true.shape}, {weight.shape}",
            )
        super().restore(state)
        self._batches = [(scores, true.astype(bool), weight)] if scores.shape[1] else []


_KEYS = ("scores", "labels", "weights")
