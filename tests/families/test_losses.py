"""Every registered loss: the kit's contract against formulas in NumPy, the ends of its range, peers, what it refuses."""

import numpy as np
import pytest

import labkit as lk
from labkit import testing
from labkit.plugins import current_lab, resolve
from labkit.testing import evaluate

RANDOM = np.random.default_rng(7)
EPSILON = 1e-7
NAMES = current_lab().registry("losses").names()


def per_example(values):
    return values.reshape(len(values), -1).mean(axis=1)


def log_softmax(z, axis=-1):
    z = z - z.max(axis=axis, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=axis, keepdims=True))


def log_p(p, from_logits, axis=-1):
    return log_softmax(p if from_logits else np.log(np.maximum(p, EPSILON)), axis)


def mse(y, p):
    return per_example((p - y) ** 2)


def mae(y, p):
    return per_example(np.abs(p - y))


def mape(y, p):
    return per_example(100 * np.abs(p - y) / np.maximum(np.abs(y), EPSILON))


def msle(y, p):
    return per_example((np.log(1 + np.maximum(y, 0)) - np.log(1 + np.maximum(p, 0))) ** 2)


def huber(y, p, delta=1.0):
    e = np.abs(p - y)
    return per_example(np.where(e <= delta, e**2 / 2, delta * e - delta**2 / 2))


def log_cosh(y, p):
    return per_example(np.log(np.cosh(p - y)))


def binary(y, p, from_logits=False, label_smoothing=0.0):
    y = (1 - label_smoothing) * y + label_smoothing / 2
    p = 1 / (1 + np.exp(-p)) if from_logits else p
    return per_example(-y * np.log(p) - (1 - y) * np.log(1 - p))


def categorical(y, p, from_logits=False, label_smoothing=0.0, axis=-1):
    y = (1 - label_smoothing) * y + label_smoothing / p.shape[axis]
    return per_example(-(y * log_p(p, from_logits, axis)).sum(axis=axis))


def sparse(y, p, from_logits=False, label_smoothing=0.0):
    y = y.reshape(p.shape[:-1])
    return categorical(np.eye(p.shape[-1])[y], p, from_logits, label_smoothing)


def hinge(y, p):
    return per_example(np.maximum(1 - np.where(y == 0, -1, y) * p, 0))


def squared_hinge(y, p):
    return per_example(np.maximum(1 - np.where(y == 0, -1, y) * p, 0) ** 2)


def categorical_hinge(y, p):
    return per_example(np.maximum(0, 1 + ((1 - y) * p).max(axis=-1) - (y * p).sum(axis=-1)))


def kl(y, p):
    ratio = np.where(y > 0, y, 1) / np.where(y > 0, np.maximum(p, EPSILON), 1)
    return per_example((y * np.log(ratio)).sum(axis=-1))


def poisson(y, p):
    return per_example(p - y * np.log(p + EPSILON))


def cosine(y, p, axis=-1):
    lengths = np.linalg.norm(y, axis=axis) * np.linalg.norm(p, axis=axis)
    return per_example(-(y * p).sum(axis=axis) / lengths)


NUMBERS, OTHERS, IMAGES = (RANDOM.normal(size=shape) * 2 for shape in ((5, 4), (5, 4), (3, 2, 2, 3)))
IMAGES_TOO = RANDOM.normal(size=IMAGES.shape) * 2
POSITIVE, POSITIVE_TOO = np.abs(NUMBERS) + 0.1, np.abs(OTHERS) + 0.1
DISTRIBUTIONS, PIXELS = RANDOM.dirichlet(np.ones(4), size=5), RANDOM.dirichlet(np.ones(3), size=(3, 2, 2))
LABELS, PIXEL_LABELS = RANDOM.integers(0, 4, 5), RANDOM.integers(0, 3, (3, 2, 2))
ONE_HOT, BITS = np.eye(4)[LABELS], RANDOM.integers(0, 2, (5, 4))
PIXELS_ONE_HOT = np.eye(3)[PIXEL_LABELS]
SOFT, FLIPPED = RANDOM.dirichlet(np.ones(4), size=5), np.moveaxis(PIXELS, -1, 1)

