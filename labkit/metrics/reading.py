"""What metrics read from targets and predictions: pairs of numbers, class numbers, yes or no."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.errors import InvalidArgumentError, ShapeError
from labkit.metrics.base import Metric


def paired(metric: Metric, y_true: np.ndarray, y_pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Targets and predictions in float64, both of the predictions' shape; [batch] and [batch, 1] stand for each other.

    Raises:
        ShapeError: the shapes differ, or an example holds no number.
    """
    shapes = [
        array.shape[:-1] if array.ndim > 1 and array.shape[-1] == 1 else array.shape for array in (y_true, y_pred)
    ]
    if shapes[0] != shapes[1] or not np.prod(y_pred.shape[1:]):
        raise ShapeError(
            f"{metric.name} cannot compare targets and predictions",
            rule="They have one shape, with at least one number for each example",
            received=f"y_true of shape {y_true.shape}, y_pred of shape {y_pred.shape}",
        )
    return y_true.astype(np.float64).reshape(y_pred.shape), y_pred.astype(np.float64)


def yes_or_no(metric: Metric, y_true: np.ndarray) -> np.ndarray:
    """Targets that are 0 or 1, as bools.

    Raises:
        InvalidArgumentError: there are others.
    """
    true = y_true == 1
    if not (true | (y_true == 0)).all():
        raise InvalidArgumentError(
            f"{metric.name} cannot use these targets",
            rule="For one prediction each they are 0 or 1",
            received=f"{y_true[~(true | (y_true == 0))].ravel()[0]}",
            fix="For several classes give a prediction for each of them: y_pred [batch, classes].",
        )
    return true


def class_scores(metric: Metric, y_pred: np.ndarray) -> np.ndarray:
    """Predictions [batch, ..., classes] for at least 2 classes.

    Raises:
        ShapeError: they are not.
    """
    if y_pred.ndim < 2 or y_pred.shape[-1] < 2:
        raise ShapeError(
            f"{metric.name} needs a number for each class",
            rule="y_pred is [batch, ..., classes] with at least 2 classes",
            received=f"y_pred of shape {y_pred.shape}",
        )
    return y_pred


def class_numbers(metric: Metric, y_true: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Targets that are numbers of classes, [batch, ...] or [batch, ..., 1], as int64 [batch, ...].

    Raises:
        ShapeError: there is not one for each row of scores.
        InvalidArgumentError: one is no number of a class.
    """
    if y_true.ndim == scores.ndim and y_true.shape[-1] == 1:
        y_true = y_true[..., 0]
    if y_true.shape != scores.shape[:-1]:
        raise ShapeError(
            f"{metric.name} needs one label for each row of predictions",
            rule="y_true are numbers of classes, [batch, ...] or [batch, ..., 1] for y_pred [batch, ..., classes]",
            received=f"y_true of shape {y_true.shape}, y_pred of shape {scores.shape}",
        )
    return whole_numbers(metric, "y_true", y_true, scores.shape[-1])


def whole_numbers(metric: Metric, what: str, values: np.ndarray, classes: int, fix: str = "") -> np.ndarray:
    """Numbers of classes, as int64.

    Raises:
        InvalidArgumentError: one of them is not.
    """
    fits = (values >= 0) & (values < classes) & (values == np.floor(values))
    if not fits.all():
        raise InvalidArgumentError(
            f"{metric.name} cannot use these labels",
            rule=f"{what} are whole numbers from 0 to {classes - 1} for {classes} classes",
            received=f"{values[~fits][0]}",
            fix=fix,
        )
    return values.astype(np.int64)


def one_hot_numbers(metric: Metric, y_true: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The place of the largest target of each row, int64 [batch, ...], for targets of the shape of the scores.

    Raises:
        ShapeError: the shapes differ.
    """
    if y_true.shape != scores.shape:
        raise ShapeError(
            f"{metric.name} cannot compare targets and predictions",
            rule="Both are [batch, ..., classes]",
            received=f"y_true of shape {y_true.shape}, y_pred of shape {scores.shape}",
            fix="For targets that are numbers of classes use the metric whose name begins with Sparse.",
        )
    return y_true.argmax(axis=-1)


def labels(metric: Metric, y_true: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Numbers of classes, or one-hot rows of the shape of the scores, as int64 [batch, ...].

    Raises:
        ShapeError: they are neither.
        InvalidArgumentError: a number is out of range, or a row has not exactly one 1.
    """
    if y_true.shape != scores.shape:
        return class_numbers(metric, y_true, scores)
    if not ((y_true == 1) | (y_true == 0)).all() or not (np.count_nonzero(y_true, axis=-1) == 1).all():
        raise InvalidArgumentError(
            f"{metric.name} cannot use these targets",
            rule="One-hot targets have a single 1 in each row, and 0 elsewhere",
            fix="For several labels an example, or none, say from which prediction on a label counts: threshold=0.5.",
        )
    return y_true.argmax(axis=-1)


def repeated(weight: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The weights [batch] for each of the values [batch, ...], flat."""
    return np.repeat(weight, int(np.prod(values.shape[1:])))


def check_choice(metric: Metric, name: str, value: Any, choices: tuple[Any, ...]) -> Any:
    """`value`, one of the choices.

    Raises:
        InvalidArgumentError: it is none of them.
    """
    if value not in choices:
        raise InvalidArgumentError(
            f"{type(metric).__name__} cannot use this {name}",
            rule=f"It is one of {', '.join(map(repr, choices))}",
            received=f"{name}={value!r}",
        )
    return value
