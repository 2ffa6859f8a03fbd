"""Activations, losses, metrics and regularizers against their formulas in NumPy."""

import itertools
import math

import numpy as np
import pytest

import labkit as lk
from labkit.errors import DTypeError, InvalidArgumentError, ShapeError
from labkit.plugins import current_lab, resolve
from labkit.testing import evaluate

RANDOM = np.random.default_rng(2)
X = RANDOM.normal(size=(5, 4))
LABELS = RANDOM.integers(0, 4, 5)
ONE_HOT = np.eye(4)[LABELS]
P = np.exp(X) / np.exp(X).sum(axis=1, keepdims=True)
CROSS_ENTROPY = -np.log(P[np.arange(5), LABELS])


def cosines(vectors):
    """The mean over pairs of vectors of the absolute cosine between them."""
    pairs = itertools.combinations(vectors, 2)
    return np.mean([abs(a @ b) / np.linalg.norm(a) / np.linalg.norm(b) for a, b in pairs])


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def log_softmax(x, axis=-1):
    shifted = x - x.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


ACTIVATIONS = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "leaky_relu": lambda x, negative_slope=0.2: np.where(x > 0, x, negative_slope * x),
    "elu": lambda x, alpha=1.0: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))),
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0))),
    "gelu": lambda x, approximate=False: (
        x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
        if approximate
        else x / 2 * (1 + np.vectorize(math.erf)(x / np.sqrt(2)))
    ),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "hard_sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "tanh": np.tanh,
    "softplus": lambda x: np.logaddexp(0, x),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "softmax": softmax,
    "log_softmax": log_softmax,
    "silu": lambda x: x / (1 + np.exp(-x)),
    "exponential": np.exp,
    "mish": lambda x: x * np.tanh(np.logaddexp(0, x)),
}
SETTINGS = [
    {"name": "leaky_relu", "negative_slope": 0.01},
    {"name": "elu", "alpha": 0.5},
    {"name": "gelu", "approximate": True},
    {"name": "softmax", "axis": 1},
    {"name": "log_softmax", "axis": 1},
]
WIDE = np.concatenate([3 * RANDOM.normal(size=(2, 3, 20)), RANDOM.uniform(-30, 30, (2, 3, 20))], axis=-1)


@pytest.mark.parametrize(
    "spec", [*({"name": name} for name in current_lab().registry("activations").names()), *SETTINGS], ids=str
)
def test_activation(spec):
    expected = ACTIVATIONS[spec["name"]](WIDE, **{key: value for key, value in spec.items() if key != "name"})
    activation = resolve("activations", spec)
    np.testing.assert_allclose(evaluate(activation, WIDE), expected, 1e-11, 1e-13)
    np.testing.assert_allclose(evaluate(activation, WIDE.astype(np.float32)), expected, 1e-4, 1e-6)


def test_swish_is_a_name_of_silu():
    assert resolve("activations", "swish") is lk.activations.silu


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("l1", 0.01 * np.abs(X).sum()),
        ("l2", 0.01 * (X**2).sum()),
        ({"name": "l2", "strength": 1e-4}, 1e-4 * (X**2).sum()),
        (lk.regularizers.L1(0.3), 0.3 * np.abs(X).sum()),
        (lk.regularizers.L2(0.3), 0.3 * (X**2).sum()),
        (lk.regularizers.L2(l2=0.3), 0.3 * (X**2).sum()),
        (lk.regularizers.L1L2(l1=0.1, l2=0.2), 0.1 * np.abs(X).sum() + 0.2 * (X**2).sum()),
        (lk.regularizers.L1L2(), 0.0),
        ("orthogonal", 0.01 * cosines(X)),
        ({"name": "orthogonal_regularizer", "factor": 0.5, "mode": "columns"}, 0.5 * cosines(X.T)),
    ],
    ids=str,
)
def test_regularizer(spec, expected):
    np.testing.assert_allclose(evaluate(resolve("regularizers", spec), X), expected, 1e-12)


@pytest.mark.parametrize("settings", [{"l2": -1}, {"strength": "big"}, {"l2": 1.0, "strength": 2.0}, {"l2": np.inf}])
def test_strengths_that_are_refused(settings):
    with pytest.raises(InvalidArgumentError, match="l2"):
        lk.regularizers.L2(**settings)


def test_orthogonal_vectors_cost_nothing():
    q = np.linalg.qr(X)[0]
    for weights in (3 * q.T, np.zeros((3, 2)), np.ones((1, 4))):
        assert evaluate(lk.regularizers.Orthogonal(), weights) < 1e-15
    np.testing.assert_allclose(evaluate(lk.regularizers.Orthogonal(0.3), np.ones((4, 2))), 0.3)


