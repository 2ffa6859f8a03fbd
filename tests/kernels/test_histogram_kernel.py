"""The histogram kernel against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

REALS = [np.float32, np.float64]


def histogram(kernels, x: np.ndarray, buckets: int) -> tuple[np.ndarray, np.ndarray]:
    counts, stats = kernels("histogram", [x], [((buckets,), np.int64), ((7,), np.float64)], [buckets])
    return counts, stats


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("n", [1, 5, 16, 17, 1000, 300_001])
@pytest.mark.parametrize("buckets", [1, 2, 30, 64])
def test_against_numpy(kernels, dtype, n, buckets):
    x = np.random.default_rng([n, buckets]).standard_normal(n).astype(dtype)
    counts, stats = histogram(kernels, x, buckets)
    wide = x.astype(np.float64)
    np.testing.assert_allclose(
        stats, [wide.min(), wide.max(), wide.sum(), (wide**2).sum(), 0, 0, 0], rtol=1e-12, atol=1e-9
    )
    assert counts.sum() == n
    if n > 1:
        expected, _ = np.histogram(wide, buckets)
        assert np.abs(np.cumsum(counts - expected)).max() <= 1  # a value that rounds onto an edge


def test_edges_are_half_open(kernels):
    x = np.arange(11, dtype=np.float32)  # exact edges 0, 1, ... 10
    counts, _ = histogram(kernels, x, 10)
    np.testing.assert_array_equal(counts, [1, 1, 1, 1, 1, 1, 1, 1, 1, 2])


def test_what_is_not_finite_is_counted_apart(kernels):
    for dtype in REALS:
        x = np.random.default_rng(0).standard_normal(1000).astype(dtype)
        finite = x.copy()
        x[100:103], x[500:505], x[700] = np.nan, np.inf, -np.inf
        keep = np.isfinite(x)
        counts, stats = histogram(kernels, x, 16)
        np.testing.assert_array_equal(stats[4:], [3, 5, 1])
        assert counts.sum() == keep.sum()
        np.testing.assert_array_equal(counts, histogram(kernels, np.ascontiguousarray(finite[keep]), 16)[0])
        assert stats[0] == x[keep].min()
        assert stats[1] == x[keep].max()


def test_nothing_finite(kernels):
    counts, stats = histogram(kernels, np.array([np.nan, np.inf], np.float32), 4)
    np.testing.assert_array_equal(counts, 0)
    np.testing.assert_array_equal(stats, [0, 0, 0, 0, 1, 1, 0])
    counts, stats = histogram(kernels, np.empty(0, np.float32), 4)
    np.testing.assert_array_equal(counts, 0)
    np.testing.assert_array_equal(stats, 0)


def test_equal_values_share_the_first_bucket(kernels):
    counts, stats = histogram(kernels, np.full(100, 2.5, np.float32), 8)
    np.testing.assert_array_equal(counts, [100, 0, 0, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(stats[:4], [2.5, 2.5, 250, 625])


def test_range_wider_than_the_largest_number(kernels):
    largest = np.finfo(np.float64).max
    counts, stats = histogram(kernels, np.array([-largest, 0, largest]), 4)
    np.testing.assert_array_equal(counts, [1, 0, 1, 1])
    assert stats[0] == -largest
    assert stats[1] == largest
