"""Activations and their gradients against float64, with their limits at infinity."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import special

ROOT = math.sqrt(2 / math.pi)
# name -> value, slope, limits of the value at -inf and inf, limits of the slope, attributes
FUNCTIONS: dict[str, Any] = {
    "relu6": (
        lambda x: np.clip(x, 0, 6),
        lambda x: ((x > 0) & (x < 6)) * 1.0,
        (0, 6),
        (0, 0),
        {},
    ),
    "leaky_relu": (
        lambda x: np.where(x > 0, x, 0.25 * x),
        lambda x: np.where(x > 0, 1, 0.25),
        (-np.inf, np.inf),
        (0.25, 1),
        {"reals": [0.25]},
    ),
    "elu": (
        lambda x: 1.25 * np.where(x > 0, x, 0.5 * np.expm1(np.minimum(x, 0))),
        lambda x: 1.25 * np.where(x > 0, 1, 0.5 * np.exp(np.minimum(x, 0))),
        (-0.625, np.inf),
        (0, 1.25),
        {"reals": [0.5, 1.25]},
    ),
    "softplus": (lambda x: np.logaddexp(x, 0), special.expit, (0, np.inf), (0, 1), {}),
    "softsign": (lambda x: x / (1 + np.abs(x)), lambda x: (1 + np.abs(x)) ** -2, (-1, 1), (0, 0), {}),
    "silu": (
        lambda x: x * special.expit(1.5 * x),
        lambda x: special.expit(1.5 * x) * (1 + 1.5 * x * special.expit(-1.5 * x)),
        (0, np.inf),
        (0, 1),
        {"reals": [1.5]},
    ),
    "gelu": (
        lambda x: x * special.ndtr(x),
        lambda x: special.ndtr(x) + x * np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi),
        (0, np.inf),
        (0, 1),
        {"ints": [0]},
    ),
    "gelu tanh": (
        lambda x: x * special.expit(2 * ROOT * (x + 0.044715 * x**3)),
        lambda x: (
            special.expit(2 * ROOT * (x + 0.044715 * x**3))
            + x
            * special.expit(2 * ROOT * (x + 0.044715 * x**3))
            * special.expit(-2 * ROOT * (x + 0.044715 * x**3))
            * 2
            * ROOT
            * (1 + 3 * 0.044715 * x**2)
        ),
        (0, np.inf),
        (0, 1),
        {"ints": [1]},
    ),
}


def value(kernels, name: str, x: np.ndarray) -> np.ndarray:
    return kernels(name.split()[0], [x], [(x.shape, x.dtype)], **FUNCTIONS[name][4])[0]


def slope(kernels, name: str, g: np.ndarray, x: np.ndarray) -> np.ndarray:
    return kernels(name.split()[0] + "_grad", [g, x], [(x.shape, x.dtype)], **FUNCTIONS[name][4])[0]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_near_zero_have_their_last_places_right(kernels, ulps, name):
    x = np.concatenate([np.linspace(-1, 30, 5001), np.logspace(-30, -1, 500)]).astype(np.float32)
    bound = 5 if name == "gelu" else 4
    assert ulps(value(kernels, name, x), FUNCTIONS[name][0](x.astype(np.float64))) <= bound


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tails_keep_the_accuracy_that_their_argument_has(kernels, name, dtype):
    """An error of eps in x moves the result by eps |x f'(x)|; a factor that is denormal may count as zero."""
    x = np.linspace(-12, 12, 10001).astype(dtype)
    wide = x.astype(np.float64)
    exact, rise = (f(wide) for f in FUNCTIONS[name][:2])
    allowed = np.finfo(dtype).eps * (4 * np.abs(exact) + 4 * np.abs(wide * rise)) + 16 * np.finfo(np.float32).tiny
    assert (np.abs(value(kernels, name, x) - exact) <= allowed).all()


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients(kernels, name, dtype):
    rng = np.random.default_rng(0)
    for length in (1, 7, 16, 33, 40000):
        x, g = rng.normal(0, 4, length).astype(dtype), rng.normal(size=length).astype(dtype)
        x[x == 0] = 1
        eps = np.finfo(dtype).eps
        exact = g * FUNCTIONS[name][1](x.astype(np.float64))
        np.testing.assert_allclose(slope(kernels, name, g, x), exact, rtol=32 * eps, atol=4 * eps)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_limits_at_infinity_and_nan(kernels, name, dtype):
    _, _, values, slopes, _ = FUNCTIONS[name]
    for far in (np.inf, 1e30):
        x = np.array([-far, far, np.nan], dtype)
        expected = [np.clip(v, -far, far) for v in values]
        if name == "leaky_relu":
            expected[0] = -0.25 * far
        if name == "elu":
            expected[1] = 1.25 * far
        result = value(kernels, name, x)
        np.testing.assert_allclose(result[:2], np.array(expected, dtype), rtol=1e-6)
        assert np.isnan(result[2])
        steep = slope(kernels, name, np.ones(3, dtype), x)
        np.testing.assert_allclose(steep[:2], slopes, rtol=1e-6, atol=1e-20)


def test_targets_agree_to_the_bit(all_kernels):
    x = np.linspace(-20, 20, 3001).astype(np.float32)
    for name in FUNCTIONS:
        first = all_kernels[0]
        for other in all_kernels[1:]:
            assert value(first, name, x).tobytes() == value(other, name, x).tobytes(), name
            assert slope(first, name, x, x).tobytes() == slope(other, name, x, x).tobytes(), name
