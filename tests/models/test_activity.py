"""Regularizers of a layer's output: in the training loss, divided by the batch, once for each use."""

import numpy as np
import pytest

import labkit as lk
from labkit.errors import UnknownComponentError

RANDOM = np.random.default_rng(12)
X, Y = RANDOM.normal(size=(8, 5)), RANDOM.normal(size=(8, 4))


def network(regularizer):
    dense = lk.layers.Dense(4, activity_regularizer=regularizer)
    model = lk.Sequential([lk.layers.Input((5,), dtype="float64"), dense])
    model.compile(lk.optimizers.SGD(0.5), "mse")
    return model


def test_a_step_is_the_formula():
    model = network(lk.regularizers.L2(0.3))
    model.build()
    kernel, bias = model.get_weights()
    output = X @ kernel + bias
    loss = model.train_on_batch(X, Y)
    np.testing.assert_allclose(loss, ((output - Y) ** 2).mean() + 0.3 * (output**2).sum() / 8, 1e-12)
    slope = 2 * (output - Y) / 4 / 8 + 0.6 * output / 8
    np.testing.assert_allclose(model.get_weights()[0], kernel - 0.5 * X.T @ slope, 1e-12)
    np.testing.assert_allclose(model.get_weights()[1], bias - 0.5 * slope.sum(axis=0), 1e-12)


def test_it_belongs_to_training_alone():
    plain, regularized = network(None), network("l1")
    assert plain.evaluate(X, Y) == regularized.evaluate(X, Y)
    assert np.array_equal(plain.predict(X), regularized.predict(X))


def test_compiling_again_does_not_count_it_again():
    model = network("l2")
    first = model.train_on_batch(X, Y)
    start = network("l2")
    start.compile("sgd", lambda y_true, y_pred: lk.reduce_sum(y_pred))  # is refused after the trace
    with pytest.raises(lk.errors.ShapeError):
        start.train_on_batch(X, Y)
    for _ in range(2):
        start.compile(lk.optimizers.SGD(0.0), "mse")
        assert start.train_on_batch(X, Y) == first


def test_every_use_of_a_layer_counts():
    with lk.Graph().as_default(), lk.Session() as session:
        layer = lk.layers.Dense(3, "relu", activity_regularizer={"name": "l1", "l1": 0.5})
        a, b = lk.placeholder(lk.float64, [None, 5]), lk.placeholder(lk.float64, [None, 5])
        outputs = [layer(a, training=True), layer(b, training=True)]
        layer(a)
        penalties = lk.get_collection(lk.GraphKeys.REGULARIZATION_LOSSES)
        assert len(penalties) == 2
        session.run(lk.global_variables_initializer())
        values = session.run([*outputs, *penalties], {a: X, b: X[:3]})
    for output, penalty in zip(values[:2], values[2:], strict=True):
        np.testing.assert_allclose(penalty, 0.5 * np.abs(output).sum() / len(output), 1e-12)


def test_filters_of_a_convolution():
    layer = lk.layers.Conv2D(2, 3, activity_regularizer="l2")
    model = lk.Sequential([lk.layers.Input((6, 6, 1), dtype="float64"), layer, lk.layers.Flatten()])
    model.compile("sgd", "mse")
    images, targets = RANDOM.normal(size=(4, 6, 6, 1)), RANDOM.normal(size=(4, 32))
    output = model.predict(images)
    expected = ((output - targets) ** 2).mean() + 0.01 * (output**2).sum() / 4
    np.testing.assert_allclose(model.train_on_batch(images, targets), expected, 1e-12)


def test_outputs_of_units_can_be_made_orthogonal():
    model = network({"name": "orthogonal", "factor": 1.0, "mode": "columns"})
    output = model.predict(X)
    unit = output / np.linalg.norm(output, axis=0)
    cosines = np.abs(unit.T @ unit)[np.triu_indices(4, 1)]
    expected = ((output - Y) ** 2).mean() + cosines.mean() / 8
    np.testing.assert_allclose(model.train_on_batch(X, Y), expected, 1e-12)


def test_an_unknown_regularizer_is_refused_when_the_layer_is_made():
    with pytest.raises(UnknownComponentError, match="L2"):
        network("l22")
