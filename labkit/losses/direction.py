"""CosineSimilarity: for vectors whose direction counts and whose length does not, such as embeddings."""

from __future__ import annotations

import labkit as lk
from labkit.losses.base import EPSILON, PairedLoss, inner_axis


class CosineSimilarity(PairedLoss):
    """loss = -sum of y_true y_pred / (|y_true| |y_pred|): -1 for the same direction, 0 across, 1 for the opposite one.

    y_true and y_pred: [batch, ...] of one shape, y_pred float32 or float64. The mean is taken over what lies outside
    `axis`. A vector shorter than 1e-7 is divided by 1e-7, so that zeros give 0. Lengths are square roots of sums of
    squares, which in float32 reach to about 10¹⁹.

    Args:
        axis: the dimension of the vectors; not 0, the batch.

    Source: Keras, `cosine_similarity`.

    Raises:
        InvalidArgumentError: (when called) the axis is no whole number.
        ShapeError, DTypeError: (when called or run) the shapes, the axis or the dtypes do not fit.
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def compare(self, true: lk.Tensor, predicted: lk.Tensor) -> lk.Tensor:
        axis = inner_axis(self, self.axis, predicted)
        wanted, found = (lk.nn.l2_normalize(vectors, axis, EPSILON**2) for vectors in (true, predicted))
        return -lk.reduce_sum(wanted * found, axis=axis)
