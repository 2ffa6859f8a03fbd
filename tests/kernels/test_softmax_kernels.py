"""Softmax and the cross-entropies against float64, their gradients' identities, and bad labels."""

from __future__ import annotations

import numpy as np
import pytest

from labkit import _native

REALS = [np.float32, np.float64]
SHAPES = [(1, 1), (3, 2), (100, 10), (5, 15), (5, 16), (5, 17), (7, 33), (3, 1000), (2, 5000), (4000, 10)]


def logits_of(shape: tuple[int, ...], dtype: type, scale: float = 3.0) -> np.ndarray:
    return (np.random.default_rng([*shape]).standard_normal(shape) * scale).astype(dtype)


def log_softmax(x: np.ndarray) -> np.ndarray:
    x = x.astype(np.longdouble)
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def tolerance(dtype: type) -> dict[str, float]:
    return {"rtol": 3e-6, "atol": 1e-6} if dtype is np.float32 else {"rtol": 1e-13, "atol": 1e-14}


@pytest.mark.parametrize("shape", [*SHAPES, (4,), (2, 3, 5)])
def test_softmax(kernels, shape):
    for dtype in REALS:
        x = logits_of(shape, dtype)
        expected = log_softmax(x)
        np.testing.assert_allclose(kernels("softmax", [x], [(shape, dtype)])[0], np.exp(expected), **tolerance(dtype))
        np.testing.assert_allclose(kernels("log_softmax", [x], [(shape, dtype)])[0], expected, **tolerance(dtype))


def test_large_logits_do_not_overflow(kernels):
    x = np.array([[1e4, 1e4, -1e4], [3e38, 0, -3e38], [-np.inf, 0, 0]], np.float32)
    expected = [[0.5, 0.5, 0], [1, 0, 0], [0, 0.5, 0.5]]
    np.testing.assert_allclose(kernels("softmax", [x], [(x.shape, np.float32)])[0], expected, rtol=1e-6)
    (logs,) = kernels("log_softmax", [x], [(x.shape, np.float32)])
    np.testing.assert_allclose(logs[0], [-np.log(2), -np.log(2), -2e4 - np.log(2)], rtol=1e-6)
    assert logs[2, 0] == -np.inf


def test_nan_stays_in_its_row(kernels):
    for place in (0, 9, 16, 19):
        x = logits_of((3, 20), np.float32)
        x[1, place] = np.nan
        (y,) = kernels("softmax", [x], [(x.shape, np.float32)])
        assert np.isnan(y[1]).all()
        assert np.isfinite(y[[0, 2]]).all()
    x = np.array([[np.inf, 0.0], [-np.inf, -np.inf]], np.float32)
    assert np.isnan(kernels("softmax", [x], [(x.shape, np.float32)])[0][:, 0]).all()


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_in_place(kernels, name):
    x = logits_of((30, 37), np.float32)
    (expected,) = kernels(name, [x], [(x.shape, np.float32)])
    _native.call_kernel(kernels.target, name + ".f32", [x], [x])
    np.testing.assert_array_equal(x, expected)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_row_does_not_know_its_batch(kernels, name):
    for width in (1, 10, 16, 37, 3000):
        for dtype in REALS:
            x = logits_of((41, width), dtype)
            (whole,) = kernels(name, [x], [(x.shape, dtype)])
            for r in (0, 17, 40):
                assert kernels(name, [x[r : r + 1]], [((1, width), dtype)])[0].tobytes() == whole[r].tobytes()


@pytest.mark.parametrize("shape", SHAPES)
def test_sparse_cross_entropy(kernels, shape):
    rng = np.random.default_rng(1)
    for dtype in REALS:
        for label_dtype in (np.int32, np.int64):
            x, labels = logits_of(shape, dtype), rng.integers(0, shape[1], shape[0]).astype(label_dtype)
            loss, gradient = kernels("sparse_softmax_cross_entropy", [x, labels], [(shape[:1], dtype), (shape, dtype)])
            logs = log_softmax(x)
            np.testing.assert_allclose(loss, -logs[np.arange(shape[0]), labels], **tolerance(dtype))
            np.testing.assert_allclose(gradient, np.exp(logs) - np.eye(shape[1])[labels], **tolerance(dtype))
            last = kernels(
                "sparse_softmax_cross_entropy", [x[-1:], labels[-1:]], [((1,), dtype), ((1, shape[1]), dtype)]
            )
            assert last[0].tobytes() == loss[-1:].tobytes()
            assert last[1].tobytes() == gradient[-1:].tobytes()


@pytest.mark.parametrize("shape", SHAPES)
def test_cross_entropy(kernels, shape):
    for dtype in REALS:
        x, labels = logits_of(shape, dtype), np.random.default_rng(2).random(shape).astype(dtype)
        labels[::2] /= labels[::2].sum(-1, keepdims=True)
        loss, gradient = kernels("softmax_cross_entropy", [x, labels], [(shape[:1], dtype), (shape, dtype)])
        logs, wide = log_softmax(x), labels.astype(np.longdouble)
        np.testing.assert_allclose(loss, -(wide * logs).sum(-1), **tolerance(dtype))
        bound = tolerance(dtype)
        np.testing.assert_allclose(
            gradient, np.exp(logs) * wide.sum(-1, keepdims=True) - wide, rtol=bound["rtol"], atol=2 * bound["atol"]
        )


def test_both_cross_entropies_agree(kernels):
    x, labels = logits_of((64, 10), np.float32), np.arange(64) % 10
    sparse = kernels("sparse_softmax_cross_entropy", [x, labels], [((64,), np.float32), (x.shape, np.float32)])
    dense = kernels(
        "softmax_cross_entropy", [x, np.eye(10, dtype=np.float32)[labels]], [((64,), np.float32), (x.shape, np.float32)]
    )
    for a, b in zip(sparse, dense, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=2e-7)


def test_label_zero_ignores_an_infinite_logit(kernels):
    x, labels = np.array([[0.0, -np.inf, 0.0]], np.float32), np.array([[0.5, 0, 0.5]], np.float32)
    loss, gradient = kernels("softmax_cross_entropy", [x, labels], [((1,), np.float32), ((1, 3), np.float32)])
    np.testing.assert_allclose(loss, np.log(2), rtol=1e-6)
    np.testing.assert_allclose(gradient, 0, atol=1e-7)


def test_loss_of_no_classes_is_zero(kernels):
    x = np.empty((3, 0), np.float32)
    loss, _ = kernels("softmax_cross_entropy", [x, x], [((3,), np.float32), ((3, 0), np.float32)])
    np.testing.assert_array_equal(loss, 0)


@pytest.mark.parametrize("bad", [-1, 10, 2**31 - 1, -(2**31), 2**40])
@pytest.mark.parametrize("row", [0, 37, 99])
def test_label_out_of_range_is_refused(kernels, bad, row):
    x, labels = logits_of((100, 10), np.float32), np.zeros(100, np.int64)
    labels[row] = bad
    for dtype in (np.int64, np.int32) if abs(bad) < 2**31 else (np.int64,):
        with pytest.raises(Exception, match=rf"{bad}\b.*\b10\b"):
            kernels(
                "sparse_softmax_cross_entropy", [x, labels.astype(dtype)], [((100,), np.float32), (x.shape, np.float32)]
            )
