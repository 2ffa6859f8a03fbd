"""Registers the built-in metrics. The squared error is a loss as well; its one definition stands under `losses`."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.plugins import Component, hookimpl

_CLASSIFICATION = "labkit.metrics.classification"


@hookimpl
def labkit_metrics() -> Iterator[Component]:
    yield Component("accuracy", f"{_CLASSIFICATION}:accuracy", aliases=("acc",))
    yield Component("sparse_categorical_accuracy", f"{_CLASSIFICATION}:sparse_categorical_accuracy")
    yield Component("categorical_accuracy", f"{_CLASSIFICATION}:categorical_accuracy")
    yield Component(
        "MeanSquaredError", "labkit.losses.squared_error:MeanSquaredError", aliases=("mean_squared_error", "mse", "MSE")
    )
