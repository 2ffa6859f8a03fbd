"""Kernels that normalize, against float64; bits do not depend on the batch where a row is a population of its own."""

from __future__ import annotations

import numpy as np
import pytest

REALS = [np.float32, np.float64]
SHAPES = [(1, 1), (5, 3), (2, 3, 16), (33, 17), (1025, 2), (2500, 64), (70, 130), (3, 1025), (40, 2049), (1030, 257)]


def drawn(dtype: type, *shapes: tuple[int, ...]) -> list[np.ndarray]:
    rng = np.random.default_rng([*shapes[0]])
    return [(rng.standard_normal(shape) + 0.5).astype(dtype) for shape in shapes]


def close(value: np.ndarray, exact: np.ndarray, scale: float = 1.0) -> None:
    eps = np.finfo(value.dtype).eps
    np.testing.assert_allclose(
        value, exact, rtol=100 * eps, atol=100 * eps * scale * max(1.0, np.abs(exact).max(initial=0))
    )


def channels(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rows = x.reshape(-1, x.shape[-1]).astype(np.float64)
    return rows.mean(0), rows.var(0)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", REALS)
def test_batch_norm(kernels, shape, dtype):
    one = shape[-1:]
    x, scale, offset = drawn(dtype, shape, one, one)
    y, mean, variance = kernels(
        "batch_norm", [x, scale, offset], [(shape, dtype), (one, dtype), (one, dtype)], (), [0.01]
    )
    m, v = channels(x)
    close(mean, m)
    close(variance, v)
    close(y, (x - m) / np.sqrt(v + 0.01) * scale + offset)
    (again,) = kernels("batch_normalize", [x, mean, variance, scale, offset], [(shape, dtype)], (), [0.01])
    assert again.tobytes() == y.tobytes()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", REALS)
def test_batch_norm_grad(kernels, shape, dtype):
    one = shape[-1:]
    dy, x, scale = drawn(dtype, shape, shape, one)
    m, v = (t.astype(dtype) for t in channels(x))
    outputs = [(shape, dtype), (one, dtype), (one, dtype)]
    dx, dscale, doffset = kernels("batch_norm_grad", [dy, x, scale, m, v], outputs, (), [0.01])
    axes, n = tuple(range(x.ndim - 1)), x.size // shape[-1]
    inverse = 1 / np.sqrt(v.astype(np.float64) + 0.01)
    h, g = (x - m.astype(np.float64)) * inverse, dy.astype(np.float64)
    close(dscale, (g * h).sum(axes), np.sqrt(n))
    close(doffset, g.sum(axes), np.sqrt(n))
    close(dx, scale * inverse * (g - g.mean(axes) - h * (g * h).mean(axes)))


@pytest.mark.parametrize("dtype", REALS)
def test_a_mean_far_from_zero_costs_no_digits(kernels, dtype):
    x = (np.random.default_rng(0).standard_normal((5000, 3)) + 1000).astype(dtype)
    one = np.ones(3, dtype)
    _, mean, variance = kernels(
        "batch_norm", [x, one, one], [(x.shape, dtype), ((3,), dtype), ((3,), dtype)], (), [0.0]
    )
    m, v = channels(x)
    np.testing.assert_allclose(mean, m, rtol=1e-6)
    np.testing.assert_allclose(variance, v, rtol=3e-6)


def test_nothing_has_the_mean_nan(kernels):
    x, one = np.zeros((0, 3), np.float32), np.ones(3, np.float32)
    outputs = [((0, 3), np.float32), ((3,), np.float32), ((3,), np.float32)]
    _, mean, variance = kernels("batch_norm", [x, one, one], outputs, (), [0.01])
    assert np.isnan(mean).all()
    assert np.isnan(variance).all()
    _, dscale, doffset = kernels("batch_norm_grad", [x, x, one, one, one], outputs, (), [0.01])
    assert not dscale.any()
    assert not doffset.any()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", REALS)
def test_layer_norm(kernels, shape, dtype):
    last = shape[-1:]
    x, scale, offset = drawn(dtype, shape, last, last)
    outputs = [(shape, dtype), (shape[:-1], dtype), (shape[:-1], dtype)]
    y, mean, inverse = kernels("layer_norm", [x, scale, offset], outputs, (), [0.01])
    wide = x.astype(np.float64)
    m, s = wide.mean(-1, keepdims=True), 1 / np.sqrt(wide.var(-1, keepdims=True) + 0.01)
    close(mean, m[..., 0])
    close(inverse, s[..., 0])
    close(y, (wide - m) * s * scale + offset)
    one = kernels("layer_norm", [x[-1:], scale, offset], [((1, *dims[1:]), dtype) for dims, _ in outputs], (), [0.01])
    assert one[0].tobytes() == y[-1:].tobytes()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", REALS)
def test_layer_norm_grad(kernels, shape, dtype):
    last, first = shape[-1:], shape[:-1]
    dy, x, scale, mean = drawn(dtype, shape, shape, last, first)
    inverse = np.abs(mean) + dtype(0.1)
    outputs = [(shape, dtype), (last, dtype), (last, dtype)]
    dx, dscale, doffset = kernels("layer_norm_grad", [dy, x, scale, mean, inverse], outputs)
    g, s = dy.astype(np.float64), inverse[..., None].astype(np.float64)
    h, axes = (x.astype(np.float64) - mean[..., None]) * s, tuple(range(len(first)))
    scaled = g * scale
    exact = (scaled - scaled.mean(-1, keepdims=True) - h * (scaled * h).mean(-1, keepdims=True)) * s
    n = np.sqrt(x.size / shape[-1])
    close(dx, exact, 10)
    close(dscale, (g * h).sum(axes), n)
    close(doffset, g.sum(axes), n)


@pytest.mark.parametrize("radius", [0, 1, 5, 40, 2**62])
@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (3, 33), (2, 300), (1, 513)])
def test_lrn_and_its_gradient(kernels, shape, radius):
    for dtype in REALS:
        dy, x = drawn(dtype, shape, shape)
        near = np.abs(np.arange(shape[1])[:, None] - np.arange(shape[1])) <= radius
        wide, g = x.astype(np.float64), dy.astype(np.float64)
        norm = 1.5 + 0.2 * (wide**2 @ near)
        (y,) = kernels("lrn", [x], [(shape, dtype)], [radius], [1.5, 0.2, 0.75])
        close(y, wide * norm**-0.75)
        (dx,) = kernels("lrn_grad", [dy, x], [(shape, dtype)], [radius], [1.5, 0.2, 0.75])
        close(dx, g * norm**-0.75 - 0.3 * wide * ((g * wide * norm**-1.75) @ near), 4)


