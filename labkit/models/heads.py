"""Heads: what an estimator's last layer means. Labels into targets, outputs into predictions and figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import labkit as lk
from labkit.core.shapes import show
from labkit.data.tables import entries
from labkit.errors import FeedError, InvalidArgumentError
from labkit.models.arrays import numeric, positive


class RegressionHead:
    """Numbers, judged by the mean squared error.

    Args:
        label_dimension: how many numbers an example's label has.
    """

    def __init__(self, label_dimension: int) -> None:
        self.units = positive(label_dimension, "label_dimension")
        self.loss = lk.losses.MeanSquaredError()

    def targets(self, labels: Any) -> np.ndarray:
        """float32 [examples, units]. Raises FeedError for labels of another form."""
        array = numeric(labels, "y")
        if array.ndim == 1 and self.units == 1:
            array = array[:, None]
        if array.shape[1:] != (self.units,):
            raise FeedError(
                "The labels do not fit the regression",
                rule=f"They are [examples, {self.units}]",
                received=f"shape {show(array.shape)}",
                fix="label_dimension says how many numbers each has.",
            )
        return array.astype(np.float32)

    def predictions(self, outputs: np.ndarray) -> dict[str, np.ndarray]:
        """As TensorFlow names them: [examples, units]."""
        return {"predictions": outputs}

    def answer(self, outputs: np.ndarray) -> np.ndarray:
        """The numbers, [examples], or [examples, units] where there are several."""
        return outputs[:, 0] if self.units == 1 else outputs

    def figures(self, targets: np.ndarray, outputs: np.ndarray, weights: np.ndarray | None) -> dict[str, float]:
        """Figures of all examples, by TensorFlow's names."""
        each = None if weights is None else np.repeat(weights, self.units)
        return {
            "average_loss": measure(lk.metrics.MeanSquaredError(), targets, outputs, weights),
            "label/mean": _mean(targets, each),
            "prediction/mean": _mean(outputs, each),
        }

    def score(self, targets: np.ndarray, outputs: np.ndarray, weights: np.ndarray | None) -> float:
        return measure(lk.metrics.R2Score(), targets, outputs, weights)


