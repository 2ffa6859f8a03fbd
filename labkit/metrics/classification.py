"""Accuracy of each example, for graphs: the share of its rows whose largest prediction is at the right class.

Every function gives numbers from 0 to 1, [batch], of y_pred's dtype; 1 and 0 where an example has one row. Logits and
probabilities give the same, since softmax keeps the order. Among equally large predictions the first class counts. An
example with a NaN among its predictions gives NaN: a broken model must not look well.

The classes of `accuracies` say the same of arrays.
"""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.core.settings import check_number
from labkit.errors import InvalidArgumentError, ShapeError


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> lk.Tensor:
    """Accuracy for labels that are numbers of classes.

    Args:
        y_true: [batch, ...] or [batch, ..., 1], of any number dtype.
        y_pred: [batch, ..., classes], at least 2 classes.

    Raises:
        ShapeError: the shapes do not fit.
    """
    predicted = _scores("sparse_categorical_accuracy", y_pred)
    return _shares(lk.equal(_labels("sparse_categorical_accuracy", y_true, predicted), _largest(predicted)), predicted)


def categorical_accuracy(y_true: Any, y_pred: Any) -> lk.Tensor:
    """Accuracy for one-hot targets, or probabilities of which the largest counts.

    Args:
        y_true, y_pred: [batch, ..., classes], at least 2 classes.

    Raises:
        ShapeError: the shapes do not fit.
    """
    predicted = _scores("categorical_accuracy", y_pred)
    return _shares(lk.equal(_of_one_hot("categorical_accuracy", y_true, predicted), _largest(predicted)), predicted)


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> lk.Tensor:
    """The share of an example's numbers on the right side of the threshold: (y_pred > threshold) = y_true.

    Args:
        y_true: 0 or 1, of any number dtype; any other number counts as wrong.
        y_pred: of the same shape, [batch, ...]; [batch] and [batch, 1] stand for each other.
        threshold: from 0 to 1; 0 for logits.

    Raises:
        ShapeError: (when called or run) the shapes do not fit.
        InvalidArgumentError: the threshold is out of range.
    """
    threshold = check_number(binary_accuracy, "threshold", threshold, low=0.0, high=1.0)
    targets, predicted = lk.convert_to_tensor(y_true), lk.convert_to_tensor(y_pred)
    given, dims = (_without_last_one(x) for x in (targets, predicted))
    if given is None or dims is None or not dims or not _agree(given, dims):
        raise ShapeError(
            "binary_accuracy cannot compare targets and predictions",
            rule="They have one shape, [batch, ...], of a known number of dimensions",
            received=f"targets {targets.shape}, predictions {predicted.shape}",
        )
    true = lk.reshape(
        lk.cast(targets, predicted.dtype), lk.shape(predicted)
    )  # never broadcast where only a run knows the sizes
    return _shares(lk.equal(true, lk.cast(predicted > threshold, predicted.dtype)), predicted)


def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> lk.Tensor:
    """Whether the right class is among the k largest predictions, for labels that are numbers of classes.

    Of equally large predictions those of later classes are taken first, as scikit-learn's `top_k_accuracy_score` does.

    Args:
        y_true, y_pred: as for `sparse_categorical_accuracy`; a label out of range counts as wrong.
        k: a whole number from 1 on; from k = classes on every class is among them.

    Raises:
        ShapeError: the shapes do not fit.
        InvalidArgumentError: k is no such number.
    """
    name = "sparse_top_k_categorical_accuracy"
    predicted = _scores(name, y_pred)
    return _hits(name, _labels(name, y_true, predicted), predicted, k)


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> lk.Tensor:
    """Whether the largest target is among the k largest predictions, for one-hot targets.

    Args:
        y_true, y_pred: as for `categorical_accuracy`; k and equal predictions: as for
            `sparse_top_k_categorical_accuracy`.

    Raises:
        ShapeError: the shapes do not fit.
        InvalidArgumentError: k is no whole number from 1 on.
    """
    name = "top_k_categorical_accuracy"
    predicted = _scores(name, y_pred)
    return _hits(name, _of_one_hot(name, y_true, predicted), predicted, k)


def accuracy(y_true: Any, y_pred: Any) -> lk.Tensor:
    """The accuracy that fits the shapes: `binary_accuracy` where there is one prediction for each target, [batch] or
    [batch, ..., 1]; `categorical_accuracy` where the targets have one number for each class; else
    `sparse_categorical_accuracy`.

    Raises:
        ShapeError: the shapes do not fit, or the number of their dimensions is unknown.
    """
    targets, predicted = lk.convert_to_tensor(y_true), lk.convert_to_tensor(y_pred)
    if targets.shape.rank is None or predicted.shape.rank is None:
        raise ShapeError(
            "accuracy cannot tell labels from one-hot targets",
            rule="The rank of targets and predictions is known",
            received=f"targets {targets.shape}, predictions {predicted.shape}",
            fix="Name the metric: sparse_categorical_accuracy, categorical_accuracy or binary_accuracy.",
        )
    if predicted.shape.rank == 1 or predicted.shape.as_list()[-1:] == [1]:
        return binary_accuracy(targets, predicted)
    one_hot = targets.shape.rank == predicted.shape.rank and targets.shape.as_list()[-1:] != [1]
    return (categorical_accuracy if one_hot else sparse_categorical_accuracy)(targets, predicted)


