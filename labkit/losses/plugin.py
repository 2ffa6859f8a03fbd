"""Registers the built-in losses."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.plugins import Component, hookimpl


@hookimpl
def labkit_losses() -> Iterator[Component]:
    yield Component(
        "MeanSquaredError", "labkit.losses.squared_error:MeanSquaredError", aliases=("mean_squared_error", "mse", "MSE")
    )
    yield Component(
        "SparseCategoricalCrossentropy",
        "labkit.losses.crossentropy:SparseCategoricalCrossentropy",
        aliases=("sparse_categorical_crossentropy",),
    )
    yield Component(
        "CategoricalCrossentropy",
        "labkit.losses.crossentropy:CategoricalCrossentropy",
        aliases=("categorical_crossentropy",),
    )
