"""What the tests of losses share: each loss's formula in NumPy, settings with targets and predictions, its gradient."""

import numpy as np
import pytest

import labkit as lk
from labkit.plugins import current_lab
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


def slope(loss, y_true, y_pred):
    """The gradient of the sum of the losses with respect to the predictions."""

    def gradient(targets, predictions):
        return lk.gradients(lk.reduce_sum(loss(targets, predictions)), predictions)[0]

    return evaluate(gradient, np.asarray(y_true), np.asarray(y_pred))
