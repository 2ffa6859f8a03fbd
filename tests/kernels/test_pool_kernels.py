"""Poolings and their gradients against loops that say what is meant."""

from __future__ import annotations

import numpy as np
import pytest

# (image, window, strides, (top, left) padding, result height and width)
CASES = [
    ((2, 4, 6, 3), (2, 2), (2, 2), (0, 0), (2, 3)),
    ((1, 8, 8, 16), (2, 2), (2, 2), (0, 0), (4, 4)),
    ((2, 7, 5, 17), (2, 2), (2, 2), (0, 0), (4, 3)),  # SAME: windows stick out at the end
    ((1, 5, 5, 33), (3, 3), (2, 2), (1, 1), (3, 3)),
    ((2, 6, 6, 5), (3, 3), (1, 1), (1, 1), (6, 6)),  # overlap
    ((1, 6, 7, 4), (3, 2), (1, 2), (0, 0), (4, 3)),
    ((1, 9, 9, 2), (2, 2), (3, 4), (0, 0), (3, 2)),  # gaps
    ((1, 20, 20, 1), (17, 16), (1, 1), (0, 0), (4, 5)),  # more positions than a byte holds
    ((3, 1, 1, 20), (1, 1), (1, 1), (0, 0), (1, 1)),
    ((9, 16, 16, 40), (2, 2), (2, 2), (0, 0), (8, 8)),  # several tasks
    ((2, 7, 7, 17), (2, 2), (2, 2), (0, 0), (3, 3)),  # side by side, a rest of the image uncovered
    ((2, 5, 6, 16), (2, 2), (2, 2), (1, 1), (3, 3)),  # side by side from the padding on
    ((2, 7, 9, 15), (3, 3), (3, 3), (1, 0), (3, 3)),
]


def pooled(x: np.ndarray, window, strides, padding, size) -> tuple[np.ndarray, np.ndarray]:
    n, h, w, c = x.shape
    y, index = np.empty((n, *size, c), x.dtype), np.empty((n, *size, c), np.int64)
    for i, j in np.ndindex(*size):
        values, places = [], []
        for a, b in np.ndindex(*window):
            row, column = i * strides[0] - padding[0] + a, j * strides[1] - padding[1] + b
            if 0 <= row < h and 0 <= column < w:
                values.append(x[:, row, column])
                places.append(a * window[1] + b)
        best = np.argmax(np.stack(values), 0)  # the first of equals, the first NaN
        y[:, i, j] = np.take_along_axis(np.stack(values), best[None], 0)[0]
        index[:, i, j] = np.array(places)[best]
    return y, index


def spread(dy: np.ndarray, index: np.ndarray, shape, window, strides, padding) -> np.ndarray:
    dx = np.zeros(shape)
    for n, i, j, c in np.ndindex(*dy.shape):
        a, b = divmod(int(index[n, i, j, c]), window[1])
        dx[n, i * strides[0] - padding[0] + a, j * strides[1] - padding[1] + b, c] += dy[n, i, j, c]
    return dx