def _scores(name: str, y_pred: Any) -> lk.Tensor:
    predicted = lk.convert_to_tensor(y_pred)
    rank = predicted.shape.rank
    if rank is None or rank < 2 or predicted.shape.as_list()[-1] in (0, 1):
        raise ShapeError(
            f"{name} needs a number for each class",
            rule="Predictions are [batch, ..., classes] with at least 2 classes",
            received=f"predictions {predicted.shape}",
            fix="For one prediction each use binary_accuracy.",
        )
    return predicted


def _labels(name: str, y_true: Any, predicted: lk.Tensor) -> lk.Tensor:
    """Labels [batch, ...] as int64."""
    labels = lk.convert_to_tensor(y_true)
    rows = predicted.shape.as_list()[:-1]
    if labels.shape.rank == len(rows) + 1 and labels.shape.as_list()[-1] in (1, None):
        labels = lk.squeeze(labels, axis=-1)
    if labels.shape.rank is None or not _agree(labels.shape.as_list(), rows):
        raise ShapeError(
            f"{name} needs one label for each row of predictions",
            rule="Labels are numbers of classes, [batch, ...] or [batch, ..., 1] for predictions [batch, ..., classes]",
            received=f"labels {labels.shape}, predictions {predicted.shape}",
            fix="For one-hot targets use the function of this name without sparse_.",
        )
    return lk.cast(labels, lk.int64)


def _of_one_hot(name: str, y_true: Any, predicted: lk.Tensor) -> lk.Tensor:
    """The places of the largest targets, int64 [batch, ...]."""
    targets = lk.convert_to_tensor(y_true)
    if targets.shape.rank is None or not _agree(targets.shape.as_list(), predicted.shape.as_list()):
        raise ShapeError(
            f"{name} cannot compare targets and predictions",
            rule="Both are [batch, ..., classes]",
            received=f"targets {targets.shape}, predictions {predicted.shape}",
        )
    if not targets.dtype.is_floating:
        targets = lk.cast(targets, lk.int32)  # one-hot targets are often bool
    return lk.argmax(targets, -1)


def _hits(name: str, right: lk.Tensor, predicted: lk.Tensor, k: Any) -> lk.Tensor:
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise InvalidArgumentError(
            f"{name} cannot use this k", rule="It is a whole number from 1 on", received=f"k={k!r}"
        )
    at = lk.expand_dims(right, -1)
    numbers = lk.range(lk.cast(lk.shape(predicted)[-1], lk.int64))
    own = lk.reduce_max(lk.where(lk.equal(numbers, at), predicted, float("-inf")), axis=-1, keepdims=True)
    before = lk.logical_or(predicted > own, lk.logical_and(lk.equal(predicted, own), numbers > at))
    inside = lk.reduce_any(lk.equal(numbers, at), axis=-1)
    hits = lk.logical_and(inside, lk.reduce_sum(lk.cast(before, lk.int32), axis=-1) < k)
    return _shares(hits, predicted)


def _largest(predicted: lk.Tensor) -> lk.Tensor:
    return lk.argmax(predicted, -1)


def _shares(right: lk.Tensor, predicted: lk.Tensor) -> lk.Tensor:
    """[batch] from what is right, [batch, ...]: the share of each example; NaN where a prediction of it is."""
    kept = predicted if predicted.shape.rank == right.shape.rank else lk.reduce_max(predicted, axis=-1)
    values = lk.where(lk.is_nan(kept), kept, lk.cast(right, predicted.dtype))
    axes = list(range(1, values.shape.rank or 1))
    return lk.reduce_mean(values, axis=axes) if axes else values


def _without_last_one(tensor: lk.Tensor) -> list[int | None] | None:
    """The dimensions; without the last one where it is 1 and not the batch."""
    if tensor.shape.rank is None:
        return None
    dims = tensor.shape.as_list()
    return dims[:-1] if dims[1:] and dims[-1] == 1 else dims


def _agree(given: list[int | None], dims: list[int | None]) -> bool:
    """Whether dimensions, as far as they are known, are equal."""
    return len(given) == len(dims) and all(a == b or None in (a, b) for a, b in zip(given, dims, strict=True))
