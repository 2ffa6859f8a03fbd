"""Accuracy over all examples, on arrays. In a graph the functions of `classification` say the same of each example."""

from __future__ import annotations

import numpy as np

from labkit.core.settings import check_count, check_number
from labkit.metrics.mean import ExampleMean, means
from labkit.metrics.reading import class_numbers, class_scores, one_hot_numbers, paired, yes_or_no


class _Accuracy(ExampleMean):
    direction = "max"


class BinaryAccuracy(_Accuracy):
    """result = the share of predictions on the right side of the threshold: (y_pred > threshold) = y_true.

    y_true: [batch, ...], 0 or 1. y_pred: [batch, ...] of the same shape, probabilities, or logits with threshold 0;
    [batch] and [batch, 1] stand for each other. An example with several numbers counts with its mean.

    Args:
        threshold: from 0 to 1.
        name: as for `Metric`.

    Source: Keras; scikit-learn, `accuracy_score`.

    Raises:
        InvalidArgumentError: the threshold is out of range; (from `update_state`) a target is neither 0 nor 1.
        ShapeError, DTypeError: (from `update_state`) as `Metric` says.
    """

    def __init__(self, threshold: float = 0.5, name: str | None = None) -> None:
        self.threshold = check_number(self, "threshold", threshold, low=0.0, high=1.0)
        super().__init__(name)

    def per_example(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        true, predicted = paired(self, y_true, y_pred)
        return means((predicted > self.threshold) == yes_or_no(self, true))


class SparseCategoricalAccuracy(_Accuracy):
    """result = the share of rows whose largest prediction is at the right class.

    y_true: numbers of classes, [batch, ...] or [batch, ..., 1]. y_pred: [batch, ..., classes], logits or probabilities.
    Among equally large predictions the first class counts. An example with several rows, such as the steps of a
    sequence, counts with its mean.

    Source: Keras; scikit-learn, `accuracy_score`.

    Raises:
        InvalidArgumentError: (from `update_state`) a label is no number of a class.
        ShapeError, DTypeError: (from `update_state`) as `Metric` says.
    """

    def per_example(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        scores = class_scores(self, y_pred)
        return means(class_numbers(self, y_true, scores) == scores.argmax(axis=-1))


class CategoricalAccuracy(_Accuracy):
    """result = the share of rows whose largest prediction is where the largest target is.

    y_true and y_pred: [batch, ..., classes]; one-hot targets, or probabilities. The rest, and errors, as for
    SparseCategoricalAccuracy.
    """

    def per_example(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        scores = class_scores(self, y_pred)
        return means(one_hot_numbers(self, y_true, scores) == scores.argmax(axis=-1))


class _TopK(_Accuracy):
    def __init__(self, k: int = 5, name: str | None = None) -> None:
        self.k = check_count(self, "k", k, low=1)
        super().__init__(name)

    def _hits(self, right: np.ndarray, scores: np.ndarray) -> np.ndarray:
        own = np.take_along_axis(scores, right[..., None], axis=-1)
        later = np.arange(scores.shape[-1]) > right[..., None]
        before = np.count_nonzero((scores > own) | ((scores == own) & later), axis=-1)
        return means(before < self.k)


class SparseTopKCategoricalAccuracy(_TopK):
    """result = the share of rows whose right class is among the k largest predictions.

    y_true: numbers of classes, [batch, ...] or [batch, ..., 1]. y_pred: [batch, ..., classes], logits or probabilities.
    Of equally large predictions those of later classes are taken first, as scikit-learn's `top_k_accuracy_score` does
    (Keras takes all of them). From k = classes on every row counts as right.

    Args:
        k: a whole number from 1 on.
        name: as for `Metric`.

    Raises:
        InvalidArgumentError: k is none; (from `update_state`) a label is no number of a class.
        ShapeError, DTypeError: (from `update_state`) as `Metric` says.
    """

    def per_example(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        scores = class_scores(self, y_pred)
        return self._hits(class_numbers(self, y_true, scores), scores)


class TopKCategoricalAccuracy(_TopK):
    """result = the share of rows whose largest target is among the k largest predictions.

    y_true and y_pred: [batch, ..., classes]; one-hot targets, or probabilities. The rest as for
    SparseTopKCategoricalAccuracy.
    """

    def per_example(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        scores = class_scores(self, y_pred)
        return self._hits(one_hot_numbers(self, y_true, scores), scores)
