"""Registers the built-in metrics, under Keras's names.

The accuracies are there twice: functions for graphs, which a model computes with the training step, under Keras's names
of functions, and classes for arrays under its names of classes.
"""

from __future__ import annotations

from collections.abc import Iterator

from labkit.plugins import Component, hookimpl

_IN_GRAPHS, _ACCURACIES, _COUNTS, _AGREEMENT, _RANKING, _REGRESSION, _R2, _CROSSENTROPIES, _MARGINS, _LIKENESS = (
    f"labkit.metrics.{name}"
    for name in (
        "classification", "accuracies", "counts", "agreement", "ranking", "regression", "r2", "crossentropies",
        "margins", "likeness",
    )
)  # fmt: skip


@hookimpl
def labkit_metrics() -> Iterator[Component]:
    yield Component("accuracy", f"{_IN_GRAPHS}:accuracy", ("acc",))
    yield Component("sparse_categorical_accuracy", f"{_IN_GRAPHS}:sparse_categorical_accuracy")
    yield Component("categorical_accuracy", f"{_IN_GRAPHS}:categorical_accuracy")
    yield Component("binary_accuracy", f"{_IN_GRAPHS}:binary_accuracy")
    yield Component("top_k_categorical_accuracy", f"{_IN_GRAPHS}:top_k_categorical_accuracy")
    yield Component("sparse_top_k_categorical_accuracy", f"{_IN_GRAPHS}:sparse_top_k_categorical_accuracy")
    yield Component("BinaryAccuracy", f"{_ACCURACIES}:BinaryAccuracy")
    yield Component("CategoricalAccuracy", f"{_ACCURACIES}:CategoricalAccuracy")
    yield Component("SparseCategoricalAccuracy", f"{_ACCURACIES}:SparseCategoricalAccuracy")
    yield Component("TopKCategoricalAccuracy", f"{_ACCURACIES}:TopKCategoricalAccuracy")
    yield Component("SparseTopKCategoricalAccuracy", f"{_ACCURACIES}:SparseTopKCategoricalAccuracy")
    yield Component("Precision", f"{_COUNTS}:Precision", ("precision",))
    yield Component("Recall", f"{_COUNTS}:Recall", ("recall",))
    yield Component("F1Score", f"{_COUNTS}:F1Score", ("f1_score", "f1"))
    yield Component("AUC", f"{_RANKING}:AUC", ("auc",))
    yield Component("ConfusionMatrix", f"{_AGREEMENT}:ConfusionMatrix", ("confusion_matrix",))
    yield Component("CohenKappa", f"{_AGREEMENT}:CohenKappa", ("cohen_kappa",))
    yield Component("MatthewsCorrelation", f"{_AGREEMENT}:MatthewsCorrelation", ("matthews_correlation", "mcc"))
    yield Component("MeanSquaredError", f"{_REGRESSION}:MeanSquaredError", ("mean_squared_error", "mse", "MSE"))
    yield Component(
        "RootMeanSquaredError", f"{_REGRESSION}:RootMeanSquaredError", ("root_mean_squared_error", "rmse", "RMSE")
    )
    yield Component("MeanAbsoluteError", f"{_REGRESSION}:MeanAbsoluteError", ("mean_absolute_error", "mae", "MAE"))
    yield Component(
        "MeanAbsolutePercentageError",
        f"{_REGRESSION}:MeanAbsolutePercentageError",
        ("mean_absolute_percentage_error", "mape", "MAPE"),
    )
    yield Component(
        "MeanSquaredLogarithmicError",
        f"{_REGRESSION}:MeanSquaredLogarithmicError",
        ("mean_squared_logarithmic_error", "msle", "MSLE"),
    )
    yield Component("R2Score", f"{_R2}:R2Score", ("r2_score", "r2"))
    yield Component(
        "BinaryCrossentropy", f"{_CROSSENTROPIES}:BinaryCrossentropy", ("binary_crossentropy", "bce", "BCE")
    )
    yield Component(
        "CategoricalCrossentropy", f"{_CROSSENTROPIES}:CategoricalCrossentropy", ("categorical_crossentropy",)
    )
    yield Component(
        "SparseCategoricalCrossentropy",
        f"{_CROSSENTROPIES}:SparseCategoricalCrossentropy",
        ("sparse_categorical_crossentropy",),
    )
    yield Component("LogCoshError", f"{_REGRESSION}:LogCoshError", ("log_cosh_error", "logcosh"))
    yield Component("Hinge", f"{_MARGINS}:Hinge", ("hinge",))
    yield Component("SquaredHinge", f"{_MARGINS}:SquaredHinge", ("squared_hinge",))
    yield Component("CategoricalHinge", f"{_MARGINS}:CategoricalHinge", ("categorical_hinge",))
    yield Component("KLDivergence", f"{_LIKENESS}:KLDivergence", ("kl_divergence", "kld", "KLD"))
    yield Component("Poisson", f"{_LIKENESS}:Poisson", ("poisson",))
    yield Component("CosineSimilarity", f"{_LIKENESS}:CosineSimilarity", ("cosine_similarity",))
