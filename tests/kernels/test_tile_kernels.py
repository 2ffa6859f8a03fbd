"""Kernels that copy elements several times or move them along axes, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

DTYPES = [np.float32, np.float64, np.int32, np.int64, np.uint8, np.bool_]
TILES = [
    ((), ()),
    ((3,), (5,)),
    ((1,), (70000,)),
    ((3, 1, 2), (1, 4, 1)),
    ((2, 3), (2, 1)),
    ((2, 3), (1, 2)),
    ((2, 1, 3, 2), (3, 2, 1, 4)),
    ((1, 2, 1, 2, 1, 2, 1, 2), (2, 1, 2, 1, 2, 2, 2, 2)),
    ((100, 90), (7, 3)),
]


def numbered(shape, dtype) -> np.ndarray:
    return (np.arange(int(np.prod(shape))) % 251).reshape(shape).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("shape", "multiples"), TILES)
def test_tile(kernels, dtype, shape, multiples):
    x = numbered(shape, dtype)
    expected = np.tile(x, multiples)
    np.testing.assert_array_equal(kernels("tile", [x], [(expected.shape, dtype)])[0], expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("shape", "multiples"), [*TILES, ((2, 3), (0, 1))])
def test_tile_grad(kernels, dtype, shape, multiples):
    g = numbered(np.multiply(shape, multiples).astype(int), dtype)
    split = [n for pair in zip(multiples, shape, strict=True) for n in pair]
    expected = g.reshape(split).sum(axis=tuple(range(0, len(split), 2)))
    np.testing.assert_array_equal(kernels("tile_grad", [g], [(shape, dtype)])[0], expected)


REPEATS = [
    ((4,), 3, 0),
    ((4,), (2, 0, 0, 5), 0),
    ((3, 2, 5), 2, 1),
    ((3, 2, 5), (1, 4), 1),
    ((3, 7), (1, 0, 2), 0),
    ((3, 1), 50000, 1),
    ((300, 200), 4, 0),
    ((200, 300), tuple(range(200)), 0),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("shape", "repeats", "axis"), REPEATS)
def test_repeat_and_its_gradient(kernels, dtype, shape, repeats, axis):
    x, ints = numbered(shape, dtype), [axis, *np.atleast_1d(repeats)]
    expected = np.repeat(x, repeats, axis)
    np.testing.assert_array_equal(kernels("repeat", [x], [(expected.shape, dtype)], ints)[0], expected)
    if np.dtype(dtype).kind == "f":
        counts = np.broadcast_to(repeats, shape[axis]).reshape([-1 if i == axis else 1 for i in range(len(shape))])
        np.testing.assert_array_equal(kernels("repeat_grad", [expected], [(shape, dtype)], ints)[0], x * counts)


def test_a_sum_of_many_copies_is_accurate(kernels):
    g = np.random.default_rng(0).normal(size=(50000, 3)).astype(np.float32)
    (y,) = kernels("tile_grad", [g], [((1, 3), np.float32)])
    np.testing.assert_allclose(y[0], g.astype(np.float64).sum(0), rtol=1e-7)


@pytest.mark.parametrize("ints", [[0], [2, 1], [0, -1], [0, 1, 2], [0, 2**62], [0, 1, 2, 3]])
def test_counts_that_do_not_fit_are_refused(kernels, ints):
    with pytest.raises(Exception, match=r"repeat\.f32"):
        kernels("repeat", [np.zeros((3, 2), np.float32)], [((4, 2), np.float32)], ints)


ROLLS = [
    ((5,), [2], [0]),
    ((5,), [-12], [0]),
    ((3, 4), [1, -1], [0, 1]),
    ((3, 4, 5), [2], [1]),
    ((3, 4, 5), [1, 3, 4], [2, 2, 0]),
    ((2, 3), [], []),
    ((300, 400), [7, 250], [0, 1]),
    ((3, 70000), [2**63 - 1], [1]),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("shape", "shift", "axes"), ROLLS)
def test_roll(kernels, dtype, shape, shift, axes):
    x = numbered(shape, dtype)
    small = [n % shape[axis] for n, axis in zip(shift, axes, strict=True)]
    (y,) = kernels("roll", [x, np.array(shift, np.int64)], [(shape, dtype)], axes)
    np.testing.assert_array_equal(y, np.roll(x, small, axes) if axes else x)


SEQUENCES = [
    ((3, 5), 1, 0),
    ((5, 3), 0, 1),
    ((2, 5, 3, 4), 1, 2),
    ((2, 3, 4, 5, 2), 4, 1),
    ((4, 2, 3), 0, 2),
    ((300, 17, 20), 1, 0),
    ((2, 3, 40000), 0, 1),
    ((2, 70000), 1, 0),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("shape", "sequence", "batch"), SEQUENCES)
def test_reverse_sequence(kernels, dtype, shape, sequence, batch):
    x = numbered(shape, dtype)
    lengths = np.random.default_rng(1).integers(0, shape[sequence] + 1, shape[batch])
    expected = np.moveaxis(x.copy(), (batch, sequence), (0, 1))
    for row, n in zip(expected, lengths, strict=True):
        row[:n] = row[:n][::-1].copy()
    expected = np.moveaxis(expected, (0, 1), (batch, sequence))
    (y,) = kernels("reverse_sequence", [x, lengths], [(shape, dtype)], [sequence, batch])
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("length", [-1, 6, 2**63 - 1, -(2**63)])
def test_a_sequence_has_no_length_outside_its_axis(kernels, length):
    with pytest.raises(Exception, match=r"reverse_sequence\.f64"):
        kernels("reverse_sequence", [np.zeros((1, 5)), np.array([length])], [((1, 5), np.float64)], [1, 0])


def test_one_hot(kernels):
    indices = np.random.default_rng(2).integers(-2, 12, (40, 30))
    for dtype in DTYPES:
        for index_dtype in (np.int32, np.int64, np.uint8):
            own = indices.astype(index_dtype)
            on, off = np.array(1, dtype), np.array(0, dtype)
            for axis in (0, 1, 2):
                expected = np.moveaxis(own[..., None] == np.arange(10), -1, axis).astype(dtype)
                name = "one_hot." + {"f": "f", "i": "i", "u": "u", "b": "b"}[np.dtype(dtype).kind]
                name += str(8 * np.dtype(dtype).itemsize)
                (y,) = kernels(name, [own, on, off], [(expected.shape, dtype)], [axis])
                np.testing.assert_array_equal(y, expected)


def test_one_hot_with_one_place_or_long_rows(kernels):
    for depth in (1, 50000):
        own = np.array([[0, 3], [depth - 1, depth]])
        (y,) = kernels("one_hot.f32", [own, np.float32(2), np.float32(-1)], [((2, 2, depth), np.float32)], [2])
        np.testing.assert_array_equal(y, np.where(own[..., None] == np.arange(depth), 2, -1))


def test_range(kernels):
    for dtype in (np.int32, np.int64):
        (y,) = kernels("range", [], [((70000,), dtype)], [5, -3])
        np.testing.assert_array_equal(y, 5 - 3 * np.arange(70000))
    for dtype in (np.float32, np.float64):
        (y,) = kernels("range", [], [((70000,), dtype)], [], [0.1, 0.3])
        np.testing.assert_array_equal(y, (0.1 + 0.3 * np.arange(70000)).astype(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(2, 4, 6, 3), (1, 2, 2, 1), (3, 64, 62, 5)])
def test_space_to_depth_and_back(kernels, dtype, shape):
    n, height, width, channels = shape
    x = numbered(shape, dtype)
    deep = x.reshape(n, height // 2, 2, width // 2, 2, channels).transpose(0, 1, 3, 2, 4, 5)
    deep = deep.reshape(n, height // 2, width // 2, 4 * channels)
    np.testing.assert_array_equal(kernels("space_to_depth", [x], [(deep.shape, dtype)], [2])[0], deep)
    np.testing.assert_array_equal(kernels("depth_to_space", [deep], [(shape, dtype)], [2])[0], x)
