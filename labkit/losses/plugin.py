"""Registers the built-in losses, under Keras's names and its short ones."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.plugins import Component, hookimpl

_LOSSES = (
    (
        "MeanSquaredError",
        "squared_error",
        (
            "mean_squared_error",
            "mse",
            "MSE",
        ),
    ),
    (
        "MeanAbsoluteError",
        "absolute_error",
        (
            "mean_absolute_error",
            "mae",
            "MAE",
        ),
    ),
    (
        "MeanAbsolutePercentageError",
        "absolute_error",
        (
            "mean_absolute_percentage_error",
            "mape",
            "MAPE",
        ),
    ),
    (
        "MeanSquaredLogarithmicError",
        "squared_error",
        (
            "mean_squared_logarithmic_error",
            "msle",
            "MSLE",
        ),
    ),
    (
        "Huber",
        "robust",
        (
            "huber",
            "huber_loss",
        ),
    ),
    (
        "LogCosh",
        "robust",
        (
            "log_cosh",
            "logcosh",
        ),
    ),
    (
        "BinaryCrossentropy",
        "binary",
        (
            "binary_crossentropy",
            "bce",
            "BCE",
        ),
    ),
    ("CategoricalCrossentropy", "crossentropy", ("categorical_crossentropy",)),
    ("SparseCategoricalCrossentropy", "crossentropy", ("sparse_categorical_crossentropy",)),
    ("Hinge", "hinge", ("hinge",)),
    ("SquaredHinge", "hinge", ("squared_hinge",)),
    ("CategoricalHinge", "hinge", ("categorical_hinge",)),
    (
        "KLDivergence",
        "distributions",
        (
            "kl_divergence",
            "kullback_leibler_divergence",
            "kld",
            "KLD",
        ),
    ),
    ("Poisson", "distributions", ("poisson",)),
    ("CosineSimilarity", "direction", ("cosine_similarity",)),
)
"""Name, module and aliases."""


@hookimpl
def labkit_losses() -> Iterator[Component]:
    for name, module, aliases in _LOSSES:
        yield Component(name, f"labkit.losses.{module}:{name}", aliases)
