"""How far a predicted distribution is from the target's: of classes (Kullback-Leibler), of counts (Poisson)."""

from __future__ import annotations

import labkit as lk
from labkit.losses.base import EPSILON, PairedLoss


class KLDivergence(PairedLoss):
    """loss = sum over the last dimension of y_true log(y_true / y_pred), in nats; a target of 0 adds 0.

    y_true and y_pred: [batch, ..., classes] of one shape, probabilities that sum to 1; y_pred float32 or float64. The mean is
    taken over what lies between. Predictions are clipped at 1e-7 from below, where the gradient vanishes (Keras clips
    the targets, too, and both at 1 from above, which is nothing to probabilities).

    Source: Kullback and Leibler 1951, "On information and sufficiency".

    Raises:
        ShapeError, DTypeError: (when called or run) the shapes or dtypes do not fit.
    """

    fix = "Targets are probabilities of every class here; lk.one_hot makes them of labels."

    def compare(self, true: lk.Tensor, predicted: lk.Tensor) -> lk.Tensor:
        return lk.reduce_sum(lk.xlogy(true, true) - true * lk.log(lk.maximum(predicted, EPSILON)), axis=-1)


class Poisson(PairedLoss):
    """loss = mean over an example's numbers of y_pred - y_true log(y_pred + 1e-7).

    This is -log of the probability of y_true events where y_pred are expected, but for the term log(y_true!), which no
    prediction changes.

    y_true and y_pred: [batch, ...] of one shape; [batch] and [batch, 1] stand for each other. y_true: counts of any
    dtype of numbers; y_pred: float32 or float64, expected counts from 0 on, such as those of a last layer with
    "exponential" or "softplus". A prediction below 0 gives NaN.

    Source: Keras, `poisson`; Cameron and Trivedi, "Regression analysis of count data".

    Raises:
        ShapeError, DTypeError: (when called or run) the shapes or dtypes do not fit.
    """

    def compare(self, true: lk.Tensor, predicted: lk.Tensor) -> lk.Tensor:
        return predicted - true * lk.log(predicted + EPSILON)