def test_what_the_orthogonal_regularizer_refuses():
    with pytest.raises(InvalidArgumentError, match="Orthogonal cannot use this factor"):
        lk.regularizers.Orthogonal(-1)
    with pytest.raises(InvalidArgumentError, match='"rows" or "columns"'):
        lk.regularizers.Orthogonal(mode="both")
    with pytest.raises(ShapeError, match="They are a matrix"):
        evaluate(lk.regularizers.Orthogonal(), np.ones((2, 3, 4)))


def test_mean_squared_error():
    y = RANDOM.normal(size=(5, 4))
    np.testing.assert_allclose(evaluate(lk.losses.MeanSquaredError(), y, X), ((X - y) ** 2).mean(axis=1), 1e-12)
    images = RANDOM.normal(size=(2, 3, 3, 2))
    expected = (images**2).reshape(2, -1).mean(axis=1)
    np.testing.assert_allclose(evaluate(lk.losses.MeanSquaredError(), np.zeros_like(images), images), expected, 1e-12)


@pytest.mark.parametrize("dtype", [np.int64, np.float32, np.uint8, np.float64])
def test_targets_take_the_dtype_of_the_predictions(dtype):
    y = np.array([[0], [1], [3]], dtype)
    found = evaluate(lk.losses.MeanSquaredError(), y, np.array([[0.5], [0.5], [0.5]]))
    np.testing.assert_allclose(found, [0.25, 0.25, 6.25])


def test_a_column_and_a_vector_stand_for_each_other():
    vector, column = RANDOM.normal(size=5), RANDOM.normal(size=(5, 1))
    expected = (column[:, 0] - vector) ** 2
    np.testing.assert_allclose(evaluate(lk.losses.MeanSquaredError(), vector, column), expected)
    np.testing.assert_allclose(evaluate(lk.losses.MeanSquaredError(), column, vector), expected)


@pytest.mark.parametrize("shape", [(5, 3), (5,), (5, 4, 1, 1)])
def test_mean_squared_error_refuses_to_broadcast(shape):
    with pytest.raises(ShapeError, match="cannot compare targets and predictions"):
        evaluate(lk.losses.MeanSquaredError(), np.zeros(shape), X)


@pytest.mark.parametrize("labels", [LABELS, LABELS.astype(np.int32), LABELS.astype(np.uint8), LABELS[:, None]], ids=str)
def test_sparse_cross_entropy(labels):
    loss = lk.losses.SparseCategoricalCrossentropy
    np.testing.assert_allclose(evaluate(loss(from_logits=True), labels, X), CROSS_ENTROPY, 1e-12)
    np.testing.assert_allclose(evaluate(loss(), labels, P), CROSS_ENTROPY, 1e-12)


@pytest.mark.parametrize("dtype", [np.float64, np.int32, np.bool_])
def test_cross_entropy(dtype):
    loss, targets = lk.losses.CategoricalCrossentropy, ONE_HOT.astype(dtype)
    np.testing.assert_allclose(evaluate(loss(from_logits=True), targets, X), CROSS_ENTROPY, 1e-12)
    np.testing.assert_allclose(evaluate(loss(), targets, P), CROSS_ENTROPY, 1e-12)


def test_cross_entropy_of_soft_targets():
    soft = RANDOM.dirichlet(np.ones(4), size=5)
    expected = -(soft * np.log(P)).sum(axis=1)
    np.testing.assert_allclose(evaluate(lk.losses.CategoricalCrossentropy(from_logits=True), soft, X), expected, 1e-12)
    np.testing.assert_allclose(evaluate(lk.losses.CategoricalCrossentropy(), soft, P), expected, 1e-12)


def test_cross_entropy_of_extremes_is_finite():
    logits = np.array([[1e4, -1e4], [-1e4, 1e4]], np.float32)
    labels = np.array([1, 1])
    sparse = lk.losses.SparseCategoricalCrossentropy
    np.testing.assert_allclose(evaluate(sparse(from_logits=True), labels, logits), [2e4, 0])
    certain = np.array([[1.0, 0.0], [0.0, 1.0]])
    np.testing.assert_allclose(evaluate(sparse(), labels, certain), [-np.log(1e-7), 0], rtol=1e-6, atol=2e-7)


def test_from_logits_can_be_asked():
    assert not lk.losses.SparseCategoricalCrossentropy().from_logits
    assert resolve("losses", {"name": "categorical_crossentropy", "from_logits": True}).from_logits
    assert not lk.losses.MeanSquaredError().from_logits


def test_one_hot_targets_are_no_labels():
    with pytest.raises(ShapeError, match="CategoricalCrossentropy"):
        evaluate(lk.losses.SparseCategoricalCrossentropy(), ONE_HOT.astype(np.int32), P)
    with pytest.raises(DTypeError, match="labels int32 or int64"):
        evaluate(lk.losses.SparseCategoricalCrossentropy(), LABELS.astype(np.float32), P)
    with pytest.raises(InvalidArgumentError, match="out of range"):
        evaluate(lk.losses.SparseCategoricalCrossentropy(), np.full(5, 4), P)