@pytest.mark.parametrize(("shape", "window", "strides", "padding", "size"), CASES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_max_pool_and_gradient(kernels, shape, window, strides, padding, size, dtype):
    rng = np.random.default_rng(0)
    x = rng.integers(-4, 4, shape).astype(dtype)  # with ties
    index_dtype = np.uint8 if window[0] * window[1] <= 256 else np.int32
    result = (shape[0], *size, shape[3])
    attributes = [*window, *strides, *padding]
    y, index = kernels("max_pool", [x], [(result, dtype), (result, index_dtype)], attributes)
    expected, places = pooled(x, window, strides, padding, size)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(index, places)

    dy = rng.integers(-9, 9, result).astype(dtype)
    (dx,) = kernels("max_pool_grad", [dy, index], [(shape, dtype)], attributes)
    if dy.size < 20000:
        np.testing.assert_array_equal(dx, spread(dy, index, shape, window, strides, padding))
    assert dx.sum() == dy.sum()


def test_first_nan_wins(kernels):
    for dtype in (np.float32, np.float64):
        rng = np.random.default_rng(3)
        x = rng.standard_normal((2, 8, 8, 19)).astype(dtype)
        x[rng.random(x.shape) < 0.3] = np.nan
        x[rng.random(x.shape) < 0.1] = -np.inf
        y, index = kernels("max_pool", [x], [((2, 4, 4, 19), dtype), ((2, 4, 4, 19), np.uint8)], [2, 2, 2, 2, 0, 0])
        expected, places = pooled(x, (2, 2), (2, 2), (0, 0), (4, 4))
        np.testing.assert_array_equal(y, expected)
        np.testing.assert_array_equal(index, places)


def test_windows_meet_the_image(kernels):
    x = np.ones((1, 2, 2, 3), np.float32)
    outputs = [((1, 3, 3, 3), np.float32), ((1, 3, 3, 3), np.uint8)]
    for attributes, message in [([2, 2, 2, 2, 2, 0], "padding smaller"), ([2, 2, 2, 2, 1, 1], "in the padding alone")]:
        with pytest.raises(ValueError, match=message):
            kernels("max_pool", [x], outputs, attributes)
        with pytest.raises(ValueError, match=message):
            kernels("avg_pool", [x], outputs[:1], attributes)


@pytest.mark.parametrize(("shape", "window", "strides", "padding", "size"), CASES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_where_the_maxima_came_from(kernels, shape, window, strides, padding, size, dtype):
    rng = np.random.default_rng(1)
    x = rng.integers(-4, 4, shape).astype(dtype)
    y, places = pooled(x, window, strides, padding, size)
    index = places.astype(np.uint8 if window[0] * window[1] <= 256 else np.int32)
    attributes = [*window, *strides, *padding]
    (picked,) = kernels("max_pool_grad_grad", [x, index], [(y.shape, dtype)], attributes)
    np.testing.assert_array_equal(picked, y)
    (argmax,) = kernels("max_pool_argmax", [index], [(y.shape, np.int64)], [*attributes, *shape[1:3]])
    flat = x.reshape(len(x), -1)
    np.testing.assert_array_equal(np.take_along_axis(flat, argmax.reshape(len(x), -1), 1), y.reshape(len(x), -1))


@pytest.mark.parametrize("place", [-1, 9, 255, 2**31 - 1, -(2**31), 0, 5])
@pytest.mark.parametrize("wide", [False, True])
def test_an_index_that_names_no_pixel_of_the_image_is_refused(kernels, place, wide):
    """Window 3x3 (or 17x16, whose index is wider), of which the last windows stick out of the image."""
    window, image = ([17, 16], (2, 33, 31, 5)) if wide else ([3, 3], (2, 5, 5, 5))
    dtype = np.int32 if wide else np.uint8
    if not np.iinfo(dtype).min <= place <= np.iinfo(dtype).max:
        pytest.skip("it does not fit the index")
    attributes = [*window, *window, 0, 0]
    index = np.zeros((2, 2, 2, 5), dtype)
    index[1, 1, 1, 4] = place
    inside = place == 0
    for name, inputs, output in [
        ("max_pool_grad", [np.ones(index.shape, np.float32), index], (image, np.float32)),
        ("max_pool_grad_grad", [np.ones(image, np.float32), index], (index.shape, np.float32)),
        ("max_pool_argmax", [index], (index.shape, np.int64)),
    ]:
        ints = [*attributes, *image[1:3]] if name == "max_pool_argmax" else attributes
        good = inside or (wide and 0 <= place < 15)
        if good:
            kernels(name, inputs, [output], ints)
        else:
            with pytest.raises(Exception, match=str(place)):
                kernels(name, inputs, [output], ints)


@pytest.mark.parametrize(("shape", "window", "strides", "padding", "size"), CASES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_avg_pool_and_gradient(kernels, shape, window, strides, padding, size, dtype):
    rng = np.random.default_rng(2)
    x = rng.standard_normal(shape).astype(dtype)
    attributes = [*window, *strides, *padding]
    dy = rng.standard_normal((shape[0], *size, shape[3])).astype(dtype)
    y, dx = np.empty(dy.shape), np.zeros(shape)
    for i, j in np.ndindex(*size):
        rows, columns = (
            slice(max(0, o * s - p), o * s - p + k) for o, s, p, k in zip((i, j), strides, padding, window, strict=True)
        )
        seen = x[:, rows, columns].astype(float)
        y[:, i, j] = seen.mean((1, 2))
        dx[:, rows, columns] += dy[:, i, j][:, None, None] / (seen.shape[1] * seen.shape[2])
    tolerance = 2e-6 if dtype == np.float32 else 1e-14
    (got,) = kernels("avg_pool", [x], [(dy.shape, dtype)], attributes)
    np.testing.assert_allclose(got, y, rtol=tolerance, atol=tolerance)
    (got,) = kernels("avg_pool_grad", [dy], [(shape, dtype)], attributes)
    np.testing.assert_allclose(got, dx, rtol=tolerance, atol=4 * tolerance)


def test_gradients_of_overlapping_windows_add_in_a_fixed_order(kernels):
    x = np.zeros((1, 3, 3, 4), np.float32)
    x[0, 1, 1] = 1  # wins all four windows
    _, index = kernels("max_pool", [x], [((1, 2, 2, 4), np.float32), ((1, 2, 2, 4), np.uint8)], [2, 2, 1, 1, 0, 0])
    dy = np.array([1e8, 1, -1e8, 1], np.float32).reshape(1, 2, 2, 1) * np.ones(4, np.float32)
    (dx,) = kernels("max_pool_grad", [dy, index], [(x.shape, np.float32)], [2, 2, 1, 1, 0, 0])
    np.testing.assert_array_equal(dx[0, 1, 1], ((np.float32(1e8) + np.float32(1)) - np.float32(1e8)) + np.float32(1))
