"""Updates in place against the formulas in float64."""

from __future__ import annotations

import numpy as np
import pytest

from labkit import _native

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


def adamw(w, slots, scalars, g):
    lr, power1, power2, beta1, beta2, epsilon, decay = scalars
    m, v = beta1 * slots[0] + (1 - beta1) * g, beta2 * slots[1] + (1 - beta2) * g * g
    return w - lr * decay * w - lr * np.sqrt(1 - power2) / (1 - power1) * m / (np.sqrt(v) + epsilon), m, v


def amsgrad(w, slots, scalars, g):
    lr, power1, power2, beta1, beta2, epsilon, decay = scalars
    m, v = beta1 * slots[0] + (1 - beta1) * g, beta2 * slots[1] + (1 - beta2) * g * g
    largest = np.maximum(slots[2], v)
    return (
        w - lr * decay * w - lr * np.sqrt(1 - power2) / (1 - power1) * m / (np.sqrt(largest) + epsilon),
        m,
        v,
        largest,
    )


def adamax(w, slots, scalars, g):
    lr, power1, beta1, beta2, epsilon = scalars
    m, u = beta1 * slots[0] + (1 - beta1) * g, np.maximum(beta2 * slots[1], np.abs(g))
    return w - lr / (1 - power1) * m / (u + epsilon), m, u


def nadam(w, slots, scalars, g):
    lr, power, decay, before, power2, beta1, beta2, epsilon = scalars
    m, v = beta1 * slots[0] + (1 - beta1) * g, beta2 * slots[1] + (1 - beta2) * g * g
    now, following = beta1 * (1 - 0.5 * power), beta1 * (1 - 0.5 * power * decay)
    product = before * now
    mean = following * m / (1 - product * following) + (1 - now) * g / (1 - product)
    return w - lr * mean / (np.sqrt(v / (1 - power2)) + epsilon), m, v


# name, scalars, slots' starts, attributes, step in NumPy: (weights, slots, scalars, gradient) -> new values of all
def rms_prop(w, slots, scalars, g):
    lr, rho, momentum, epsilon = scalars
    square = rho * slots[0] + (1 - rho) * g * g
    moment = momentum * slots[1] + lr * g / np.sqrt(square + epsilon)
    return w - moment, square, moment


def centered_rms_prop(w, slots, scalars, g):
    lr, rho, momentum, epsilon = scalars
    square, mean = rho * slots[0] + (1 - rho) * g * g, rho * slots[1] + (1 - rho) * g
    moment = momentum * slots[2] + lr * g / np.sqrt(square - mean * mean + epsilon)
    return w - moment, square, mean, moment


def adagrad(w, slots, scalars, g):
    square = slots[0] + g * g
    return w - scalars[0] * g / np.sqrt(square + scalars[1]), square


def adadelta(w, slots, scalars, g):
    lr, rho, epsilon = scalars
    square = rho * slots[0] + (1 - rho) * g * g
    step = np.sqrt(slots[1] + epsilon) / np.sqrt(square + epsilon) * g
    return w - lr * step, square, rho * slots[1] + (1 - rho) * step * step


def ftrl(w, slots, scalars, g):
    lr, power, l1, l2, shrinkage = scalars
    square = slots[0] + g * g
    z = slots[1] + g + 2 * shrinkage * w - (square**-power - slots[0] ** -power) / lr * w
    return (np.clip(z, -l1, l1) - z) / (square**-power / lr + 2 * l2), square, z


def momentum_step(w, slots, scalars, g):
    moment = scalars[1] * slots[0] + g
    return w - scalars[0] * moment, moment


