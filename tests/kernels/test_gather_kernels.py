"""Kernels that are addressed by indices: gather, scatter, unsorted segments."""

from __future__ import annotations

import numpy as np
import pytest

from labkit import _native

DTYPES = (np.float32, np.float64, np.int32, np.int64, np.uint8, np.bool_)
NUMERIC = DTYPES[:4]
INDEX = (np.int32, np.int64)
rng = np.random.default_rng(0)


def numbers(shape, dtype) -> np.ndarray:
    return rng.integers(0, 2 if dtype is np.bool_ else 100, size=shape).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("index", INDEX)
@pytest.mark.parametrize("inner", [1, 3, 17, 1200])
def test_gather_takes_rows(kernels, dtype, index, inner):
    x, k = numbers((50, inner), dtype), rng.integers(0, 50, size=70).astype(index)
    (y,) = kernels("gather", [x, k], [((70, inner), dtype)], [0, 0, 0])
    np.testing.assert_array_equal(y, x[k])


def test_gather_along_an_axis_and_in_batches(kernels):
    x, k = numbers((3, 4, 50, 5), np.float32), rng.integers(0, 50, size=(3, 701)).astype(np.int32)
    (y,) = kernels("gather", [x, k], [((3, 4, 701, 5), np.float32)], [2, 1, 0])
    for b in range(3):
        np.testing.assert_array_equal(y[b], x[b][:, k[b]])


def test_gather_gives_zeros_for_negative_indices_when_told(kernels):
    x, k = numbers((5, 7), np.float64), np.array([1, -1, 4, -(2**40)])
    (y,) = kernels("gather", [x, k], [((4, 7), np.float64)], [0, 0, 1])
    np.testing.assert_array_equal(y, np.where(k[:, None] < 0, 0, x[np.maximum(k, 0)]))


@pytest.mark.parametrize("bad", [-1, 5, 2**31 - 1, 2**40, -(2**63)])
def test_an_index_out_of_range_is_told(kernels, bad):
    x, k = numbers((5, 3), np.float32), np.array([0, bad, 4])
    for name, inputs, outputs, ints in (
        ("gather", [x, k], [((3, 3), np.float32)], [0, 0, 0]),
        ("gather_nd.f32", [x, k[:, None]], [((3, 3), np.float32)], []),
        ("gather_grad", [numbers((3, 3), np.float32), k], [((5, 3), np.float32)], [0, 0]),
        ("scatter_nd.f32", [k[:, None], numbers((3, 3), np.float32)], [((5, 3), np.float32)], [0]),
        ("scatter_winners.f32", [k[:, None]], [((3, 3), np.float32)], [5]),
    ):
        with pytest.raises(_native.KernelError) as error:
            kernels(name, inputs, outputs, ints)
        assert error.value.args[1:4] == (1, bad, 5)


def test_indices_are_checked_where_nothing_is_taken(kernels):
    x, good = np.zeros((4, 0), np.float32), np.array([0, 3, 1])
    assert kernels("gather", [x, good], [((3, 0), np.float32)], [0, 0, 0])[0].shape == (3, 0)
    assert kernels("gather", [x, good - 1], [((3, 0), np.float32)], [0, 0, 1])[0].shape == (3, 0)
    assert kernels("gather_nd", [x, good[:, None]], [((3, 0), np.float32)])[0].shape == (3, 0)
    for bad in (4, -1):
        index = np.array([0, bad, 1])
        with pytest.raises(_native.KernelError):
            kernels("gather", [x, index], [((3, 0), np.float32)], [0, 0, 0])
        with pytest.raises(_native.KernelError):
            kernels("gather_nd", [x, index[:, None]], [((3, 0), np.float32)])


def test_a_variable_stays_as_it_is_when_an_index_is_bad(kernels):
    before = numbers((5, 3), np.float32)
    for name in ("scatter_update", "scatter_add", "scatter_sub"):
        after = before.copy()
        with pytest.raises(_native.KernelError):
            _native.call_kernel(
                kernels.target, f"{name}.f32", [np.array([0, 1, 5]), numbers((3, 3), np.float32)], [after], [1], [], 1
            )
        np.testing.assert_array_equal(after, before)


