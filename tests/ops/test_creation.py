"""Tensors made of counting, copies and defaults, as programs use them."""

from __future__ import annotations

import numpy as np
import pytest

import labkit as lk
from labkit.errors import DTypeError

DTYPES = [lk.float32, lk.float64, lk.int32, lk.int64, lk.uint8, lk.bool]


def run(fetches, feeds=None):
    with lk.Session() as session:
        return session.run(fetches, feeds)


@pytest.fixture(autouse=True)
def graph():
    with lk.Graph().as_default():
        yield


RANGES = [(5,), (2, 9), (9, 2, -3), (3, 3), (5, 2), (0.0, 1.0, 0.1), (1, 2.5), (0, -1, 0.5)]


@pytest.mark.parametrize("ends", RANGES, ids=str)
def test_range_is_numpys(ends):
    got, expected = run(lk.range(*ends)), np.arange(*ends)
    assert got.dtype == (np.float32 if expected.dtype.kind == "f" else np.int32)
    np.testing.assert_allclose(got, expected, rtol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES[:4])
def test_the_ends_of_a_range_may_be_fed_or_computed(dtype):
    n = lk.placeholder(dtype, [])
    got = lk.range(n, n * n, 2)
    assert got.shape.as_list() == [None]
    for value in (4, 0, 3):
        np.testing.assert_array_equal(run(got, {n: value}), np.arange(value, value * value, 2))


def test_a_range_needs_a_step():
    with pytest.raises(lk.errors.InvalidArgumentError, match="delta"):
        lk.range(0, 5, 0)
    with pytest.raises(lk.errors.InvalidArgumentError, match="finite"):
        lk.range(0.0, float("inf"))
    n = lk.placeholder(lk.int32, [])
    with pytest.raises(lk.errors.InvalidArgumentError, match="delta"):
        run(lk.range(0, 5, n), {n: 0})


def test_linspace_ends_exactly_and_is_differentiable():
    a, b = lk.constant(0.1), lk.constant(0.7)
    y = lk.linspace(a, b, 7)
    value, grads = run([y, lk.gradients(y, [a, b])])
    np.testing.assert_allclose(value, np.linspace(0.1, 0.7, 7), rtol=1e-6)
    assert (value[0], value[-1]) == (np.float32(0.1), np.float32(0.7))
    np.testing.assert_allclose(grads, [3.5, 3.5], rtol=1e-6)
    assert run(lk.linspace(2.0, 3.0, 1)).tolist() == [2.0]
    with pytest.raises(lk.errors.DTypeError, match="floating"):
        lk.linspace(0, 1, 3)


@pytest.mark.parametrize("dtype", DTYPES)
def test_eye_in_every_dtype(dtype):
    np.testing.assert_array_equal(run(lk.eye(3, 4, dtype=dtype)), np.eye(3, 4, dtype=dtype.numpy))


