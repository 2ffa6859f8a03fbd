"""Cross-entropy over all examples, on arrays: the log loss.

Probabilities are clipped to [e, 1 - e], e the spacing of the predictions' dtype at 1 (1.2e-7 for float32, 2.2e-16 for
float64), as scikit-learn's `log_loss` does; the losses of the same names clip at 1e-7. From logits nothing is clipped.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core.settings import check_number
from labkit.errors import InvalidArgumentError
from labkit.metrics.mean import ExampleMean, means
from labkit.metrics.reading import class_numbers, class_scores, one_hot_numbers, paired


class _Crossentropy(ExampleMean):
    direction = "min"

    def __init__(self, from_logits: bool = False, label_smoothing: float = 0.0, name: str | None = None) -> None:
        self.from_logits = from_logits
        self.label_smoothing = check_number(self, "label_smoothing", label_smoothing, low=0.0, high=1.0)
        super().__init__(name)

    def _clipped(self, y_pred: np.ndarray) -> np.ndarray:
        """Probabilities in float64, away from 0 and 1."""
        kind = y_pred.dtype if y_pred.dtype.kind == "f" else np.dtype(np.float64)
        spacing = float(np.finfo(kind).eps)
        if y_pred.size and not (y_pred.min() >= 0 and y_pred.max() <= 1 + 4 * spacing):  # softmax rounds a little above
            raise InvalidArgumentError(
                f"{self.name} needs probabilities",
                rule="Predictions are from 0 to 1",
                received=f"predictions from {y_pred.min():g} to {y_pred.max():g}",
                fix="If the model gives logits, say so: from_logits=True.",
            )
        return np.clip(y_pred.astype(np.float64), spacing, 1 - spacing)

    def _log_p(self, y_pred: np.ndarray) -> np.ndarray:
        """The logarithms of the classes' probabilities."""
        if not self.from_logits:
            return np.log(self._clipped(y_pred))
        logits = y_pred.astype(np.float64)
        logits = logits - logits.max(axis=-1, keepdims=True)
        return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


class BinaryCrossentropy(_Crossentropy):
    """result = mean over examples and their numbers of -y log p - (1 - y) log(1 - p), in nats; p the probability of 1.

    From logits z, p = 1 / (1 + e^-z), and a term is max(z, 0) - z y + log(1 + e^-|z|).

    y_true: [batch, ...], from 0 to 1. y_pred: of the same shape, logits if `from_logits`, else probabilities; [batch] and
    [batch, 1] stand for each other.

    Args:
        from_logits: whether y_pred are logits.
        label_smoothing: a number s from 0 to 1; targets become (1 - s) y + s / 2.
        name: as for `Metric`.

    Source: Cox 1958, "The regression analysis of binary sequences"; scikit-learn, `log_loss`.

    Raises:
        InvalidArgumentError: label_smoothing is no number from 0 to 1; (from `update_state`) targets or probabilities are
            not from 0 to 1.
        ShapeError, DTypeError: (from `update_state`) as `Metric` says.
    """

    def per_example(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        true, predicted = paired(self, y_true, y_pred)
        _require_share(self, true)
        true = (1 - self.label_smoothing) * true + self.label_smoothing / 2
        if self.from_logits:
            terms = np.maximum(predicted, 0) - predicted * true + np.log1p(np.exp(-np.abs(predicted)))
        else:
            p = self._clipped(y_pred)
            terms = -true * np.log(p) - (1 - true) * np.log1p(-p)
        return means(terms)


class SparseCategoricalCrossentropy(_Crossentropy):
    """result = mean over examples of -log p[label], in nats, for labels that are numbers of classes.

    With label smoothing s: of -(1 - s) log p[label] - s mean over classes of log p. From logits, p = softmax(y_pred).

    y_true: [batch, ...] or [batch, ..., 1], whole numbers from 0 to classes - 1. y_pred: [batch, ..., classes], logits if
    `from_logits`, else probabilities that sum to 1. An example with several rows counts with their mean.

    Args:
        from_logits: whether y_pred are logits.
        label_smoothing: a number s from 0 to 1.
        name: as for `Metric`.

    Source: Bishop 2006, "Pattern recognition and machine learning", section 4.3.4; scikit-learn, `log_loss`.

    Raises:
        InvalidArgumentError: label_smoothing is no number from 0 to 1; (from `update_state`) a label is no number of a
            class, or probabilities are not from 0 to 1.
        ShapeError, DTypeError: (from `update_state`) as `Metric` says.
    """

    def per_example(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        right = class_numbers(self, y_true, class_scores(self, y_pred))
        log_p = self._log_p(y_pred)
        terms = -np.take_along_axis(log_p, right[..., None], axis=-1)[..., 0]
        terms = (1 - self.label_smoothing) * terms - self.label_smoothing * log_p.mean(axis=-1)
        return means(terms)


class CategoricalCrossentropy(_Crossentropy):
    """result = mean over examples of -sum over classes of y_true log p, in nats, for one-hot targets or probabilities.

    y_true: [batch, ..., classes], rows that sum to 1; targets become (1 - s) y_true + s / classes. The rest as for
    SparseCategoricalCrossentropy.
    """

    def per_example(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        one_hot_numbers(self, y_true, class_scores(self, y_pred))
        true = y_true.astype(np.float64)
        _require_share(self, true)
        true = (1 - self.label_smoothing) * true + self.label_smoothing / y_pred.shape[-1]
        # A class of target 0 adds nothing, even where its logit is minus infinity.
        terms = -np.where(true > 0, true * np.where(true > 0, self._log_p(y_pred), 0), 0).sum(axis=-1)
        return means(terms)


def _require_share(metric: Any, true: np.ndarray) -> None:
    if true.size and not (true.min() >= 0 and true.max() <= 1):
        raise InvalidArgumentError(
            f"{metric.name} cannot use these targets",
            rule="They are probabilities, from 0 to 1",
            received=f"targets from {true.min():g} to {true.max():g}",
        )
