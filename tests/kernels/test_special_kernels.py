"""Special functions: accurate over their range, on every target, wherever an element lies."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import scipy.special

REALS = [np.float32, np.float64]
SPECIAL = [0.0, -0.0, 1.0, -1.0, 2.5, -3.0, 1e30, -1e30, np.inf, -np.inf, np.nan]
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, for the oracles of special values

WIDE = np.r_[np.linspace(-12, 12, 20001), np.geomspace(1e-37, 1, 2001), -np.geomspace(1e-37, 1, 2001)]
# name -> float64 oracle, arguments, largest error of float32 and of float64 in units of the last place
FUNCTIONS = {
    "erf": (scipy.special.erf, WIDE, 1.5, 4),
    "erfc": (scipy.special.erfc, WIDE[WIDE < 9], 0.51, 80),  # the oracle itself is off by 60 in the tail
    "log1p": (np.log1p, np.r_[np.geomspace(1e-37, 3e38, 20001), -np.geomspace(1e-37, 1, 20001)], 1.0, 2),
    "expm1": (np.expm1, np.r_[WIDE, np.linspace(-80, 88.7, 20001)], 1.6, 2),
}
POSITIVE = np.r_[np.geomspace(1e-30, 1e6, 9001), np.linspace(1.3, 1.6, 999), np.linspace(8, 12, 999)]
NEGATIVE = -np.arange(200)[:, None] - np.linspace(0.05, 0.95, 19)[None, :]
SAME_BITS = ["erf", "erfc", "log1p", "expm1"]  # in float32, on every target


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_is_accurate(kernels, ulps, name):
    function, arguments, *bounds = FUNCTIONS[name]
    for dtype, bound in zip(REALS, bounds, strict=True):
        x = arguments.astype(dtype)
        (result,) = kernels(name, [x], [(x.shape, dtype)])
        assert ulps(result, function(x.astype(np.float64))) <= bound


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_of_special_values(kernels, ulps, name):
    function, _, *bounds = FUNCTIONS[name]
    for dtype, bound in zip(REALS, bounds, strict=True):
        x = np.array([*SPECIAL, 88.8, 89.5, 120.0, -90.0, -104.5, 710.0, -760.0, -0.99999994], dtype)
        (result,) = kernels(name, [x], [(x.shape, dtype)])
        expected = function(x.astype(np.float64))
        assert ulps(result, expected) <= bound
        known = ~np.isnan(expected)
        np.testing.assert_array_equal(np.signbit(result)[known], np.signbit(expected)[known])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_element_does_not_know_its_place(kernels, name):
    for dtype in REALS:
        x = np.random.default_rng(0).uniform(0.1, 3, 50).astype(dtype)
        (whole,) = kernels(name, [x], [((50,), dtype)])
        for begin, end in [(0, 1), (1, 4), (3, 20), (10, 43), (7, 50), (49, 50)]:
            (part,) = kernels(name, [x[begin:end]], [((end - begin,), dtype)])
            assert part.tobytes() == whole[begin:end].tobytes()


@pytest.mark.parametrize("name", SAME_BITS)
def test_function_has_the_same_bits_on_every_target(all_kernels, name):
    x = FUNCTIONS[name][1].astype(np.float32)
    results = {k.target: k(name, [x], [(x.shape, np.float32)])[0].tobytes() for k in all_kernels}
    assert len(set(results.values())) == 1


@pytest.mark.parametrize(
    ("name", "ints", "oracle"),
    [
        ("lgamma", [], scipy.special.gammaln),
        ("digamma", [], scipy.special.psi),
        ("polygamma", [1], functools.partial(scipy.special.polygamma, 1)),
        ("polygamma", [2], functools.partial(scipy.special.polygamma, 2)),
        ("polygamma", [5], functools.partial(scipy.special.polygamma, 5)),
        ("polygamma", [30], functools.partial(scipy.special.polygamma, 30)),
    ],
)
def test_gamma_functions(kernels, name, ints, oracle):
    for dtype, rtol in zip(REALS, (2e-7, 3e-14), strict=True):
        negative = NEGATIVE if ints != [30] else []  # where SciPy stops too early
        x = np.r_[POSITIVE, np.ravel(negative)].astype(dtype)
        expected = oracle(x.astype(np.float64))
        tiny = np.abs(expected) < np.finfo(dtype).tiny
        (result,) = kernels(name, [x], [(x.shape, dtype)], ints)
        np.testing.assert_allclose(result[~tiny], expected[~tiny].astype(dtype), rtol=rtol, atol=rtol)


def test_gamma_functions_at_poles_and_infinity(kernels):
    inf, nan = np.inf, np.nan
    x = np.array([0.0, -0.0, -1.0, -7.0, -1e300, inf, -inf, nan])
    for name, ints, expected in [
        ("lgamma", [], [inf, inf, inf, inf, inf, inf, inf, nan]),
        ("digamma", [], [-inf, inf, nan, nan, nan, inf, nan, nan]),
        ("polygamma", [1], [inf, inf, inf, inf, inf, 0, nan, nan]),
        ("polygamma", [2], [-inf, -inf, -inf, -inf, -inf, 0, nan, nan]),
    ]:
        np.testing.assert_array_equal(kernels(name, [x], [(x.shape, np.float64)], ints)[0], np.array(expected))


def test_digamma_near_its_root(kernels):
    """psi(root + d) = d psi'(root) + d^2 psi''(root) / 2 + ..."""
    root, d = 1.4616321449683622, np.array([1e-9, -1e-9, 1e-7])
    x = root + d
    d = (x - root) - 9.549995429965697e-17
    expected = d * scipy.special.polygamma(1, root) + d**2 / 2 * scipy.special.polygamma(2, root)
    np.testing.assert_allclose(kernels("digamma", [x], [(x.shape, np.float64)])[0], expected, rtol=1e-14)