CASES = {
    "MeanSquaredError": (mse, [({}, OTHERS, NUMBERS), ({}, IMAGES_TOO, IMAGES), ({}, LABELS, NUMBERS[:, :1])]),
    "MeanAbsoluteError": (mae, [({}, OTHERS, NUMBERS), ({}, IMAGES_TOO, IMAGES), ({}, NUMBERS[:, 0], OTHERS[:, 0])]),
    "MeanAbsolutePercentageError": (mape, [({}, OTHERS, NUMBERS)]),
    "MeanSquaredLogarithmicError": (msle, [({}, POSITIVE, POSITIVE_TOO), ({}, NUMBERS, POSITIVE)]),
    "Huber": (huber, [({}, OTHERS, NUMBERS), ({"delta": 2.5}, IMAGES_TOO, IMAGES)]),
    "LogCosh": (log_cosh, [({}, OTHERS, NUMBERS), ({}, IMAGES_TOO, IMAGES)]),
    "BinaryCrossentropy": (
        binary,
        [
            ({}, BITS, DISTRIBUTIONS),
            ({"label_smoothing": 0.2}, BITS.astype(bool), DISTRIBUTIONS),
            ({"from_logits": True}, BITS, NUMBERS),
            ({"from_logits": True, "label_smoothing": 0.2}, SOFT, NUMBERS),
        ],
    ),
    "CategoricalCrossentropy": (
        categorical,
        [
            ({}, ONE_HOT, DISTRIBUTIONS),
            ({"label_smoothing": 0.1}, ONE_HOT, DISTRIBUTIONS),
            ({"from_logits": True, "label_smoothing": 0.1}, SOFT, NUMBERS),
            ({}, PIXELS_ONE_HOT, PIXELS),
            ({"axis": 1, "label_smoothing": 0.3}, np.moveaxis(PIXELS_ONE_HOT, -1, 1), FLIPPED),
            ({"axis": -2, "from_logits": True}, np.moveaxis(PIXELS_ONE_HOT, -1, 2), np.moveaxis(IMAGES, -1, 2)),
        ],
    ),
    "SparseCategoricalCrossentropy": (
        sparse,
        [
            ({}, LABELS, DISTRIBUTIONS),
            ({"from_logits": True}, LABELS[:, None].astype(np.int32), NUMBERS),
            ({"label_smoothing": 0.1}, LABELS.astype(np.uint8), DISTRIBUTIONS),
            ({"from_logits": True, "label_smoothing": 0.1}, PIXEL_LABELS, IMAGES),
            ({}, PIXEL_LABELS[..., None], PIXELS),
        ],
    ),
    "Hinge": (hinge, [({}, BITS, NUMBERS), ({}, 2 * BITS - 1, NUMBERS)]),
    "SquaredHinge": (squared_hinge, [({}, BITS, NUMBERS), ({}, 2 * BITS - 1, NUMBERS)]),
    "CategoricalHinge": (categorical_hinge, [({}, ONE_HOT, NUMBERS), ({}, PIXELS_ONE_HOT, IMAGES)]),
    "KLDivergence": (kl, [({}, SOFT, DISTRIBUTIONS), ({}, ONE_HOT, DISTRIBUTIONS), ({}, PIXELS_ONE_HOT, PIXELS)]),
    "Poisson": (poisson, [({}, LABELS, POSITIVE[:, 0]), ({}, POSITIVE_TOO, POSITIVE)]),
    "CosineSimilarity": (cosine, [({}, OTHERS, NUMBERS), ({"axis": 2}, IMAGES_TOO, IMAGES)]),
}
"""For each loss the formula, and settings with targets and predictions."""


def with_settings():
    cases = [(name, *case) for name in NAMES for case in CASES[name][1]]
    return pytest.mark.parametrize(
        ("name", "settings", "y_true", "y_pred"), cases, ids=[f"{c[0]}-{c[1]}-{c[3].shape}" for c in cases]
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


def slope(loss, y_true, y_pred):
    def gradient(targets, predictions):
        return lk.gradients(lk.reduce_sum(loss(targets, predictions)), predictions)[0]

    return evaluate(gradient, np.asarray(y_true), np.asarray(y_pred))


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
