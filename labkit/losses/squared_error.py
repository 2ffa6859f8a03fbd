"""MeanSquaredError: for regression."""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.losses.base import Loss, targets_like


class MeanSquaredError(Loss):
    """loss = mean over an example's numbers of (y_pred - y_true)².

    y_true and y_pred: [batch, ...] of one shape; [batch] and [batch, 1] stand for each other. y_true may have any
    dtype. Also the metric of this name.

    Raises:
        ShapeError: (when called) the shapes do not fit.
    """

    def __call__(self, y_true: Any, y_pred: Any) -> lk.Tensor:
        predicted = lk.convert_to_tensor(y_pred)
        squares = lk.square(predicted - targets_like(y_true, predicted, "MeanSquaredError"))
        axes = list(range(1, squares.shape.rank or 1))
        return lk.reduce_mean(squares, axis=axes) if axes else squares
