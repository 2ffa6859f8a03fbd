"""Depthwise convolution and its gradients against sums over taps in float64."""

from __future__ import annotations

import numpy as np
import pytest

# (image, kernel, multiplier, strides, (top, left) padding, result height and width, dilations)
CASES = [
    ((2, 5, 6, 3), (3, 3), 1, (1, 1), (1, 1), (5, 6), (1, 1)),
    ((1, 7, 5, 17), (3, 2), 1, (2, 2), (1, 0), (4, 3), (1, 1)),
    ((2, 4, 4, 64), (3, 3), 1, (1, 1), (1, 1), (4, 4), (1, 1)),
    ((1, 6, 7, 131), (2, 3), 1, (1, 2), (0, 1), (5, 4), (1, 1)),
    ((2, 5, 4, 3), (3, 3), 2, (1, 1), (1, 1), (5, 4), (1, 1)),
    ((1, 4, 5, 20), (2, 2), 3, (2, 1), (0, 0), (2, 4), (1, 1)),
    ((1, 11, 10, 5), (3, 3), 1, (1, 1), (2, 3), (11, 10), (2, 3)),
    ((1, 11, 10, 5), (3, 3), 2, (4, 6), (4, 3), (4, 2), (6, 4)),
    ((1, 8, 8, 2), (1, 1), 1, (3, 3), (0, 0), (3, 3), (1, 1)),  # pixels that no tap meets
    ((1, 3, 2, 2), (3, 3), 1, (65536, 1), (65536, 65536), (1, 2), (65536, 65536)),
    ((1, 1, 1, 1), (5, 5), 1, (1, 1), (2, 2), (1, 1), (1, 1)),
    ((5, 32, 33, 9), (3, 3), 1, (1, 1), (1, 1), (32, 33), (1, 1)),  # several chunks and tasks
]


def meetings(image, kernel, strides, padding, size, dilations):
    """For each output pixel and each tap: the pixel of the image that they meet."""
    for i, j in np.ndindex(*size):
        for u, v in np.ndindex(*kernel):
            row, column = i * strides[0] - padding[0] + u * dilations[0], j * strides[1] - padding[1] + v * dilations[1]
            if 0 <= row < image[1] and 0 <= column < image[2]:
                yield i, j, u, v, row, column


@pytest.mark.parametrize(("image", "kernel", "multiplier", "strides", "padding", "size", "dilations"), CASES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_all_three_passes(kernels, image, kernel, multiplier, strides, padding, size, dilations, dtype):
    rng = np.random.default_rng(1)
    n, _, _, c = image
    x, w = rng.standard_normal(image).astype(dtype), rng.standard_normal((*kernel, c, multiplier)).astype(dtype)
    dy = rng.standard_normal((n, *size, c * multiplier)).astype(dtype)
    wide_x, wide_w = x.astype(float), w.astype(float)
    wide_dy = dy.astype(float).reshape(n, *size, c, multiplier)
    y, dx, dw = np.zeros(wide_dy.shape), np.zeros(image), np.zeros(w.shape)
    for i, j, u, v, row, column in meetings(image, kernel, strides, padding, size, dilations):
        y[:, i, j] += wide_x[:, row, column, :, None] * wide_w[u, v]
        dx[:, row, column] += (wide_dy[:, i, j] * wide_w[u, v]).sum(-1)
        dw[u, v] += (wide_x[:, row, column, :, None] * wide_dy[:, i, j]).sum(0)
    ints = [*strides, *padding, *dilations, c]
    tolerance = {"rtol": 1e-4 if dtype == np.float32 else 1e-12, "atol": 1e-4 if dtype == np.float32 else 1e-12}
    (got,) = kernels("depthwise_conv2d", [x, w], [(dy.shape, dtype)], ints)
    np.testing.assert_allclose(got, y.reshape(dy.shape), **tolerance)
    (got,) = kernels("depthwise_conv2d_backprop_input", [w, dy], [(image, dtype)], ints)
    np.testing.assert_allclose(got, dx, **tolerance)
    (got,) = kernels("depthwise_conv2d_backprop_filter", [x, dy], [(w.shape, dtype)], ints)
    np.testing.assert_allclose(got, dw, **tolerance)


def test_an_image_has_the_same_bits_in_any_batch(kernels):
    rng = np.random.default_rng(2)
    x, w = rng.standard_normal((9, 7, 6, 21), np.float32), rng.standard_normal((3, 3, 21, 2), np.float32)
    dy = rng.standard_normal((9, 7, 6, 42), np.float32)
    ints = [1, 1, 1, 1, 1, 1, 21]
    (y,) = kernels("depthwise_conv2d", [x, w], [(dy.shape, np.float32)], ints)
    (dx,) = kernels("depthwise_conv2d_backprop_input", [w, dy], [(x.shape, np.float32)], ints)
    for part in (slice(0, 1), slice(4, 7)):
        (some,) = kernels("depthwise_conv2d", [x[part], w], [(dy[part].shape, np.float32)], ints)
        np.testing.assert_array_equal(some, y[part])
        (some,) = kernels("depthwise_conv2d_backprop_input", [w, dy[part]], [(x[part].shape, np.float32)], ints)
        np.testing.assert_array_equal(some, dx[part])


def test_without_results_the_gradient_is_zero(kernels):
    x, w, dy = np.ones((1, 2, 2, 3), np.float32), np.ones((2, 2, 3, 0), np.float32), np.ones((1, 1, 1, 0), np.float32)
    (dx,) = kernels("depthwise_conv2d_backprop_input", [w, dy], [(x.shape, np.float32)], [1, 1, 0, 0, 1, 1, 3])
    assert (dx == 0).all()
    empty = np.ones((0, 2, 2, 3), np.float32)
    outputs = [((2, 2, 3, 1), np.float32)]
    (dw,) = kernels(
        "depthwise_conv2d_backprop_filter", [empty, np.ones((0, 1, 1, 3), np.float32)], outputs, [1, 1, 0, 0, 1, 1, 3]
    )
    assert (dw == 0).all()
