"""Draws of whole numbers, permutations, classes and gamma variates: their distributions, bounds, and what they depend on."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from labkit import _native
from tests.kernels.test_random_kernels import KEY, distance_from, in_element_order, signed, words

INTEGERS = [np.int32, np.int64]
REALS = [np.float32, np.float64]


def counter(value: int = 0) -> np.ndarray:
    return np.array([value], np.int64)


def whole(kernels, n: int, low: int, high: int, dtype=np.int32, key=KEY, draw=0) -> np.ndarray:
    bounds = [np.array(low, dtype), np.array(high, dtype)]
    return kernels("random_uniform_int", [*bounds, counter(draw)], [((n,), dtype)], [signed(key)])[0]


def permutation(kernels, n: int, key=KEY, draw=0) -> np.ndarray:
    return kernels("random_permutation.i64", [counter(draw)], [((n,), np.int64)], [signed(key)])[0]


def classes(kernels, logits: np.ndarray, samples: int, key=KEY, draw=0) -> np.ndarray:
    shape = (len(logits), samples)
    return kernels("random_categorical", [logits, counter(draw)], [(shape, np.int64)], [signed(key)])[0]


def gamma(kernels, alpha: np.ndarray, n: int, key=KEY, draw=0) -> np.ndarray:
    shape = (n, *alpha.shape)
    return kernels("random_gamma", [alpha, counter(draw)], [(shape, alpha.dtype)], [signed(key)])[0]


def surprise(observed: np.ndarray, expected: np.ndarray) -> float:
    """Pearson's statistic as a normal deviate: above 3.3 with a probability of 0.05%."""
    statistic = np.sum((observed - expected) ** 2 / expected)
    freedom = len(expected) - 1
    return float((statistic - freedom) / math.sqrt(2 * freedom))


# ---- whole numbers


@pytest.mark.parametrize("dtype", INTEGERS)
def test_whole_numbers_are_the_upper_half_of_a_product(kernels, dtype):
    low, high = in_element_order(words(KEY, 0, 48)).reshape(-1, 2, 2, 16).transpose(2, 0, 1, 3).reshape(2, -1)
    bits = [int(a) << 32 | int(b) for a, b in zip(high, low, strict=True)]
    info = np.iinfo(dtype)
    for first, end in [(0, 10), (-7, 5), (info.min, info.max), (5, 6), (info.max - 1, info.max)]:
        expected = [first + (b * (end - first) >> 64) for b in bits]
        np.testing.assert_array_equal(whole(kernels, len(bits), first, end, dtype), np.array(expected, dtype))


@pytest.mark.parametrize("dtype", INTEGERS)
def test_whole_numbers_are_uniform(kernels, dtype):
    x = whole(kernels, 200_000, -3, 14, dtype)
    assert abs(surprise(np.bincount(x + 3, minlength=17), np.full(17, 200_000 / 17))) < 3.5


def test_no_whole_number_lies_between(kernels):
    for low, high in [(3, 3), (4, 3), (2**31 - 1, -(2**31))]:
        with pytest.raises(_native.KernelError):
            whole(kernels, 5, low, high)


# ---- permutations


def test_every_order_is_as_likely(kernels):
    orders = dict.fromkeys(itertools.permutations(range(4)), 0)
    for draw in range(4800):
        orders[tuple(permutation(kernels, 4, draw=draw))] += 1
    assert abs(surprise(np.array(list(orders.values())), np.full(24, 200.0))) < 3.5


@pytest.mark.parametrize("n", [1, 2, 33, 1000, 131072, 131073, 600_000])
def test_a_permutation_holds_each_number_once(kernels, n):
    y = permutation(kernels, n)
    np.testing.assert_array_equal(np.sort(y), np.arange(n))


@pytest.mark.parametrize("n", [100_000, 500_000])
def test_numbers_of_a_long_permutation_know_neither_their_place_nor_their_neighbours(kernels, n):
    y = permutation(kernels, n)
    count, _, _ = np.histogram2d(np.arange(n), y, bins=20)
    assert abs(surprise(count.ravel(), np.full(400, n / 400))) < 3.5
    count, _, _ = np.histogram2d(y[:-1], y[1:], bins=20)
    assert abs(surprise(count.ravel(), np.full(400, (n - 1) / 400))) < 3.5
    fixed = np.sum(y == np.arange(n))  # Poisson, mean 1
    assert fixed < 8
    assert np.mean(permutation(kernels, n, draw=1) == y) < 1e-3
    assert np.mean(permutation(kernels, n, key=KEY + 1) == y) < 1e-3


# ---- classes


