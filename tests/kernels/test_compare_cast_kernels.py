"""Comparisons against NumPy; casts against their definition: truncate, saturate, NaN to 0."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

DTYPES = [np.float32, np.float64, np.int32, np.int64, np.uint8, np.bool_]
COMPARISONS = {
    "equal": np.equal,
    "not_equal": np.not_equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
}
NOT_MADE = [(name, np.bool_) for name in COMPARISONS if name not in ("equal", "not_equal")]  # booleans have no order


@pytest.mark.parametrize(("name", "dtype"), [c for c in itertools.product(COMPARISONS, DTYPES) if c not in NOT_MADE])
def test_comparison(kernels, name, dtype):
    rng = np.random.default_rng(0)
    for left, right in [((), ()), ((257,), (257,)), ((5, 33), (33,)), ((5, 1), (33,)), ((70, 1000), ()), ((), (9,))]:
        a, b = (rng.integers(0, 3, shape).astype(dtype) for shape in (left, right))
        expected = COMPARISONS[name](a, b)
        (result,) = kernels(name, [a, b], [(expected.shape, np.bool_)])
        np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("name", COMPARISONS)
def test_comparison_of_special_values(kernels, name):
    for dtype in (np.float32, np.float64):
        values = np.array([0, -0.0, 1, np.inf, -np.inf, np.nan], dtype)
        a, b = (np.ascontiguousarray(v).ravel() for v in np.meshgrid(values, values))
        np.testing.assert_array_equal(kernels(name, [a, b], [(a.shape, np.bool_)])[0], COMPARISONS[name](a, b))


@pytest.mark.parametrize(("source", "target"), list(itertools.product(DTYPES, DTYPES)))
def test_cast_of_values_that_fit(kernels, source, target):
    for length in (1, 15, 16, 17, 33, 100, 40000):
        x = (np.arange(length) % 120).astype(source)
        (result,) = kernels("cast", [x], [(x.shape, target)])
        np.testing.assert_array_equal(result, x.astype(target))


@pytest.mark.parametrize("source", [np.float32, np.float64])
@pytest.mark.parametrize("target", [np.int32, np.int64, np.uint8])
def test_cast_of_reals_truncates_and_saturates(kernels, source, target):
    info = np.iinfo(target)
    values = [
        0.9,
        -0.9,
        1.5,
        200.7,
        255.5,
        256,
        1e5,
        -1,
        -1.5,
        2147483520,
        2147483647,
        2147483648,
        -2147483648,
        -2147483904,
    ]
    values += [9.2e18, 9.3e18, -9.2e18, -9.3e18, 1e30, -1e30, np.inf, -np.inf, np.nan, -0.0]
    x = np.tile(np.array(values, source), 3)
    exact = [
        0 if np.isnan(v) else info.max if v == np.inf else info.min if v == -np.inf else int(v) for v in x.tolist()
    ]
    expected = np.array([min(max(v, info.min), info.max) for v in exact], target)
    np.testing.assert_array_equal(kernels("cast", [x], [(x.shape, target)])[0], expected)


@pytest.mark.parametrize("source", [np.int32, np.int64])
@pytest.mark.parametrize("target", [np.int32, np.uint8])
def test_cast_of_integers_saturates(kernels, source, target):
    info, own = np.iinfo(target), np.iinfo(source)
    x = np.tile(np.array([0, 1, -1, 255, 256, own.max, own.min, 2**31 - 1, -(2**31)], source), 5)
    expected = np.clip(x.astype(np.int64), info.min, info.max).astype(target)
    np.testing.assert_array_equal(kernels("cast", [x], [(x.shape, target)])[0], expected)


def test_cast_of_large_integers_rounds_to_nearest(kernels):
    x = np.array([2**24 + 1, 2**53 + 1, 2**62 + 2**38, -(2**53) - 3, 2**63 - 1], np.int64)
    for target in (np.float32, np.float64):
        np.testing.assert_array_equal(kernels("cast", [x], [(x.shape, target)])[0], x.astype(target))


def test_cast_to_bool_means_not_zero(kernels):
    x = np.array([0.0, -0.0, 0.1, -5, np.nan, np.inf], np.float32)
    np.testing.assert_array_equal(
        kernels("cast", [x], [(x.shape, np.bool_)])[0], [False, False, True, True, True, True]
    )
