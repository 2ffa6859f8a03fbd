"""Candidate samplers and the losses on them."""

from __future__ import annotations

import numpy as np
import pytest

import labkit as lk
from labkit.errors import InvalidArgumentError, ShapeError


@pytest.fixture
def session():
    with lk.Graph().as_default(), lk.Session() as session:
        yield session


@pytest.mark.parametrize("sampler", [lk.nn.log_uniform_candidate_sampler, lk.nn.uniform_candidate_sampler])
def test_unique_classes_are_unique_and_new_every_run(session, sampler):
    fetches = sampler(np.array([[0], [999]]), 1, 200, True, 1000, seed=1)
    seen = set()
    for _ in range(3):
        ids, _, expected = session.run(fetches)
        assert len(set(ids.tolist())) == 200
        assert 0 <= ids.min() <= ids.max() < 1000
        assert ((expected > 0) & (expected <= 1)).all()
        seen.add(ids.tobytes())
    assert len(seen) == 3
    everything = session.run(sampler(np.array([[3]]), 1, 30, True, 30)[0])
    assert sorted(everything.tolist()) == list(range(30))


def test_draws_follow_zipfs_law_and_expected_counts_are_theirs(session):
    n = 50
    ids, true, expected = session.run(
        lk.nn.log_uniform_candidate_sampler(np.arange(n).reshape(-1, 2), 2, 100_000, False, n)
    )
    law = np.log((np.arange(n) + 2) / (np.arange(n) + 1)) / np.log(n + 1)
    counts = np.bincount(ids, minlength=n)
    assert (np.abs(counts - law * 100_000) < 5 * np.sqrt(law * 100_000)).all()
    np.testing.assert_allclose(true.ravel(), law * 100_000, rtol=1e-6)
    np.testing.assert_allclose(expected, law[ids] * 100_000, rtol=1e-6)


def test_expected_counts_of_unique_classes_are_the_mean_over_runs(session):
    ids, true, _ = lk.nn.log_uniform_candidate_sampler(np.arange(12).reshape(1, 12), 12, 5, True, 12, seed=4)
    runs = [session.run([ids, true]) for _ in range(1500)]
    met = np.mean([np.isin(np.arange(12), r[0]) for r in runs], axis=0)
    np.testing.assert_allclose(met, np.mean([r[1][0] for r in runs], axis=0), atol=0.06)


def test_more_unique_classes_than_there_are_is_an_error_of_the_run(session):
    ids = lk.nn.log_uniform_candidate_sampler(np.array([[0]]), 1, 11, True, 10)[0]
    with pytest.raises(InvalidArgumentError, match="at most the number of classes"):
        session.run(ids)
    with pytest.raises(InvalidArgumentError, match="out of range"):
        session.run(lk.nn.uniform_candidate_sampler(np.array([[10]]), 1, 2, True, 10)[0])
    with pytest.raises(ShapeError):
        lk.nn.uniform_candidate_sampler(np.array([[1, 2]]), 1, 2, True, 10)


def setting(classes: int = 20, width: int = 4, batch: int = 3, true: int = 2):
    rng = np.random.default_rng(0)
    sampled = (np.array([1, 5, 7, 11]), rng.uniform(0.1, 1, (batch, true)), rng.uniform(0.1, 1, 4))
    labels = np.array([[1, 2], [3, 4], [5, 11]])
    return rng.normal(size=(classes, width)), rng.normal(size=classes), labels, rng.normal(size=(batch, width)), sampled


def scores(weights, biases, labels, inputs, sampled):
    ids, true_expected, expected = sampled
    true = np.einsum("bd,btd->bt", inputs, weights[labels]) + biases[labels] - np.log(true_expected)
    return true, inputs @ weights[ids].T + biases[ids] - np.log(expected)


def test_noise_contrastive_estimation(session):
    weights, biases, labels, inputs, sampled = setting()
    given = tuple(lk.constant(x) for x in sampled)
    loss = lk.nn.nce_loss(weights, biases, labels, inputs, 4, 20, num_true=2, sampled_values=given)
    true, other = scores(weights, biases, labels, inputs, sampled)
    x, z = np.concatenate([true, other], 1), np.concatenate([np.full((3, 2), 0.5), np.zeros((3, 4))], 1)
    np.testing.assert_allclose(session.run(loss), (np.logaddexp(0, x) - x * z).sum(1))


def test_sampled_softmax_leaves_out_accidental_hits(session):
    weights, biases, labels, inputs, sampled = setting()
    given = tuple(lk.constant(x) for x in sampled)
    loss = lk.nn.sampled_softmax_loss(weights, biases, labels, inputs, 4, 20, num_true=2, sampled_values=given)
    true, other = scores(weights, biases, labels, inputs, sampled)
    other[(labels[:, :, None] == sampled[0]).any(1)] = -np.inf
    x = np.concatenate([true, other], 1)
    expected = np.log(np.exp(x).sum(1)) - true.mean(1)
    np.testing.assert_allclose(session.run(loss), expected)


def test_embeddings_are_learned_by_rows(session):
    weights = lk.Variable(np.zeros((50, 4), np.float32))
    biases = lk.Variable(np.zeros(50, np.float32))
    x = lk.constant(np.random.default_rng(1).normal(size=(8, 4)).astype(np.float32))
    labels = lk.placeholder(lk.int32, [None, 1])
    loss = lk.reduce_mean(lk.nn.nce_loss(weights, biases, labels, x, 6, 50))
    grads = lk.gradients(loss, [weights, biases])
    assert all(isinstance(g, lk.IndexedSlices) for g in grads)
    session.run(lk.global_variables_initializer())
    value, rows = session.run([loss, grads[0].values], {labels: np.arange(8).reshape(8, 1)})
    assert np.isfinite(value)
    assert rows.shape == (14, 4)
