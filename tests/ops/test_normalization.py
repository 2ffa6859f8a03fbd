"""Normalization and cross-entropy as programs use them."""

from __future__ import annotations

import numpy as np
import pytest

import labkit as lk
from labkit.errors import InvalidArgumentError, ShapeError


@pytest.fixture
def session():
    with lk.Graph().as_default(), lk.Session() as session:
        yield session


def numbers(*dims: int) -> np.ndarray:
    return np.random.default_rng(dims).normal(size=dims)


def test_training_gives_the_variance_of_a_sample_for_moving_averages(session):
    x = numbers(5, 2, 3)
    y, mean, variance = session.run(lk.nn.fused_batch_norm(x, np.ones(3), np.zeros(3)))
    np.testing.assert_allclose(mean, x.mean((0, 1)))
    np.testing.assert_allclose(variance, x.var((0, 1), ddof=1))
    np.testing.assert_allclose(y, (x - mean) / np.sqrt(x.var((0, 1)) + 1e-3))
    assert session.run(lk.nn.fused_batch_norm(x[:1, :1], np.ones(3), np.zeros(3)))[2].tolist() == [0, 0, 0]


def test_inference_takes_the_given_statistics(session):
    x, mean, variance = numbers(4, 3), numbers(3), numbers(3) ** 2
    y, m, v = session.run(lk.nn.fused_batch_norm(x, np.full(3, 2.0), np.ones(3), mean, variance, is_training=False))
    np.testing.assert_allclose(y, 2 * (x - mean) / np.sqrt(variance + 1e-3) + 1)
    assert (m.tolist(), v.tolist()) == (mean.tolist(), variance.tolist())
    with pytest.raises(ShapeError, match="mean or variance"):
        lk.nn.fused_batch_norm(x, np.ones(3), np.zeros(3), is_training=False)


def test_a_mean_far_from_zero_costs_no_digits(session):
    x = (numbers(5000, 2) + 1000).astype(np.float32)
    _, mean, variance = session.run(lk.nn.fused_batch_norm(x, np.ones(2), np.zeros(2)))
    wide = x.astype(np.float64)
    np.testing.assert_allclose(mean, wide.mean(0), rtol=1e-7)
    np.testing.assert_allclose(variance, wide.var(0, ddof=1), rtol=2e-6)


def test_batch_normalization_takes_statistics_of_any_shape(session):
    x, mean, variance = numbers(2, 3, 4), numbers(3, 1), numbers(3, 1) ** 2
    y = session.run(lk.nn.batch_normalization(x, mean, variance, None, None, 0.1))
    np.testing.assert_allclose(y, (x - mean) / np.sqrt(variance + 0.1))
    channel = numbers(4)
    y = session.run(lk.nn.batch_normalization(x, channel, channel**2, channel, None, 0.1))
    np.testing.assert_allclose(y, (x - channel) / np.sqrt(channel**2 + 0.1) + channel)
    once = lk.nn.batch_norm_with_global_normalization(x, channel, channel**2, channel, channel, 0.1, False)
    np.testing.assert_allclose(session.run(once), y)


def test_layer_normalization_of_any_axes(session):
    x = numbers(3, 4, 5)
    for axis in (-1, 1, (0, 2), (1, 2)):
        axes = axis if isinstance(axis, tuple) else (axis,)
        expected = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + 1e-5)
        np.testing.assert_allclose(session.run(lk.nn.layer_normalization(x, axis=axis)), expected)
    scale, offset = numbers(4, 5), numbers(5, 4).T
    y = session.run(lk.nn.layer_normalization(x, scale, offset, axis=(1, 2)))
    plain = session.run(lk.nn.layer_normalization(x, axis=(1, 2)))
    np.testing.assert_allclose(y, plain * scale + offset)
    with pytest.raises(ShapeError):
        lk.nn.layer_normalization(x, numbers(3))


def test_an_example_does_not_know_its_batch(session):
    x = numbers(40, 77).astype(np.float32)
    row = lk.placeholder(lk.float32, [None, 77])
    y = lk.nn.layer_normalization(row)
    assert session.run(y, {row: x})[7:8].tobytes() == session.run(y, {row: x[7:8]}).tobytes()


