"""Random operations, dropout, initializers and seeds: distributions and repeatability, not the values themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

TRUNCATED = 0.87962566103423978
"""Standard deviation of a standard normal distribution cut at two standard deviations."""


def draw(tf: Any, tensor: Any) -> np.ndarray:
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(tensor)


def test_truncated_normal_is_redrawn_beyond_two_deviations(tf: Any) -> None:
    value = draw(tf, tf.truncated_normal([200, 500], mean=1.0, stddev=0.5, seed=1))
    assert np.abs(value - 1.0).max() <= 1.0
    assert abs(value.mean() - 1.0) < 0.01
    assert abs(value.std() / 0.5 - TRUNCATED) < 0.01


def test_random_normal(tf: Any) -> None:
    value = draw(tf, tf.random_normal([200, 500], mean=-1.0, stddev=2.0, seed=1))
    assert abs(value.mean() + 1.0) < 0.05
    assert abs(value.std() - 2.0) < 0.03


def test_random_uniform_of_floats(tf: Any) -> None:
    value = draw(tf, tf.random_uniform([200, 500], -1.0, 3.0, seed=1))
    assert -1.0 <= value.min() < -0.99
    assert 2.99 < value.max() < 3.0
    assert abs(value.std() - 4.0 / np.sqrt(12)) < 0.02


def test_random_uniform_of_floats_is_from_0_to_1_by_default(tf: Any) -> None:
    value = draw(tf, tf.random_uniform([1000]))
    assert 0.0 <= value.min() < value.max() < 1.0


def test_random_uniform_of_integers_excludes_maxval(tf: Any) -> None:
    value = draw(tf, tf.random_uniform([1000], minval=2, maxval=5, dtype=tf.int32, seed=1))
    assert set(value.tolist()) == {2, 3, 4}


def test_random_uniform_of_integers_needs_maxval(tf: Any) -> None:
    with pytest.raises(ValueError):
        tf.random_uniform([2], dtype=tf.int32)


@pytest.mark.parametrize("kind", ["numpy", "tensor"])
def test_stddev_may_be_a_numpy_scalar_or_a_tensor(tf: Any, kind: str) -> None:
    stddev = np.sqrt(6 / (2 + 20)) if kind == "numpy" else tf.constant(0.5)
    y = tf.truncated_normal([2, 20], stddev=stddev)
    assert y.dtype == tf.float32
    assert draw(tf, y).shape == (2, 20)
    assert draw(tf, tf.random_normal([2], stddev=stddev)).shape == (2,)


def test_random_shapes_may_be_tensors(tf: Any) -> None:
    n = tf.placeholder(tf.int32, [])
    y = tf.random_normal([n, 3])
    with tf.Session() as session:
        assert session.run(y, {n: 4}).shape == (4, 3)


def test_random_shuffle_keeps_the_rows(tf: Any) -> None:
    value = draw(tf, tf.random_shuffle(tf.reshape(tf.range(40), [20, 2]), seed=1))
    assert sorted(value.tolist()) == np.arange(40).reshape(20, 2).tolist()
    assert value.tolist() != np.arange(40).reshape(20, 2).tolist()


def test_dropouts_second_argument_is_the_probability_to_keep(tf: Any) -> None:
    value = draw(tf, tf.nn.dropout(tf.ones([200, 500]), 0.2, seed=1))
    np.testing.assert_allclose(np.unique(value), [0.0, 5.0], rtol=1e-6)
    assert abs((value > 0).mean() - 0.2) < 0.01


def test_dropout_by_a_placeholder(tf: Any) -> None:
    keep_prob = tf.placeholder(tf.float32)
    y = tf.nn.dropout(tf.ones([100, 100]), keep_prob)
    with tf.Session() as session:
        assert (session.run(y, {keep_prob: 1.0}) == 1.0).all()
        value = session.run(y, {keep_prob: 0.5})
    assert set(np.unique(value)) == {0.0, 2.0}


def test_dropout_that_keeps_all_is_the_identity(tf: Any) -> None:
    x = tf.constant([1.0, 2.0])
    assert draw(tf, tf.nn.dropout(x, 1.0)).tolist() == [1.0, 2.0]


def test_dropout_has_a_new_mask_in_every_run(tf: Any) -> None:
    y = tf.nn.dropout(tf.ones([100]), 0.5)
    with tf.Session() as session:
        assert session.run(y).tolist() != session.run(y).tolist()


def test_dropout_by_rate(tf: Any) -> None:
    value = draw(tf, tf.nn.dropout(tf.ones([200, 500]), rate=0.2, seed=1))
    assert abs((value > 0).mean() - 0.8) < 0.01


def test_dropout_with_a_noise_shape(tf: Any) -> None:
    value = draw(tf, tf.nn.dropout(tf.ones([50, 4]), 0.5, noise_shape=[50, 1], seed=1))
    assert all(len(set(row)) == 1 for row in value.tolist())


@pytest.mark.parametrize("keep_prob", [0.0, -0.5, 1.5])
def test_dropout_with_an_impossible_probability_is_a_value_error(tf: Any, keep_prob: float) -> None:
    with pytest.raises(ValueError):
        tf.nn.dropout(tf.ones([2]), keep_prob)


def test_gradient_of_dropout_uses_the_mask_of_the_run(tf: Any) -> None:
    x = tf.ones([50])
    y = tf.nn.dropout(x, 0.5)
    with tf.Session() as session:
        value, gradient = session.run([y, tf.gradients(y, x)[0]])
    assert value.tolist() == gradient.tolist()


INITIALIZERS = {
    "zeros_initializer": (lambda tf: tf.zeros_initializer(), 0.0, 0.0),
    "ones_initializer": (lambda tf: tf.ones_initializer(), 1.0, 0.0),
    "constant_initializer": (lambda tf: tf.constant_initializer(0.3), 0.3, 0.0),
    "random_normal_initializer": (lambda tf: tf.random_normal_initializer(0.1, 2.0), 0.1, 2.0),
    "truncated_normal_initializer": (lambda tf: tf.truncated_normal_initializer(stddev=0.1), 0.0, 0.1 * TRUNCATED),
    "random_uniform_initializer": (lambda tf: tf.random_uniform_initializer(-1.0, 1.0), 0.0, 1 / np.sqrt(3)),
    "glorot_uniform_initializer": (lambda tf: tf.glorot_uniform_initializer(), 0.0, np.sqrt(2 / 500)),
    "glorot_normal_initializer": (lambda tf: tf.glorot_normal_initializer(), 0.0, np.sqrt(2 / 500)),
    "variance_scaling_initializer": (lambda tf: tf.variance_scaling_initializer(), 0.0, np.sqrt(1 / 300)),
    "variance_scaling_initializer, uniform": (
        lambda tf: tf.variance_scaling_initializer(2.0, "fan_out", "uniform"),
        0.0,
        np.sqrt(2 / 200),
    ),
}


@pytest.mark.parametrize("case", INITIALIZERS)
def test_initializer(tf: Any, case: str) -> None:
    make, mean, std = INITIALIZERS[case]
    value = draw(tf, tf.get_variable("v", [300, 200], initializer=make(tf)))
    assert value.dtype == np.float32
    assert abs(value.mean() - mean) <= 0.02 * std + 1e-6
    assert abs(value.std() - std) <= 0.02 * std + 1e-6


def test_glorot_uniform_has_its_limit(tf: Any) -> None:
    limit = np.sqrt(6 / 500)
    value = draw(tf, tf.get_variable("v", [300, 200], initializer=tf.glorot_uniform_initializer()))
    assert 0.99 * limit < np.abs(value).max() <= limit


def test_fans_of_filters_count_their_window(tf: Any) -> None:
    limit = np.sqrt(6 / (25 * 16 + 25 * 32))
    value = draw(tf, tf.get_variable("v", [5, 5, 16, 32], initializer=tf.glorot_uniform_initializer()))
    assert 0.99 * limit < np.abs(value).max() <= limit


def test_variance_scaling_widens_what_it_cuts(tf: Any) -> None:
    value = draw(tf, tf.get_variable("v", [300, 200], initializer=tf.variance_scaling_initializer(2.0)))
    wide = np.sqrt(2.0 / 300) / TRUNCATED
    assert 1.95 * wide < np.abs(value).max() <= 2.0 * wide * (1 + 1e-6)


GONE = "tf.contrib is gone from today's TensorFlow"


@pytest.mark.ours_only(GONE)
def test_contrib_variance_scaling_is_a_truncated_normal(tf: Any) -> None:
    value = draw(tf, tf.get_variable("v", [300, 200], initializer=tf.contrib.layers.variance_scaling_initializer()))
    stddev = np.sqrt(1.3 * 2.0 / 300)
    assert 1.95 * stddev < np.abs(value).max() <= 2 * stddev * (1 + 1e-6)
    assert abs(value.std() / np.sqrt(2.0 / 300) - 1.0) < 0.02


@pytest.mark.ours_only(GONE)
@pytest.mark.parametrize(("mode", "fan"), [("FAN_IN", 300), ("FAN_OUT", 200), ("FAN_AVG", 250)])
def test_contrib_variance_scaling_uniform(tf: Any, mode: str, fan: int) -> None:
    initializer = tf.contrib.layers.variance_scaling_initializer(factor=3.0, mode=mode, uniform=True)
    value = draw(tf, tf.get_variable("v", [300, 200], initializer=initializer))
    limit = np.sqrt(3 * 3.0 / fan)
    assert 0.99 * limit < np.abs(value).max() <= limit * (1 + 1e-6)


@pytest.mark.ours_only(GONE)
def test_contrib_xavier_is_glorot_uniform(tf: Any) -> None:
    value = draw(tf, tf.get_variable("v", [300, 200], initializer=tf.contrib.layers.xavier_initializer()))
    limit = np.sqrt(6 / 500)
    assert 0.99 * limit < np.abs(value).max() <= limit * (1 + 1e-6)


@pytest.mark.ours_only(GONE)
def test_contrib_xavier_normal(tf: Any) -> None:
    initializer = tf.contrib.layers.xavier_initializer(uniform=False)
    value = draw(tf, tf.get_variable("v", [5, 5, 16, 32], initializer=initializer))
    stddev = np.sqrt(1.3 * 1.0 / (25 * 24))
    assert 1.95 * stddev < np.abs(value).max() <= 2 * stddev * (1 + 1e-6)


def sequences(tf: Any, fetches: Any, sessions: int = 2, runs: int = 2) -> list[Any]:
    """Returns for each of some new sessions what it draws in some runs."""
    drawn = []
    for _ in range(sessions):
        with tf.Session() as session:
            drawn.append([np.array(session.run(fetches)).tolist() for _ in range(runs)])
    return drawn


def test_an_operation_seed_repeats_in_every_session_and_not_within(tf: Any) -> None:
    first, second = sequences(tf, tf.random_normal([3], seed=1))
    assert first == second
    assert first[0] != first[1]


def test_a_graph_seed_repeats_in_every_session_and_not_within(tf: Any) -> None:
    tf.set_random_seed(1)
    first, second = sequences(tf, tf.random_normal([3]))
    assert first == second
    assert first[0] != first[1]


@pytest.mark.ours_only("it draws others in every session; labkit repeats a program until it is given another seed")
def test_without_a_seed_sessions_repeat_too(tf: Any) -> None:
    first, second = sequences(tf, tf.random_normal([3]))
    assert first == second
    assert first[0] != first[1]


def test_two_operations_with_the_same_seed_agree(tf: Any) -> None:
    (first,) = sequences(tf, [tf.random_normal([3], seed=5), tf.random_normal([3], seed=5)], sessions=1, runs=1)
    assert first[0][0] == first[0][1]


def test_two_operations_under_a_graph_seed_differ(tf: Any) -> None:
    tf.set_random_seed(1)
    (first,) = sequences(tf, [tf.random_normal([3]), tf.random_normal([3])], sessions=1, runs=1)
    assert first[0][0] != first[0][1]


def test_the_same_graph_built_again_draws_the_same(tf: Any) -> None:
    drawn = []
    for _ in range(2):
        tf.reset_default_graph()
        tf.set_random_seed(1)
        drawn.append(sequences(tf, [tf.random_normal([3]), tf.random_uniform([3], seed=2)], sessions=1))
    assert drawn[0] == drawn[1]


def test_another_graph_seed_draws_something_else(tf: Any) -> None:
    drawn = []
    for seed in (1, 2):
        tf.reset_default_graph()
        tf.set_random_seed(seed)
        drawn.append(sequences(tf, tf.random_normal([3], seed=7), sessions=1))
    assert drawn[0] != drawn[1]


def test_an_initializer_with_a_seed_repeats(tf: Any) -> None:
    v = tf.get_variable("v", [3], initializer=tf.truncated_normal_initializer(seed=3))
    drawn = []
    for _ in range(2):
        with tf.Session() as session:
            session.run(v.initializer)
            drawn.append(session.run(v).tolist())
    assert drawn[0] == drawn[1]