RULES = [
    ("rms_prop", rms_prop, (0.1, 0.9, 0.5, 1e-2), (1.0, 0.1), ()),
    ("centered_rms_prop", centered_rms_prop, (0.1, 0.9, 0.5, 1e-2), (1.0, 0.1, 0.1), ()),
    ("adagrad", adagrad, (0.1, 1e-2), (0.1,), ()),
    ("adadelta", adadelta, (0.5, 0.9, 1e-3), (0.2, 0.1), ()),
    ("ftrl", ftrl, (0.5, -0.5, 0.3, 0.2, 0.1), (0.1, 0.4), ()),
    ("ftrl", ftrl, (0.5, -0.7, 0.3, 0.2, 0.1), (0.1, 0.4), ()),
    ("momentum", momentum_step, (0.1, 0.9), (0.3,), (0,)),
]
WHOLE_RULES = [  # of all rows
    ("adamw", adamw, (0.1, 0.6, 0.7, 0.9, 0.99, 1e-3, 0.3), (0.2, 0.5), ()),
    ("amsgrad", amsgrad, (0.1, 0.6, 0.7, 0.9, 0.9, 1e-3, 0.3), (0.2, 0.5, 0.6), ()),
    ("adamax", adamax, (0.1, 0.6, 0.9, 0.99, 1e-3), (0.2, 0.8), ()),
    ("nadam", nadam, (0.1, 0.8, 0.96, 0.5, 0.7, 0.9, 0.99, 1e-3), (0.2, 0.5), ()),
]


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize(
    ("name", "step", "scalars", "starts", "ints"), RULES + WHOLE_RULES, ids=lambda x: x if isinstance(x, str) else ""
)
def test_one_step(kernels, dtype, name, step, scalars, starts, ints):
    scalars = [np.array(s, dtype) for s in scalars]
    for n in LENGTHS:
        grad, var = normal(n, dtype, 1), normal(n, dtype, 2)
        state = [var, *(np.full(n, start, dtype) for start in starts)]
        found = kernels(f"apply_{name}", [*scalars, grad], state, ints)
        wide = [scalar.astype(np.float64) for scalar in scalars]
        exact = step(var.astype(np.float64), [x.astype(np.float64) for x in state[1:]], wide, grad.astype(np.float64))
        tolerance = 1e-5 if dtype is np.float32 else 1e-13
        for result, want in zip(found, exact, strict=True):
            np.testing.assert_allclose(result, want, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize(
    ("name", "step", "scalars", "starts", "ints"), RULES, ids=lambda x: x if isinstance(x, str) else ""
)
def test_rows_take_one_step_each_with_the_sum_of_their_gradients(
    kernels, dtype, index, name, step, scalars, starts, ints
):
    """And with the bits of the step for all rows with that sum, in order of position."""
    scalars = [np.array(s, dtype) for s in scalars]
    for rows, inner, count in (
        (5, (), 9),
        (7, (3,), 0),
        (1, (1,), 4),
        (40, (33,), 100),
        (300, (2, 600), 90),
        (9, (2500,), 20),
    ):
        at = np.random.default_rng(rows).integers(0, rows, count).astype(index)
        grad = normal(count * int(np.prod(inner)), dtype, 1).reshape(count, *inner)
        state = [normal(rows * int(np.prod(inner)), dtype, 2).reshape(rows, *inner)]
        state += [np.full((rows, *inner), start, dtype) for start in starts]
        found = kernels(f"sparse_apply_{name}", [*scalars, grad, at], state, ints)
        total = np.zeros((rows, *inner), dtype)
        for k, row in enumerate(at):
            total[row] += grad[k]
        whole = kernels(f"apply_{name}", [*scalars, total], state, ints)
        touched = np.isin(np.arange(rows), at)
        for before, result, want in zip(state, found, whole, strict=True):
            np.testing.assert_array_equal(result[touched], want[touched])
            np.testing.assert_array_equal(result[~touched], before[~touched])


def test_a_bad_row_is_refused_before_anything_is_written(kernels):
    state = [np.ones((4, 3), np.float32), np.ones((4, 3), np.float32)]
    scalars = [np.array(s, np.float32) for s in (0.1, 0.0)]
    for bad in (-1, 4):
        with pytest.raises(_native.KernelError, match=str(bad)):
            kernels("sparse_apply_adagrad", [*scalars, np.ones((2, 3), np.float32), np.array([0, bad])], state)


def test_rows_that_do_not_fit_are_refused(kernels):
    scalars = [np.array(s, np.float32) for s in (0.1, 0.0)]
    state = [np.ones((4, 3), np.float32)] * 2
    for grad, at in (
        (np.ones((2, 2), np.float32), np.array([0, 1])),
        (np.ones((2, 3), np.float32), np.array([0])),
        (np.ones((2, 3), np.float32), np.array([[0, 1]])),
        (np.ones((2, 3), np.float32), np.array([0.0, 1.0], np.float32)),
        (np.ones(2, np.float32), np.array([0, 1])),
    ):
        with pytest.raises(ValueError, match="sparse_apply_adagrad"):
            kernels("sparse_apply_adagrad", [*scalars, grad, at], state)


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


def test_the_largest_of_two_keeps_a_nan_of_either(kernels):
    """AMSGrad's largest mean square, and Adamax's norm."""
    grad, slot = np.ones(40, np.float32), np.full(40, 0.5, np.float32)
    grad[17] = slot[23] = np.nan
    zeros = np.zeros(40, np.float32)
    for name, numbers, state in (
        ("amsgrad", (0.1, 0.5, 0.5, 0.9, 0.9, 1e-3, 0.0), [zeros, zeros, zeros, slot]),
        ("adamax", (0.1, 0.5, 0.9, 0.9, 1e-3), [zeros, zeros, slot]),
    ):
        found = kernels(f"apply_{name}", [*(np.array(s, np.float32) for s in numbers), grad], state)
        for result in (found[0], found[-1]):
            np.testing.assert_array_equal(np.flatnonzero(np.isnan(result)), [17, 23])


def test_weights_that_do_not_decay_step_to_the_bits_of_adam(kernels):
    numbers = [np.array(s, np.float32) for s in (0.01, 0.9, 0.999, 0.9, 0.999, 1e-8)]
    grad, state = normal(1000, np.float32, 1), [normal(1000, np.float32, 2), *np.zeros((2, 1000), np.float32)]
    plain = kernels("apply_adam", [*numbers, grad], state)
    for one, other in zip(plain, kernels("apply_adamw", [*numbers, np.array(0, np.float32), grad], state), strict=True):
        assert one.tobytes() == other.tobytes()
