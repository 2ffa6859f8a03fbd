"""Kernels that only move elements, against NumPy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

DTYPES = [np.float32, np.float64, np.int32, np.int64, np.uint8, np.bool_]


def numbered(shape: tuple[int, ...], dtype: type) -> np.ndarray:
    return (np.arange(int(np.prod(shape))) % 251).reshape(shape).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_copy(kernels, dtype):
    for shape in [(), (1,), (17,), (3, 5), (100000,)]:
        x = numbered(shape, dtype)
        np.testing.assert_array_equal(kernels("copy", [x], [(shape, dtype)])[0], x)


BROADCASTS = [
    ((), (5,)),
    ((1,), (3, 4)),
    ((3, 1), (3, 70)),
    ((70,), (3, 70)),
    ((2, 1, 3), (4, 2, 5, 3)),
    ((1, 2, 1, 2), (3, 2, 3, 2)),
    ((1, 300), (200, 300)),
    ((4, 3), (4, 3)),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("shape", "larger"), BROADCASTS)
def test_broadcast_to(kernels, dtype, shape, larger):
    x = numbered(shape, dtype)
    np.testing.assert_array_equal(kernels("broadcast_to", [x], [(larger, dtype)])[0], np.broadcast_to(x, larger))


SLICES = [
    ((9,), (2,), (5,)),
    ((6, 7), (1, 2), (4, 5)),
    ((6, 7), (2, 0), (3, 7)),
    ((3, 4, 5), (0, 1, 0), (3, 2, 5)),
    ((4, 4, 4, 4), (1, 1, 1, 1), (2, 2, 2, 2)),
    ((400, 300), (100, 7), (250, 280)),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("shape", "begin", "size"), SLICES)
def test_slice(kernels, dtype, shape, begin, size):
    x = numbered(shape, dtype)
    part = x[tuple(slice(b, b + n) for b, n in zip(begin, size, strict=True))]
    np.testing.assert_array_equal(kernels("slice", [x], [(size, dtype)], begin)[0], part)


def assert_transposed(kernels, x: np.ndarray, perm: tuple[int, ...]) -> None:
    expected = x.transpose(perm)
    np.testing.assert_array_equal(kernels("transpose", [x], [(expected.shape, x.dtype)], perm)[0], expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(5, 3), (33, 65), (2, 3, 4), (34, 5, 33), (2, 3, 4, 5)])
def test_transpose(kernels, dtype, shape):
    for perm in itertools.permutations(range(len(shape))):
        assert_transposed(kernels, numbered(shape, dtype), perm)


MANY_TILES = [
    ((500, 400), (1, 0)),
    ((4, 30, 31, 32), (0, 3, 1, 2)),
    ((4, 32, 30, 31), (0, 2, 3, 1)),
    ((3, 2, 2, 2, 2, 2, 2, 5), (7, 5, 3, 1, 0, 2, 4, 6)),
    ((1, 7, 1, 9), (3, 2, 1, 0)),
    ((70000, 2), (1, 0)),
    ((2, 70000), (1, 0)),
]


@pytest.mark.parametrize(("shape", "perm"), MANY_TILES)
def test_transpose_of_many_tiles(kernels, shape, perm):
    assert_transposed(kernels, numbered(shape, np.float32), perm)


@pytest.mark.parametrize("dtype", DTYPES)
def test_transpose_at_the_width_of_vectors(kernels, dtype):
    for shape in itertools.product([1, 3, 4, 5, 8, 15, 16, 17, 33, 64, 67], repeat=2):
        assert_transposed(kernels, numbered(shape, dtype), (1, 0))


PADDINGS = [
    ((), []),
    ((3,), [(2, 1)]),
    ((3, 4), [(0, 0), (1, 2)]),
    ((3, 4), [(1, 0), (0, 0)]),
    ((2, 2), [(0, 0), (0, 0)]),
    ((2, 3, 4, 5), [(0, 0), (1, 1), (2, 0), (0, 0)]),
    ((2, 0, 3), [(1, 1), (2, 2), (0, 1)]),
    ((0,), [(3, 4)]),
    ((200, 300), [(3, 4), (5, 6)]),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("shape", "paddings"), PADDINGS)
def test_pad(kernels, dtype, shape, paddings):
    for value in (0, 7):
        x = numbered(shape, dtype)
        expected = np.pad(x, paddings, constant_values=dtype(value)) if shape else x
        begin = [before for before, _ in paddings]
        np.testing.assert_array_equal(kernels("pad", [x], [(expected.shape, dtype)], begin, [value])[0], expected)


def test_pad_with_what_is_no_number(kernels):
    x = np.ones((2, 2), np.float32)
    for value in (np.nan, -np.inf):
        (y,) = kernels("pad", [x], [((4, 4), np.float32)], [1, 1], [value])
        np.testing.assert_array_equal(y, np.pad(x, 1, constant_values=value))
