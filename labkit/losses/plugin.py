"""Registers the built-in losses, under Keras's names and its short ones."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.plugins import Component, hookimpl

_ABSOLUTE, _SQUARED, _ROBUST, _BINARY, _CLASSES, _HINGE, _DISTRIBUTIONS, _DIRECTION = (
    f"labkit.losses.{name}"
    for name in (
        "absolute_error", "squared_error", "robust", "binary", "crossentropy", "hinge", "distributions", "direction",
    )
)  # fmt: skip


@hookimpl
def labkit_losses() -> Iterator[Component]:
    yield Component("MeanSquaredError", f"{_SQUARED}:MeanSquaredError", ("mean_squared_error", "mse", "MSE"))
    yield Component("MeanAbsoluteError", f"{_ABSOLUTE}:MeanAbsoluteError", ("mean_absolute_error", "mae", "MAE"))
    yield Component(
        "MeanAbsolutePercentageError",
        f"{_ABSOLUTE}:MeanAbsolutePercentageError",
        ("mean_absolute_percentage_error", "mape", "MAPE"),
    )
    yield Component(
        "MeanSquaredLogarithmicError",
        f"{_SQUARED}:MeanSquaredLogarithmicError",
        ("mean_squared_logarithmic_error", "msle", "MSLE"),
    )
    yield Component("Huber", f"{_ROBUST}:Huber", ("huber", "huber_loss"))
    yield Component("LogCosh", f"{_ROBUST}:LogCosh", ("log_cosh", "logcosh"))
    yield Component("BinaryCrossentropy", f"{_BINARY}:BinaryCrossentropy", ("binary_crossentropy", "bce", "BCE"))
    yield Component("CategoricalCrossentropy", f"{_CLASSES}:CategoricalCrossentropy", ("categorical_crossentropy",))
    yield Component(
        "SparseCategoricalCrossentropy",
        f"{_CLASSES}:SparseCategoricalCrossentropy",
        ("sparse_categorical_crossentropy",),
    )
    yield Component("Hinge", f"{_HINGE}:Hinge", ("hinge",))
    yield Component("SquaredHinge", f"{_HINGE}:SquaredHinge", ("squared_hinge",))
    yield Component("CategoricalHinge", f"{_HINGE}:CategoricalHinge", ("categorical_hinge",))
    yield Component(
        "KLDivergence", f"{_DISTRIBUTIONS}:KLDivergence", ("kl_divergence", "kullback_leibler_divergence", "kld", "KLD")
    )
    yield Component("Poisson", f"{_DISTRIBUTIONS}:Poisson", ("poisson",))
    yield Component("CosineSimilarity", f"{_DIRECTION}:CosineSimilarity", ("cosine_similarity",))
