"""lk.random: parameters as numbers and tensors, seeds, gradients, and what is refused. Distributions are the kernels' tests."""

from __future__ import annotations

import math

import numpy as np
import pytest

import labkit as lk
from labkit.errors import InvalidArgumentError, ShapeError


@pytest.fixture(autouse=True)
def graph():
    with lk.Graph().as_default() as one:
        yield one


def run(fetches, feeds=None):
    with lk.Session() as session:
        return session.run(fetches, feeds)


MAKERS = {
    "uniform": lambda **more: lk.random.uniform([20], **more),
    "whole": lambda **more: lk.random.uniform([20], 0, 1000, lk.int32, **more),
    "normal": lambda **more: lk.random.normal([20], **more),
    "truncated": lambda **more: lk.random.truncated_normal([20], **more),
    "spread": lambda **more: lk.random.normal([20], stddev=lk.constant(2.0), **more),
    "shuffle": lambda **more: lk.random.shuffle(np.arange(40), **more),
    "permutation": lambda **more: lk.random.permutation(40, **more),
    "categorical": lambda **more: lk.random.categorical(np.zeros((2, 9)), 20, **more),
    "bernoulli": lambda **more: lk.random.bernoulli(probs=np.full(60, 0.5), **more),
    "gamma": lambda **more: lk.random.gamma([20], 2.0, **more),
    "exponential": lambda **more: lk.random.exponential([20], **more),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_sessions_repeat_the_sequence_and_equal_seeds_agree(make) -> None:
    a, b, same, too = make(), make(), make(seed=5), make(seed=5)
    sequences = []
    for _ in range(2):
        with lk.Session() as session:
            sequences.append([session.run([a, b, same, too]) for _ in range(2)])
    np.testing.assert_array_equal(sequences[0], sequences[1])
    (a1, b1, same1, too1), (a2, _, same2, _) = sequences[0]
    assert not np.array_equal(a1, a2)
    assert not np.array_equal(a1, b1)
    assert not np.array_equal(same1, same2)
    np.testing.assert_array_equal(same1, too1)


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_the_graphs_seed_gives_other_numbers(make) -> None:
    draws = []
    for seed in (None, 1, 2, 1):
        with lk.Graph().as_default():
            if seed is not None:
                lk.set_random_seed(seed)
            draws.append(run([make(), make(seed=3)]))
    for i in range(2):
        assert np.array_equal(draws[1][i], draws[3][i])
        assert not np.array_equal(draws[0][i], draws[1][i])
        assert not np.array_equal(draws[1][i], draws[2][i])


def test_parameters_may_be_numpy_numbers_or_tensors() -> None:
    plain = run(lk.random_normal([50], 1.0, 3.0, seed=1))
    np.testing.assert_array_equal(run(lk.random_normal([50], np.float64(1), np.asarray(3.0), seed=1)), plain)
    np.testing.assert_allclose(run(lk.random_normal([50], 1.0, lk.constant(3.0), seed=1)), plain, rtol=1e-6, atol=1e-6)
    plain = run(lk.random_uniform([50], -1, 3, seed=1))
    np.testing.assert_allclose(run(lk.random_uniform([50], lk.constant(-1.0), 3, seed=1)), plain, atol=1e-6)
    whole = run(lk.random_uniform([50], -1, 30, lk.int64, seed=1))
    top = lk.placeholder(lk.int64, [])
    np.testing.assert_array_equal(run(lk.random_uniform([50], -1, top, lk.int64, seed=1), {top: 30}), whole)


def test_a_draw_has_gradients_in_its_scale_and_place() -> None:
    mean, stddev, rate = lk.constant(1.0), lk.constant([2.0, 3.0]), lk.constant(4.0)
    y = lk.random.normal([5, 2], mean, stddev)
    of_mean, of_stddev, value = run([*lk.gradients(y, [mean, stddev]), y])
    assert of_mean == 10
    np.testing.assert_allclose(of_stddev, ((value - 1) / [2, 3]).sum(0), rtol=1e-5)
    z = lk.random.gamma([5], 2.0, rate)
    of_rate, value = run([lk.gradients(z, rate)[0], z])
    np.testing.assert_allclose(of_rate, -value.sum() / 4, rtol=1e-5)
    alpha = lk.constant(2.0)
    assert lk.gradients(lk.random.gamma([5], alpha), alpha) == [None]


def test_shuffle_moves_whole_rows_and_its_gradient_brings_them_back() -> None:
    x = lk.placeholder(lk.float64, [None, 3])
    y = lk.random.shuffle(x)
    weights = lk.placeholder(lk.float64, [None, 3])
    (gradient,) = lk.gradients(lk.reduce_sum(y * weights), [x])
    rows, w = np.arange(30.0).reshape(10, 3), np.arange(10.0)[:, None] * np.ones(3)
    value, moved = run([y, lk.convert_to_tensor(gradient)], {x: rows, weights: w})
    order = (value[:, 0] / 3).astype(int)
    assert sorted(order) == list(range(10))
    np.testing.assert_array_equal(value, rows[order])
    np.testing.assert_array_equal(moved[order], w)
    assert run(y, {x: rows[:0], weights: w[:0]}).shape == (0, 3)


def test_coins() -> None:
    p = np.array([0.0, 1.0, np.nan, -1.0, 2.0], np.float32)
    np.testing.assert_array_equal(run(lk.random.bernoulli(probs=p)), [0, 1, 0, 0, 1])
    assert run(lk.random.bernoulli(logits=np.float32([-200, 200]), dtype=lk.bool)).tolist() == [False, True]
    n = 20_000
    drawn = run(lk.random.bernoulli(probs=np.full(n, 0.3), dtype=lk.float32))
    assert drawn.dtype == np.float32
    assert abs(drawn.mean() - 0.3) < 4 * math.sqrt(0.21 / n)


def test_exponential() -> None:
    from scipy.stats import kstest

    x = run(lk.random.exponential([20_000], 4.0, lk.float64))
    assert kstest(x, "expon", (0, 0.25)).pvalue > 1e-3


def test_multinomial_is_categorical() -> None:
    logits = np.log([[0.2, 0.8], [0.5, 0.5]])
    value = run(lk.multinomial(logits, 5000, seed=1))
    assert value.dtype == np.int64
    np.testing.assert_array_equal(value, run(lk.random.categorical(logits, 5000, seed=1)))
    assert abs(value[0].mean() - 0.8) < 0.03
    assert run(lk.random.categorical(logits, 3, dtype=lk.int32)).dtype == np.int32


@pytest.mark.parametrize("shape", [[], [0], [2, 0, 3], [7]])
def test_shapes(shape) -> None:
    rank = len(shape)
    for y in (
        lk.random.uniform(shape),
        lk.random.uniform(shape, 0, 5, lk.int64),
        lk.random.normal(shape),
        lk.random.gamma(shape, 1.0),
        lk.random.exponential(shape),
    ):
        assert run(y).shape == tuple(shape)
    assert lk.random.gamma(shape, [1.0, 2.0], [[1.0], [2.0]]).dims[rank:] == (2, 2)
    wanted = lk.placeholder(lk.int32, [rank])
    assert run(lk.random.uniform(wanted, 0, 5, lk.int32), {wanted: np.asarray(shape, int)}).shape == tuple(shape)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, np.float32("nan")])
