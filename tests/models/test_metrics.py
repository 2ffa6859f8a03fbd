"""Metrics in models: over all examples of an epoch or an evaluation, however the steps are cut."""

import numpy as np
import pytest
from sklearn import metrics as sk

import labkit as lk
from labkit.errors import InvalidArgumentError
from labkit.models import TrainingLoop

RANDOM = np.random.default_rng(8)
X = RANDOM.normal(size=(50, 3)).astype("float32")
BITS = (X[:, 0] + RANDOM.normal(size=50) > 0).astype(int)
LABELS = (BITS + (X[:, 1] > 0)).astype(int)


def binary(metrics, seed=None):
    model = lk.Sequential([lk.Input((3,)), lk.layers.Dense(1, activation="sigmoid")], seed=seed)
    model.compile(lk.optimizers.SGD(0.3), "binary_crossentropy", metrics=metrics)
    return model


def several(metrics):
    model = lk.Sequential([lk.Input((3,)), lk.layers.Dense(3, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=metrics)
    return model


def test_evaluate_gives_scikit_learns_results_for_any_batch_size():
    names = ["accuracy", "auc", "precision", "recall", "f1", "mse", "bce", lk.metrics.AUC("PR", name="area")]
    model = binary(names)
    p = model.predict(X)[:, 0].astype(float)
    yes = p > 0.5
    expected = {
        "accuracy": sk.accuracy_score(BITS, yes), "auc": sk.roc_auc_score(BITS, p),
        "precision": sk.precision_score(BITS, yes), "recall": sk.recall_score(BITS, yes), "f1": sk.f1_score(BITS, yes),
        "mse": sk.mean_squared_error(BITS, p), "bce": sk.log_loss(BITS, p), "area": sk.average_precision_score(BITS, p),
    }  # fmt: skip
    found = model.evaluate(X, BITS, batch_size=7, return_dict=True)
    assert list(found) == ["loss", *expected]
    for name, value in expected.items():
        assert abs(found[name] - value) < 1e-12, name
    assert model.evaluate(X, BITS, batch_size=50, return_dict=True) == found


def test_an_epochs_result_is_of_its_examples_alone_and_validation_leaves_it_alone():
    loop, watched = (TrainingLoop(binary(["auc", "mse"]), X, BITS, 10, seed=1) for _ in range(2))
    for epoch in range(3):
        seen = []
        for each in (loop, watched):
            each.restart_metrics()
        for step in range(5):
            at = loop.feed.indices(5 * epoch + step, 1)[0]
            seen.append((BITS[at], loop.model.predict(X[at])[:, 0]))
            loop.run(1)
            watched.model.evaluate(X[:9], BITS[:9])
        watched.run(5)
        y, p = (np.concatenate(parts) for parts in zip(*seen, strict=True))
        assert abs(loop.results()["auc"] - sk.roc_auc_score(y, p.astype(float))) < 1e-12
        assert abs(loop.results()["mse"] - sk.mean_squared_error(y, p.astype(float))) < 1e-12
        assert watched.results() == loop.results()


def test_a_restored_loop_goes_on_with_the_same_results():
    names = ["accuracy", "auc", "mse", "r2", "f1", "mcc", lk.losses.Huber()]
    whole, half = (TrainingLoop(binary(names), X, BITS, 7) for _ in range(2))
    whole.run(12)
    half.run(5)
    saved = half.state()
    half.run(2)
    rest = TrainingLoop(binary(names), X, BITS, 7)
    fresh = rest.state()
    rest.restore(saved)
    rest.run(7)
    assert rest.results() == whole.results()
    assert len(rest.results()) == len(names)
    rest.restore(fresh)
    rest.run(12)
    assert rest.results() == whole.results()


def test_arrays_and_settings_among_the_metrics_of_a_fit():
    settings = {"name": "sparse_top_k_categorical_accuracy", "k": 2}
    model = several([lk.metrics.ConfusionMatrix(), settings, lk.metrics.F1Score(average=None)])
    history = model.fit(X, LABELS, epochs=2, batch_size=16, validation_split=0.2, verbose=0).history
    matrix = history["val_confusion_matrix"][-1]
    assert matrix.shape == (3, 3)
    assert matrix.sum() == 10
    assert history["f1_score"][-1].shape == (3,)
    assert 0 < history["val_sparse_top_k_categorical_accuracy"][-1] <= 1
    np.testing.assert_array_equal(
        matrix, sk.confusion_matrix(LABELS[40:], model.predict(X[40:]).argmax(1), labels=range(3))
    )


def test_a_model_that_gives_nan_has_no_result_that_looks_well():
    model = several(["accuracy", "auc", "f1", "mse"][:3])
    model.set_weights([np.full_like(weight, np.nan) for weight in model.get_weights()])
    assert all(np.isnan(value) for value in model.evaluate(X, LABELS))


def test_a_wrapped_function_is_computed_in_the_graph():
    wrapped = lk.metrics.MeanMetricWrapper(lk.losses.Huber(), name="robust")
    model = binary([wrapped, "mae"])
    found = model.evaluate(X, BITS, return_dict=True)
    error = np.abs(model.predict(X)[:, 0] - BITS)
    np.testing.assert_allclose(found["robust"], np.mean(error**2 / 2), rtol=1e-5)
    assert not wrapped.examples


def test_targets_that_a_metric_cannot_use():
    with pytest.raises(InvalidArgumentError, match="auc cannot use these targets"):
        binary(["auc"]).fit(X, LABELS, verbose=0)


def test_metrics_are_saved_with_the_model(tmp_path):
    metrics = ["auc", {"name": "F1Score", "average": "micro"}, lk.metrics.AUC("PR", name="area"), "accuracy"]
    model = several(metrics)
    path = str(tmp_path / "model")
    model.save(path)
    again = lk.models.load_model(path) if hasattr(lk.models, "load_model") else lk.load_model(path)
    assert again.evaluate(X, LABELS, return_dict=True) == model.evaluate(X, LABELS, return_dict=True)


def test_reports_name_metrics_in_snake_case():
    model = lk.Sequential([lk.Input((3,)), lk.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["R2Score", "mae", "MeanSquaredError", "CosineSimilarity"])
    assert list(model.metrics) == ["r2_score", "mae", "mean_squared_error", "cosine_similarity"]
