"""Names, arguments and results beside those of Keras, where it is installed."""

import numpy as np
import pytest

from labkit.plugins import resolve

keras = pytest.importorskip("keras")

RANDOM = np.random.default_rng(6)
LABELS, SCORES = RANDOM.integers(0, 4, 80), RANDOM.dirichlet(np.ones(4), size=80).astype("float32")
ONE_HOT, BITS = np.eye(4, dtype="float32")[LABELS], RANDOM.integers(0, 2, (80, 1)).astype("float32")
NUMBERS, FOUND = (RANDOM.normal(size=(80, 3)).astype("float32") + 2 for _ in range(2))
WEIGHTS = RANDOM.uniform(0.2, 2, 80).astype("float32")
STEPS, STEP_LABELS = RANDOM.normal(size=(80, 6, 4)).astype("float32"), RANDOM.integers(0, 4, (80, 6))
LOGITS = {"from_logits": True}

CASES = [
    ("BinaryAccuracy", {"threshold": 0.3}, BITS, SCORES[:, :1]),
    ("CategoricalAccuracy", {}, ONE_HOT, SCORES),
    ("SparseCategoricalAccuracy", {}, LABELS, SCORES),
    ("SparseCategoricalAccuracy", {}, STEP_LABELS, STEPS),
    ("TopKCategoricalAccuracy", {"k": 2}, ONE_HOT, SCORES),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, LABELS, SCORES),
    ("Precision", {}, BITS, SCORES[:, :1]),
    ("Precision", {"thresholds": [0.1, 0.2, 0.6]}, BITS, SCORES[:, :1]),
    ("Recall", {"thresholds": 0.2}, BITS, SCORES[:, :1]),
    *(("F1Score", {"average": by}, ONE_HOT, SCORES) for by in ("macro", "micro", "weighted", None)),
    ("F1Score", {"average": "macro", "threshold": 0.2}, (ONE_HOT + BITS > 0).astype("float32"), SCORES),
    ("MeanSquaredError", {}, NUMBERS, FOUND),
    ("RootMeanSquaredError", {}, NUMBERS, FOUND),
    ("MeanAbsoluteError", {}, NUMBERS, FOUND),
    ("MeanAbsolutePercentageError", {}, NUMBERS, FOUND),
    ("MeanSquaredLogarithmicError", {}, abs(NUMBERS), abs(FOUND)),
    *(("R2Score", {"class_aggregation": by}, NUMBERS, FOUND)
      for by in ("uniform_average", "variance_weighted_average", None)),
    ("BinaryCrossentropy", {}, BITS, SCORES[:, :1]),
    ("BinaryCrossentropy", LOGITS | {"label_smoothing": 0.1}, BITS, FOUND[:, :1]),
    ("CategoricalCrossentropy", {"label_smoothing": 0.1}, ONE_HOT, SCORES),
    ("CategoricalCrossentropy", LOGITS, ONE_HOT, 3 * SCORES),
    ("SparseCategoricalCrossentropy", {}, LABELS, SCORES),
    ("SparseCategoricalCrossentropy", LOGITS, LABELS, 3 * SCORES),
    ("LogCoshError", {}, NUMBERS, FOUND),
    ("Hinge", {}, BITS, FOUND[:, 1:2]),
    ("SquaredHinge", {}, 2 * BITS - 1, FOUND[:, :1] - 2),
    ("CategoricalHinge", {}, ONE_HOT, 4 * SCORES - 1),
    ("KLDivergence", {}, np.roll(SCORES, 1, 0), SCORES),
    ("Poisson", {}, LABELS[:, None], abs(FOUND[:, :1])),
    ("CosineSimilarity", {}, NUMBERS, FOUND),
    ("CosineSimilarity", {"axis": 1}, STEPS, np.roll(STEPS, 1, 0)),
]  # fmt: skip


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize(
    ("name", "settings", "y_true", "y_pred"), CASES, ids=[f"{case[0]}-{case[1]}-{case[3].shape}" for case in CASES]
)
def test_results_are_those_of_keras(name, settings, y_true, y_pred, weights):
    ours, theirs = resolve("metrics", {"name": name, **settings}), getattr(keras.metrics, name)(**settings)
    for part in np.split(np.arange(80), [13, 50]):
        for metric in (ours, theirs):
            metric.update_state(y_true[part], y_pred[part], None if weights is None else weights[part])
    np.testing.assert_allclose(ours.result(), np.asarray(theirs.result()), rtol=2e-5)
    assert theirs.name.startswith(ours.name) or name == "LogCoshError"  # Keras numbers them


@pytest.mark.parametrize("curve", ["ROC", "PR"])
def test_the_area_is_what_kerass_buckets_come_close_to(curve):
    ours = resolve("metrics", {"name": "AUC", "curve": curve})
    theirs = keras.metrics.AUC(num_thresholds=5000, curve=curve)
    for metric in (ours, theirs):
        metric.update_state(BITS, SCORES[:, :1], WEIGHTS)
    np.testing.assert_allclose(ours.result(), np.asarray(theirs.result()), atol=0.02)


def test_names_of_metrics_are_kerass():
    for alias in ("auc", "precision", "recall", "f1_score", "r2_score", "mse", "MAE", "mean_squared_error", "bce",
                  "root_mean_squared_error", "categorical_crossentropy", "sparse_categorical_crossentropy"):  # fmt: skip
        assert type(resolve("metrics", alias)).__name__ == type(keras.metrics.get(alias)).__name__