def test_parameters_are_finite(bad) -> None:
    for make in (
        lambda: lk.random.uniform([2], 0.0, bad),
        lambda: lk.random.normal([2], bad),
        lambda: lk.random.truncated_normal([2], 0, bad),
    ):
        with pytest.raises(InvalidArgumentError):
            make()


def test_a_range_must_hold_a_number() -> None:
    for low, high in ((3, 3), (4, 3)):
        with pytest.raises(InvalidArgumentError, match="below maxval"):
            lk.random.uniform([2], low, high, lk.int32)
    with pytest.raises(InvalidArgumentError, match="at most"):
        lk.random.uniform([2], 1.0, 0.0)
    assert run(lk.random.uniform([2], 2.0, 2.0)).tolist() == [2, 2]
    with pytest.raises(InvalidArgumentError, match="needs maxval"):
        lk.random.uniform([2], dtype=lk.int32)
    with pytest.raises(InvalidArgumentError, match="minval is smaller than maxval"):
        run(lk.random.uniform([2], 0, lk.constant(0), lk.int32))
    with pytest.raises(ShapeError, match="single numbers"):
        lk.random.uniform([2], 0, lk.constant([1, 2]), lk.int32)


def test_what_has_no_distribution_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="largest logit"):
        run(lk.random.categorical([[-np.inf, -np.inf]], 1))
    with pytest.raises(InvalidArgumentError, match="above 0"):
        run(lk.random.gamma([2], [1.0, 0.0]))
    with pytest.raises(ShapeError, match="at least one class"):
        lk.random.categorical(np.zeros((2, 0)), 1)
    with pytest.raises(InvalidArgumentError, match="either"):
        lk.random.bernoulli()
    with pytest.raises(ShapeError):
        lk.random.shuffle(1.5)


def test_a_random_number_decides_a_shape():
    length = lk.random.uniform([], 1, 5, lk.int32, seed=3)
    rows = lk.zeros([length, 2])
    assert rows.shape[0].value is None
    with lk.Session() as session:
        drawn = [session.run([length, rows]) for _ in range(8)]
    assert all(array.shape == (number, 2) for number, array in drawn)
    assert len({int(number) for number, _ in drawn}) > 1


def test_an_element_of_a_shuffle_decides_a_shape():
    rows = lk.zeros([lk.random.shuffle(lk.constant([3, 5]))[0]])
    with lk.Session() as session:
        assert {session.run(rows).shape for _ in range(20)} == {(3,), (5,)}
