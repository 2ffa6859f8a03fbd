"""BinaryCrossentropy: for numbers that are each a yes or no of their own."""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.losses.base import EPSILON, PairedLoss
from labkit.losses.crossentropy import smoothing


class BinaryCrossentropy(PairedLoss):
    """loss = mean over an example's numbers of -y log p - (1 - y) log(1 - p), in nats; y = y_true, p the probability of 1.

    From logits z, p = 1 / (1 + e^-z), it is computed as max(z, 0) - z y + log(1 + e^-|z|), which neither overflows nor
    loses small losses. Probabilities and 1 - p are clipped at 1e-7 from below (Keras's epsilon): the loss is at most
    16.2 there, and where it is the gradient vanishes. With logits it does not: prefer them.

    y_true: [batch, ...], from 0 to 1, of any dtype of numbers; [batch] and [batch, 1] stand for each other.
    y_pred: of the same shape, float32 or float64, logits if `from_logits`, else probabilities.

    Args:
        from_logits: whether y_pred are logits.
        label_smoothing: a number s from 0 to 1; targets become (1 - s) y + s / 2.

    Source: Cox 1958, "The regression analysis of binary sequences"; smoothing: Szegedy et al. 2016, section 7.

    Raises:
        InvalidArgumentError: label_smoothing is no number from 0 to 1.
        ShapeError, DTypeError: (when called or run) the shapes or dtypes do not fit.
    """

    def __init__(self, from_logits: bool = False, label_smoothing: float = 0.0) -> None:
        self.from_logits = from_logits
        self.label_smoothing = smoothing(self, label_smoothing)

    def compare(self, true: lk.Tensor, predicted: lk.Tensor) -> Any:
        if self.label_smoothing:
            true = (1 - self.label_smoothing) * true + self.label_smoothing / 2
        if self.from_logits:
            return lk.nn.sigmoid_cross_entropy_with_logits(labels=true, logits=predicted)
        yes, no = (lk.log(lk.maximum(p, EPSILON)) for p in (predicted, 1 - predicted))
        return -(true * yes) - (1 - true) * no
