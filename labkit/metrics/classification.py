"""Accuracy: the share of examples whose largest prediction is at the right class.

Every function gives 1 for a right and 0 for a wrong example, [batch], of y_pred's dtype. Logits and probabilities
give the same, since softmax keeps the order. Among equally large predictions the first class counts.
"""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.errors import ShapeError


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> lk.Tensor:
    """Accuracy for labels that are numbers of classes.

    Args:
        y_true: [batch] or [batch, 1], of any number dtype.
        y_pred: [batch, classes], at least 2 classes.

    Raises:
        ShapeError: the shapes do not fit.
    """
    predicted = _scores(y_pred)
    labels = lk.convert_to_tensor(y_true)
    dims = None if labels.shape.rank is None else labels.shape.as_list()
    if dims is not None and (len(dims) not in (1, 2) or dims[1:] not in ([], [1], [None])):
        raise ShapeError(
            "sparse_categorical_accuracy needs one label for each example",
            rule="Labels are numbers of classes, [batch] or [batch, 1]",
            received=f"labels {labels.shape}, predictions {predicted.shape}",
            fix="For one-hot targets use categorical_accuracy.",
        )
    if labels.shape.rank == 2:
        labels = lk.squeeze(labels, axis=1)
    return _same(lk.cast(labels, lk.int64), lk.argmax(predicted, 1), predicted)


def categorical_accuracy(y_true: Any, y_pred: Any) -> lk.Tensor:
    """Accuracy for one-hot targets, or probabilities of which the largest counts.

    Args:
        y_true, y_pred: [batch, classes], at least 2 classes.

    Raises:
        ShapeError: the shapes do not fit.
    """
    predicted, targets = _scores(y_pred), lk.convert_to_tensor(y_true)
    (a, b) = (x.shape.as_list()[1:] if x.shape.rank is not None else [None] for x in (targets, predicted))
    if len(a) != 1 or (None not in (a[0], b[0]) and a != b):
        raise ShapeError(
            "categorical_accuracy cannot compare targets and predictions",
            rule="Both are [batch, classes]",
            received=f"targets {targets.shape}, predictions {predicted.shape}",
        )
    if not targets.dtype.is_floating:
        targets = lk.cast(targets, lk.int32)  # one-hot targets are often bool
    return _same(lk.argmax(targets, 1), lk.argmax(predicted, 1), predicted)


def accuracy(y_true: Any, y_pred: Any) -> lk.Tensor:
    """`categorical_accuracy` where the targets have one number for each class, else `sparse_categorical_accuracy`.

    Raises:
        ShapeError: the shapes do not fit, or the targets' rank is unknown.
    """
    targets, predicted = lk.convert_to_tensor(y_true), lk.convert_to_tensor(y_pred)
    if targets.shape.rank is None:
        raise ShapeError(
            "accuracy cannot tell labels from one-hot targets",
            rule="The rank of the targets is known",
            received=f"targets {targets.shape}, predictions {predicted.shape}",
            fix="Name the metric: sparse_categorical_accuracy or categorical_accuracy.",
        )
    one_hot = targets.shape.rank == 2 and targets.shape.as_list()[1] != 1
    return (categorical_accuracy if one_hot else sparse_categorical_accuracy)(targets, predicted)


def _scores(y_pred: Any) -> lk.Tensor:
    predicted = lk.convert_to_tensor(y_pred)
    rank = predicted.shape.rank
    if rank is not None and (rank != 2 or predicted.shape.as_list()[1] in (0, 1)):
        raise ShapeError(
            "accuracy needs a number for each class",
            rule="Predictions are [batch, classes] with at least 2 classes",
            received=f"predictions {predicted.shape}",
        )
    return predicted


def _same(true: lk.Tensor, found: lk.Tensor, predicted: lk.Tensor) -> lk.Tensor:
    return lk.cast(lk.equal(true, found), predicted.dtype)
