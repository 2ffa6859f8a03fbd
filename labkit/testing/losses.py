"""check_loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import labkit as lk
from labkit.testing.metrics import check_metric
from labkit.testing.numeric import check_gradient, require, title


def check_loss(loss: Callable[[Any, Any], lk.Tensor], y_true: np.ndarray, y_pred: np.ndarray) -> None:
    """Checks that a loss keeps its contract: that of a metric (`check_metric`), and it can be differentiated.

    Its gradient with respect to the predictions agrees with central differences, and `from_logits`, where it has one,
    is a bool.

    Args:
        y_true: targets that the loss takes, [batch, ...].
        y_pred: predictions that it takes, [batch, ...]; they are moved by 1e-6 in both directions.

    Raises:
        AssertionError: it does not.
    """
    check_metric(loss, y_true, y_pred)
    from_logits = getattr(loss, "from_logits", False)
    require(isinstance(from_logits, bool), f"{title(loss)} has from_logits={from_logits!r}; it is True or False")
    check_gradient(loss, y_true, y_pred.astype(np.float64), wrt=(1,))
