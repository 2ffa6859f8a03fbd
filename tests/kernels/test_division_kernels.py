"""Quotients that are whole and their remainders, and powers of whole numbers: NumPy's values, and refusals where it warns."""

from __future__ import annotations

import numpy as np
import pytest

from labkit import _native

WHOLE = [np.int32, np.int64, np.uint8]
REALS = [np.float32, np.float64]
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, for the oracles of special values


def truncated(x, y):
    """x / y towards zero; of whole numbers by Python's integers."""
    if x.dtype.kind == "f":
        with np.errstate(all="ignore"):
            return np.rint((x - np.fmod(x, y)) / y)
    exact = [
        abs(int(a)) // abs(int(b)) * (-1 if (a < 0) != (b < 0) else 1) for a, b in zip(x.flat, y.flat, strict=True)
    ]
    return np.array(exact, object).astype(np.int64 if x.dtype == np.int32 else x.dtype).astype(x.dtype).reshape(x.shape)


DIVISIONS = {
    "floor_div": np.floor_divide,
    "floor_mod": np.mod,
    "truncate_div": truncated,
    "truncate_mod": np.fmod,
}


def pairs_of(values):
    return tuple(np.ascontiguousarray(v).ravel() for v in np.meshgrid(values, values[values != 0]))


@pytest.mark.parametrize("name", DIVISIONS)
@pytest.mark.parametrize("dtype", WHOLE)
def test_whole_numbers(kernels, name, dtype):
    info = np.iinfo(dtype)
    values = np.array([0, 1, 2, 3, 7, 100, info.max, info.max - 1, info.min, info.min + 1], dtype)
    a, b = pairs_of(np.unique(np.r_[values, -values] if info.min else values))
    smallest = (a == info.min) & (b.astype(np.int64) == -1)  # wraps around
    (result,) = kernels(name, [a, b], [(a.shape, dtype)])
    np.testing.assert_array_equal(result[~smallest], DIVISIONS[name](a[~smallest], b[~smallest]))
    assert (result[smallest] == (info.min if name.endswith("div") else 0)).all()


@pytest.mark.parametrize("name", DIVISIONS)
@pytest.mark.parametrize("dtype", REALS)
def test_floats(kernels, name, dtype):
    rng = np.random.default_rng(0)
    special = np.array([0.0, -0.0, 1, -1, 0.1, -0.3, 3, 1e30, -1e30, 1e-30, -1e-30, np.inf, -np.inf, np.nan], dtype)
    values = np.r_[
        special, (rng.normal(size=60) * 10.0 ** rng.integers(-6, 7, 60)).astype(dtype), np.arange(2, 9, dtype=dtype)
    ]
    a, b = (np.ascontiguousarray(v).ravel() for v in np.meshgrid(values, values))
    (result,) = kernels(name, [a, b], [(a.shape, dtype)])
    if name == "truncate_div":
        known = np.isfinite(a) & np.isfinite(b) & (b != 0)
        expected = truncated(a[known].astype(float), b[known].astype(float)).astype(dtype)
        np.testing.assert_allclose(result[known], expected, rtol=1e-7)
        return
    expected = DIVISIONS[name](a, b)
    if name == "floor_div":  # NumPy works in the dtype itself, and its large quotients are rounded once more
        np.testing.assert_allclose(result, expected, rtol=3e-7 if dtype == np.float32 else 1e-15)
    else:
        np.testing.assert_array_equal(result, expected)
    known = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(result)[known], np.signbit(expected)[known])


@pytest.mark.parametrize("dtype", REALS)
def test_quotient_and_remainder_belong_together(kernels, dtype):
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=4001).astype(dtype) * 100, rng.normal(size=4001).astype(dtype)
    (q,) = kernels("floor_div", [a, b], [(a.shape, dtype)])
    (r,) = kernels("floor_mod", [a, b], [(a.shape, dtype)])
    np.testing.assert_allclose(q.astype(float) * b + r, a, rtol=1e-6, atol=1e-5)
    assert ((r == 0) | ((r < 0) == (b < 0))).all()
    assert (np.abs(r) <= np.abs(b)).all()


def test_div_no_nan(kernels):
    for dtype in REALS:
        a, b = np.array([1, 0, np.nan, np.inf, 3, 5], dtype), np.array([0, 0, 0, -0.0, 2, np.nan], dtype)
        (result,) = kernels("div_no_nan", [a, b], [(a.shape, dtype)])
        np.testing.assert_array_equal(result, np.array([0, 0, 0, 0, 1.5, np.nan], dtype))


@pytest.mark.parametrize("name", DIVISIONS)
@pytest.mark.parametrize("dtype", WHOLE)
def test_a_divisor_of_zero_is_refused(kernels, name, dtype):
    many = np.ones(100000, dtype)
    for place in (0, 40000, 99999):
        divisors = many.copy()
        divisors[place] = 0
        with pytest.raises(_native.KernelError):
            kernels(name, [many, divisors], [(many.shape, dtype)])
    with pytest.raises(_native.KernelError):
        kernels(name, [many, np.zeros((), dtype)], [(many.shape, dtype)])
    with pytest.raises(_native.KernelError):
        kernels(name, [np.ones((50, 1), dtype), np.array([1, 0, 2], dtype)], [((50, 3), dtype)])


@pytest.mark.parametrize("dtype", WHOLE)
def test_powers_of_whole_numbers_wrap_around(kernels, dtype):
    info = np.iinfo(dtype)
    base = np.array([0, 1, 2, 3, 7, 10, info.max, info.min], dtype)
    base = np.r_[base, -base] if info.min else base
    exponent = np.array([0, 1, 2, 3, 5, 31, 63, 100], dtype)
    a, b = (np.ascontiguousarray(v).ravel() for v in np.meshgrid(base, exponent))
    (result,) = kernels("pow", [a, b], [(a.shape, dtype)])
    modulus = 2 ** (8 * np.dtype(dtype).itemsize)
    exact = [pow(int(x), int(y), modulus) for x, y in zip(a, b, strict=True)]
    np.testing.assert_array_equal(result, np.array(exact, np.uint64).astype(dtype))


def test_a_negative_exponent_is_refused(kernels):
    for dtype in (np.int32, np.int64):
        with pytest.raises(_native.KernelError):
            kernels("pow", [np.ones(70000, dtype), np.r_[np.ones(69999, dtype), dtype(-1)]], [((70000,), dtype)])
