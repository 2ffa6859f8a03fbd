"""Hinge: how far predictions are from being right by a margin of 1; the means of the losses of the same names."""

from __future__ import annotations

import numpy as np

from labkit.errors import InvalidArgumentError
from labkit.metrics.base import Metric
from labkit.metrics.mean import PairedMean
from labkit.metrics.reading import class_scores


class Hinge(PairedMean):
    """result = mean over examples and their numbers of max(1 - y_true y_pred, 0).

    y_true: [batch, ...], -1 or 1; 0 means -1. y_pred: of the same shape, scores of any size; [batch] and [batch, 1] stand
    for each other.

    Source: Cortes and Vapnik 1995, "Support-vector networks"; scikit-learn, `hinge_loss`.

    Raises:
        InvalidArgumentError: (from `update_state`) a target is none of these.
        ShapeError, DTypeError: (from `update_state`) as `Metric` says.
    """

    def compare(self, true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        return np.maximum(1 - _signs(self, true) * predicted, 0)


class SquaredHinge(Hinge):
    """result = mean over examples and their numbers of max(1 - y_true y_pred, 0)²; the rest as for Hinge.

    Source: Lee and Mangasarian 2001, "SSVM: a smooth support vector machine for classification".
    """

    def compare(self, true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        return np.square(super().compare(true, predicted))


class CategoricalHinge(PairedMean):
    """result = mean over examples of max(1 + max over classes of (1 - y_true) y_pred - sum of y_true y_pred, 0).

    y_true: [batch, ..., classes], one-hot. y_pred: of the same shape, scores of any size.

    Source: Keras, `categorical_hinge`; Crammer and Singer 2001, whose first maximum leaves the right class out.

    Raises:
        ShapeError, DTypeError, InvalidArgumentError: (from `update_state`) as `Metric` says.
    """

    def compare(self, true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        class_scores(self, predicted)
        return np.maximum(1 + ((1 - true) * predicted).max(axis=-1) - (true * predicted).sum(axis=-1), 0)


def _signs(metric: Metric, true: np.ndarray) -> np.ndarray:
    signs = np.where(true == 0, -1, true)
    if not (np.abs(signs) == 1).all():
        raise InvalidArgumentError(
            f"{metric.name} cannot use these targets",
            rule="They are -1 or 1, or 0 for -1",
            received=f"{signs[np.abs(signs) != 1].ravel()[0]}",
        )
    return signs
