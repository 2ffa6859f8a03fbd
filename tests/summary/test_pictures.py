"""Histograms counted and images laid out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as hnp

from labkit.errors import InvalidArgumentError, ShapeError
from labkit.summary import Histogram, filters, grid
from labkit.summary.images import as_image

numbers = st.floats(width=32, allow_subnormal=False)  # the compiled core treats float32 denormals as zero


@given(hnp.arrays(st.sampled_from(["float32", "float64"]), st.integers(0, 300), elements=numbers))
def test_every_value_is_counted_once(values: np.ndarray) -> None:
    counted = Histogram.of(values)
    finite = values[np.isfinite(values)].astype(np.float64)
    assert counted.count == counted.counts.sum() == finite.size
    assert counted.non_finite == values.size - finite.size
    assert len(counted.counts) == len(counted.limits) == 64
    if finite.size:
        assert (counted.minimum, counted.maximum) == (finite.min(), finite.max())
        assert counted.limits[-1] == counted.maximum
        assert (np.diff(counted.limits) >= 0).all()
        assert counted.total_of_squares == pytest.approx(np.square(finite).sum(), rel=1e-4, abs=1e-30)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int32, np.int64, np.float16])
def test_other_numbers_are_converted(dtype: type) -> None:
    counted = Histogram.of(np.array([0, 1, 1], dtype))
    assert (counted.minimum, counted.maximum, counted.total, counted.count) == (0, 1, 2, 3)
    assert (counted.counts[0], counted.counts[-1]) == (1, 2)


def test_extremes_do_not_overflow() -> None:
    top = np.finfo(np.float64).max
    counted = Histogram.of(np.array([-top, top]))
    assert np.isfinite(counted.limits).all()
    assert counted.count == 2


@pytest.mark.parametrize(("counts", "stats"), [((65,), (7,)), ((0,), (7,)), ((4, 4), (7,)), ((64,), (6,))])
def test_counts_of_other_shapes_are_refused(counts: tuple[int, ...], stats: tuple[int, ...]) -> None:
    with pytest.raises(InvalidArgumentError, match="no counts"):
        Histogram.of_counts(np.zeros(counts, np.int64), np.zeros(stats))


def test_a_grid_holds_every_image_in_its_place() -> None:
    images = np.arange(1, 8, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 3, 1), np.uint8)
    laid = grid(images, columns=3)
    assert laid.shape == (3 * 3 - 1, 3 * 4 - 1, 1)
    for n in range(7):
        row, column = divmod(n, 3)
        assert (laid[3 * row : 3 * row + 2, 4 * column : 4 * column + 3] == n + 1).all()
    assert laid.sum() == images.sum()  # gaps and places without an image are black
    assert grid(images[:1]).shape == (2, 3, 1)
    assert grid(images, gap=0).shape == (6, 9, 1)


def test_filters_are_scaled_each_by_itself() -> None:
    weights = np.random.default_rng(0).standard_normal((3, 3, 1, 4)).astype(np.float32) * [1, 10, 100, 0]
    images = filters(weights)
    assert images.shape == (4, 3, 3, 1)
    assert images[:3].min(axis=(1, 2, 3)).tolist() == [0] * 3
    assert images[:3].max(axis=(1, 2, 3)).tolist() == [1] * 3
    assert (images[3] == 0.5).all()
    first = weights[:, :, 0, 0]
    assert np.allclose(images[0, :, :, 0], (first - first.min()) / (first.max() - first.min()))


def test_filters_of_three_channels_are_in_colour_and_others_grey() -> None:
    assert filters(np.zeros((5, 5, 3, 8))).shape == (8, 5, 5, 3)
    assert filters(np.zeros((5, 5, 64, 2))).shape == (128, 5, 5, 1)
    with pytest.raises(ShapeError):
        filters(np.zeros((5, 5, 3)))


def test_filters_with_values_that_are_not_finite_stay_images() -> None:
    weights = np.array([0.0, np.nan, 2.0, np.inf]).reshape(2, 2, 1, 1)
    assert filters(weights).reshape(-1).tolist() == [0, 0, 1, 0]
    assert filters(np.full((2, 2, 1, 1), np.nan)).tolist() == np.zeros((1, 2, 2, 1)).tolist()


def test_floats_are_clipped_and_rounded() -> None:
    image = as_image(np.array([[-1.0, 0.0, 0.5, 1.0, 7.0, np.nan, np.inf, -np.inf]]))
    assert image.reshape(-1).tolist() == [0, 0, 128, 255, 255, 0, 255, 0]
