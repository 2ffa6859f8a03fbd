"""Losses that are quadratic for small errors and linear for large ones: smooth, and calm about outliers."""

from __future__ import annotations

import math

import labkit as lk
from labkit.core.settings import check_number
from labkit.losses.base import PairedLoss


class Huber(PairedLoss):
    """loss = mean over an example's numbers of e² / 2 where |e| <= delta, else delta |e| - delta² / 2; e = y_pred - y_true.

    y_true and y_pred: [batch, ...] of one shape, y_pred float32 or float64; [batch] and [batch, 1] stand for each
    other.

    Args:
        delta: the size of an error, in the unit of the targets, from which on it counts linearly; above 0.

    Source: Huber 1964, "Robust estimation of a location parameter".

    Raises:
        InvalidArgumentError: delta is no finite number above 0.
        ShapeError, DTypeError: (when called or run) the shapes or dtypes do not fit.
    """

    def __init__(self, delta: float = 1.0) -> None:
        self.delta = check_number(self, "delta", delta, low=0.0, above=True)

    def compare(self, true: lk.Tensor, predicted: lk.Tensor) -> lk.Tensor:
        # With c = min(|e|, delta) both cases are c (|e| - c / 2), and e² of a large e is never computed.
        error = lk.abs(predicted - true)
        capped = lk.minimum(error, self.delta)
        return capped * (error - 0.5 * capped)


class LogCosh(PairedLoss):
    """loss = mean over an example's numbers of log(cosh(y_pred - y_true)): e² / 2 for small e, |e| - log 2 for large.

    y_true and y_pred: [batch, ...] of one shape, y_pred float32 or float64; [batch] and [batch, 1] stand for each
    other. Neither overflows for large errors nor loses the digits of small ones: with a = |e| it is computed as
    log(1 + sinh²(a)) / 2 for a < 1 and as a + log(1 + e^(-2a)) - log 2 from there on.

    Source: Keras, `log_cosh`; the forms follow from cosh² = 1 + sinh² and cosh(a) = e^a (1 + e^(-2a)) / 2.

    Raises:
        ShapeError, DTypeError: (when called or run) the shapes or dtypes do not fit.
    """

    def compare(self, true: lk.Tensor, predicted: lk.Tensor) -> lk.Tensor:
        error = lk.abs(predicted - true)
        small = 0.5 * lk.log1p(lk.square(lk.sinh(lk.minimum(error, 1))))
        large = error + (lk.nn.softplus(-2 * error) - math.log(2))
        return lk.where(error < 1, small, large)
