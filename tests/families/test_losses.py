"""Every registered loss: the kit's contract against formulas in NumPy, the ends of its range, what it refuses."""

import numpy as np
import pytest

import labkit as lk
from labkit import testing
from labkit.errors import DTypeError, InvalidArgumentError, ShapeError, UnknownShapeError
from labkit.plugins import resolve
from labkit.testing import evaluate
from tests.families.loss_cases import (
    CASES,
    DISTRIBUTIONS,
    EPSILON,
    LABELS,
    NAMES,
    NUMBERS,
    ONE_HOT,
    log_softmax,
    slope,
    with_settings,
)


@with_settings()
def test_contract_and_formula(name, settings, y_true, y_pred):
    formula = CASES[name][0]
    if y_true.ndim < y_pred.ndim and name != "SparseCategoricalCrossentropy":

        def reference(y, p):
            return formula(y[:, None], p, **settings)
    else:

        def reference(y, p):
            return formula(y, p, **settings)

    testing.check_loss(resolve("losses", {"name": name, **settings}), y_true, y_pred, reference, name)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_log_cosh_keeps_the_digits_of_small_errors_and_overflows_nowhere(dtype):
    errors = np.array([1e-12, 1e-6, 1e-3, 0.999, 1.0, 1.001, 30.0, 1e4, 1e30], dtype)
    small = np.minimum(errors.astype(np.float64), 1)
    expected = np.where(errors < 1, np.log1p(np.sinh(small) ** 2) / 2, np.logaddexp(errors, -1.0 * errors) - np.log(2))
    tolerance = 1e-6 if dtype is np.float32 else 1e-14
    found = evaluate(lk.losses.LogCosh(), np.zeros_like(errors), errors)
    np.testing.assert_allclose(found, expected, tolerance)
    np.testing.assert_allclose(slope(lk.losses.LogCosh(), 0 * errors, errors), np.tanh(errors), tolerance)
    np.testing.assert_array_equal(found, evaluate(lk.losses.LogCosh(), errors, np.zeros_like(errors)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_huber_of_extremes(dtype):
    errors = np.array([-1e30, -1e4, -1.0, 0.0, 1e-12, 1.0, 1e4, 1e30], dtype)
    expected = np.where(np.abs(errors) <= 1, errors.astype(float) ** 2 / 2, np.abs(errors) - 0.5)
    np.testing.assert_allclose(evaluate(lk.losses.Huber(), 0 * errors, errors), expected, 1e-6)
    np.testing.assert_allclose(slope(lk.losses.Huber(), 0 * errors, errors), np.clip(errors, -1, 1), 1e-6)


def test_binary_cross_entropy_of_extreme_logits():
    logits = np.array([-1e4, -100, -20, 20, 100, 1e4], np.float32)
    right, wrong = (logits > 0).astype(int), (logits < 0).astype(int)
    loss = lk.losses.BinaryCrossentropy(from_logits=True)
    small = np.log1p(np.exp(-np.abs(logits.astype(float))))
    np.testing.assert_allclose(evaluate(loss, right, logits), small, 1e-6, 1e-37)  # float32 ends there
    np.testing.assert_allclose(evaluate(loss, wrong, logits), np.abs(logits) + small, 1e-6)
    np.testing.assert_allclose(slope(loss, wrong, logits), np.sign(logits), 1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cross_entropies_of_certain_probabilities_are_finite(dtype):
    certain = np.array([[0.0], [1.0]], dtype)
    loss = lk.losses.BinaryCrossentropy()
    np.testing.assert_allclose(evaluate(loss, 1 - certain, certain), [-np.log(EPSILON)] * 2, 1e-6)
    np.testing.assert_array_equal(evaluate(loss, certain, certain), [0, 0])
    rows = np.eye(3, dtype=dtype)
    assert evaluate(lk.losses.KLDivergence(), rows, rows).tolist() == [0, 0, 0]
    np.testing.assert_allclose(
        evaluate(lk.losses.KLDivergence(), rows, np.roll(rows, 1, 1)), [-np.log(EPSILON)] * 3, 1e-6
    )


def test_targets_and_predictions_of_zero():
    zeros, ones = np.zeros((1, 3)), np.ones((1, 3))
    np.testing.assert_allclose(evaluate(lk.losses.MeanAbsolutePercentageError(), zeros, ones), [100 / EPSILON])
    assert evaluate(lk.losses.CosineSimilarity(), ones, zeros) == 0
    assert np.isfinite(slope(lk.losses.CosineSimilarity(), ones, zeros)).all()
    np.testing.assert_allclose(evaluate(lk.losses.Poisson(), ones, zeros), [-np.log(EPSILON)])
    assert evaluate(lk.losses.MeanSquaredLogarithmicError(), zeros, -ones) == 0


def test_smoothing_everything_leaves_nothing_of_the_labels():
    for loss in (lk.losses.SparseCategoricalCrossentropy(True, 1.0), lk.losses.CategoricalCrossentropy(True, 1.0)):
        y = LABELS if isinstance(loss, lk.losses.SparseCategoricalCrossentropy) else ONE_HOT
        np.testing.assert_allclose(evaluate(loss, y, NUMBERS), -log_softmax(NUMBERS).mean(axis=1), 1e-12)


def test_names_are_those_of_keras():
    assert set(NAMES) == set(CASES)
    short = {"MeanSquaredError": "mse", "MeanAbsoluteError": "mae", "MeanAbsolutePercentageError": "mape"}
    short |= {"MeanSquaredLogarithmicError": "msle", "BinaryCrossentropy": "bce", "KLDivergence": "kld"}
    for name, alias in short.items():
        for spelling in (name, alias, alias.upper()):
            assert type(resolve("losses", spelling)).__name__ == name
    for alias in ("huber", "log_cosh", "logcosh", "hinge", "squared_hinge", "categorical_hinge", "kl_divergence"):
        assert type(resolve("losses", alias)).__name__.lower() == alias.replace("_", "")


PAIRED = [name for name in NAMES if name != "SparseCategoricalCrossentropy"]


@pytest.mark.parametrize("name", PAIRED)
def test_shapes_that_do_not_fit(name):
    loss = resolve("losses", name)
    for shape in [(5, 3), (4, 4), (5,), (5, 4, 1, 1), (4,), ()]:
        with lk.Graph().as_default(), pytest.raises(ShapeError, match=f"{name} cannot compare"):
            loss(lk.zeros(shape), lk.zeros((5, 4)))
    with pytest.raises(ShapeError, match=r"1, 4"):  # never broadcast, though the graph does not know the batch
        evaluate(loss, np.ones((1, 4)), np.ones((5, 4)))
    with lk.Graph().as_default(), lk.Session() as session:
        true, predicted = lk.placeholder(lk.float32, [None, None]), lk.placeholder(lk.float32, [None, 4])
        values = loss(true, predicted)
        assert session.run(values, {true: np.ones((5, 4)), predicted: np.full((5, 4), 0.5)}).shape == (5,)
        with pytest.raises(ShapeError, match=r"\(5, 1\)"):
            session.run(values, {true: np.ones((5, 1)), predicted: np.ones((5, 4))})
        with pytest.raises(UnknownShapeError, match="dimensions of the targets"):
            loss(lk.placeholder(lk.float32), predicted)


@pytest.mark.parametrize("name", NAMES)
def test_predictions_that_no_loss_takes(name):
    loss = resolve("losses", name)
    with lk.Graph().as_default():
        with pytest.raises(DTypeError, match=f"{name} cannot use these predictions.*int32"):
            loss(lk.zeros((5, 4), lk.int32), lk.zeros((5, 4), lk.int32))
        with pytest.raises(ShapeError, match="needs a batch"):
            loss(1.0, 1.0)
        with pytest.raises(UnknownShapeError, match="cannot tell examples"):
            loss(lk.zeros((5, 4)), lk.placeholder(lk.float32))
        with pytest.raises(DTypeError, match="string"):
            loss(lk.constant([["yes"]]), lk.zeros((1, 1)))


def test_labels_and_one_hot_targets_are_told_apart():
    with lk.Graph().as_default():
        probabilities = lk.constant(DISTRIBUTIONS)
        with pytest.raises(ShapeError, match="for labels use SparseCategoricalCrossentropy"):
            lk.losses.CategoricalCrossentropy()(LABELS, probabilities)
        for dtype in (float, int, bool):
            with pytest.raises(ShapeError, match="one-hot targets use CategoricalCrossentropy"):
                lk.losses.SparseCategoricalCrossentropy()(ONE_HOT.astype(dtype), probabilities)
        for dtype in (float, bool):
            with pytest.raises(DTypeError, match="numbers of classes"):
                lk.losses.SparseCategoricalCrossentropy()(LABELS.astype(dtype), probabilities)
    for outside in (-1, 4):
        with pytest.raises(InvalidArgumentError, match="out of range"):
            evaluate(lk.losses.SparseCategoricalCrossentropy(), np.full(5, outside), DISTRIBUTIONS)


@pytest.mark.parametrize(
    "spec",
    [
        {"name": "huber", "delta": 0},
        {"name": "huber", "delta": float("inf")},
        {"name": "bce", "label_smoothing": 1.5},
        {"name": "categorical_crossentropy", "label_smoothing": -0.1},
        {"name": "sparse_categorical_crossentropy", "label_smoothing": "much"},
        {"name": "mse", "delta": 1.0},
    ],
    ids=str,
)
def test_settings_that_are_refused(spec):
    with pytest.raises(InvalidArgumentError, match=list(spec)[1]):
        resolve("losses", spec)


@pytest.mark.parametrize("make", [lk.losses.CosineSimilarity, lk.losses.CategoricalCrossentropy])
def test_axes_that_are_refused(make):
    with lk.Graph().as_default():
        for axis in (0, 2, -2):
            with pytest.raises(ShapeError, match=f"cannot use axis {axis}"):
                make(axis=axis)(ONE_HOT, lk.constant(DISTRIBUTIONS))
        with pytest.raises(InvalidArgumentError, match="whole number"):
            make(axis=1.0)(ONE_HOT, lk.constant(DISTRIBUTIONS))


@pytest.mark.parametrize("name", NAMES)
def test_a_model_learns_by_it(name):
    """Compiled by name, a layer made for the loss's range comes closer to the targets of its first case."""
    _, y_true, y_pred = CASES[name][1][0]
    inside = {"Poisson": "softplus", "MeanSquaredLogarithmicError": "softplus"}
    activation = inside.get(name, "softmax" if "ropy" in name or "KL" in name else "linear")
    units = 1 if y_pred.ndim == 1 else y_pred.shape[1]
    model = lk.Sequential([lk.layers.Dense(units, activation=activation)], seed=3)
    model.compile({"name": "Adam", "learning_rate": 0.05}, loss=name)
    x = np.eye(len(y_true), dtype=np.float32)
    before = model.evaluate(x, y_true)
    model.fit(x, y_true, batch_size=len(x), epochs=60, verbose=0)
    after = model.evaluate(x, y_true)
    assert np.isfinite(after)
    assert after < before - 0.1 * abs(before)


class PowerLoss(lk.losses.Loss):
    def __init__(self, power=4):
        super().__init__()
        self.power = power

    def call(self, y_true, y_pred):
        assert y_true.dtype == y_pred.dtype
        return lk.square(y_true - y_pred) ** (self.power / 2)


def test_a_loss_may_define_call_as_keras_has_it(tmp_path):
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(12, 3)).astype("float32"), rng.integers(0, 3, (12, 2))  # whole numbers are cast
    model = lk.Sequential([lk.Input((3,)), lk.layers.Dense(2)])
    model.compile("sgd", PowerLoss(4))
    expected = np.mean((model.predict(x).astype("float64") - y) ** 4)
    assert model.evaluate(x, y) == pytest.approx(expected, rel=1e-5)
    model.fit(x, y, verbose=0)
    model.save(str(tmp_path / "m"))
    again = lk.load_model(str(tmp_path / "m"), {"PowerLoss": PowerLoss})
    assert again.evaluate(x, y) == model.evaluate(x, y)
    with pytest.raises(NotImplementedError, match=r"must define call\(y_true, y_pred\)"):
        lk.losses.Loss()(np.zeros((2, 1)), lk.constant([[0.0], [1.0]]))
