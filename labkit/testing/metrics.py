"""check_metric."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import labkit as lk
from labkit.testing.numeric import check_each_example_alone, require, title


def check_metric(metric: Callable[[Any, Any], lk.Tensor], y_true: np.ndarray, y_pred: np.ndarray) -> None:
    """Checks that a metric keeps its contract.

    It gives one finite float for each example, the same bits whether the example comes alone or in a batch, for
    predictions in float32 and float64.

    Args:
        y_true: targets that the metric takes, [batch, ...].
        y_pred: predictions that it takes, [batch, ...].

    Raises:
        AssertionError: it does not.
    """
    name = title(metric)
    for dtype in (np.float32, np.float64):
        values = check_each_example_alone(metric, name, y_true, y_pred.astype(dtype))
        require(values.shape == (len(y_pred),), f"{name} gives shape {values.shape} for {len(y_pred)} examples")
        require(values.dtype == dtype, f"{name} gives {values.dtype} for {np.dtype(dtype)} predictions")
        require(np.isfinite(values).all(), f"{name} gives {values}")
