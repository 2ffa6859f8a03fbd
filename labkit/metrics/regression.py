"""Metrics of errors: the means over all examples of what the losses of the same names are for one."""

from __future__ import annotations

import math

import numpy as np

from labkit.errors import InvalidArgumentError
from labkit.metrics.mean import PairedMean

EPSILON = 1e-7
"""What keeps divisors away from 0; Keras's `epsilon()`, and the losses'."""


class MeanSquaredError(PairedMean):
    """result = mean over examples and their numbers of (y_pred - y_true)² (Legendre 1805; Gauss 1809).

    y_true and y_pred: [batch, ...] of one shape, of any dtypes of numbers; [batch] and [batch, 1] stand for each other.
    In float64, whatever they are, and rounded once.

    Raises:
        ShapeError, DTypeError, InvalidArgumentError: (from `update_state`) as `Metric` says.
    """

    def compare(self, true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        return np.square(predicted - true)


class RootMeanSquaredError(MeanSquaredError):
    """result = square root of the mean over examples and their numbers of (y_pred - y_true)², in the unit of the targets.

    Shapes and errors as for MeanSquaredError. With several numbers an example this is Keras's definition: one root of
    the mean of all; scikit-learn takes the mean of a root for each output.
    """

    def value(self) -> float:
        return math.sqrt(super().value())


class MeanAbsoluteError(PairedMean):
    """result = mean over examples and their numbers of |y_pred - y_true| (Boscovich 1757).

    Shapes and errors as for MeanSquaredError.
    """

    def compare(self, true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        return np.abs(predicted - true)


class MeanAbsolutePercentageError(PairedMean):
    """result = 100 mean over examples and their numbers of |y_pred - y_true| / max(|y_true|, 1e-7), in percent.

    Shapes and errors as for MeanSquaredError. Source: Keras; scikit-learn gives a hundredth of it.
    """

    def compare(self, true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        return 100 * (np.abs(predicted - true) / np.maximum(np.abs(true), EPSILON))


class MeanSquaredLogarithmicError(PairedMean):
    """result = mean over examples and their numbers of (log(1 + y_pred) - log(1 + y_true))².

    Shapes and errors as for MeanSquaredError. Predictions below 0 count as 0 (Keras: as 1e-7); source: Keras,
    `mean_squared_logarithmic_error`.

    Raises:
        InvalidArgumentError: (from `update_state`, besides) a target is below 0.
    """

    def compare(self, true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        if (true < 0).any():
            raise InvalidArgumentError(
                f"{self.name} cannot use these targets", rule="They are from 0 on", received=f"{true.min()}"
            )
        return np.square(np.log1p(np.maximum(predicted, 0)) - np.log1p(true))


class LogCoshError(PairedMean):
    """result = mean over examples and their numbers of log(cosh(y_pred - y_true)): e² / 2 for small e, |e| - log 2 for large.

    Shapes and errors as for MeanSquaredError. Computed as in the loss `LogCosh`, so that small errors keep their digits.

    Source: Keras, `log_cosh`.
    """

    def compare(self, true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        error = np.abs(predicted - true)
        small = 0.5 * np.log1p(np.square(np.sinh(np.minimum(error, 1))))
        return np.where(error < 1, small, error + (np.log1p(np.exp(-2 * error)) - math.log(2)))
