"""Constraints against their formulas in NumPy, alone and at the end of every optimizer's step."""

import numpy as np
import pytest

import labkit as lk
from labkit.errors import InvalidArgumentError, ShapeError, UnknownComponentError
from labkit.plugins import current_lab, resolve
from labkit.testing import check_constraint, evaluate

RANDOM = np.random.default_rng(4)
MATRIX = 2 * RANDOM.normal(size=(5, 6))
MATRIX[:, 2] = 0
MATRIX[:, 3] *= 0.1
FILTERS = RANDOM.normal(size=(3, 3, 2, 4))


def lengths(w, axis):
    return np.sqrt((w**2).sum(axis=axis, keepdims=True))


def max_norm(w, max_value=2.0, axis=0):
    n = lengths(w, axis)
    return np.where(n > max_value, w * max_value / np.where(n == 0, 1, n), w)


def unit_norm(w, axis=0):
    n = lengths(w, axis)
    return np.where(n > 0, w / np.where(n == 0, 1, n), 0)


def min_max_norm(w, min_value=0.0, max_value=1.0, rate=1.0, axis=0):
    n = lengths(w, axis)
    wanted = rate * np.clip(n, min_value, max_value) + (1 - rate) * n
    return np.where(n > 0, w * wanted / np.where(n == 0, 1, n), 0)


def non_negative(w):
    return np.where(w > 0, w, 0)


REFERENCES = {
    "MaxNorm": max_norm,
    "UnitNorm": unit_norm,
    "MinMaxNorm": min_max_norm,
    "NonNegative": non_negative,
    "NonNeg": non_negative,
}


def test_every_constraint_has_a_reference():
    assert set(REFERENCES) == set(current_lab().registry("constraints").names())


@pytest.mark.parametrize(
    ("weights", "spec"),
    [
        *((MATRIX, {"name": name}) for name in REFERENCES),
        (MATRIX, {"name": "MaxNorm", "max_value": 0.5, "axis": 1}),
        (MATRIX, {"name": "MinMaxNorm", "min_value": 0.5, "max_value": 2.5}),
        (MATRIX, {"name": "MinMaxNorm", "min_value": 2.0, "max_value": 3.0, "rate": 0.3}),
        (MATRIX[:, 0], {"name": "MaxNorm"}),
        (FILTERS, {"name": "MaxNorm", "max_value": 1.0, "axis": (0, 1, 2)}),
        (FILTERS, {"name": "UnitNorm", "axis": (0, 1, 2)}),
        (FILTERS, {"name": "UnitNorm", "axis": -1}),
    ],
    ids=str,
)
def test_values(weights, spec):
    settings = {key: value for key, value in spec.items() if key != "name"}
    expected = REFERENCES[spec["name"]](weights, **settings)
    constraint = resolve("constraints", spec)
    np.testing.assert_allclose(evaluate(constraint, weights), expected, 1e-12)
    np.testing.assert_allclose(evaluate(constraint, weights.astype(np.float32)), expected, 1e-5, 1e-7)


@pytest.mark.parametrize("name", ["MaxNorm", "MinMaxNorm", "NonNegative"])
def test_weights_of_the_set_do_not_change_a_bit(name):
    inside = np.abs(MATRIX) / 10
    assert np.array_equal(evaluate(resolve("constraints", name), inside), inside)


def test_a_part_of_the_way():
    check_constraint(lk.constraints.MinMaxNorm(0.5, 1.0, rate=0.5), projects=False)


@pytest.mark.parametrize("name", current_lab().registry("optimizers").names())
@pytest.mark.parametrize("spec", ["unit_norm", {"name": "max_norm", "max_value": 0.3}, "non_negative"], ids=str)
def test_training_stays_in_the_set(name, spec):
    model = lk.Sequential([lk.layers.Input((5,)), lk.layers.Dense(6, "tanh", kernel_constraint=spec)])
    model.compile(resolve("optimizers", {"name": name, "learning_rate": 0.1}), "mse")
    x, y = RANDOM.normal(size=(64, 5)).astype(np.float32), RANDOM.normal(size=(64, 6)).astype(np.float32)
    start = model.get_weights()[0]
    model.fit(x, y, batch_size=8, epochs=2, verbose=0)
    kernel = model.get_weights()[0]
    assert not np.allclose(kernel, start)
    np.testing.assert_allclose(kernel, evaluate(resolve("constraints", spec), kernel), 1e-6, 1e-7)


def test_a_step_of_a_model_is_the_formula():
    dense = lk.layers.Dense(4, kernel_constraint="unit_norm", bias_constraint="non_neg")
    model = lk.Sequential([lk.layers.Input((5,), dtype="float64"), dense])
    model.compile(lk.optimizers.SGD(0.5), "mse")
    x, y = RANDOM.normal(size=(8, 5)), RANDOM.normal(size=(8, 4))
    model.build()
    kernel, bias = model.get_weights()
    error = 2 * (x @ kernel + bias - y) / 4 / 8
    model.train_on_batch(x, y)
    new_kernel, new_bias = model.get_weights()
    np.testing.assert_allclose(new_kernel, unit_norm(kernel - 0.5 * x.T @ error), 1e-12)
    moved = bias - 0.5 * error.sum(axis=0)
    assert (moved < 0).any()
    assert (moved > 0).any()
    np.testing.assert_allclose(new_bias, non_negative(moved), 1e-12)


def test_filters_of_a_convolution():
    layer = lk.layers.Conv2D(
        3, 2, kernel_constraint=lk.constraints.UnitNorm(axis=[0, 1, 2]), bias_constraint=lk.nn.relu
    )
    model = lk.Sequential([lk.layers.Input((4, 4, 2)), layer, lk.layers.Flatten()])
    model.compile("sgd", "mse")
    x = RANDOM.normal(size=(8, 4, 4, 2)).astype(np.float32)
    model.fit(x, np.full((8, 27), -1.0, np.float32), verbose=0)
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(lengths(kernel, (0, 1, 2)), 1, 1e-6)
    assert bias.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: lk.constraints.MaxNorm(0), "MaxNorm cannot use this max_value"),
        (lambda: lk.constraints.MaxNorm(axis=0.5), r"axis=0\.5.*Conv2D kernels axis=\(0, 1, 2\)"),
        (lambda: lk.constraints.UnitNorm(axis=()), "UnitNorm cannot use this axis"),
        (lambda: lk.constraints.UnitNorm(axis=(0, 0)), "different ones"),
        (lambda: lk.constraints.MinMaxNorm(2, 1), "min_value is at most max_value"),
        (lambda: lk.constraints.MinMaxNorm(rate=0), "MinMaxNorm cannot use this rate"),
        (lambda: resolve("constraints", 3), "is no constraint"),
    ],
)
def test_settings_that_are_refused(make, text):
    with pytest.raises(InvalidArgumentError, match=text):
        make()


def test_an_axis_that_the_weights_lack_and_an_unknown_name():
    with pytest.raises(ShapeError, match="axis"):
        evaluate(lk.constraints.UnitNorm(axis=2), MATRIX)
    with lk.Graph().as_default(), pytest.raises(UnknownComponentError, match="MaxNorm"):
        lk.layers.Dense(2, kernel_constraint="max_nrm")(lk.zeros((1, 3)))