@pytest.mark.parametrize("dtype", DTYPES)
def test_gather_nd(kernels, dtype):
    x = numbers((6, 7, 5), dtype)
    k = np.stack([rng.integers(0, 6, size=(4, 700)), rng.integers(0, 7, size=(4, 700))], axis=-1).astype(np.int32)
    (y,) = kernels("gather_nd", [x, k], [((4, 700, 5), dtype)])
    np.testing.assert_array_equal(y, x[k[..., 0], k[..., 1]])
    (y,) = kernels("gather_nd", [x, np.zeros((3, 0), np.int64)], [((3, 6, 7, 5), dtype)])
    np.testing.assert_array_equal(y, np.broadcast_to(x, y.shape))


@pytest.mark.parametrize("inner", [1, 5, 40, 300])
@pytest.mark.parametrize("dtype", NUMERIC)
def test_scattered_rows_are_added_in_order(kernels, dtype, inner):
    k = rng.integers(0, 90, size=3000)
    x = rng.normal(size=(3000, inner)) * 100
    x = x.astype(dtype)
    expected = np.zeros((90, inner), dtype)
    for i, row in zip(k, x, strict=True):
        expected[i] += row
    (sums,) = kernels("unsorted_segment_sum", [x, k], [((90, inner), dtype)])
    assert sums.tobytes() == expected.tobytes()
    code = {"float32": "f32", "float64": "f64", "int32": "i32", "int64": "i64"}[np.dtype(dtype).name]
    (sums,) = kernels(f"scatter_nd.{code}", [k[:, None], x], [((90, inner), dtype)], [0])
    assert sums.tobytes() == expected.tobytes()
    if np.dtype(dtype).kind == "f":
        (sums,) = kernels("gather_grad", [x, k.astype(np.int32)], [((90, inner), dtype)], [0, 0])
        assert sums.tobytes() == expected.tobytes()


def test_gather_grad_along_an_axis_and_in_batches(kernels):
    k = rng.integers(0, 50, size=(3, 31)).astype(np.int32)
    g = rng.integers(0, 9, size=(3, 4, 31, 5)).astype(np.float32)
    expected = np.zeros((3, 4, 50, 5), np.float32)
    for b in range(3):
        for i, index in enumerate(k[b]):
            expected[b, :, index] += g[b, :, i]
    (y,) = kernels("gather_grad", [g, k], [((3, 4, 50, 5), np.float32)], [2, 1])
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_scatter_replaces_in_order(kernels, dtype):
    k = rng.integers(0, 9, size=(40, 1)).astype(np.int32)
    x, updates = numbers((9, 33), dtype), numbers((40, 33), dtype)
    expected = x.copy()
    for i, row in zip(k[:, 0], updates, strict=True):
        expected[i] = row
    code = {"f": "f", "i": "i", "u": "u", "b": "b"}[np.dtype(dtype).kind] + str(8 * np.dtype(dtype).itemsize)
    (y,) = kernels(f"scatter_update.{code}", [k, updates], [x], [0])
    np.testing.assert_array_equal(y, expected)
    (y,) = kernels(f"scatter_update.{code}", [k[:, 0], updates], [x], [1])
    np.testing.assert_array_equal(y, expected)
    (y,) = kernels(f"tensor_scatter_update.{code}", [x, k, updates], [((9, 33), dtype)], [0])
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("dtype", NUMERIC)
def test_scatter_adds_and_subtracts(kernels, dtype):
    k = rng.integers(0, 9, size=(40, 2))
    x, updates = numbers((9, 9), dtype), numbers((40,), dtype)
    code = {"float32": "f32", "float64": "f64", "int32": "i32", "int64": "i64"}[np.dtype(dtype).name]
    for name, ufunc in (("add", np.add), ("sub", np.subtract)):
        expected = x.copy()
        ufunc.at(expected, (k[:, 0], k[:, 1]), updates)
        (y,) = kernels(f"scatter_{name}.{code}", [k, updates], [x], [0])
        np.testing.assert_array_equal(y, expected)
        (y,) = kernels(f"tensor_scatter_{name}.{code}", [x, k, updates], [((9, 9), dtype)], [0])
        np.testing.assert_array_equal(y, expected)


