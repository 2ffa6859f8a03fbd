"""Norms, variances, products and other reductions where they are delicate."""

from __future__ import annotations

import math

import numpy as np
import pytest

import labkit as lk
from labkit.errors import DTypeError, InvalidArgumentError


@pytest.fixture
def session():
    with lk.Graph().as_default(), lk.Session() as session:
        yield session


def test_the_gradient_of_a_product_is_right_beside_zeros(session):
    for x, expected in (([2.0, 0, 3], [0, 6, 0]), ([2.0, 0, 0], [0, 0, 0]), ([[2.0, 3], [4, 5]], [[60, 40], [30, 24]])):
        t = lk.constant(np.array(x))
        assert session.run(lk.gradients(lk.reduce_prod(t), [t])[0]).tolist() == expected


def test_the_second_derivative_of_a_product_with_two_zeros(session):
    t = lk.constant(np.array([2.0, 0, 0]))
    (first,) = lk.gradients(lk.reduce_prod(t), [t])
    assert session.run(lk.gradients(first, [t], [np.array([0.0, 1, 0])])[0]).tolist() == [0, 0, 2]


def test_the_gradient_of_a_product_of_unknown_rank(session):
    t = lk.placeholder(lk.float32)
    (grad,) = lk.gradients(lk.reduce_prod(t, [0, -1]), [t])
    assert session.run(grad, {t: [[2, 3], [4, 0]]}).tolist() == [[0, 0], [0, 24]]


def test_means_of_whole_numbers_are_whole(session):
    assert session.run(lk.reduce_mean([-7, 2])) == -2
    assert lk.reduce_mean([1, 2]).dtype is lk.int32


def test_truth_values(session):
    x = lk.constant([[True, False], [True, True]])
    assert session.run(lk.reduce_all(x, 1)).tolist() == [False, True]
    assert session.run(lk.reduce_any(x, 0, keepdims=True)).tolist() == [[True, True]]
    with pytest.raises(DTypeError):
        lk.reduce_any([1, 0])


def test_argmax_of_another_dtype(session):
    assert lk.argmax([1.0, 3.0], output_type=lk.int32).dtype is lk.int32
    assert session.run(lk.argmin(lk.constant(np.array([3, 1, 2], np.uint8)))) == 1
    with pytest.raises(DTypeError, match="int32 or int64"):
        lk.argmax([1.0], output_type=lk.float32)


@pytest.mark.parametrize("ord", ["euclidean", 1, 2, 3, 1.5, math.inf, -math.inf])
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_vector_norms_are_numpys(session, ord, axis):
    x = np.random.default_rng(0).normal(size=(4, 5))
    flat = x.ravel() if axis is None else x
    want = np.linalg.norm(flat, 2 if ord == "euclidean" else ord, axis)
    np.testing.assert_allclose(session.run(lk.norm(x, ord, axis)), want, rtol=1e-12)


@pytest.mark.parametrize("ord", ["fro", 1, math.inf])
@pytest.mark.parametrize("axis", [(0, 1), (-1, 0), (2, 1)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_matrix_norms_are_numpys(session, ord, axis, keepdims):
    x = np.random.default_rng(0).normal(size=(3, 4, 5))
    np.testing.assert_allclose(
        session.run(lk.norm(x, ord, axis, keepdims)), np.linalg.norm(x, ord, axis, keepdims), rtol=1e-12
    )


@pytest.mark.parametrize(("ord", "axis"), [("nuc", None), (0, 0), (-1, 0), (math.nan, 0), (2, (0, 1)), (3, (0, 1))])
def test_other_norms_are_refused(session, ord, axis):
    with pytest.raises(InvalidArgumentError, match="no such norm"):
        lk.norm(np.ones((2, 2)), ord, axis)


@pytest.mark.parametrize("ord", ["euclidean", 1, 3, math.inf])
def test_the_gradient_of_a_norm_at_0_is_0(session, ord):
    x = lk.constant([[0.0, 0.0], [3.0, 4.0]])
    (first,) = lk.gradients(lk.norm(x, ord, 1), [x])
    value = session.run(first)
    assert np.isfinite(value).all()
    assert value[0].tolist() == [0, 0]
    assert value[1].any()


def test_standard_deviation_of_equal_numbers(session):
    x = lk.constant([[2.0, 2.0], [1.0, 3.0]])
    std = lk.reduce_std(x, 1)
    assert session.run(std).tolist() == [0, 1]
    np.testing.assert_allclose(session.run(lk.gradients(std, [x])[0]), [[0, 0], [-0.5, 0.5]])


def test_moments_keep_their_digits_beside_a_large_mean(session):
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(20_000, 3)) + 1000).astype(np.float32)
    mean, variance = session.run(lk.nn.moments(lk.constant(x), [0]))
    np.testing.assert_allclose(mean, x.astype(np.float64).mean(0), rtol=1e-6)
    np.testing.assert_allclose(variance, x.astype(np.float64).var(0), rtol=1e-5)


def test_logsumexp(session):
    x = np.array([[1000.0, 1000.0], [-np.inf, -np.inf], [np.inf, 0], [np.nan, 0], [-1000, -1001]])
    expected = [1000 + np.log(2), -np.inf, np.inf, np.nan, -1000 + np.log1p(np.exp(-1))]
    np.testing.assert_allclose(session.run(lk.reduce_logsumexp(x, 1)), expected)
    assert session.run(lk.reduce_logsumexp(x[:2, :], 1, keepdims=True)).shape == (2, 1)
    assert session.run(lk.reduce_logsumexp(np.zeros((0,)))) == -np.inf


def test_the_gradient_of_logsumexp_is_softmax(session):
    x = lk.constant(np.array([[1.0, 2], [-np.inf, -np.inf], [-np.inf, 3]]))
    grad = session.run(lk.gradients(lk.reduce_logsumexp(x, 1), [x])[0])
    np.testing.assert_allclose(grad, [[1 / (1 + np.e), np.e / (1 + np.e)], [0, 0], [0, 1]])


def test_count_nonzero(session):
    x = np.array([[0, -1, 2], [0, 0, np.nan]])
    assert session.run(lk.count_nonzero(x)) == 3
    assert session.run(lk.count_nonzero(x, 1, keepdims=True)).tolist() == [[2], [1]]
    assert lk.count_nonzero([True], dtype=lk.int32).dtype is lk.int32


def test_l2_loss(session):
    x = lk.constant([1.0, 2.0])
    assert session.run(lk.nn.l2_loss(x)) == 2.5
    assert session.run(lk.gradients(lk.nn.l2_loss(x), [x])[0]).tolist() == [1, 2]


def test_running_sums(session):
    assert session.run(lk.cumsum([1, 2, 3], exclusive=True)).tolist() == [0, 1, 3]
    assert session.run(lk.cumsum([1, 2, 3], reverse=True)).tolist() == [6, 5, 3]
    assert session.run(lk.cumprod([2.0, 0.0, 3.0], exclusive=True, reverse=True)).tolist() == [0, 3, 1]
