"""Rounding, kinds of numbers, clipping, and the sum of many tensors."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from labkit import _native

REALS = [np.float32, np.float64]
NUMBERS = [*REALS, np.int32, np.int64, np.uint8]
LENGTHS = [1, 3, 7, 8, 9, 15, 16, 17, 31, 33, 100]
SPECIAL = [0.0, -0.0, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0.49999997, 8388609.0, 1e30, -1e30, np.inf, -np.inf, np.nan]
ROUNDERS = {"floor": np.floor, "ceil": np.ceil, "trunc": np.trunc, "round": np.rint}
KINDS = {"is_nan": np.isnan, "is_inf": np.isinf, "is_finite": np.isfinite}


@pytest.mark.parametrize("name", ROUNDERS)
def test_rounding(kernels, name):
    for dtype in REALS:
        for x in [np.array(SPECIAL, dtype), *(np.linspace(-9, 9, n).astype(dtype) for n in LENGTHS)]:
            (result,) = kernels(name, [x], [(x.shape, dtype)])
            np.testing.assert_array_equal(result, ROUNDERS[name](x))
            known = x == x
            np.testing.assert_array_equal(
                np.signbit(result)[known], np.signbit(x)[known] & (ROUNDERS[name](x)[known] <= 0)
            )


@pytest.mark.parametrize("name", KINDS)
def test_kinds(kernels, name):
    for dtype in REALS:
        for length in LENGTHS:
            x = np.resize(np.array(SPECIAL[::-1], dtype), length)
            np.testing.assert_array_equal(kernels(name, [x], [(x.shape, np.bool_)])[0], KINDS[name](x))


SHAPES = [
    ((17,), (), ()),
    ((40000,), (), (40000,)),
    ((3, 33), (33,), (3, 1)),
    ((3, 33), (3, 1), ()),
    ((2, 3, 5), (3, 1), (2, 1, 5)),
    ((70, 1000), (1000,), (1000,)),
    ((0, 4), (4,), ()),
]


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("dtype", NUMBERS)
def test_clip(kernels, shapes, dtype):
    rng = np.random.default_rng(0)
    x, low, high = (
        rng.integers(a, b, s).astype(dtype) for (a, b), s in zip([(0, 9), (1, 5), (3, 8)], shapes, strict=True)
    )
    if x.size:
        np.testing.assert_array_equal(
            kernels("clip", [x, low, high], [(x.shape, dtype)])[0], np.minimum(np.maximum(x, low), high)
        )


def test_clip_keeps_nan(kernels):
    for dtype in REALS:
        x, low, high = np.array([np.nan, 1, 1, np.inf, -np.inf], dtype), np.zeros(5, dtype), np.full(5, 2, dtype)
        low[1], high[2] = np.nan, np.nan
        (result,) = kernels("clip", [x, low, high], [(x.shape, dtype)])
        np.testing.assert_array_equal(result, np.array([np.nan, np.nan, np.nan, 2, 0], dtype))


@pytest.mark.parametrize("dtype", NUMBERS)
def test_add_n(kernels, dtype):
    rng = np.random.default_rng(0)
    for shape, count in [((1,), 1), ((33,), 2), ((5, 7), 9), ((2500,), 3), ((70000,), 4)]:
        values = [rng.integers(0, 200, shape).astype(dtype) for _ in range(count)]
        (result,) = kernels("add_n", values, [(shape, dtype)])
        np.testing.assert_array_equal(result, functools.reduce(np.add, values))


def test_add_n_in_the_memory_of_an_operand(kernels):
    values = [np.random.default_rng(i).normal(size=5000).astype(np.float32) for i in range(3)]
    expected = functools.reduce(np.add, values)
    for k in range(3):
        own = [x.copy() for x in values]
        _native.call_kernel(kernels.target, "add_n.f32", own, [own[k]])
        np.testing.assert_array_equal(own[k], expected)
