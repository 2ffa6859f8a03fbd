"""Cross-entropy between classes and predicted probabilities: for classification.

With logits z, p = softmax(z), and the loss -log p is computed as log(sum of e^z) - z, without overflow and without
log(0). Probabilities are taken back to logits, log p: since softmax(log p) = p for probabilities that sum to 1, the
same operation gives the same loss, and its gradient goes through the logarithm. They are clipped at 1e-7 from below
(Keras's epsilon), so that the loss is at most 16.2; where the right class has a smaller probability the gradient vanishes,
and the example teaches nothing. With logits it still does: prefer them.

Label smoothing s takes the share s from the right class and gives it to all classes alike (Szegedy et al. 2016,
"Rethinking the Inception architecture for computer vision", section 7): y becomes (1 - s) y + s / classes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import labkit as lk
from labkit.core.settings import check_number
from labkit.errors import DTypeError, FeedError, ShapeError
from labkit.losses.base import EPSILON, Loss, PairedLoss, inner_axis, mean_of_examples, predictions


class SparseCategoricalCrossentropy(Loss):
    """loss = -log p[label], for labels that are numbers of classes, in nats.

    With label smoothing s: -(1 - s) log p[label] - s mean over classes of log p.

    y_true: int32, int64 or uint8, [batch, ...] or [batch, ..., 1], from 0 to classes - 1 (checked when run); a model
    also takes floats that are whole numbers.
    y_pred: [batch, ..., classes], float32 or float64, logits if `from_logits`, else probabilities that sum to 1. The
    mean is taken over what lies between, such as the pixels of an image.

    Args:
        from_logits: whether y_pred are logits.
        label_smoothing: a number s from 0 to 1.

    Source: Bishop 2006, "Pattern recognition and machine learning", section 4.3.4.

    Raises:
        InvalidArgumentError: label_smoothing is no number from 0 to 1; (when run) a label is out of range.
        ShapeError, DTypeError: (when called or run) the shapes or dtypes do not fit.
    """

    def __init__(self, from_logits: bool = False, label_smoothing: float = 0.0) -> None:
        self.from_logits = from_logits
        self.label_smoothing = smoothing(self, label_smoothing)

    def __call__(self, y_true: Any, y_pred: Any) -> lk.Tensor:
        logits = _logits(predictions(self, y_pred), self.from_logits)
        labels = self._labels(lk.convert_to_tensor(y_true), logits)
        loss = lk.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
        if self.label_smoothing:
            of_all = lk.reduce_mean(lk.nn.log_softmax(logits), axis=-1)
            loss = (1 - self.label_smoothing) * loss - self.label_smoothing * of_all
        return mean_of_examples(loss)

    def targets(self, y_true: np.ndarray, y_pred: lk.Tensor) -> np.ndarray:
        """The labels as int64.

        Raises:
            FeedError: one is no whole number from 0 to classes - 1.
        """
        classes = y_pred.shape.as_list()[-1]
        whole = y_true.dtype.kind in "biu" or bool((y_true == np.floor(y_true)).all())
        largest = y_true.max(initial=0)
        if whole and y_true.min(initial=0) >= 0 and largest < (classes or 2**63):
            return y_true.astype(np.int64)
        wrong = (y_true != np.floor(y_true)) | (y_true < 0) | (y_true >= (classes or 2**63))
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        if not whole:
            fix = "Number the classes 0, 1, ...; for targets that are probabilities use CategoricalCrossentropy."
        elif classes == 1:
            fix = 'For two classes and one unit use "binary_crossentropy" with a sigmoid.'
        elif y_true.min() == 1 and largest == classes:
            fix = "Number the classes from 0: y - 1."
        else:
            more = f", or give the last layer {int(largest) + 1} units" if np.isfinite(largest) else ""
            fix = f"Number the classes from 0{more}."
        raise FeedError(
            "y holds labels that are no classes of the model",
            rule="Labels are whole numbers from 0 on"
            + (f": from 0 to {classes - 1} for an output of {classes} units" if classes else ""),
            received=f"{y_true[place]} for example {place[0]} of {len(y_true)}",
            fix=fix,
        )

    def _labels(self, labels: lk.Tensor, logits: lk.Tensor) -> lk.Tensor:
        rank = len(logits.shape.as_list())
        if labels.shape.rank is not None and labels.shape.rank not in (rank - 1, rank):
            raise ShapeError(
                "SparseCategoricalCrossentropy needs one label for each row of predictions",
                rule="Labels are numbers of classes, [batch, ...] or [batch, ..., 1] for predictions [batch, ..., classes]",
                received=f"labels {labels.shape}, predictions {logits.shape}",
                fix="Put lk.layers.Flatten() or a global pooling layer before the last layers, so that the model gives "
                "[batch, classes]."
                if labels.shape.rank < rank - 1
                else "",
            )
        if labels.shape.rank == rank:
            if labels.shape.as_list()[-1] not in (1, None):
                raise ShapeError(
                    "SparseCategoricalCrossentropy got more than one label for each example",
                    rule="Labels are numbers of classes, [batch, ...] or [batch, ..., 1] for predictions [batch, ..., classes]",
                    received=f"labels {labels.shape}, predictions {logits.shape}",
                    fix="For one-hot targets use CategoricalCrossentropy.",
                )
            labels = lk.squeeze(labels, axis=-1)
        if labels.dtype.is_floating or labels.dtype in (lk.bool, lk.string):
            raise DTypeError(
                "SparseCategoricalCrossentropy cannot use these labels",
                rule="They are numbers of classes: labels int32 or int64, or uint8",
                received=labels.dtype.name,
                fix="Convert labels with lk.cast(labels, lk.int32); for one-hot targets use CategoricalCrossentropy.",
            )
        return labels


class CategoricalCrossentropy(PairedLoss):
    """loss = -sum over classes of y_true log p, for one-hot targets or probabilities, in nats.

    y_true: [batch, ..., classes], rows that sum to 1, of any dtype of numbers.
    y_pred: of the same shape, float32 or float64, logits if `from_logits`, else probabilities that sum to 1. The mean
    is taken over the dimensions other than the batch and `axis`.

    Args:
        from_logits: whether y_pred are logits.
        label_smoothing: a number s from 0 to 1; targets become (1 - s) y_true + s / classes.
        axis: the dimension of the classes; not 0, the batch.

    Source: Bishop 2006, "Pattern recognition and machine learning", section 4.3.4.

    Raises:
        InvalidArgumentError: label_smoothing is no number from 0 to 1; (when called) the axis is no whole number.
        ShapeError, DTypeError: (when called or run) the shapes, the axis or the dtypes do not fit.
    """

    fix = "Targets are one-hot rows here; for labels use SparseCategoricalCrossentropy."

    def __init__(self, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1) -> None:
        self.from_logits = from_logits
        self.label_smoothing = smoothing(self, label_smoothing)
        self.axis = axis

    def compare(self, true: lk.Tensor, predicted: lk.Tensor) -> lk.Tensor:
        axis = inner_axis(self, self.axis, predicted)
        if self.label_smoothing:
            classes = lk.cast(lk.shape(predicted)[axis], predicted.dtype)
            true = (1 - self.label_smoothing) * true + self.label_smoothing / classes
        logits = _logits(predicted, self.from_logits)
        return lk.nn.softmax_cross_entropy_with_logits(labels=true, logits=logits, axis=axis)


def smoothing(loss: Loss, value: Any) -> float:
    """The setting `label_smoothing`, a number from 0 to 1."""
    return check_number(loss, "label_smoothing", value, low=0.0, high=1.0)


def _logits(predicted: lk.Tensor, from_logits: bool) -> lk.Tensor:
    return predicted if from_logits else lk.log(lk.maximum(predicted, EPSILON))
