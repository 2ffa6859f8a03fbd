"""Updates in place against the formulas in float64."""

from __future__ import annotations

import numpy as np
import pytest

REALS = [np.float32, np.float64]
LENGTHS = [1, 7, 16, 33, 1000, 70001]


def normal(n: int, dtype: type, seed: int) -> np.ndarray:
    return np.random.default_rng([seed, n]).standard_normal(n).astype(dtype)


def close(result: np.ndarray, exact: np.ndarray) -> None:
    tolerance = 3e-7 if result.dtype == np.float32 else 1e-15
    np.testing.assert_allclose(result, exact, rtol=tolerance * 4, atol=tolerance)


@pytest.mark.parametrize("dtype", [*REALS, np.int32, np.int64])
def test_assign_add_and_sub(kernels, dtype):
    for n in LENGTHS:
        x, var = (normal(n, np.float64, 1) * 100).astype(dtype), (normal(n, np.float64, 2) * 100).astype(dtype)
        if np.dtype(dtype).kind == "i":
            var[0], x[0] = np.iinfo(dtype).max, 1  # wraps
        np.testing.assert_array_equal(kernels("assign_add", [x], [var])[0], var + x)
        np.testing.assert_array_equal(kernels("assign_sub", [x], [var])[0], var - x)


@pytest.mark.parametrize("dtype", REALS)
def test_gradient_descent(kernels, dtype):
    for n in LENGTHS:
        grad, var = normal(n, dtype, 1), normal(n, dtype, 2)
        (result,) = kernels("apply_gradient_descent", [np.array(0.1, dtype), grad], [var])
        close(result, var.astype(np.float64) - float(dtype(0.1)) * grad)


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("nesterov", [0, 1])
def test_momentum(kernels, dtype, nesterov):
    lr, momentum = dtype(0.1), dtype(0.9)
    for n in LENGTHS:
        grad, var, accum = (normal(n, dtype, seed) for seed in (1, 2, 3))
        new_var, new_accum = kernels(
            "apply_momentum", [np.array(lr), np.array(momentum), grad], [var, accum], [nesterov]
        )
        exact = float(momentum) * accum.astype(np.float64) + grad
        close(new_accum, exact)
        step = grad + float(momentum) * exact if nesterov else exact
        close(new_var, var - float(lr) * step)


@pytest.mark.parametrize("dtype", REALS)
def test_adam(kernels, dtype):
    """Several steps, with a float64 copy beside them; beta powers as the caller keeps them."""
    lr, beta1, beta2, epsilon = 0.01, 0.9, 0.999, 1e-8
    for n in (1, 33, 40001):
        state = [normal(n, dtype, 2), np.zeros(n, dtype), np.zeros(n, dtype)]
        var, m, v = (array.astype(np.float64) for array in state)
        for step in range(1, 6):
            grad = normal(n, dtype, 10 + step)
            power1, power2 = beta1**step, beta2**step
            scalars = [np.array(s, dtype) for s in (lr, power1, power2, beta1, beta2, epsilon)]
            state = kernels("apply_adam", [*scalars, grad], state)
            m = beta1 * m + (1 - beta1) * grad
            v = beta2 * v + (1 - beta2) * grad.astype(np.float64) ** 2
            var = var - lr * np.sqrt(1 - power2) / (1 - power1) * m / (np.sqrt(v) + epsilon)
            tolerance = 3e-5 if dtype is np.float32 else 1e-12  # 1 - beta is rounded in float32
            for result, exact in zip(state, (var, m, v), strict=True):
                np.testing.assert_allclose(result, exact, rtol=tolerance, atol=tolerance * 0.05)


def test_scalars_may_have_one_dimension(kernels):
    grad, var = normal(5, np.float32, 1), normal(5, np.float32, 2)
    a = kernels("apply_gradient_descent", [np.array(0.5, np.float32), grad], [var])[0]
    b = kernels("apply_gradient_descent", [np.array([0.5], np.float32), grad], [var])[0]
    assert a.tobytes() == b.tobytes()


def test_nan_gradient_stays_in_its_place(kernels):
    grad, state = (
        normal(40, np.float32, 1),
        [normal(40, np.float32, 2), np.zeros(40, np.float32), np.zeros(40, np.float32)],
    )
    grad[17] = np.nan
    scalars = [np.array(s, np.float32) for s in (0.01, 0.9, 0.999, 0.9, 0.999, 1e-8)]
    for result in kernels("apply_adam", [*scalars, grad], state):
        np.testing.assert_array_equal(np.flatnonzero(np.isnan(result)), [17])
