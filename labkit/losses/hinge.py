"""Hinge losses: for classification by a margin, as support vector machines do."""

from __future__ import annotations

import labkit as lk
from labkit.losses.base import PairedLoss


class Hinge(PairedLoss):
    """loss = mean over an example's numbers of max(1 - y_true y_pred, 0).

    y_true: [batch, ...], -1 or 1; a target of 0 means -1. (Keras converts only batches of nothing but 0 and 1. Here each
    number is judged for itself, since a loss does not depend on the other examples.)
    y_pred: of the same shape, float32 or float64, scores of any size, such as those of a last layer with "tanh" or
    "linear".

    Source: Cortes and Vapnik 1995, "Support-vector networks".

    Raises:
        ShapeError, DTypeError: (when called or run) the shapes or dtypes do not fit.
    """

    def compare(self, true: lk.Tensor, predicted: lk.Tensor) -> lk.Tensor:
        return lk.maximum(1 - _signs(true) * predicted, 0)


class SquaredHinge(PairedLoss):
    """loss = mean over an example's numbers of max(1 - y_true y_pred, 0)²; targets and predictions as for `Hinge`.

    y_true: [batch, ...], -1 or 1; a target of 0 means -1.
    y_pred: of the same shape, float32 or float64, scores of any size.

    Source: Lee and Mangasarian 2001, "SSVM: a smooth support vector machine for classification".

    Raises:
        ShapeError, DTypeError: (when called or run) the shapes or dtypes do not fit.
    """

    def compare(self, true: lk.Tensor, predicted: lk.Tensor) -> lk.Tensor:
        return lk.square(lk.maximum(1 - _signs(true) * predicted, 0))


class CategoricalHinge(PairedLoss):
    """loss = max(1 + max over classes of (1 - y_true) y_pred - sum over classes of y_true y_pred, 0).

    The right class enters the first maximum with a 0: the loss vanishes when the right score is at least 1 and at least
    1 above each wrong one.

    y_true: [batch, ..., classes], one-hot, of any dtype of numbers.
    y_pred: of the same shape, float32 or float64, scores of any size. The mean is taken over what lies between.

    Source: Keras, `categorical_hinge`; Crammer and Singer 2001, without the 0.

    Raises:
        ShapeError, DTypeError: (when called or run) the shapes or dtypes do not fit.
    """

    fix = "Targets are one-hot rows here; lk.one_hot makes them of labels."

    def compare(self, true: lk.Tensor, predicted: lk.Tensor) -> lk.Tensor:
        right = lk.reduce_sum(true * predicted, axis=-1)
        wrong = lk.reduce_max((1 - true) * predicted, axis=-1)
        return lk.maximum(1 + wrong - right, 0)


def _signs(true: lk.Tensor) -> lk.Tensor:
    return lk.where(lk.equal(true, 0), -lk.ones_like(true), true)