def test_nan_stays_in_its_window(kernels):
    x = np.ones((2, 20), np.float32)
    x[0, 10] = np.nan
    (y,) = kernels("lrn", [x], [(x.shape, np.float32)], [2], [1.0, 1.0, 0.5])
    assert np.flatnonzero(np.isnan(y[0])).tolist() == [8, 9, 10, 11, 12]
    assert not np.isnan(y[1]).any()


@pytest.mark.parametrize("n", [1, 15, 17, 64, 40_000])
def test_sigmoid_cross_entropy(kernels, n, ulps):
    rng = np.random.default_rng(n)
    for dtype in REALS:
        x, z = (rng.standard_normal(n) * 10).astype(dtype), rng.random(n).astype(dtype)
        (loss,) = kernels("sigmoid_cross_entropy", [x, z], [((n,), dtype)])
        wide, labels = x.astype(np.longdouble), z.astype(np.longdouble)
        close(loss, np.logaddexp(wide, 0) - wide * labels)
        (of_no,) = kernels("sigmoid_cross_entropy", [-np.abs(x), np.zeros_like(x)], [((n,), dtype)])
        assert ulps(of_no, np.log1p(np.exp(-np.abs(wide)))) < 4
    special = np.array([np.inf, -np.inf, np.nan, 3e38], np.float32)
    (loss,) = kernels("sigmoid_cross_entropy", [special, np.zeros_like(special)], [((4,), np.float32)])
    assert loss[3] == np.float32(3e38)
    assert np.isnan(loss[2])