def test_vectors_of_length_one(session):
    x = numbers(3, 4)
    np.testing.assert_allclose(session.run(lk.nn.l2_normalize(x, 1)), x / np.linalg.norm(x, axis=1, keepdims=True))
    assert (session.run(lk.nn.l2_normalize(np.zeros(3), 0)) == 0).all()


def test_cross_entropy_of_any_rank_and_axis(session):
    x, labels = numbers(2, 3, 4), np.random.default_rng(0).dirichlet(np.ones(3), size=(2, 4)).transpose(0, 2, 1)
    logs = x - np.log(np.exp(x).sum(1, keepdims=True))
    loss = lk.nn.softmax_cross_entropy_with_logits(labels=labels, logits=x, axis=1)
    np.testing.assert_allclose(session.run(loss), -(labels * logs).sum(1))
    np.testing.assert_allclose(session.run(lk.nn.log_softmax(x, axis=1)), logs)
    classes = np.array([[0, 1, 3], [3, 2, 1]])
    sparse = lk.nn.sparse_softmax_cross_entropy_with_logits(labels=classes, logits=x)
    dense = lk.nn.softmax_cross_entropy_with_logits(labels=np.eye(4, dtype=np.int32)[classes], logits=x)
    np.testing.assert_allclose(session.run(sparse), session.run(dense))


def test_derivatives_of_cross_entropy_by_the_labels(session):
    logits, labels = lk.constant(numbers(2, 3)), lk.constant(np.abs(numbers(2, 3)))
    loss = lk.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    (by_logits, by_labels) = lk.gradients(loss, [logits, labels])
    np.testing.assert_allclose(session.run(by_labels), -session.run(lk.nn.log_softmax(logits)))
    weights = numbers(2, 3)
    (mixed,) = lk.gradients(lk.reduce_sum(by_logits * weights), [labels])
    p = session.run(lk.nn.softmax(logits))
    np.testing.assert_allclose(session.run(mixed), (weights * p).sum(1, keepdims=True) - weights)
    (again,) = lk.gradients(by_labels, [labels])
    assert again is None or not session.run(again).any()


def test_sigmoid_cross_entropy_keeps_small_losses_and_overflows_nowhere(session):
    x = np.array([-1000.0, -30, 0, 30, 1000], np.float32)
    loss = session.run(lk.nn.sigmoid_cross_entropy_with_logits(labels=np.array([0, 0, 1, 1, 0]), logits=x))
    np.testing.assert_allclose(loss, [0, np.exp(-30), np.log(2), np.exp(-30), 1000], rtol=1e-5)
    weighted = lk.nn.weighted_cross_entropy_with_logits(labels=[1.0, 0.0], logits=np.array([-2.0, 3.0]), pos_weight=5)
    np.testing.assert_allclose(session.run(weighted), [5 * np.log1p(np.exp(2)), np.log1p(np.exp(3))], rtol=1e-6)


def test_dropout_by_a_fed_keep_prob(session):
    x, keep = lk.constant(np.ones((100, 50), np.float32)), lk.placeholder(lk.float32, [])
    y = lk.nn.dropout(x, keep_prob=keep)
    dropped = session.run(y, {keep: 0.8})
    assert sorted(set(dropped.ravel().tolist())) == [0, 1.25]
    assert abs((dropped > 0).mean() - 0.8) < 0.02
    noise = numbers(100, 50).astype(np.float32)
    assert session.run(y, {keep: 1.0, x: noise}).tobytes() == noise.tobytes()
    for wrong in (0.0, 1.5, -0.5, np.nan):
        with pytest.raises(InvalidArgumentError, match="keep_prob above 0"):
            session.run(y, {keep: wrong})


def test_dropout_refuses_numbers_out_of_range_at_once(session):
    for wrong in (
        {"rate": 1.0},
        {"rate": -0.1},
        {"keep_prob": 0},
        {"keep_prob": 1.1},
        {},
        {"rate": 0.1, "keep_prob": 0.9},
    ):
        with pytest.raises(InvalidArgumentError):
            lk.nn.dropout(np.ones(3), **wrong)
    x = lk.constant([1.0])
    assert lk.nn.dropout(x, keep_prob=1.0) is x


def test_noise_shape_drops_numbers_together(session):
    y = session.run(lk.nn.dropout(np.ones((50, 7, 4)), rate=0.5, noise_shape=[None, 1, 4]))
    assert (y == y[:, :1]).all()
    assert 0.4 < (y == 0).mean() < 0.6
