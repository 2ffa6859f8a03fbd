"""Metrics at their limits: sums without rounding, areas by definition, what is not defined, what is refused."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

import labkit as lk
from labkit import testing
from labkit.errors import CheckpointError, DTypeError, FailedPreconditionError, InvalidArgumentError, ShapeError
from labkit.metrics.exact import ExactSums
from labkit.plugins import resolve
from tests.families.metric_cases import CASES, NAMES, data, right

RANDOM = np.random.default_rng(4)
OBJECTS = [name for name in NAMES if name[0].isupper()]


@pytest.mark.parametrize(
    "values",
    [
        RANDOM.normal(size=1000),
        RANDOM.normal(size=200) * 10.0 ** RANDOM.integers(-300, 290, 200),
        np.array([1e16, 1.0, -1e16, 1e-300, 5e-324, -1.0]),
        np.array([2.0**53, 1.0, 1.0, 1.0, -(2.0**53)]),
        np.array([0.1] * 10 + [-1.0]),
        np.arange(1000.0),
    ],
    ids=["normal", "wide", "cancelling", "beyond-2^53", "tenths", "whole"],
)
def test_sums_are_exact_however_they_come(values):
    expected = sum(map(Fraction, values.tolist()), Fraction(0))
    for pieces in (1, 3, len(values)):
        sums = ExactSums(2)
        for part in np.array_split(RANDOM.permutation(values), pieces):
            sums.add(np.stack([part, -(2.0**-9) * part], axis=1))
        assert sums.exact(0) == expected
        assert sums.totals().tolist() == [float(expected), -(2.0**-9) * float(expected)]
        places = RANDOM.integers(0, 3, len(values))
        apart = ExactSums(3)
        for part in np.array_split(np.arange(len(values)), pieces):
            apart.add(values[part], places[part])
        for place in range(3):
            assert apart.exact(place) == sum(map(Fraction, values[places == place].tolist()), Fraction(0))


def test_sums_beyond_float64_are_infinite_or_nan():
    for values, expected in (
        ([1e308, 1e308], math.inf), ([-1e308, -1e308], -math.inf), ([math.inf, 1.0], math.inf),
        ([math.inf, -math.inf], math.nan), ([math.nan, 1.0], math.nan),
    ):  # fmt: skip
        whole, apart = ExactSums(2), ExactSums(2)
        whole.add(np.array([[value, 1.0] for value in values]))
        for value in values:
            apart.add(np.array([[value, 1.0]]))
        for sums in (whole, apart):
            np.testing.assert_array_equal(sums.totals(), [expected, 2.0])


def test_r2_of_targets_far_from_0_keeps_its_digits():
    y = 1e9 + RANDOM.normal(size=300)
    p = y + RANDOM.normal(size=300)
    weight = RANDOM.uniform(0.5, 2, 300)
    ys, ps, ws = (list(map(Fraction, each.tolist())) for each in (y, p, weight))
    mean = sum(w * a for w, a in zip(ws, ys, strict=True)) / sum(ws)
    errors = sum(w * (a - b) ** 2 for w, a, b in zip(ws, ys, ps, strict=True))
    expected = 1 - errors / sum(w * (a - mean) ** 2 for w, a in zip(ws, ys, strict=True))
    assert abs(lk.metrics.R2Score()(y, p, weight) - float(expected)) < 1e-14


def test_r2_of_equal_targets():
    constant, tenths = np.full((5, 2), 7.0), np.full(5, 0.1)
    found = lk.metrics.R2Score(class_aggregation=None)(constant, constant + np.arange(2))
    assert found.tolist() == [1, 0]
    assert lk.metrics.R2Score()(tenths, tenths) == 1
    assert lk.metrics.R2Score(class_aggregation="variance_weighted_average")(constant, constant) == 1
    assert math.isnan(lk.metrics.R2Score()([1.0], [1.0]))


def test_auc_is_the_share_of_pairs_in_order():
    y, p = RANDOM.integers(0, 2, 60), RANDOM.integers(0, 9, 60) / 8
    weight = RANDOM.uniform(0.5, 2, 60)
    pairs = [(i, j) for i, j in itertools.product(range(60), repeat=2) if y[i] > y[j]]
    order = [weight[i] * weight[j] * (np.sign(p[i] - p[j]) + 1) / 2 for i, j in pairs]
    assert abs(lk.metrics.AUC()(y, p, weight) - sum(order) / sum(weight[i] * weight[j] for i, j in pairs)) < 1e-13
    assert lk.metrics.AUC()(y, np.where(y, np.inf, -np.inf)) == 1
    assert lk.metrics.AUC()(y, np.zeros(60)) == 0.5
    assert lk.metrics.AUC()(y, np.float32(y * 1e-45) - 0.0) == 1  # nothing is lost below float32's normal numbers


def test_what_is_not_defined():
    scores = [0.1, 0.7, 0.9]
    for truth in ([1, 1, 1], [0, 0, 0]):
        assert math.isnan(lk.metrics.AUC()(truth, scores))
        assert math.isnan(lk.metrics.CohenKappa()(truth, truth))
        assert lk.metrics.MatthewsCorrelation()(truth, scores) == 0
    assert lk.metrics.AUC(curve="PR")([0, 0, 0], scores) == 0
    assert lk.metrics.Precision()([1, 1, 0], [0, 0, 0]) == 0
    assert lk.metrics.Recall()([0, 0, 0], [1, 1, 0]) == 0
    assert lk.metrics.F1Score()([0, 0, 0], [0, 0, 0]) == 0
    for name in OBJECTS:
        form, settings = CASES[name][1][0]
        y, p = data(form, "random", 5)
        found = resolve("metrics", {"name": name, **settings})(y, p, np.zeros(5))
        nothing = {
            "Precision",
            "Recall",
            "F1Score",
            "MatthewsCorrelation",
            "ConfusionMatrix",
        }  # as where nothing is found
        assert not np.any(found) if name in nothing else np.isnan(found)


@pytest.mark.parametrize("name", OBJECTS)
def test_what_every_metric_refuses(name):
    form, settings = CASES[name][1][0]
    y, p = data(form, "random", 6)
    metric = resolve("metrics", {"name": name, **settings})
    empty = metric.state()
    assert metric.name.islower()
    with pytest.raises(FailedPreconditionError, match=r"no result yet.*update_state first"):
        metric.result()
    with lk.Graph().as_default(), pytest.raises(DTypeError, match="not tensors of a graph"):
        metric(y, lk.constant(p))
    for bad in ("text", ["a"] * 6, None, [[1], [1, 2]], 1j * np.ones(6)):
        with pytest.raises(DTypeError, match="array of numbers"):
            metric.update_state(bad, p)
    with pytest.raises(ShapeError, match="needs a batch"):
        metric.update_state(1, 0.5)
    with pytest.raises(ShapeError, match="a target for each prediction"):
        metric.update_state(y[:-1], p)
    with pytest.raises(ShapeError):
        metric.update_state(np.stack([y] * 3, axis=-1), p)
    with pytest.raises(InvalidArgumentError, match="NaN among the targets of 2 examples"):
        metric.update_state(np.where(np.isin(np.arange(6), [1, 4]).reshape(-1, *[1] * (y.ndim - 1)), np.nan, y), p)
    for weight in (-1.0, np.nan, np.inf):
        with pytest.raises(InvalidArgumentError, match="finite numbers from 0 on"):
            metric.update_state(y, p, [weight] * 6)
    for shape in ((5,), (6, 2), ()):
        with pytest.raises(ShapeError):
            metric.update_state(y, p, np.ones(shape))
    for state in ({}, {**empty, "more": np.zeros(1)}, {key: np.zeros(()) for key in empty}):
        if set(state) != set(empty) or metric.counted or "scores" in empty:
            with pytest.raises(CheckpointError, match="no state of"):
                metric.restore(state)
    assert all(np.array_equal(value, empty[key]) for key, value in metric.state().items())
    metric.update_state(y[:0], p[:0])
    with pytest.raises(FailedPreconditionError, match="no result yet"):
        metric.result()
    metric.update_state(y, p, [0, 1, 1, 0, 1, 1])
    metric.update_state(y[:2], p[:2])
    assert metric.examples == 8


def test_batches_of_other_shapes():
    for name in ("Precision", "ConfusionMatrix", "AUC", "R2Score"):
        metric = resolve("metrics", name)
        binary = name != "R2Score"
        metric.update_state([0, 1], [0.1, 0.9])
        with pytest.raises(ShapeError, match=r"another shape before.*reset_state"):
            metric.update_state([0, 2] if binary else np.ones((2, 3)), RANDOM.uniform(size=(2, 3)))
        metric.reset_state()
        metric.update_state([0, 2] if binary else RANDOM.normal(size=(2, 3)), RANDOM.uniform(size=(2, 3)))


@pytest.mark.parametrize(
    ("name", "y", "p", "why"),
    [
        *((name, [0, 4], np.ones((2, 4)), "0 to 3 for 4 classes") for name in
          ("SparseCategoricalAccuracy", "Precision", "ConfusionMatrix", "AUC", "SparseCategoricalCrossentropy")),
        *((name, [0, -1], np.ones((2, 4)), "0 to 3 for 4 classes") for name in ("F1Score", "CohenKappa")),
        *((name, [0, 0.5], np.ones((2, 4)), "whole numbers") for name in ("Recall", "SparseTopKCategoricalAccuracy")),
        *((name, [0, 2], [0.1, 0.9], "0 or 1") for name in ("BinaryAccuracy", "Precision", "AUC", "MatthewsCorrelation")),
        ("F1Score", [[1, 1, 0]], np.ones((1, 3)), "a single 1"),
        ("ConfusionMatrix", [[0, 0, 0]], np.ones((1, 3)), "a single 1"),
        ("BinaryCrossentropy", [0, 1], [-3.0, 2.0], "from_logits=True"),
        ("SparseCategoricalCrossentropy", [0], [[-3.0, 2.0]], "from_logits=True"),
        ("CategoricalCrossentropy", [[0, 2]], [[0.5, 0.5]], "probabilities, from 0 to 1"),
        ("BinaryCrossentropy", [0, -1], [0.5, 0.5], "probabilities, from 0 to 1"),
        ("MeanSquaredLogarithmicError", [0.5, -1], [0.5, 0.5], "from 0 on"),
        ({"name": "ConfusionMatrix", "num_classes": 3}, [0, 3], [1, 2], "y_true are whole numbers from 0 to 2"),
        ({"name": "ConfusionMatrix", "num_classes": 3}, [0, 2], [1, 2.5], "y_pred are whole numbers from 0 to 2"),
    ],
    ids=str,
)  # fmt: skip
def test_targets_and_predictions_out_of_range(name, y, p, why):
    metric = resolve("metrics", name)
    with pytest.raises(InvalidArgumentError, match=why):
        metric.update_state(y, p)
    metric.update_state(y, p, np.zeros(len(y)))  # what does not count may be anything


@pytest.mark.parametrize(
    ("spec", "y", "p"),
    [
        ({"name": "ConfusionMatrix", "num_classes": 3}, [0, 1], np.ones((2, 4))),
        ({"name": "Precision", "thresholds": 0.5}, [0, 1], np.ones((2, 4))),
        ({"name": "Precision", "thresholds": [0.2, 0.5]}, np.ones((2, 4)), np.ones((2, 4))),
        ("SparseCategoricalAccuracy", np.ones((2, 4)), np.ones((2, 4))),
        ("CategoricalAccuracy", [0, 1], np.ones((2, 4))),
        ("CategoricalCrossentropy", [0, 1], np.ones((2, 2))),
        ("SparseCategoricalAccuracy", [0, 1], np.ones((2, 1))),
        ("MeanSquaredError", np.ones((2, 1)), np.ones((2, 3))),
        ("MeanSquaredError", np.ones((2, 0)), np.ones((2, 0))),
        ("BinaryAccuracy", [0, 1], np.ones((2, 2))),
    ],
    ids=str,
)
def test_shapes_that_do_not_fit(spec, y, p):
    with pytest.raises(ShapeError):
        resolve("metrics", spec).update_state(y, p)


@pytest.mark.parametrize(
    "spec",
    [
        {"name": "Precision", "thresholds": 1.5},
        {"name": "Recall", "thresholds": [0.5, -0.1]},
        {"name": "Recall", "thresholds": []},
        {"name": "F1Score", "threshold": "half"},
        {"name": "F1Score", "average": "mean"},
        {"name": "AUC", "curve": "roc"},
        {"name": "AUC", "num_thresholds": 200},
        {"name": "BinaryAccuracy", "threshold": 2},
        {"name": "TopKCategoricalAccuracy", "k": 0},
        {"name": "ConfusionMatrix", "num_classes": 1},
        {"name": "CohenKappa", "weights": "cubic"},
        {"name": "R2Score", "class_aggregation": "sum"},
        {"name": "BinaryCrossentropy", "label_smoothing": 2},
    ],
    ids=str,
)
def test_settings_that_are_refused(spec):
    with pytest.raises(InvalidArgumentError, match=list(spec)[1]):
        resolve("metrics", spec)


def test_names_are_those_of_keras():
    for alias in ("auc", "precision", "recall", "f1_score", "r2_score", "mean_squared_error", "root_mean_squared_error",
                  "mean_absolute_error", "mean_absolute_percentage_error", "mean_squared_logarithmic_error",
                  "binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy"):  # fmt: skip
        assert resolve("metrics", alias).name == alias
    for short, name in {
        "mse": "MeanSquaredError",
        "MAE": "MeanAbsoluteError",
        "mape": "MeanAbsolutePercentageError",
    }.items():
        assert type(resolve("metrics", short)).__name__ == name
    assert lk.metrics.SparseTopKCategoricalAccuracy().name == "sparse_top_k_categorical_accuracy"
    assert lk.metrics.AUC(name="area").name == "area"


def test_larger_results_are_better_or_smaller_ones():
    best = {"sparse": np.eye(4), "one_hot": np.eye(4)}
    for name in OBJECTS:
        form, settings = CASES[name][1][0]
        y, p = data(form, "random", 30)
        metric = resolve("metrics", {"name": name, **settings})
        if name == "ConfusionMatrix":
            assert metric.direction is None
            continue
        worse = metric(y, p)
        metric.reset_state()
        better = metric(y, best[form][right(y)] if form in best else 2.0 * y if form == "signs" else y * 1.0)
        assert metric.direction == ("max" if better > worse else "min"), name
        assert better != worse


def test_a_mean_of_a_functions_values():
    testing.check_metric(lk.metrics.MeanMetricWrapper(lk.losses.Huber()), *data("outputs", "random", 6))
    mean = lk.metrics.MeanMetricWrapper(lk.losses.Huber(), name="huber")
    y, p = RANDOM.normal(size=(20, 3)), RANDOM.normal(size=(20, 3))
    weight = RANDOM.uniform(size=20)
    error = np.abs(p - y)
    values = np.where(error < 1, error**2 / 2, error - 0.5).mean(axis=1)
    np.testing.assert_allclose(mean(y, p, weight), np.average(values, weights=weight), 1e-13)
    other = lk.metrics.MeanMetricWrapper(lk.losses.Huber())
    for part in np.split(RANDOM.permutation(20), [3, 11]):
        other.update_values(values[part], weight[part])
    np.testing.assert_allclose(other.result(), mean.result(), 1e-13)
    other.update_values([np.nan], [0.0])
    assert other.examples == 21
    np.testing.assert_allclose(other.result(), mean.result(), 1e-13)
    other.update_values([np.nan])
    assert math.isnan(other.result())
    with pytest.raises(InvalidArgumentError, match="needs a function"):
        lk.metrics.MeanMetricWrapper("mse")
    with pytest.raises(ShapeError, match="one value for each example"):
        lk.metrics.MeanMetricWrapper(lambda y, p: lk.reduce_sum(p))(y, p)
