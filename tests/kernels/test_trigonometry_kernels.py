"""Trigonometric and hyperbolic functions: accurate over all floats, wherever an element lies, on every target."""

from __future__ import annotations

import numpy as np
import pytest

REALS = [np.float32, np.float64]
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, for the oracles of special values

ANGLES = np.r_[
    np.linspace(-20, 20, 20001),
    np.arange(1, 3000) * np.pi / 2,  # rounded, the results are tiny
    np.geomspace(1e-37, 3e38, 5001),
    -np.geomspace(1e5, 3e8, 999),
]
SHARES = np.r_[np.linspace(-1, 1, 20001), np.geomspace(1e-37, 1, 2001), 1 - np.geomspace(1e-7, 1e-3, 999)]
SIZES = np.r_[np.geomspace(1e-37, 3e38, 9001), -np.geomspace(1e-37, 3e38, 9001), np.linspace(-5, 5, 9999)]
FUNCTIONS = {
    "sin": (np.sin, ANGLES),
    "cos": (np.cos, ANGLES),
    "tan": (np.tan, ANGLES),
    "asin": (np.arcsin, SHARES),
    "acos": (np.arccos, SHARES),
    "atan": (np.arctan, SIZES),
    "sinh": (np.sinh, np.linspace(-89, 89, 20001)),
    "cosh": (np.cosh, np.linspace(-89, 89, 20001)),
    "asinh": (np.arcsinh, SIZES),
    "acosh": (np.arccosh, np.r_[np.geomspace(1, 3e38, 9001), 1 + np.geomspace(1e-7, 1, 999)]),
    "atanh": (np.arctanh, SHARES),
}
SPECIAL = [0.0, -0.0, 1.0, -1.0, 2.5, -3.0, 1e30, -1e30, 90.0, -90.0, np.inf, -np.inf, np.nan]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_is_accurate(kernels, ulps, name):
    function, arguments = FUNCTIONS[name]
    for dtype, bound in zip(REALS, (0.51, 3), strict=True):
        x = arguments.astype(dtype)
        (result,) = kernels(name, [x], [(x.shape, dtype)])
        assert ulps(result, function(x.astype(np.float64))) <= bound


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_of_special_values(kernels, ulps, name):
    for dtype in REALS:
        x = np.array(SPECIAL, dtype)
        (result,) = kernels(name, [x], [(x.shape, dtype)])
        expected = FUNCTIONS[name][0](x.astype(np.float64))
        assert ulps(result, expected) <= 3
        known = ~np.isnan(expected)
        np.testing.assert_array_equal(np.signbit(result)[known], np.signbit(expected)[known])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_element_does_not_know_its_place(kernels, name):
    for dtype in REALS:
        x = np.random.default_rng(0).uniform(0.1, 3, 50).astype(dtype)
        x[20:22] = 1e30  # leaves the vectors' range
        (whole,) = kernels(name, [x], [((50,), dtype)])
        for begin, end in [(0, 1), (1, 4), (3, 20), (10, 43), (7, 50), (49, 50)]:
            (part,) = kernels(name, [x[begin:end]], [((end - begin,), dtype)])
            assert part.tobytes() == whole[begin:end].tobytes()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_has_the_same_bits_on_every_target(all_kernels, name):
    x = FUNCTIONS[name][1].astype(np.float32)
    results = {k.target: k(name, [x], [(x.shape, np.float32)])[0].tobytes() for k in all_kernels}
    assert len(set(results.values())) == 1


def test_atan2(kernels, ulps):
    rng = np.random.default_rng(0)
    for dtype in REALS:
        values = np.r_[np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan]), rng.normal(size=40)].astype(dtype)
        y, x = (np.ascontiguousarray(v).ravel() for v in np.meshgrid(values, values))
        (result,) = kernels("atan2", [y, x], [(y.shape, dtype)])
        assert ulps(result, np.arctan2(y.astype(np.float64), x.astype(np.float64))) <= 1
        (result,) = kernels("atan2", [y[:33], x[:1]], [((33,), dtype)])
        np.testing.assert_allclose(result, np.arctan2(y[:33], x[:1]), rtol=1e-6)
