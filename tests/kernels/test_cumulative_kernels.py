"""Running sums and products against NumPy, and the recurrence against a loop."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

DTYPES = [np.float32, np.float64, np.int32, np.int64, np.uint8]
SHAPES = [(1,), (17,), (3, 5), (5, 300), (300, 5), (2, 3, 4), (2, 40, 150)]
KINDS = {"cumsum": (np.cumsum, 0), "cumprod": (np.cumprod, 1)}


def expected(name: str, x: np.ndarray, axis: int, exclusive: bool, reverse: bool) -> np.ndarray:
    accumulate, first = KINDS[name]
    lines = np.moveaxis(x, axis, 0)[:: -1 if reverse else 1]
    if exclusive:
        lines = np.concatenate([np.full_like(lines[:1], first), lines[:-1]])
    with np.errstate(over="ignore"):
        running = accumulate(lines, axis=0, dtype=x.dtype)
    return np.moveaxis(running[:: -1 if reverse else 1], 0, axis)


def numbers(dtype: type, shape: tuple[int, ...]) -> np.ndarray:
    rng = np.random.default_rng(list(shape))
    return (
        rng.uniform(0.7, 1.4, shape).astype(dtype) if np.dtype(dtype).kind == "f" else rng.integers(0, 9, shape, dtype)
    )


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_axis_and_direction(kernels, name, dtype):
    for shape in SHAPES:
        x = numbers(dtype, shape)
        for axis, exclusive, reverse in itertools.product(range(len(shape)), (False, True), (False, True)):
            wide = x.astype(np.float64) if np.dtype(dtype).kind == "f" else x
            (result,) = kernels(name, [x], [(shape, dtype)], [axis, exclusive, reverse])
            np.testing.assert_allclose(result, expected(name, wide, axis, exclusive, reverse), rtol=1e-6)


@pytest.mark.parametrize("length", [16384, 16385, 100_000])
def test_long_sums_in_stretches(kernels, length):
    for shape, axis in (((length,), 0), ((length, 3), 0), ((2, length), 1)):
        x = numbers(np.float32, shape) - np.float32(1)
        for exclusive, reverse in itertools.product((False, True), (False, True)):
            (result,) = kernels("cumsum", [x], [(shape, np.float32)], [axis, exclusive, reverse])
            exact = expected("cumsum", x.astype(np.float64), axis, exclusive, reverse)
            np.testing.assert_allclose(result, exact, rtol=2e-7, atol=1e-9)


def test_bits_depend_on_the_line_alone(kernels):
    for length in (100, 40_000):
        line = numbers(np.float32, (length,))
        (alone,) = kernels("cumsum", [line], [(line.shape, np.float32)], [0, 0, 0])
        for others in (3, 130):
            columns = np.ascontiguousarray(np.repeat(line[:, None], others, axis=1))
            (many,) = kernels("cumsum", [columns], [(columns.shape, np.float32)], [0, 0, 0])
            assert many[:, others - 1].tobytes() == alone.tobytes()


def test_a_zero_ends_a_product_that_would_overflow(kernels):
    x = np.full(3000, 1e30)
    x[0] = 0
    assert not kernels("cumprod", [x], [(x.shape, np.float64)], [0, 0, 0])[0].any()


@pytest.mark.parametrize("dtype", DTYPES[:2])
def test_recurrence(kernels, dtype):
    rng = np.random.default_rng(0)
    for shape in SHAPES:
        x, v = rng.uniform(-1.1, 1.1, shape).astype(dtype), rng.normal(size=shape).astype(dtype)
        for axis, reverse in itertools.product(range(len(shape)), (False, True)):
            a, b = (np.moveaxis(t.astype(np.float64), axis, 0)[:: -1 if reverse else 1] for t in (x, v))
            y = np.zeros(a.shape)
            for k in range(1, len(y)):
                y[k] = b[k - 1] + a[k - 1] * y[k - 1]
            (result,) = kernels("recurrence", [x, v], [(shape, dtype)], [axis, reverse])
            exact = np.moveaxis(y[:: -1 if reverse else 1], 0, axis)
            np.testing.assert_allclose(result, exact, rtol=1e-6, atol=1e-12)
