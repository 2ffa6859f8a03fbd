"""Convolution and pooling: padding with odd sizes and strides, against loops in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

SIZES = [(5, 5, 2, 1), (6, 5, 3, 2), (7, 9, 2, 3), (4, 7, 4, 2), (3, 3, 3, 1), (9, 8, 1, 2), (5, 6, 5, 3)]
"""Height, width, window, stride."""


def padding_of(size: int, window: int, stride: int, padding: str) -> tuple[int, int, int]:
    """Returns output size, padding before and padding after, by TensorFlow's rule."""
    if padding == "VALID":
        return -(-(size - window + 1) // stride), 0, 0
    out = -(-size // stride)
    total = max((out - 1) * stride + window - size, 0)
    return out, total // 2, total - total // 2


def windows(x: np.ndarray, window: int, stride: int, padding: str, fill: float) -> np.ndarray:
    """Returns [n, out height, out width, window, window, channels], padded by `fill`."""
    rows, top, bottom = padding_of(x.shape[1], window, stride, padding)
    columns, left, right = padding_of(x.shape[2], window, stride, padding)
    padded = np.pad(x, [(0, 0), (top, bottom), (left, right), (0, 0)], constant_values=fill)
    return np.stack(
        [
            np.stack([padded[:, r * stride :, c * stride :][:, :window, :window] for c in range(columns)], 1)
            for r in range(rows)
        ],
        1,
    )


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("case", SIZES, ids=str)
def test_conv2d(tf: Any, evaluate: Any, case: tuple[int, ...], padding: str) -> None:
    height, width, window, stride = case
    rng = np.random.RandomState(0)
    x = rng.randn(2, height, width, 3).astype(np.float32)
    f = rng.randn(window, window, 3, 4).astype(np.float32)
    y = tf.nn.conv2d(x, f, strides=[1, stride, stride, 1], padding=padding)
    expected = np.einsum("nrcijk,ijko->nrco", windows(x.astype(float), window, stride, padding, 0.0), f.astype(float))
    np.testing.assert_allclose(evaluate(y), expected, rtol=1e-5, atol=2e-5)
    assert y.shape.as_list() == list(expected.shape)


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("case", SIZES, ids=str)
def test_max_pool(tf: Any, evaluate: Any, case: tuple[int, ...], padding: str) -> None:
    height, width, window, stride = case
    x = -1.0 - np.random.RandomState(0).rand(2, height, width, 3).astype(np.float32)  # zeros of padding would win
    y = tf.nn.max_pool(x, ksize=[1, window, window, 1], strides=[1, stride, stride, 1], padding=padding)
    np.testing.assert_array_equal(evaluate(y), windows(x, window, stride, padding, -np.inf).max((3, 4)))


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("case", SIZES, ids=str)
def test_avg_pool_leaves_padding_out_of_the_mean(tf: Any, evaluate: Any, case: tuple[int, ...], padding: str) -> None:
    height, width, window, stride = case
    x = np.random.RandomState(0).rand(2, height, width, 3).astype(np.float32)
    y = tf.nn.avg_pool(x, ksize=[1, window, window, 1], strides=[1, stride, stride, 1], padding=padding)
    expected = np.nanmean(windows(x.astype(float), window, stride, padding, np.nan), (3, 4))
    np.testing.assert_allclose(evaluate(y), expected, rtol=1e-6)


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("case", SIZES, ids=str)
def test_conv2d_transpose_is_the_adjoint_of_conv2d(tf: Any, evaluate: Any, case: tuple[int, ...], padding: str) -> None:
    height, width, window, stride = case
    rng = np.random.RandomState(0)
    x = rng.randn(1, height, width, 2).astype(np.float32)
    f = rng.randn(window, window, 2, 3).astype(np.float32)  # [height, width, out, in] of the transposed one
    rows, columns = (padding_of(size, window, stride, padding)[0] for size in (height, width))
    y = rng.randn(1, rows, columns, 3).astype(np.float32)
    strides = [1, stride, stride, 1]
    back = tf.nn.conv2d_transpose(y, f, output_shape=[1, height, width, 2], strides=strides, padding=padding)
    there, back = evaluate([tf.nn.conv2d(x, f, strides=strides, padding=padding), back])
    np.testing.assert_allclose(np.sum(there.astype(float) * y), np.sum(back.astype(float) * x), rtol=2e-4)


def test_conv2d_transpose_by_hand(tf: Any, evaluate: Any) -> None:
    y = tf.nn.conv2d_transpose(
        tf.reshape([1.0, 2.0], [1, 1, 2, 1]),
        tf.reshape([1.0, 10.0, 100.0], [1, 3, 1, 1]),
        output_shape=[1, 1, 4, 1],
        strides=[1, 1, 2, 1],
        padding="SAME",
    )
    assert evaluate(y).ravel().tolist() == [1.0, 10.0, 102.0, 20.0]


def test_conv2d_transpose_with_the_shape_of_a_tensor(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [None, 4, 4, 2])
    shape = tf.stack([tf.shape(x)[0], 8, 8, 3])
    y = tf.nn.conv2d_transpose(x, tf.zeros([5, 5, 3, 2]), shape, strides=[1, 2, 2, 1], padding="SAME")
    with tf.Session() as session:
        assert session.run(y, {x: np.zeros((3, 4, 4, 2))}).shape == (3, 8, 8, 3)


def test_the_odd_padding_is_at_the_end(tf: Any, evaluate: Any) -> None:
    x = tf.reshape([1.0, 2.0, 3.0, 4.0], [1, 1, 4, 1])
    y = tf.nn.conv2d(x, tf.reshape([10.0, 1.0], [1, 2, 1, 1]), strides=[1, 1, 1, 1], padding="SAME")
    assert evaluate(y).ravel().tolist() == [12.0, 23.0, 34.0, 40.0]


def test_conv2d_does_not_flip_its_filter(tf: Any, evaluate: Any) -> None:
    x = tf.reshape([1.0, 2.0, 3.0], [1, 1, 3, 1])
    f = tf.reshape([100.0, 10.0, 1.0], [1, 3, 1, 1])
    assert evaluate(tf.nn.conv2d(x, f, strides=[1, 1, 1, 1], padding="VALID")).item() == 123.0


def test_conv2d_by_the_keyword_filter(tf: Any, evaluate: Any) -> None:
    x, f = tf.ones([1, 3, 3, 1]), tf.ones([2, 2, 1, 1])
    y = tf.nn.conv2d(input=x, filter=f, strides=[1, 1, 1, 1], padding="VALID", name="convolution")
    assert y.name == "convolution:0"
    assert evaluate(y).ravel().tolist() == [4.0] * 4


def test_conv2d_refuses_unknown_padding_and_channels_that_do_not_fit(tf: Any) -> None:
    x = tf.ones([1, 3, 3, 2])
    with pytest.raises(ValueError):
        tf.nn.conv2d(x, tf.ones([2, 2, 2, 1]), strides=[1, 1, 1, 1], padding="FULL")
    with pytest.raises(ValueError):
        tf.nn.conv2d(x, tf.ones([2, 2, 3, 1]), strides=[1, 1, 1, 1], padding="SAME")


def test_gradients_of_convolution_and_pooling(tf: Any, evaluate: Any) -> None:
    x = tf.constant(np.arange(9.0, dtype=np.float32).reshape(1, 3, 3, 1))
    f = tf.constant(np.float32([1.0, 2.0, 3.0, 4.0]).reshape(2, 2, 1, 1))
    y = tf.nn.conv2d(x, f, strides=[1, 1, 1, 1], padding="VALID")
    by_x, by_f = evaluate(tf.gradients(tf.reduce_sum(y), [x, f]))
    assert by_x.reshape(3, 3).tolist() == [[1, 3, 2], [4, 10, 6], [3, 7, 4]]
    assert by_f.ravel().tolist() == [0 + 1 + 3 + 4, 1 + 2 + 4 + 5, 3 + 4 + 6 + 7, 4 + 5 + 7 + 8]
    pooled = tf.nn.avg_pool(x, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")
    assert evaluate(tf.gradients(pooled, x)[0]).reshape(3, 3).tolist() == [[0.25, 0.25, 0.5]] * 2 + [[0.5, 0.5, 1.0]]


def test_the_gradient_of_max_pool_goes_to_the_first_of_equals(tf: Any, evaluate: Any) -> None:
    x = tf.zeros([1, 2, 2, 1])
    pooled = tf.nn.max_pool(x, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")
    assert evaluate(tf.gradients(pooled, x)[0]).ravel().tolist() == [1.0, 0.0, 0.0, 0.0]


def test_depthwise_conv2d(tf: Any, evaluate: Any) -> None:
    x = tf.constant(np.ones((1, 2, 2, 2), np.float32))
    f = tf.constant(np.arange(4, dtype=np.float32).reshape(1, 1, 2, 2))
    y = tf.nn.depthwise_conv2d(x, f, strides=[1, 1, 1, 1], padding="SAME")
    assert evaluate(y)[0, 0, 0].tolist() == [0.0, 1.0, 2.0, 3.0]


def test_lrn(tf: Any, evaluate: Any) -> None:
    x = np.random.RandomState(0).randn(1, 2, 2, 7).astype(np.float32)
    y = evaluate(tf.nn.lrn(x, depth_radius=2, bias=1.0, alpha=0.1, beta=0.75))
    wide = np.pad(x.astype(float) ** 2, [(0, 0)] * 3 + [(2, 2)])
    sums = sum(wide[..., i : i + 7] for i in range(5))
    np.testing.assert_allclose(y, x / (1.0 + 0.1 * sums) ** 0.75, rtol=2e-6)


def test_bias_add(tf: Any, evaluate: Any) -> None:
    assert evaluate(tf.nn.bias_add(tf.zeros([1, 2, 2]), [1.0, 2.0])).tolist() == [[[1.0, 2.0], [1.0, 2.0]]]
    with pytest.raises(ValueError):
        tf.nn.bias_add(tf.zeros([1, 2, 2]), [1.0, 2.0, 3.0])
