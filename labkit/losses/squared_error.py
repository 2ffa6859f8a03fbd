"""Squared errors, of numbers and of their logarithms: for regression."""

from __future__ import annotations

import labkit as lk
from labkit.losses.base import PairedLoss


class MeanSquaredError(PairedLoss):
    """loss = mean over an example's numbers of (y_pred - y_true)² (Legendre 1805; Gauss 1809).

    y_true and y_pred: [batch, ...] of one shape, y_pred float32 or float64; [batch] and [batch, 1] stand for each
    other. y_true may have any dtype of numbers. Also the metric of this name.

    Raises:
        ShapeError, DTypeError: (when called or run) the shapes or dtypes do not fit.
    """

    def compare(self, true: lk.Tensor, predicted: lk.Tensor) -> lk.Tensor:
        return lk.square(predicted - true)


class MeanSquaredLogarithmicError(PairedLoss):
    """loss = mean over an example's numbers of (log(1 + y_pred) - log(1 + y_true))²: about squared relative errors.

    y_true and y_pred: [batch, ...] of one shape, y_pred float32 or float64, numbers from 0 on. What is below 0 counts
    as 0 (Keras: as 1e-7); where a prediction is, the gradient vanishes.

    Source: Keras, `mean_squared_logarithmic_error`.

    Raises:
        ShapeError, DTypeError: (when called or run) the shapes or dtypes do not fit.
    """

    def compare(self, true: lk.Tensor, predicted: lk.Tensor) -> lk.Tensor:
        return lk.square(lk.log1p(lk.maximum(predicted, 0)) - lk.log1p(lk.maximum(true, 0)))
