"""tf.*_initializer, tf.initializers and tf.contrib.layers: TensorFlow 1's arguments and distributions."""

import numpy as np
import pytest

import labkit as lk
import labkit.compat.v1 as tf


@pytest.fixture(autouse=True)
def graph():
    with lk.Graph().as_default() as graph:
        yield graph


def value(initializer, shape, **options):
    with lk.Session() as session:
        return session.run(initializer(shape, **options))


def test_constants():
    assert value(tf.zeros_initializer(), [2, 3]).tolist() == [[0.0] * 3] * 2
    assert value(tf.ones_initializer(dtype=tf.int32), [2]).dtype == np.int32
    assert value(tf.constant_initializer(0.5), [2]).tolist() == [0.5, 0.5]
    assert value(tf.constant_initializer([1, 2, 3]), [5]).tolist() == [1, 2, 3, 3, 3]
    assert value(tf.constant_initializer(np.arange(6)), [2, 3]).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert value(tf.initializers.identity(gain=2.0), [2, 3]).tolist() == [[2, 0, 0], [0, 2, 0]]
    with pytest.raises(ValueError, match="Too many elements"):
        tf.constant_initializer([1, 2, 3])([2])
    with pytest.raises(TypeError, match=r"Expected Tensor's shape: \(2,\), got \(1,\)"):
        tf.constant_initializer([1.0], verify_shape=True)([2])


N = 200_000
DISTRIBUTIONS = [
    (lambda: tf.random_normal_initializer(), (0.0, 1.0, None)),
    (lambda: tf.random_normal_initializer(3.0, 0.1), (3.0, 0.1, None)),
    (lambda: tf.truncated_normal_initializer(stddev=0.1), (0.0, 0.08796, 0.2)),
    (lambda: tf.random_uniform_initializer(), (0.5, 1 / np.sqrt(12), 1.0)),
    (lambda: tf.random_uniform_initializer(-2, 2), (0.0, 4 / np.sqrt(12), 2.0)),
    (lambda: tf.uniform_unit_scaling_initializer(2.0), (0.0, 2 / np.sqrt(400), 2 * np.sqrt(3 / 400))),
    (lambda: tf.variance_scaling_initializer(), (0.0, np.sqrt(1 / 400), 2 * np.sqrt(1 / 400) / 0.87962566)),
    (lambda: tf.variance_scaling_initializer(2.0, "fan_out", "uniform"), (0.0, np.sqrt(2 / 500), np.sqrt(6 / 500))),
    (lambda: tf.glorot_uniform_initializer(), (0.0, np.sqrt(2 / 900), np.sqrt(6 / 900))),
    (lambda: tf.glorot_normal_initializer(), (0.0, np.sqrt(2 / 900), 2 * np.sqrt(2 / 900) / 0.87962566)),
    (lambda: tf.initializers.he_normal(), (0.0, np.sqrt(2 / 400), 2 * np.sqrt(2 / 400) / 0.87962566)),
    (lambda: tf.initializers.lecun_uniform(), (0.0, np.sqrt(1 / 400), np.sqrt(3 / 400))),
    (
        lambda: tf.contrib.layers.variance_scaling_initializer(),
        (0.0, 0.87962566 * np.sqrt(2.6 / 400), 2 * np.sqrt(2.6 / 400)),
    ),
    (
        lambda: tf.contrib.layers.variance_scaling_initializer(1.0, "FAN_OUT", True),
        (0.0, np.sqrt(1 / 500), np.sqrt(3 / 500)),
    ),
    (lambda: tf.contrib.layers.xavier_initializer(), (0.0, np.sqrt(2 / 900), np.sqrt(6 / 900))),
    (
        lambda: tf.contrib.layers.xavier_initializer(uniform=False),
        (0.0, 0.87962566 * np.sqrt(2.6 / 900), 2 * np.sqrt(2.6 / 900)),
    ),
]


@pytest.mark.parametrize(("make", "facts"), DISTRIBUTIONS)
def test_distributions(make, facts):
    mean, stddev, limit = facts
    drawn = value(make(), [400, 500])
    assert drawn.dtype == np.float32
    assert drawn.size == N
    assert drawn.mean() == pytest.approx(mean, abs=6 * stddev / np.sqrt(N))
    assert drawn.std() == pytest.approx(stddev, rel=0.01)
    if limit is not None:
        assert 0.99 * limit < abs(drawn).max() <= limit * 1.000001


def test_fans_of_convolutions_count_the_receptive_field():
    drawn = value(tf.contrib.layers.variance_scaling_initializer(), [5, 5, 32, 100])
    assert drawn.std() == pytest.approx(np.sqrt(2 / (25 * 32)), rel=0.02)


def test_orthogonal():
    drawn = value(tf.orthogonal_initializer(gain=2.0), [3, 3, 2, 8], dtype=tf.float64)
    matrix = drawn.reshape(18, 8)
    np.testing.assert_allclose(matrix.T @ matrix, 4 * np.eye(8), atol=1e-12)


def test_dtype_of_the_call_goes_before_the_objects_and_seeds_agree():
    first, second = (tf.random_uniform_initializer(0, 100, seed=3) for _ in range(2))
    a, b = value(first, [50], dtype=tf.int32), value(second, [50], dtype=tf.int32)
    assert a.dtype == np.int32
    assert np.array_equal(a, b)
    assert a.min() >= 0
    assert a.max() < 100
    with pytest.raises(ValueError, match="Must specify maxval for integer dtype"):
        tf.random_uniform_initializer(dtype=tf.int32)([2])


def test_a_variable_takes_one():
    w = lk.get_variable("w", [784, 10], initializer=tf.contrib.layers.xavier_initializer())
    with lk.Session() as session:
        session.run(lk.global_variables_initializer())
        assert session.run(w).std() == pytest.approx(np.sqrt(2 / 794), rel=0.03)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: tf.contrib.layers.variance_scaling_initializer(mode="FAN"), TypeError, "Unknown mode FAN"),
        (lambda: tf.random_normal_initializer(dtype=tf.int32), TypeError, "non-floating point type"),
        (lambda: tf.variance_scaling_initializer(mode="fan"), ValueError, "mode"),
        (lambda: tf.variance_scaling_initializer(scale=0.0), ValueError, "scale"),
        (lambda: tf.orthogonal_initializer()([3]), ValueError, "at least two dimensions"),
        (lambda: tf.contrib.layers.l2_regularizer(1), ValueError, "scale cannot be an integer: 1"),
        (lambda: tf.contrib.layers.l1_regularizer(-0.5), ValueError, "less than 0"),
        (lambda: tf.contrib.layers.apply_regularization(lambda w: w, []), ValueError, "No weights to regularize"),
    ],
)
def test_what_is_refused(make, error, text):
    with pytest.raises(error, match=text):
        make()


def test_regularizers(graph):
    w = lk.constant([1.0, -2.0])
    layers = tf.contrib.layers
    both = layers.l1_l2_regularizer(0.5, 0.1)
    assert layers.l2_regularizer(0.0)(w) is None
    total = layers.apply_regularization(both, [w, w])
    with lk.Session() as session:
        found = session.run([layers.l1_regularizer(0.5)(w), layers.l2_regularizer(0.1)(w), both(w), total])
    assert found == pytest.approx([1.5, 0.25, 1.75, 3.5])
    assert len(graph.get_collection("regularization_losses")) == 2