@pytest.mark.parametrize("dtype", REALS)
def test_classes_have_the_probabilities_of_softmax(kernels, dtype):
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(3, 11)).astype(dtype) * 2
    logits[1] += 1000
    logits[2, 4] = -np.inf
    y = classes(kernels, logits, 100_000)
    for row, drawn in zip(logits.astype(np.float64), y, strict=True):
        p = np.exp(row - row.max())
        count = np.bincount(drawn, minlength=11)
        assert len(count) == 11
        assert (count[p == 0] == 0).all()
        kept = p > 0
        assert abs(surprise(count[kept], (p / p.sum())[kept] * 100_000)) < 3.5


@pytest.mark.parametrize("dtype", REALS)
def test_classes_at_the_ends(kernels, dtype):
    for n in (1, 2, 17, 33):
        only = np.full((2, n), -np.inf, dtype)
        only[0, 0] = only[1, n - 1] = 5
        y = classes(kernels, only, 1000)
        assert (y[0] == 0).all()
        assert (y[1] == n - 1).all()
    many = np.zeros((1, 50_000), dtype)
    drawn = classes(kernels, many, 20_000)
    assert drawn.min() >= 0
    assert drawn.max() < 50_000
    assert abs(surprise(np.bincount(drawn[0] // 1000, minlength=50), np.full(50, 400.0))) < 3.5


@pytest.mark.parametrize("bad", [[np.nan, 0], [0, np.inf], [-np.inf, -np.inf]])
def test_a_row_without_probabilities_is_refused(kernels, bad):
    logits = np.zeros((5, 2), np.float32)
    logits[3] = bad
    with pytest.raises(_native.KernelError) as caught:
        classes(kernels, logits, 1)
    assert caught.value.args[2] == 3


# ---- gamma


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("alpha", [0.05, 0.5, 0.999, 1.0, 1.5, 20.0, 1e4])
def test_gamma(kernels, dtype, alpha):
    from scipy.stats import gamma as exact

    x = gamma(kernels, np.array([alpha], dtype), 60_000)[:, 0].astype(np.float64)
    assert np.isfinite(x).all()
    assert (x >= 0).all()
    if dtype is np.float32 and alpha < 0.1:  # the smallest ones are below the smallest float32: 0
        x = x[x > 1e-30]
        below = exact.cdf(1e-30, alpha)
        assert distance_from(lambda v: (exact.cdf(v, alpha) - below) / (1 - below), x) < 1.95
        return
    assert distance_from(lambda v: exact.cdf(v, float(dtype(alpha))), x) < 1.95


def test_gamma_of_several_parameters(kernels):
    alpha = np.array([[0.5, 3.0], [np.inf, 100.0]])
    x = gamma(kernels, alpha, 50_000)
    assert np.isinf(x[:, 1, 0]).all()
    assert abs(x[:, 0, 0].mean() - 0.5) < 4 * math.sqrt(0.5 / 50_000)
    assert abs(x[:, 0, 1].mean() - 3) < 4 * math.sqrt(3 / 50_000)
    assert abs(x[:, 1, 1].mean() - 100) < 4 * math.sqrt(100 / 50_000)
    assert abs(np.corrcoef(x[:, 0, 0], x[:, 0, 1])[0, 1]) < 0.02


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, -np.inf])
def test_gamma_needs_a_positive_parameter(kernels, bad):
    with pytest.raises(_native.KernelError):
        gamma(kernels, np.array([1.0, bad]), 3)


# ---- all


def test_a_draw_depends_on_key_and_counter(kernels):
    logits = np.zeros((1, 1000), np.float32)
    for make in (
        lambda **more: whole(kernels, 1000, 0, 10**6, **more),
        lambda **more: classes(kernels, logits, 1000, **more),
        lambda **more: gamma(kernels, np.array([2.0]), 1000, **more),
    ):
        first = make()
        for other in ({"key": KEY + 1}, {"key": KEY + 2**32}, {"draw": 1}, {"draw": 2**32}):
            assert np.mean(make(**other) == first) < 0.02


def test_an_element_does_not_depend_on_how_many_there_are(kernels):
    long = whole(kernels, 70_000, 0, 1000)
    longer = gamma(kernels, np.array([0.7]), 40_000)
    logits = np.random.default_rng(1).normal(size=(1, 9))
    drawn = classes(kernels, logits, 40_000)
    for n in (1, 15, 16, 17, 31, 32, 33, 1000, 33_000):
        assert np.array_equal(whole(kernels, n, 0, 1000), long[:n])
        assert np.array_equal(gamma(kernels, np.array([0.7]), n), longer[:n])
        assert np.array_equal(classes(kernels, logits, n), drawn[:, :n])


def test_every_target_draws_the_same(all_kernels):
    logits = np.random.default_rng(1).normal(size=(3, 37)).astype(np.float32)
    for make in (
        lambda k: whole(k, 3000, -5, 1000),
        lambda k: permutation(k, 200_000),
        lambda k: classes(k, logits, 1000),
        lambda k: gamma(k, np.array([0.3, 4.0], np.float32), 1000),
    ):
        draws = [make(k) for k in all_kernels]
        for other in draws[1:]:
            assert other.tobytes() == draws[0].tobytes()
