"""Kernels that sort, search and count."""

from __future__ import annotations

import numpy as np
import pytest

from labkit import _native

DTYPES = (np.float32, np.float64, np.int32, np.int64, np.uint8, np.bool_)
rng = np.random.default_rng(0)


def numbers(shape, dtype, high=100) -> np.ndarray:
    return rng.integers(-high if np.dtype(dtype).kind in "if" else 0, high, size=shape).astype(dtype)


def order(x: np.ndarray, descending: bool) -> np.ndarray:
    """NumPy's stable order; NaN first when descending."""
    if not descending:
        return np.argsort(x, axis=-1, kind="stable")
    return x.shape[-1] - 1 - np.argsort(x[..., ::-1], axis=-1, kind="stable")[..., ::-1]


def check_sort(kernels, x, descending=False):
    values, places = kernels("sort", [x], [(x.shape, x.dtype), (x.shape, np.int32)], [int(descending)])
    np.testing.assert_array_equal(places, order(x, descending))
    assert values.tobytes() == np.take_along_axis(x, order(x, descending), -1).tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("length", [1, 2, 15, 16, 17, 100, 767, 1025, 2500])
def test_rows_are_sorted_stably(kernels, dtype, length):
    for descending in (False, True):
        check_sort(kernels, numbers((3, length), dtype), descending)


@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_a_long_row_is_sorted_in_parts(kernels, dtype):
    n = (1 << 17) * 3 + 12345
    check_sort(kernels, rng.normal(size=n).astype(dtype) if dtype is np.float32 else rng.integers(-(2**60), 2**60, n))
    check_sort(kernels, numbers((2, n), dtype, 3), True)
    check_sort(kernels, np.zeros(n, dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_no_number_has_its_place(kernels, dtype):
    x = np.array([3, np.nan, -0.0, np.inf, 0.0, -np.inf, -np.nan, -0.0, -3], dtype)
    check_sort(kernels, x)
    check_sort(kernels, x, True)
    values, places = kernels("top_k", [x], [((4,), dtype), ((4,), np.int32)])
    np.testing.assert_array_equal(places, [1, 6, 3, 0])
    np.testing.assert_array_equal(values, x[places])


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_extremes_are_sorted(kernels, dtype):
    info = np.iinfo(dtype)
    check_sort(kernels, np.array([0, info.max, info.min, -1, 1, info.min, info.max], dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("length", "k"), [(1, 1), (17, 3), (33, 33), (5000, 1), (5000, 100), (9000, 700), (3000, 2999)]
)
def test_top_k_is_the_beginning_of_the_order(kernels, dtype, length, k):
    for x in (
        numbers((3, length), dtype),
        np.sort(numbers((2, length), dtype), axis=-1),
        numbers((2, length), dtype, 2),
    ):
        values, places = kernels("top_k", [x], [((len(x), k), dtype), ((len(x), k), np.int32)])
        np.testing.assert_array_equal(places, order(x, True)[:, :k])
        np.testing.assert_array_equal(values, np.take_along_axis(x, places.astype(int), -1))


@pytest.mark.parametrize("dtype", DTYPES[:5])
def test_searchsorted(kernels, dtype):
    rows = np.sort(numbers((3, 100), dtype, 40), axis=-1)
    values = numbers((3, 50), dtype, 45)
    for right in (0, 1):
        (found,) = kernels("searchsorted", [rows, values], [((3, 50), np.int32)], [right])
        for row, wanted, places in zip(rows, values, found, strict=True):
            np.testing.assert_array_equal(places, np.searchsorted(row, wanted, ("left", "right")[right]))


@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("n", [0, 7, 700_000])
def test_bincount(kernels, index, n):
    x = rng.integers(0, 50, size=n).astype(index)
    (counts,) = kernels("bincount.i64", [x], [((40,), np.int64)])
    np.testing.assert_array_equal(counts, np.bincount(x, minlength=50)[:40])
    weights = rng.integers(0, 9, size=n).astype(np.float32)
    (sums,) = kernels("weighted_bincount", [weights, x], [((40,), np.float32)])
    np.testing.assert_array_equal(sums, np.bincount(x, weights, 50)[:40])
    (size,) = kernels("bincount_size", [x], [((), index)])
    assert size == (x.max() + 1 if n else 0)


def test_negative_numbers_are_not_counted(kernels):
    x = np.array([3, -7, 2])
    for name, outputs in (("bincount.i32", ((9,), np.int32)), ("bincount_size", ((), np.int64))):
        with pytest.raises(_native.KernelError) as error:
            kernels(name, [x], [outputs])
        assert error.value.args[2] == -7


def test_sorted_ids_are_counted(kernels):
    ids = np.sort(rng.integers(0, 900, size=100_000))
    assert kernels("segment_count", [ids], [((), np.int64)])[0] == ids[-1] + 1
    assert kernels("segment_count", [ids[:0]], [((), np.int64)])[0] == 0
    for bad in (np.array([0, 2, 1]), np.array([-1, 0])):
        with pytest.raises(_native.KernelError) as error:
            kernels("segment_count", [bad], [((), np.int64)])
        assert error.value.args[1] == 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_in_top_k(kernels, dtype):
    x, targets = numbers((200, 33), dtype, 9), rng.integers(0, 33, size=200)
    expected = (x > x[np.arange(200), targets][:, None]).sum(axis=1) < 5
    x[3, 0], x[4, 1], expected[3:5] = np.nan, np.inf, False
    (y,) = kernels("in_top_k", [x, targets], [((200,), np.bool_)], [5])
    np.testing.assert_array_equal(y, expected)
