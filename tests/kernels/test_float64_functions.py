"""Elementary functions of float64: last places against extended precision, special values, the same bits on every target."""

from __future__ import annotations

import math

import numpy as np
import pytest

RANDOM = np.random.default_rng(3)
WIDE = RANDOM.choice([-1, 1], 2000) * 10 ** RANDOM.uniform(-18, 1.2, 2000)
# name -> oracle in extended precision, arguments, largest error in units of the last place
FUNCTIONS = {
    "exp": (np.exp, np.concatenate([RANDOM.uniform(-708, 709.7, 2001), WIDE]), 1.5),
    "log": (np.log, np.concatenate([10 ** RANDOM.uniform(-300, 300, 2001), RANDOM.uniform(0.5, 2, 2000)]), 1.5),
    "tanh": (np.tanh, WIDE, 2.5),
    "log1p": (np.log1p, np.concatenate([RANDOM.uniform(-0.999, 2, 2001), 10 ** RANDOM.uniform(-18, 200, 2000)]), 1.5),
    "expm1": (np.expm1, np.concatenate([RANDOM.uniform(-50, 709, 2001), WIDE]), 2.5),
    "sin": (np.sin, np.concatenate([RANDOM.uniform(-1000, 1000, 2001), WIDE]), 1.5),
    "cos": (np.cos, np.concatenate([RANDOM.uniform(-1000, 1000, 2001), WIDE]), 1.5),
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), RANDOM.uniform(-700, 40, 2001), 2.5),
}
INF, NAN = np.inf, np.nan
SPECIAL = {
    "exp": ([-INF, -746.0, -0.0, 709.79, INF, NAN], [0, 0, 1, INF, INF, NAN]),
    "log": ([-INF, -1.0, -0.0, 0.0, 1.0, INF, NAN], [NAN, NAN, -INF, -INF, 0, INF, NAN]),
    "tanh": ([-INF, -30.0, -0.0, 0.0, INF, NAN], [-1, -1, -0.0, 0.0, 1, NAN]),
    "log1p": ([-INF, -2.0, -1.0, -0.0, INF, NAN], [NAN, NAN, -INF, -0.0, INF, NAN]),
    "expm1": ([-INF, -60.0, -0.0, 800.0, INF, NAN], [-1, -1, -0.0, INF, INF, NAN]),
    "erf": ([-INF, -7.0, -0.0, 0.0, INF, NAN], [-1, -1, -0.0, 0.0, 1, NAN]),
    "erfc": ([-INF, -7.0, 0.0, 30.0, INF, NAN], [2, 2, 1, 0, 0, NAN]),
    "sin": ([-INF, -0.0, 0.0, INF, NAN], [NAN, -0.0, 0.0, NAN, NAN]),
    "cos": ([-INF, 0.0, INF, NAN], [NAN, 1, NAN, NAN]),
    "sigmoid": ([-INF, -800.0, 0.0, 800.0, INF, NAN], [0, 0, 0.5, 1, 1, NAN]),
}


def value(kernels, name: str, x: np.ndarray) -> np.ndarray:
    return kernels(name, [x], [(x.shape, np.float64)])[0]


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="extended precision is no wider than float64 here")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_last_places(kernels, ulps, name):
    oracle, x, bound = FUNCTIONS[name]
    assert ulps(value(kernels, name, x), oracle(x.astype(np.longdouble))) <= bound


@pytest.mark.parametrize("name", ["erf", "erfc"])
def test_error_functions(kernels, ulps, name):
    x = np.concatenate([np.linspace(-7, 26, 5001), WIDE])
    exact = np.array([getattr(math, name)(number) for number in x])  # the C library's, itself within one
    assert ulps(value(kernels, name, x), exact) <= 6


@pytest.mark.parametrize("name", SPECIAL)
def test_special_values(kernels, name):
    x, expected = (np.array(values, np.float64) for values in SPECIAL[name])
    result = value(kernels, name, x)
    np.testing.assert_array_equal(result, expected)
    numbers = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(result[numbers]), np.signbit(expected[numbers]))


def test_multiples_of_pi_keep_their_digits(kernels):
    x = np.arange(1, 2000) * np.pi  # the sine is what rounding left of x; extended precision has 64 bits of pi, too few
    result = value(kernels, "sin", x)
    low = 1.2246467991473531772e-16  # pi - float64(pi)
    at_first_ones = np.array([1, 2, 4, 8, 16, 1024])  # exact multiples of float64(pi)
    expected = np.where(at_first_ones % 2, 1, -1) * low * at_first_ones
    np.testing.assert_allclose(result[at_first_ones - 1], expected, rtol=1e-15)
    assert abs(result[28]) < 1e-15  # 29 pi lies next to a number


@pytest.mark.parametrize("name", [*FUNCTIONS, "erf", "erfc"])
def test_targets_agree(all_kernels, name):
    x = np.abs(WIDE) if name == "log" else np.maximum(WIDE, -0.9) if name == "log1p" else WIDE
    assert len({value(kernels, name, x).tobytes() for kernels in all_kernels}) == 1


@pytest.mark.parametrize("name", [*FUNCTIONS, "erf", "erfc"])
def test_an_element_does_not_depend_on_its_place(kernels, name):
    x = RANDOM.uniform(0.1, 3, 37)
    whole = value(kernels, name, x)
    for start in range(9):
        assert value(kernels, name, x[start:]).tobytes() == whole[start:].tobytes()
