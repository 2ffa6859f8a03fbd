"""Absolute errors, as they are and in percent: for regression that a few outliers must not govern."""

from __future__ import annotations

import labkit as lk
from labkit.losses.base import EPSILON, PairedLoss


class MeanAbsoluteError(PairedLoss):
    """loss = mean over an example's numbers of |y_pred - y_true| (Boscovich 1757).

    y_true and y_pred: [batch, ...] of one shape, y_pred float32 or float64; [batch] and [batch, 1] stand for each
    other. y_true may have any dtype of numbers. The gradient where both are equal is 0.

    Raises:
        ShapeError, DTypeError: (when called or run) the shapes or dtypes do not fit.
    """

    def compare(self, true: lk.Tensor, predicted: lk.Tensor) -> lk.Tensor:
        return lk.abs(predicted - true)


class MeanAbsolutePercentageError(PairedLoss):
    """loss = 100 mean over an example's numbers of |y_pred - y_true| / max(|y_true|, 1e-7), in percent.

    y_true and y_pred: [batch, ...] of one shape, y_pred float32 or float64. A target of 0 makes an error of 1 count
    10⁹ percent: use another loss where there are such targets.

    Source: Keras, `mean_absolute_percentage_error`; Makridakis 1993 on its asymmetry.

    Raises:
        ShapeError, DTypeError: (when called or run) the shapes or dtypes do not fit.
    """

    def compare(self, true: lk.Tensor, predicted: lk.Tensor) -> lk.Tensor:
        return 100 * (lk.abs(predicted - true) / lk.maximum(lk.abs(true), EPSILON))
