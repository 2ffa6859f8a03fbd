"""Cross-entropy between classes and predicted probabilities: for classification.

With logits z, p = softmax(z), and the loss -log p is computed as log(sum of e^z) - z, without overflow and without
log(0). Probabilities are taken back to logits, log p: since softmax(log p) = p for probabilities that sum to 1, the
same operation gives the same loss, and its gradient goes through the logarithm. They are clipped at 1e-7 from below
(Keras's epsilon), so that the loss is at most 16.2; where the right class has a smaller probability the gradient vanishes,
and the example teaches nothing. With logits it still does: prefer them.
"""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.errors import ShapeError
from labkit.losses.base import Loss

EPSILON = 1e-7


class SparseCategoricalCrossentropy(Loss):
    """loss = -log p[label], for labels that are numbers of classes.

    y_true: int32, int64 or uint8, [batch] or [batch, 1], from 0 to classes - 1 (checked when run).
    y_pred: [batch, classes], logits if `from_logits`, else probabilities that sum to 1.

    Raises:
        ShapeError, DTypeError: (when called) the shapes or dtypes do not fit.
    """

    def __init__(self, from_logits: bool = False) -> None:
        self.from_logits = from_logits

    def __call__(self, y_true: Any, y_pred: Any) -> lk.Tensor:
        labels, logits = lk.convert_to_tensor(y_true), _logits(y_pred, self.from_logits)
        if labels.shape.rank == 2:
            if labels.shape.as_list()[1] not in (1, None):
                raise ShapeError(
                    "SparseCategoricalCrossentropy got more than one label for each example",
                    rule="Labels are numbers of classes, [batch] or [batch, 1]",
                    received=f"labels {labels.shape}, predictions {logits.shape}",
                    fix="For one-hot targets use CategoricalCrossentropy.",
                )
            labels = lk.squeeze(labels, axis=1)
        return lk.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)


class CategoricalCrossentropy(Loss):
    """loss = -sum over classes of y_true log p, for one-hot targets or probabilities.

    y_true: [batch, classes], rows that sum to 1, of any dtype.
    y_pred: [batch, classes], logits if `from_logits`, else probabilities that sum to 1.

    Raises:
        ShapeError, DTypeError: (when called) the shapes or dtypes do not fit.
    """

    def __init__(self, from_logits: bool = False) -> None:
        self.from_logits = from_logits

    def __call__(self, y_true: Any, y_pred: Any) -> lk.Tensor:
        logits = _logits(y_pred, self.from_logits)
        return lk.nn.softmax_cross_entropy_with_logits(labels=y_true, logits=logits)


def _logits(y_pred: Any, from_logits: bool) -> lk.Tensor:
    predicted = lk.convert_to_tensor(y_pred)
    return predicted if from_logits else lk.log(lk.maximum(predicted, EPSILON))
