"""Cross-entropies and activations: arguments, dtypes, values, stability."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

RNG = np.random.RandomState(0)
LOGITS = RNG.randn(5, 4).astype(np.float32) * 3
LABELS = RNG.rand(5, 4).astype(np.float32)
LABELS /= LABELS.sum(1, keepdims=True)


def log_softmax(x: np.ndarray) -> np.ndarray:
    x = x.astype(float)
    return x - x.max(1, keepdims=True) - np.log(np.exp(x - x.max(1, keepdims=True)).sum(1, keepdims=True))


def test_softmax_cross_entropy_gives_a_value_for_each_row(tf: Any, evaluate: Any) -> None:
    loss = tf.nn.softmax_cross_entropy_with_logits(logits=LOGITS, labels=LABELS)
    assert loss.shape.as_list() == [5]
    np.testing.assert_allclose(evaluate(loss), -(LABELS * log_softmax(LOGITS)).sum(1), rtol=1e-5)


def test_softmax_cross_entropy_v2_has_the_same_value(tf: Any, evaluate: Any) -> None:
    loss = tf.nn.softmax_cross_entropy_with_logits_v2(logits=LOGITS, labels=LABELS)
    np.testing.assert_allclose(evaluate(loss), -(LABELS * log_softmax(LOGITS)).sum(1), rtol=1e-5)


@pytest.mark.ours_only("today it takes its first argument, once a guard, for nothing")
def test_softmax_cross_entropy_takes_named_arguments_only(tf: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"named|keyword"):
        tf.nn.softmax_cross_entropy_with_logits(LOGITS, LABELS)


def test_softmax_cross_entropy_casts_its_labels(tf: Any) -> None:
    labels = tf.placeholder(tf.int32, [None, 4])
    loss = tf.nn.softmax_cross_entropy_with_logits(logits=LOGITS, labels=labels)
    assert loss.dtype == tf.float32
    one_hot = np.eye(4)[[0, 1, 2, 3, 0]]
    with tf.Session() as session:
        np.testing.assert_allclose(
            session.run(loss, {labels: one_hot}), -log_softmax(LOGITS)[range(5), [0, 1, 2, 3, 0]], rtol=1e-5
        )


def test_softmax_cross_entropy_is_stable(tf: Any, evaluate: Any) -> None:
    loss = tf.nn.softmax_cross_entropy_with_logits(logits=[[1000.0, -1000.0]], labels=[[0.0, 1.0]])
    assert evaluate(loss).tolist() == [2000.0]


def test_gradient_of_softmax_cross_entropy(tf: Any, evaluate: Any) -> None:
    logits = tf.constant(LOGITS)
    loss = tf.nn.softmax_cross_entropy_with_logits(logits=logits, labels=LABELS)
    np.testing.assert_allclose(
        evaluate(tf.gradients(loss, logits)[0]), np.exp(log_softmax(LOGITS)) - LABELS, rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_sparse_softmax_cross_entropy(tf: Any, evaluate: Any, dtype: str) -> None:
    labels = np.array([0, 1, 2, 3, 0], dtype)
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(logits=LOGITS, labels=labels)
    np.testing.assert_allclose(evaluate(loss), -log_softmax(LOGITS)[range(5), labels], rtol=1e-5)


def test_sparse_softmax_cross_entropy_of_labels_of_the_same_rank_is_a_value_error(tf: Any) -> None:
    with pytest.raises(ValueError):
        tf.nn.sparse_softmax_cross_entropy_with_logits(logits=LOGITS, labels=[[0]] * 5)


def test_sparse_softmax_cross_entropy_of_float_labels_is_a_type_error(tf: Any) -> None:
    with pytest.raises(TypeError):
        tf.nn.sparse_softmax_cross_entropy_with_logits(logits=LOGITS, labels=tf.zeros([5]))


def test_sparse_softmax_cross_entropy_of_a_class_that_is_not(tf: Any, evaluate: Any) -> None:
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(logits=LOGITS, labels=[0, 1, 2, 4, 0])
    with pytest.raises(tf.errors.InvalidArgumentError):
        evaluate(loss)


def test_the_course_writes_its_loss_by_hand(tf: Any, evaluate: Any) -> None:
    p = tf.nn.softmax(LOGITS)
    loss = -tf.reduce_sum(LABELS * tf.log(p), reduction_indices=[1])
    np.testing.assert_allclose(evaluate(loss), -(LABELS * log_softmax(LOGITS)).sum(1), rtol=1e-5)


def test_log_of_zero_is_not_protected(tf: Any, evaluate: Any) -> None:
    p = tf.nn.softmax([[0.0, 1000.0]])
    assert evaluate(-tf.reduce_sum([[1.0, 0.0]] * tf.log(p), reduction_indices=[1])).tolist() == [np.inf]
    assert np.isnan(evaluate(-tf.reduce_sum([[0.0, 1.0]] * tf.log(p), reduction_indices=[1]))).all()


def test_sigmoid_cross_entropy(tf: Any, evaluate: Any) -> None:
    loss = tf.nn.sigmoid_cross_entropy_with_logits(logits=LOGITS, labels=LABELS)
    x = LOGITS.astype(float)
    np.testing.assert_allclose(evaluate(loss), np.logaddexp(0, x) - x * LABELS, rtol=1e-5, atol=1e-6)
    assert evaluate(tf.nn.sigmoid_cross_entropy_with_logits(logits=[-200.0], labels=[1.0])).tolist() == [200.0]


def test_softmax_of_the_last_axis(tf: Any, evaluate: Any) -> None:
    np.testing.assert_allclose(evaluate(tf.nn.softmax(LOGITS)), np.exp(log_softmax(LOGITS)), rtol=1e-5)
    np.testing.assert_allclose(evaluate(tf.nn.log_softmax(LOGITS)), log_softmax(LOGITS), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(evaluate(tf.nn.softmax(LOGITS, axis=0)).sum(0), np.ones(4), rtol=1e-6)


ACTIVATIONS = {
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "elu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "softplus": lambda x: np.log1p(np.exp(x)),
    "softsign": lambda x: x / (1 + np.abs(x)),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(tf: Any, evaluate: Any, name: str) -> None:
    value = evaluate(getattr(tf.nn, name)(LOGITS))
    np.testing.assert_allclose(value, ACTIVATIONS[name](LOGITS.astype(float)), rtol=2e-6, atol=1e-7)


def test_moments_and_batch_normalization(tf: Any, evaluate: Any) -> None:
    mean, variance = tf.nn.moments(tf.constant(LOGITS), axes=[0])
    np.testing.assert_allclose(evaluate(mean), LOGITS.mean(0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(evaluate(variance), LOGITS.var(0), rtol=1e-5)
    y = tf.nn.batch_normalization(LOGITS, mean, variance, offset=1.0, scale=2.0, variance_epsilon=1e-3)
    expected = (LOGITS - LOGITS.mean(0)) / np.sqrt(LOGITS.var(0) + 1e-3) * 2.0 + 1.0
    np.testing.assert_allclose(evaluate(y), expected, rtol=1e-4, atol=1e-5)


def test_l2_loss_and_l2_normalize(tf: Any, evaluate: Any) -> None:
    assert evaluate(tf.nn.l2_loss([3.0, 4.0])) == 12.5
    np.testing.assert_allclose(evaluate(tf.nn.l2_normalize([[3.0, 4.0]], 1)), [[0.6, 0.8]], rtol=1e-6)


def test_embedding_lookup(tf: Any, evaluate: Any) -> None:
    table = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    assert evaluate(tf.nn.embedding_lookup(table, [[1], [0]])).tolist() == [[[3.0, 4.0]], [[1.0, 2.0]]]


def test_in_top_k(tf: Any, evaluate: Any) -> None:
    assert evaluate(tf.nn.in_top_k([[0.1, 0.9, 0.5]] * 2, [2, 0], 2)).tolist() == [True, False]


def test_xw_plus_b(tf: Any, evaluate: Any) -> None:
    assert evaluate(tf.nn.xw_plus_b([[1.0, 2.0]], [[1.0], [10.0]], [100.0])).tolist() == [[121.0]]


def nce_by_hand(
    weights: np.ndarray, biases: np.ndarray, labels: np.ndarray, inputs: np.ndarray, drawn: Any
) -> np.ndarray:
    """Noise-contrastive estimation: Gutmann and Hyvärinen 2010; logits less the log of the expected count."""
    ids, true_count, sampled_count = drawn
    true = (inputs * weights[labels[:, 0]]).sum(1) + biases[labels[:, 0]] - np.log(true_count[:, 0])
    noise = inputs @ weights[ids].T + biases[ids] - np.log(sampled_count)
    return np.logaddexp(0, -true) + np.logaddexp(0, noise).sum(1)


def test_nce_loss_of_given_samples(tf: Any, evaluate: Any) -> None:
    rng = np.random.RandomState(1)
    weights, biases, inputs = (rng.randn(*shape).astype(np.float32) for shape in [(6, 3), (6,), (2, 3)])
    labels = np.array([[1], [2]])
    drawn = (np.array([0, 3, 5]), np.float32([[0.5], [0.3]]), np.float32([0.9, 0.2, 0.1]))
    loss = tf.nn.nce_loss(
        weights=tf.constant(weights),
        biases=tf.constant(biases),
        labels=labels,
        inputs=inputs,
        num_sampled=3,
        num_classes=6,
        sampled_values=tuple(tf.constant(part) for part in drawn),
    )
    expected = nce_by_hand(weights.astype(float), biases.astype(float), labels, inputs.astype(float), drawn)
    np.testing.assert_allclose(evaluate(loss), expected, rtol=1e-5)


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_nce_loss_draws_its_samples(tf: Any, evaluate: Any, dtype: str) -> None:
    loss = tf.nn.nce_loss(
        weights=tf.ones([50, 3]),
        biases=tf.zeros([50]),
        labels=tf.constant([[1], [2]], getattr(tf, dtype)),
        inputs=tf.ones([2, 3]),
        num_sampled=8,
        num_classes=50,
    )
    value = evaluate(loss)
    assert value.shape == (2,)
    assert np.isfinite(value).all()


def test_nce_loss_of_more_samples_than_classes_fails_at_run_time(tf: Any, evaluate: Any) -> None:
    loss = tf.nn.nce_loss(
        weights=tf.ones([5, 3]),
        biases=tf.zeros([5]),
        labels=tf.constant([[1], [2]], tf.int64),
        inputs=tf.ones([2, 3]),
        num_sampled=6,
        num_classes=5,
    )
    with pytest.raises(tf.errors.InvalidArgumentError):
        evaluate(loss)


def test_the_log_uniform_sampler_prefers_small_ids_and_draws_each_once(tf: Any) -> None:
    sampler = tf.nn.log_uniform_candidate_sampler(
        tf.constant([[1]], tf.int64), num_true=1, num_sampled=5, unique=True, range_max=100, seed=3
    )
    counts = np.zeros(100)
    with tf.Session() as session:
        for _ in range(400):
            ids = session.run(sampler[0])
            assert len(set(ids)) == 5
            counts[ids] += 1
    assert counts[0] > counts[10] > counts[60]
    assert counts[:10].sum() > counts[10:].sum() * 0.6


def test_sampled_softmax_loss(tf: Any, evaluate: Any) -> None:
    loss = tf.nn.sampled_softmax_loss(
        weights=tf.ones([20, 3]),
        biases=tf.zeros([20]),
        labels=tf.constant([[1], [2]], tf.int64),
        inputs=tf.ones([2, 3]),
        num_sampled=4,
        num_classes=20,
    )
    assert np.isfinite(evaluate(loss)).all()