class ClassificationHead:
    """One of several classes, judged by the cross-entropy. Of two classes the output is one logit, that of class 1.

    Args:
        n_classes: how many classes, from 2 on.
        label_vocabulary: the classes' names, in the order of their numbers; None where labels are the numbers.
    """

    def __init__(self, n_classes: int, label_vocabulary: Sequence[Any] | None) -> None:
        self.classes = positive(n_classes, "n_classes")
        if self.classes < 2:
            raise InvalidArgumentError("A classifier has at least 2 classes", received=f"n_classes={n_classes}")
        self.units = 1 if self.classes == 2 else self.classes
        self.names = None if label_vocabulary is None else np.array(entries(label_vocabulary, "The classes' names"))
        if self.names is not None and (self.names.ndim != 1 or len(set(self.names.tolist())) != n_classes):
            raise InvalidArgumentError(
                "label_vocabulary has another name for each class",
                rule=f"There are {n_classes} classes",
                received=repr(label_vocabulary)[:200],
            )
        losses = lk.losses.BinaryCrossentropy, lk.losses.SparseCategoricalCrossentropy
        self.loss = losses[self.classes > 2](from_logits=True)

    def targets(self, labels: Any) -> np.ndarray:
        """The numbers of the classes, int64 [examples, 1]. Raises FeedError for labels that are none."""
        if self.names is not None:
            return self._numbers(np.asarray(labels))
        if isinstance(next(iter(np.asarray(labels).flat), None), str | bytes):
            raise FeedError(
                "The labels are texts, not numbers of classes",
                rule=f"They are whole numbers from 0 to {self.classes - 1}, or names in a label_vocabulary",
                received=f"for example {np.asarray(labels).flat[0]!r}",
                fix="Name them where the estimator is made: label_vocabulary=[...].",
            )
        array = numeric(labels, "y")
        strange = array[(array < 0) | (array >= self.classes) | (array != np.floor(array))]
        if strange.size:
            raise FeedError(
                "The labels are no numbers of classes",
                rule=f"They are whole numbers from 0 to {self.classes - 1}",
                received=", ".join(map(str, np.unique(strange)[:5].tolist())),
                fix="n_classes says how many there are; label_vocabulary names them where labels are texts.",
            )
        return self._column(array.astype(np.int64))

    def _numbers(self, labels: np.ndarray) -> np.ndarray:
        assert self.names is not None
        numbers = {name: number for number, name in enumerate(self.names.tolist())}
        listed = [label.decode() if isinstance(label, bytes) else label for label in labels.ravel().tolist()]
        if unknown := [label for label in listed if label not in numbers]:
            raise FeedError(
                "A label is no class of the label_vocabulary",
                rule=f"The classes are {', '.join(map(repr, numbers))}",
                received=repr(unknown[0]),
            )
        return self._column(np.array([numbers[label] for label in listed], np.int64).reshape(labels.shape))

    @staticmethod
    def _column(labels: np.ndarray) -> np.ndarray:
        if labels.ndim == 1:
            return labels[:, None]
        if labels.shape[1:] != (1,):
            raise FeedError("Every example has one label", rule="They are [examples]", received=f"{show(labels.shape)}")
        return labels

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """float32 [examples, classes]: p = 1 / (1 + e^-z) of class 1, or the softmax of the logits."""
        logits = np.hstack([np.zeros_like(outputs), outputs]) if self.units == 1 else outputs
        powers = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True, initial=-np.inf))
        return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)

    def predictions(self, outputs: np.ndarray) -> dict[str, np.ndarray]:
        """As TensorFlow names them, [examples, ...]."""
        probabilities = self.probabilities(outputs)
        numbers = probabilities.argmax(axis=1)[:, None]
        names = numbers.astype(str) if self.names is None else self.names[numbers]
        found = {"logits": outputs, "probabilities": probabilities, "class_ids": numbers, "classes": names}
        return found if self.classes > 2 else {**found, "logistic": probabilities[:, 1:]}

    def answer(self, outputs: np.ndarray) -> np.ndarray:
        """The classes, [examples]: their numbers, or their names."""
        numbers = self.probabilities(outputs).argmax(axis=1)
        return numbers if self.names is None else self.names[numbers]

    def figures(self, targets: np.ndarray, outputs: np.ndarray, weights: np.ndarray | None) -> dict[str, float]:
        """Figures of all examples, by TensorFlow's names."""
        metrics, probabilities = lk.metrics, self.probabilities(outputs)
        if self.classes > 2:
            return {
                "average_loss": measure(metrics.SparseCategoricalCrossentropy(True), targets, outputs, weights),
                "accuracy": measure(metrics.SparseCategoricalAccuracy(), targets, probabilities, weights),
            }
        chance, share = probabilities[:, 1:], _mean(targets, weights)
        measured = {
            "accuracy": metrics.BinaryAccuracy(),
            "precision": metrics.Precision(),
            "recall": metrics.Recall(),
            "auc": metrics.AUC(),
            "auc_precision_recall": metrics.AUC(curve="PR"),
        }
        return {
            "average_loss": measure(metrics.BinaryCrossentropy(from_logits=True), targets, outputs, weights),
            **{name: measure(metric, targets, chance, weights) for name, metric in measured.items()},
            "accuracy_baseline": max(share, 1 - share),
            "label/mean": share,
            "prediction/mean": _mean(chance, weights),
        }

    def score(self, targets: np.ndarray, outputs: np.ndarray, weights: np.ndarray | None) -> float:
        return self.figures(targets, outputs, weights)["accuracy"]


def measure(metric: Any, targets: np.ndarray, predictions: np.ndarray, weights: np.ndarray | None = None) -> float:
    """A metric's value for all examples."""
    metric.update_state(targets, predictions, weights)
    return float(metric.result())


def _mean(values: np.ndarray, weights: np.ndarray | None) -> float:
    return float(np.average(values.astype(np.float64).ravel(), weights=weights))
