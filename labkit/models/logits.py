"""Warnings where a loss reads logits, and what stands beside it reads or gives probabilities."""

from __future__ import annotations

import functools
import warnings
from typing import Any

import labkit as lk
from labkit.core.explain import user_line
from labkit.metrics.classification import accuracy, binary_accuracy
from labkit.models.objectives import Objective

_MAKES_PROBABILITIES = {"Softmax": "softmax", "Sigmoid": "sigmoid"}


def warn_of_probabilities(objective: Objective, y_pred: lk.Tensor) -> None:
    """Warns at the user's line of metrics that compare logits with a probability, and of an activation taken twice."""
    if not getattr(objective.loss, "from_logits", False):
        return
    loss, subject = type(objective.loss).__name__, f"model {objective.model!r}"
    if objective.output:
        subject = f"output {objective.output!r} of {subject}"
    if activation := _MAKES_PROBABILITIES.get(y_pred.op.type):
        _warn(
            f"The {subject} ends in {activation}, but {loss}(from_logits=True) takes it for logits and makes probabilities "
            f"of it once more. Leave out the activation, or from_logits=True."
        )
        return  # what the metrics see are probabilities
    columns = y_pred.shape.as_list()[-1] if (y_pred.shape.rank or 0) > 1 else 1
    if names := [name for name, metric in objective.metrics.items() if any(_limits(metric, columns))]:
        _warn(
            f"The {subject} gives logits, as {loss}(from_logits=True) wants them, but {', '.join(names)} would compare "
            "them with a probability. A probability of 0.5 is a logit of 0: give the metric that threshold, such as "
            'lk.metrics.Precision(thresholds=0.0) or {"name": "binary_accuracy", "threshold": 0.0}.'
        )


def _limits(metric: Any, columns: int | None) -> list[float]:
    """Above which predictions a metric says yes; [] where it takes the largest, or none of them."""
    settings: dict[str, Any] = {}
    if isinstance(metric, functools.partial):
        metric, settings = metric.func, metric.keywords
    if metric is binary_accuracy or (metric is accuracy and columns == 1):
        return [settings.get("threshold", 0.5)]
    if hasattr(metric, "num_classes") and (columns != 1 or metric.num_classes is not None):
        return []  # takes the largest, or numbers of classes
    for name in ("threshold", "thresholds"):
        if hasattr(metric, name):
            limit = getattr(metric, name)
            if limit is None:
                return [0.5] if columns == 1 else []
            return list(limit) if isinstance(limit, list | tuple) else [limit]
    return []


def _warn(text: str) -> None:
    file, _, number = user_line().rpartition(":")
    warnings.warn_explicit(text, UserWarning, file, int(number))