def test_eye_in_batches_of_a_size_that_is_fed():
    n = lk.placeholder(lk.int32, [])
    y = run(lk.eye(n, batch_shape=[2, 3]), {n: 4})
    np.testing.assert_array_equal(y, np.broadcast_to(np.eye(4), (2, 3, 4, 4)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_zeros_ones_fill_in_every_dtype(dtype):
    n = lk.placeholder(lk.int32, [2])
    made = [lk.zeros([2, 3], dtype), lk.ones([2, 3], dtype), lk.zeros(n, dtype), lk.ones(n, dtype)]
    made += [lk.zeros_like(made[1]), lk.ones_like(made[0]), lk.fill(n, lk.constant(1, dtype))]
    for y, expected in zip(run(made, {n: [2, 3]}), [0, 1, 0, 1, 0, 1, 1], strict=True):
        assert y.dtype == dtype.numpy
        np.testing.assert_array_equal(y, np.full((2, 3), expected, dtype.numpy))


def test_one_hot_gives_rows_that_are_off_for_indices_outside():
    y = lk.one_hot([0, 2, -1, 3], 3)
    assert y.shape.as_list() == [4, 3]
    np.testing.assert_array_equal(run(y), [[1, 0, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]])


def test_one_hot_with_values_axis_and_a_depth_that_is_fed():
    depth = lk.placeholder(lk.int32, [])
    y = lk.one_hot(np.array([[1, 0]], np.uint8), depth, on_value=5.0, off_value=-1.0, axis=0, dtype=lk.float64)
    np.testing.assert_array_equal(run(y, {depth: 2}), [[[-1, 5]], [[5, -1]]])
    assert run(lk.one_hot([1], 2, on_value=True, off_value=False)).dtype == bool


def test_sequence_mask():
    lengths = lk.placeholder(lk.int32, [None])
    fetches = [lk.sequence_mask(lengths), lk.sequence_mask(lengths, 4, lk.float32)]
    for feed in ([1, 3, 0], [2], [0]):
        own, longer = run(fetches, {lengths: feed})
        np.testing.assert_array_equal(own, np.arange(max(feed)) < np.reshape(feed, (-1, 1)))
        np.testing.assert_array_equal(longer, np.arange(4) < np.reshape(feed, (-1, 1)))


@pytest.mark.parametrize("indexing", ["xy", "ij"])
def test_meshgrid_is_numpys(indexing):
    vectors = [np.arange(3.0), np.arange(4.0), np.arange(2.0)]
    for count in (1, 2, 3):
        got = run(lk.meshgrid(*vectors[:count], indexing=indexing))
        for y, expected in zip(got, np.meshgrid(*vectors[:count], indexing=indexing), strict=True):
            np.testing.assert_array_equal(y, expected)


def test_placeholder_with_default_is_fed_or_not():
    x = lk.placeholder_with_default(np.ones((2, 3)), [None, 3])
    assert x.shape.as_list() == [None, 3]
    y = lk.reduce_sum(x)
    assert run(y) == 6
    assert run(y, {x: np.ones((5, 3))}) == 15
    with pytest.raises(lk.errors.ShapeError):
        lk.placeholder_with_default(np.ones(3), [2])


def test_a_default_size_decides_a_shape():
    n = lk.placeholder_with_default(3, [])
    y = lk.range(n)
    assert run(y).tolist() == [0, 1, 2]
    assert run(y, {n: 2}).tolist() == [0, 1]


def test_tile_and_repeat_by_numbers_that_are_fed():
    x, m = lk.constant(np.arange(6.0).reshape(2, 3)), lk.placeholder(lk.int64, [2])
    tiled, repeated = lk.tile(x, m), lk.repeat(x, m, 0)
    grads = lk.gradients([tiled, repeated], x)[0]
    for feed in ([2, 1], [0, 3], [1, 1]):
        values = run([tiled, repeated, grads], {m: feed})
        np.testing.assert_array_equal(values[0], np.tile(np.arange(6.0).reshape(2, 3), feed))
        np.testing.assert_array_equal(values[1], np.repeat(np.arange(6.0).reshape(2, 3), feed, 0))
        np.testing.assert_array_equal(values[2], np.full((2, 3), feed[0] * feed[1]) + np.reshape(feed, (2, 1)))
    np.testing.assert_array_equal(run(lk.repeat(x, 2)), np.repeat(np.arange(6.0), 2))


def test_roll_and_reverse_take_one_axis_or_several():
    x, n = np.arange(24.0).reshape(2, 3, 4), lk.placeholder(lk.int32, [])
    np.testing.assert_array_equal(run(lk.reverse(x, [0, -1])), x[::-1, :, ::-1])
    np.testing.assert_array_equal(run(lk.reverse(x, 1)), x[:, ::-1])
    np.testing.assert_array_equal(run(lk.roll(x, [1, n], [0, 2]), {n: -3}), np.roll(x, [1, -3], [0, 2]))


def test_a_sequence_longer_than_its_axis_is_refused():
    lengths = lk.placeholder(lk.int32, [2])
    y = lk.reverse_sequence(np.arange(6.0).reshape(2, 3), lengths, seq_axis=1)
    np.testing.assert_array_equal(run(y, {lengths: [3, 1]}), [[2, 1, 0], [3, 4, 5]])
    with pytest.raises(lk.errors.InvalidArgumentError, match="Received: 4"):
        run(y, {lengths: [4, 1]})


def test_cast_between_every_two_dtypes():
    for source in DTYPES:
        x = np.array([0, 1, 0, 1] if source is lk.bool else [0, 1, 2, 100]).astype(source.numpy)
        for target in DTYPES:
            y = run(lk.cast(lk.constant(x), target))
            assert y.dtype == target.numpy
            np.testing.assert_array_equal(y, x.astype(target.numpy))


def test_a_variable_is_a_dimension():
    length = lk.Variable(3)
    with lk.Session() as session:
        session.run(length.initializer)
        assert session.run(lk.zeros([length, 2])).shape == (3, 2)


def test_a_tensor_is_no_dtype():
    with pytest.raises(DTypeError, match="element type"):
        lk.eye(3, dtype=lk.constant(1.0))
