"""Histograms of arrays, counted by the compiled core."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from labkit import native
from labkit.errors import InvalidArgumentError

BUCKETS = 64


@dataclass(frozen=True)
class Histogram:
    """Counts of the finite values in buckets of equal width, from the least to the greatest of them.

    Attributes:
        counts: int64 [buckets].
        limits: float64 [buckets], the upper end of each bucket.
        minimum, maximum, total, total_of_squares: of the finite values; 0 when there are none.
        count: the number of finite values.
        non_finite: the number of NaNs and infinities.
    """

    counts: np.ndarray
    limits: np.ndarray
    minimum: float
    maximum: float
    total: float
    total_of_squares: float
    count: int
    non_finite: int

    @classmethod
    def of(cls, values: Any, buckets: int = BUCKETS) -> Histogram:
        """The histogram of an array of numbers of any shape.

        Raises:
            InvalidArgumentError: it does not hold real numbers.
        """
        array = np.asarray(values)
        if array.dtype.kind not in "fiub":
            raise InvalidArgumentError(
                "A histogram is made of real numbers", received=f"an array of {array.dtype}", fix="Convert it first."
            )
        if array.dtype not in (np.float32, np.float64):
            # Small integers and halves are exact in float32; the others in float64, up to 2**53.
            array = array.astype(np.float32 if array.dtype.itemsize <= 2 else np.float64)
        array = np.ascontiguousarray(array).reshape(-1)
        kernel = "histogram.f32" if array.dtype == np.float32 else "histogram.f64"
        counts, stats = np.zeros(buckets, np.int64), np.zeros(7, np.float64)
        if array.size:
            native.call_kernel(native.active_target(), kernel, [array], [counts, stats], ints=[buckets])
        return cls.of_counts(counts, stats)

    @classmethod
    def of_counts(cls, counts: Any, stats: Any) -> Histogram:
        """The histogram that the histogram kernel has counted.

        Args:
            counts: int64 [buckets], at most 64.
            stats: float64 [7]: minimum, maximum, sum, sum of squares, numbers of NaN, of inf, of -inf.

        Raises:
            InvalidArgumentError: the shapes are others.
        """
        counts, stats = np.array(counts, np.int64), np.array(stats, np.float64)
        if counts.ndim != 1 or not 1 <= counts.size <= BUCKETS or stats.shape != (7,):
            raise InvalidArgumentError(
                "These are no counts of a histogram",
                rule=f"counts has the shape [1 to {BUCKETS}], stats [7]",
                received=f"{counts.shape} and {stats.shape}",
            )
        low, high = float(stats[0]), float(stats[1])
        # Written so that the range of float64 itself does not overflow.
        parts = np.arange(1, counts.size + 1) / counts.size
        limits = low * (1 - parts) + high * parts
        limits[-1] = high
        non_finite = int(stats[4:].sum())
        return cls(counts, limits, low, high, float(stats[2]), float(stats[3]), int(counts.sum()), non_finite)
