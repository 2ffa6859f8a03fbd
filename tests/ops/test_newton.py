"""Second derivatives at work: Newton's method, whose steps solve with the Hessian, on the graph alone."""

from __future__ import annotations

import numpy as np

import labkit as lk


def hessian(y: lk.Tensor, x: lk.Variable, n: int) -> lk.Tensor:
    (gradient,) = lk.gradients(y, x)
    rows = [lk.gradients(gradient[i], x)[0] for i in range(n)]
    return lk.stack(rows)


def test_newtons_method_finds_the_minimum_of_rosenbrocks_valley() -> None:
    """The steps converge quadratically: six iterations from the usual start to 1e-12."""
    with lk.Graph().as_default():
        x = lk.Variable(np.array([-1.2, 1.0]))
        y = (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
        (gradient,) = lk.gradients(y, x)
        step = lk.matrix_solve(hessian(y, x, 2), lk.expand_dims(gradient, -1))
        update = lk.assign_sub(x, lk.squeeze(step, -1))
        with lk.Session() as session:
            session.run(lk.global_variables_initializer())
            for _ in range(7):
                session.run(update)
            np.testing.assert_allclose(session.run(x), [1, 1], atol=1e-12)
            assert session.run(y) < 1e-20


def test_newtons_method_finds_the_analytic_centre_of_a_set_of_matrices() -> None:
    """min tr(C X) - log det X has its minimum at X = C^-1; a step goes through the derivatives of Cholesky's factor."""
    rng = np.random.default_rng(2)
    n = 3
    c = rng.normal(size=(n, n))
    c = c @ c.T / n + np.eye(n)
    with lk.Graph().as_default():
        x = lk.Variable(np.eye(n).reshape(-1) * 0.3)
        matrix = lk.reshape(x, [n, n])
        y = lk.trace(lk.matmul(c, matrix)) - lk.linalg.logdet(matrix)
        (gradient,) = lk.gradients(y, x)
        # Cholesky's factor sees the symmetric part of X alone; this term makes the Hessian regular along the rest
        skew = matrix - lk.matrix_transpose(matrix)
        curvature = hessian(y + lk.reduce_sum(lk.square(skew)), x, n * n)
        step = lk.matrix_solve(curvature, lk.expand_dims(gradient, -1))
        update = lk.assign_sub(x, lk.squeeze(step, -1))
        with lk.Session() as session:
            session.run(lk.global_variables_initializer())
            for _ in range(8):
                session.run(update)
            np.testing.assert_allclose(session.run(matrix), np.linalg.inv(c), atol=1e-10)
