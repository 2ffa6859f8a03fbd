"""Means over examples: of what a class computes on the host, or of what a function computes in a graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import labkit as lk
from labkit.errors import InvalidArgumentError, ShapeError
from labkit.metrics.base import Metric
from labkit.metrics.reading import paired


class ExampleMean(Metric):
    """result = sum of w v / sum of w, v what a subclass's `per_example` gives for an example, w its weight.

    Both sums are exact, so that the result does not depend on the order of the examples or on their batches, to the
    bit. Where all weights are 0 it is NaN.
    """

    counted = ("values", "weights")

    def per_example(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """From targets and predictions [batch, ...]: the value of each example, float64 [batch]."""
        raise NotImplementedError(f"{type(self).__name__} must define per_example(y_true, y_pred)")

    def add(self, y_true: np.ndarray, y_pred: np.ndarray, weight: np.ndarray) -> None:
        self._add(self.per_example(y_true, y_pred), weight)

    def _add(self, values: np.ndarray, weight: np.ndarray) -> None:
        with np.errstate(over="ignore"):  # a value beyond float64 is infinite
            self.sum_of("values").add((values * weight)[:, None])
        self.sum_of("weights").add(weight[:, None])

    def value(self) -> float:
        total, weight = (float(self.sum_of(name).totals()[0]) for name in ("values", "weights"))
        return total / weight if weight else float("nan")


class PairedMean(ExampleMean):
    """The mean of what a subclass's `compare` makes of targets and predictions of one shape."""

    direction = "min"

    def compare(self, true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        """From two float64 arrays [batch, ...] of one shape: [batch] or more, whose mean for an example is its value."""
        raise NotImplementedError(f"{type(self).__name__} must define compare(true, predicted)")

    def per_example(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore", invalid="ignore"):  # beyond float64 a value is infinite
            return means(self.compare(*paired(self, y_true, y_pred)))


class MeanMetricWrapper(ExampleMean):
    """The mean of a function that gives one value for each example: result = sum of w fn(y_true, y_pred) / sum of w.

    A model puts `fn` in its graph and hands on what came out, by `update_values`. By `update_state` the function is run
    in a graph of the metric's own. The values are float32 where the predictions are; their sum is exact.

    Args:
        fn: (y_true, y_pred) -> Tensor [batch], or [batch, ...], of which each example counts with its mean.
        name: None takes the function's name.

    Raises:
        InvalidArgumentError: `fn` is not callable.
    """

    def __init__(self, fn: Callable[[Any, Any], lk.Tensor], name: str | None = None) -> None:
        if not callable(fn):
            raise InvalidArgumentError(
                "MeanMetricWrapper needs a function (y_true, y_pred) -> Tensor [batch]", received=f"fn={fn!r}"
            )
        self.fn = fn
        super().__init__(name or getattr(fn, "__name__", None))

    def update_values(self, values: Any, sample_weight: Any = None) -> None:
        """Counts examples whose values are known.

        Args:
            values: what `fn` gave, [batch] or [batch, ...]. NaN makes the result NaN.
            sample_weight: as for `update_state`.

        Raises:
            ShapeError, DTypeError, InvalidArgumentError: they are no such arrays.
        """
        found = self._array("values", values)
        weight = self._weights(sample_weight, len(found))
        rows = np.flatnonzero(weight)
        self._add(means(found[rows]), weight[rows])
        self.examples += len(found)

    def per_example(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        if not len(y_pred):
            return np.zeros(0)
        with lk.Graph().as_default(), lk.Session() as session:
            feeds = [lk.placeholder(array.dtype, [None, *array.shape[1:]]) for array in (y_true, y_pred)]
            values = lk.convert_to_tensor(self.fn(*feeds))
            session.run(lk.global_variables_initializer())
            found = np.asarray(session.run(values, dict(zip(feeds, (y_true, y_pred), strict=True))))
        if found.shape[:1] != (len(y_pred),):
            raise ShapeError(
                f"{self.name} does not give one value for each example",
                rule="A metric's function returns [batch]",
                received=f"shape {found.shape} for {len(y_pred)} examples",
            )
        return means(found)


def means(values: np.ndarray) -> np.ndarray:
    """The mean of each example's values, float64 [batch] from [batch, ...]."""
    return np.asarray(np.mean(values, axis=tuple(range(1, values.ndim)), dtype=np.float64))


def as_metric(metric: Any, name: str | None = None) -> Metric:
    """A `Metric` as it is, a function as a `MeanMetricWrapper`: what a model asks for its results."""
    return metric if hasattr(metric, "update_state") else MeanMetricWrapper(metric, name)