def test_the_last_update_of_a_place_wins(kernels):
    k = np.array([[0, 1], [2, 2], [0, 1], [0, 0]])
    (y,) = kernels("scatter_winners.f32", [k], [((4, 2), np.float32)], [3, 3])
    np.testing.assert_array_equal(y, [[0, 0], [1, 1], [1, 1], [1, 1]])


@pytest.mark.parametrize("dtype", NUMERIC)
@pytest.mark.parametrize("index", INDEX)
def test_unsorted_segments(kernels, dtype, index):
    ids = rng.integers(-2, 6, size=50).astype(index)
    x = rng.integers(1, 4, size=(50, 3)).astype(dtype)
    for name, ufunc, empty in (
        ("sum", np.add, 0),
        ("prod", np.multiply, 1),
        ("max", np.maximum, -np.inf if np.dtype(dtype).kind == "f" else np.iinfo(dtype).min),
        ("min", np.minimum, np.inf if np.dtype(dtype).kind == "f" else np.iinfo(dtype).max),
    ):
        expected = np.full((7, 3), empty, dtype)
        with np.errstate(over="ignore"):
            ufunc.at(expected, ids[ids >= 0], x[ids >= 0])
        (y,) = kernels(f"unsorted_segment_{name}", [x, ids], [((7, 3), dtype)])
        np.testing.assert_array_equal(y, expected)


def test_a_nan_is_the_extreme_of_its_segment(kernels):
    x, ids = np.array([1, np.nan, 3, 4], np.float32), np.array([0, 0, 0, 1])
    for name in ("max", "min"):
        (y,) = kernels(f"unsorted_segment_{name}", [x, ids], [((2,), np.float32)])
        np.testing.assert_array_equal(y, np.array([np.nan, 4], np.float32))


def test_nothing_scattered_leaves_zeros(kernels):
    (y,) = kernels("unsorted_segment_sum", [np.zeros((0, 3)), np.zeros(0, np.int32)], [((4, 3), np.float64)])
    assert not y.any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("width", [1, 7, 64, 300])
def test_embedding_bag(kernels, dtype, width):
    x, ids = rng.normal(size=(30, width)).astype(dtype), rng.integers(0, 30, size=200).astype(np.int32)
    weights = rng.normal(size=200).astype(dtype)
    offsets = np.array([0, 5, 5, 70, 199], np.int64)
    expected = np.zeros((2, 5, width), dtype)
    for b, (begin, end) in enumerate(zip(offsets, [*offsets[1:], 200], strict=True)):
        for k in range(begin, end):
            expected[0, b] += x[ids[k]]
            expected[1, b] += weights[k] * x[ids[k]]
    (y,) = kernels("embedding_bag", [x, ids, offsets], [((5, width), dtype)])
    assert y.tobytes() == expected[0].tobytes()
    (y,) = kernels("embedding_bag", [x, ids, offsets, weights], [((5, width), dtype)])
    assert y.tobytes() == expected[1].tobytes()
    (y,) = kernels("embedding_bag", [x, ids.reshape(50, 4), np.zeros(0, np.int32)], [((50, width), dtype)])
    np.testing.assert_allclose(y, x[ids.reshape(50, 4)].sum(axis=1), rtol=1e-5, atol=1e-6)
    (bags,) = kernels("bag_ids", [offsets], [((200,), np.int64)], [0])
    np.testing.assert_array_equal(bags, np.repeat(np.arange(5), np.diff([*offsets, 200])))


def test_indices_are_checked_on_their_way_to_a_write(kernels):
    k = rng.integers(0, 5, size=(40, 2)).astype(np.int32)
    (y,) = kernels("check_indices", [k], [(k.shape, np.int32)], [0, 5, 5])
    np.testing.assert_array_equal(y, k)
    with pytest.raises(_native.KernelError) as error:
        kernels("check_indices", [np.array([[4, 4], [0, 5]])], [((2, 2), np.int64)], [0, 9, 5])
    assert error.value.args[1:4] == (1, 5, 5)
