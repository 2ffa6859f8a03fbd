"""How like targets predictions are as distributions, as expected counts, as directions."""

from __future__ import annotations

import numpy as np

from labkit.errors import InvalidArgumentError, ShapeError
from labkit.metrics.mean import PairedMean
from labkit.metrics.reading import class_scores
from labkit.metrics.regression import EPSILON


class KLDivergence(PairedMean):
    """result = mean over examples of sum over classes of y_true log(y_true / y_pred), in nats.

    y_true and y_pred: [batch, ..., classes], probabilities that sum to 1. A target of 0 adds nothing; predictions are
    clipped at 1e-7 from below, as in the loss.

    Source: Kullback and Leibler 1951, "On information and sufficiency"; SciPy, `rel_entr`.

    Raises:
        InvalidArgumentError: (from `update_state`) a target is below 0.
        ShapeError, DTypeError: (from `update_state`) as `Metric` says.
    """

    def compare(self, true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        class_scores(self, predicted)
        _require_counts(self, true)
        ratio = np.where(true > 0, true, 1) / np.where(true > 0, np.maximum(predicted, EPSILON), 1)
        return (true * np.log(ratio)).sum(axis=-1)


class Poisson(PairedMean):
    """result = mean over examples and their numbers of y_pred - y_true log(y_pred + 1e-7).

    y_true: counts, from 0 on. y_pred: of the same shape, expected counts from 0 on; below 0 the result is NaN. [batch] and
    [batch, 1] stand for each other.

    Source: Keras, `poisson`.

    Raises:
        InvalidArgumentError: (from `update_state`) a target is below 0.
        ShapeError, DTypeError: (from `update_state`) as `Metric` says.
    """

    def compare(self, true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        _require_counts(self, true)
        return predicted - true * np.log(predicted + EPSILON)


class CosineSimilarity(PairedMean):
    """result = mean over examples of sum of y_true y_pred / (|y_true| |y_pred|): 1 for the same direction, -1 for opposite.

    The loss of this name is the negative of it. A vector shorter than 1e-7 is divided by 1e-7.

    y_true and y_pred: [batch, ...] of one shape; the mean is taken over what lies outside `axis`.

    Args:
        axis: the dimension of the vectors; not 0, the batch.
        name: as for `Metric`.

    Source: Keras, `cosine_similarity`; scikit-learn, `paired_cosine_distances`.

    Raises:
        ShapeError: (from `update_state`) the shapes do not fit, or there is no such axis.
        DTypeError, InvalidArgumentError: (from `update_state`) as `Metric` says.
    """

    direction = "max"

    def __init__(self, axis: int = -1, name: str | None = None) -> None:
        self.axis = axis
        super().__init__(name)

    def compare(self, true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        if not isinstance(self.axis, int) or not -true.ndim < self.axis < true.ndim or self.axis == 0:
            raise ShapeError(
                f"{self.name} cannot use axis {self.axis}",
                rule="It is a dimension of each example, not 0, the batch",
                received=f"axis={self.axis!r}, y_pred of shape {predicted.shape}",
            )
        lengths = [np.maximum(np.sqrt(np.square(v).sum(axis=self.axis)), EPSILON) for v in (true, predicted)]
        return (true * predicted).sum(axis=self.axis) / (lengths[0] * lengths[1])


def _require_counts(metric: PairedMean, true: np.ndarray) -> None:
    if (true < 0).any():
        raise InvalidArgumentError(
            f"{metric.name} cannot use these targets", rule="They are from 0 on", received=f"{true.min()}"
        )
