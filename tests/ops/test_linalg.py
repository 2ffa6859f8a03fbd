"""What LAPACK computes: errors, NaN, threads, derivatives, and least squares."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import labkit as lk
from labkit.errors import InvalidArgumentError, ShapeError
from labkit.ops import lapack


def run(build, *arrays):
    with lk.Graph().as_default(), lk.Session() as session:
        return session.run(build(*(lk.constant(x) for x in arrays)))


def spd(n: int, seed: int = 0) -> np.ndarray:
    x = np.random.default_rng(seed).normal(size=(n, n))
    return x @ x.T / n + np.eye(n)


SINGULAR = np.array([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 2.0], [2.0, 4.0]]])


@pytest.mark.parametrize(
    ("build", "rule"),
    [
        (lk.matrix_inverse, "invertible"),
        (lambda a: lk.matrix_solve(a, np.ones((2, 1))), "invertible"),
        (lambda a: lk.linalg.triangular_solve(a - 1, np.ones((2, 1))), "No diagonal holds a zero"),
        (lambda a: lk.cholesky(a - 1), "positive definite"),
    ],
)
def test_a_matrix_that_does_not_do_is_told_with_operation_and_line(build, rule) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        run(build, SINGULAR)
    assert rule in str(caught.value)
    assert "test_linalg.py" in str(caught.value)
    assert "2 x 2" in str(caught.value)


def test_a_singular_matrix_has_a_determinant_and_no_gradient_of_it() -> None:
    assert run(lk.matrix_determinant, SINGULAR).tolist() == [1.0, 0.0]
    sign, log = run(lambda a: list(lk.linalg.slogdet(a)), SINGULAR)
    np.testing.assert_array_equal([sign, log], [[1, 0], [0, -np.inf]])
    with pytest.raises(InvalidArgumentError, match="invertible"):
        run(lambda a: lk.gradients(lk.matrix_determinant(a), [a]), SINGULAR)


def test_a_spoilt_matrix_spoils_its_own_results_alone() -> None:
    for bad in (np.nan, np.inf, -np.inf):
        a = np.stack([spd(3), spd(3, 1), spd(3, 2)]).astype(np.float32)
        whole = a.copy()
        a[1, 2, 0] = bad
        rhs = np.ones((3, 2), np.float32)
        for build in (
            lk.matrix_inverse,
            lk.cholesky,
            lk.matrix_determinant,
            lambda x: lk.linalg.slogdet(x)[1],
            lambda x: lk.matrix_solve(x, rhs),  # noqa: B023
            lambda x: lk.linalg.eigh(x)[0],
            lambda x: lk.linalg.svd(x, compute_uv=False),
            lambda x: lk.linalg.qr(x)[0],
        ):
            value, expected = run(build, a), run(build, whole)
            assert value.dtype == np.float32
            assert np.isnan(value[1]).all()
            np.testing.assert_array_equal(value[[0, 2]], expected[[0, 2]])


def test_the_other_triangle_is_not_read() -> None:
    a = spd(4)
    b = np.random.default_rng(0).normal(size=(4, 2))
    for lower in (True, False):
        triangle = np.tril(a) if lower else np.triu(a)
        spoilt = np.where(triangle != 0, triangle, np.nan)
        value = run(lambda x, y: lk.linalg.triangular_solve(x, y, lower=lower), spoilt, b)  # noqa: B023
        np.testing.assert_allclose(triangle @ value, b, atol=1e-12)


def test_the_symmetric_part_counts() -> None:
    a = spd(4)
    skew = np.triu(np.ones((4, 4)), 1)
    for build in (lk.cholesky, lambda x: lk.linalg.eigh(x)[0]):
        np.testing.assert_allclose(run(build, a + skew - skew.T), run(build, a), atol=1e-12)
    factor = run(lk.cholesky, a)
    np.testing.assert_allclose(factor @ factor.T, a, atol=1e-12)
    assert (np.triu(factor, 1) == 0).all()


def test_lapack_runs_on_one_thread() -> None:
    """With two threads OpenBLAS splits its sums, and the last bits are others."""
    a = np.random.default_rng(0).normal(size=(600, 600))

    def threads() -> set[int]:
        found = lapack.one_thread.libraries.info()
        return {info["num_threads"] for info in found if info["user_api"] == "blas"}  # others may be loaded besides

    first = run(lk.matrix_inverse, a)
    before = threads()
    with lapack.one_thread():
        assert threads() == {1}
        alone = np.linalg.inv(a)
        with lapack.one_thread():
            pass
        assert threads() == {1}
    assert threads() == before
    np.testing.assert_array_equal(first, alone)
    results = []
    workers = [threading.Thread(target=lambda: results.append(run(lk.matrix_inverse, a))) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert all(np.array_equal(first, each) for each in results)
    assert threads() == before


def test_a_batch_has_the_bits_of_its_matrices() -> None:
    a = np.stack([spd(5, seed) for seed in range(4)])
    for build in (lk.matrix_inverse, lk.cholesky, lk.matrix_determinant, lambda x: lk.matrix_solve(x, x)):
        whole = run(build, a)
        for i in range(4):
            assert np.array_equal(run(build, a[i]), whole[i])


@pytest.mark.parametrize(
    "build",
    [lk.matrix_inverse, lk.matrix_determinant, lk.cholesky, lk.linalg.eigh, lambda a: lk.matrix_solve(a, a)],
)
def test_matrices_that_are_not_square_are_refused(build) -> None:
    with pytest.raises(ShapeError, match="as many rows as columns"):
        run(build, np.ones((3, 2)))
    with pytest.raises(ShapeError, match="two dimensions"):
        run(build, np.ones(3))


@pytest.mark.parametrize(("m", "n"), [(20, 3), (5, 5), (3, 8), (30, 1)])
def test_least_squares_agree_with_numpy(m: int, n: int) -> None:
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=(m, n)), rng.normal(size=(m, 2))
    expected = np.linalg.lstsq(a, b, rcond=None)[0]
    np.testing.assert_allclose(run(lk.linalg.lstsq, a, b), expected, rtol=1e-9, atol=1e-9)
    several = run(lk.linalg.lstsq, np.stack([a, 2 * a]), b)
    np.testing.assert_allclose(several, [expected, expected / 2], rtol=1e-9, atol=1e-9)
    ridge = run(lambda x, y: lk.linalg.lstsq(x, y, l2_regularizer=0.5), a, b)
    np.testing.assert_allclose(ridge, np.linalg.solve(a.T @ a + 0.5 * np.eye(n), a.T @ b), rtol=1e-9, atol=1e-9)


def test_least_squares_has_a_gradient() -> None:
    rng = np.random.default_rng(6)
    a, b, w = rng.normal(size=(7, 3)), rng.normal(size=(7, 1)), rng.normal(size=(3, 1))
    loss = lambda x: lk.reduce_sum(lk.linalg.lstsq(x, b) * w)  # noqa: E731
    gradient = run(lambda x: lk.gradients(loss(x), [x])[0], a)
    for place in ((0, 0), (3, 2), (6, 1)):
        step = np.zeros_like(a)
        step[place] = 1e-6
        np.testing.assert_allclose(gradient[place], (run(loss, a + step) - run(loss, a - step)) / 2e-6, rtol=1e-5)


def test_factors_multiply_to_the_matrix() -> None:
    a = np.random.default_rng(7).normal(size=(2, 5, 3))
    for full in (False, True):
        s, u, v = run(lambda x: list(lk.linalg.svd(x, full_matrices=full)), a)  # noqa: B023
        np.testing.assert_allclose(u[..., :3] * s[:, None, :] @ v.swapaxes(1, 2), a, atol=1e-12)
        q, r = run(lambda x: list(lk.linalg.qr(x, full_matrices=full)), a)  # noqa: B023
        np.testing.assert_allclose(q @ r, a, atol=1e-12)
