"""MonitorCallback: the base of callbacks that act when a value gets better, or no longer does."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from labkit.callbacks.base import Callback, Logs
from labkit.core.settings import check_number
from labkit.errors import InvalidArgumentError
from labkit.near import quoted_near_names

_UP = ("acc", "auc", "precision", "recall", "f1", "fbeta", "r2", "iou", "dice", "hit", "true_", "cosine_similarity")
_DOWN = ("loss", "error", "err", "mse", "mae", "mape", "msle", "rmse", "entropy", "divergence", "kld", "poisson", "hinge",
         "huber", "logcosh", "log_cosh", "deviation", "false_")  # fmt: skip


class MonitorCallback(Callback):
    """Watches one value of an epoch's logs.

    A value is an improvement when it is better than the best one so far by more than min_delta:

        value < best - min_delta    (mode "min")        value > best + min_delta    (mode "max")

    NaN is never an improvement. The mode "auto" takes the metric's own `direction` ("min" or "max"), if it has one, and
    else goes by the name: losses and errors should fall, accuracies and their like rise.

    Args:
        monitor: such as "val_loss".
        mode: "auto", "min" or "max".
        min_delta: from 0 on; Keras takes the absolute value, and so does this class.

    Attributes:
        best: the best value so far; None before the first one.

    Raises:
        InvalidArgumentError: an argument is not allowed; at the end of the first epoch: no value has that name, or its
            name does not tell the direction.
    """

    remembers: tuple[str, ...] = ("best",)

    def __init__(self, monitor: str = "val_loss", mode: str = "auto", min_delta: float = 0.0) -> None:
        if mode not in ("auto", "min", "max"):
            raise InvalidArgumentError(
                f"{type(self).__name__} has no such mode",
                rule="mode is 'min', 'max' or 'auto'",
                received=f"mode={mode!r}",
            )
        self.monitor, self.mode = str(monitor), mode
        self.min_delta = abs(check_number(self, "min_delta", min_delta))
        self.best: float | None = None

    def reset(self) -> None:
        self.best = None

    def monitored(self, logs: Logs) -> float | None:
        """The watched value; None in an epoch that was not validated.

        Raises:
            InvalidArgumentError: no epoch of this fit has such a value, or it is more than one number.
        """
        value = logs.get(self.monitor)
        if value is None and self.monitor not in self.params.get("metrics", ()):
            known = [*self.params.get("metrics", ()), *logs]
            near = quoted_near_names(self.monitor, known)
            unvalidated = self.monitor.startswith("val_") and not any(name.startswith("val_") for name in known)
            raise InvalidArgumentError(
                f"{type(self).__name__} cannot watch {self.monitor!r}",
                rule=f"The values of an epoch are {', '.join(dict.fromkeys(known))}",
                fix="Give fit validation_data or validation_split."
                if unvalidated
                else f"Did you mean {near}?"
                if near
                else "Name it in compile(metrics=[...]).",
            )
        if value is not None and np.ndim(value):
            raise InvalidArgumentError(
                f"{type(self).__name__} cannot watch {self.monitor!r}",
                rule="What is watched is one number",
                received=f"an array of shape {value.shape}",
            )
        return None if value is None else float(value)

    def improves(self, value: float, than: float | None) -> bool:
        """Whether `value` is better than `than`, or the first one."""
        if math.isnan(value):
            return False
        if than is None:
            return True
        return value > than + self.min_delta if self._rises() else value < than - self.min_delta

    def _rises(self) -> bool:
        if self.mode != "auto":
            return self.mode == "max"
        name = self.monitor.removeprefix("val_")
        metrics = getattr(self.model, "metrics", None)
        metric = metrics.get(name) if isinstance(metrics, dict) else None
        direction: Any = getattr(metric, "direction", None)
        if direction in ("min", "max"):
            return direction == "max"
        lower = name.lower()
        rises, falls = any(part in lower for part in _UP), any(part in lower for part in _DOWN)
        if rises == falls:
            raise InvalidArgumentError(
                f"{type(self).__name__} cannot tell whether {self.monitor!r} should rise or fall",
                rule="mode='auto' goes by the metric's attribute `direction`, or by its name",
                fix="Say mode='min' or mode='max'.",
            )
        return rises
