"""Indexing, slices and borders as programs use them."""

from __future__ import annotations

import numpy as np
import pytest

import labkit as lk

X = np.arange(120.0).reshape(4, 5, 6)


def run(fetches, feeds=None):
    with lk.Session() as session:
        return session.run(fetches, feeds)


@pytest.fixture(autouse=True)
def graph():
    with lk.Graph().as_default():
        yield


KEYS = [
    np.s_[1],
    np.s_[-1],
    np.s_[1, 2, 3],
    np.s_[::2],
    np.s_[::-1, ..., ::3],
    np.s_[-3:-1, 4:0:-2],
    np.s_[..., 0],
    np.s_[..., None],
    np.s_[None, 1:100, :, None, -1],
    np.s_[5:2],
    np.s_[:],
    np.s_[()],
    np.s_[np.int64(2), 1 : np.int32(3)],
    np.s_[: 2**70 : 2],
]


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_indexing_is_numpys(key):
    x = lk.constant(X)
    y = x[key]
    np.testing.assert_array_equal(run(y), X[key])
    assert y.shape.as_list() == list(X[key].shape)


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_indexing_of_unknown_sizes_and_its_gradient(key):
    x = lk.placeholder(lk.float64, [None, None, None])
    y = x[key]
    value, grad = run([y, lk.gradients(y * y, x)[0]], {x: X})
    expected = np.zeros_like(X)
    expected[key] = 2 * X[key]
    np.testing.assert_array_equal(value, X[key])
    np.testing.assert_array_equal(grad, expected)


def test_indices_may_be_fed_or_computed():
    x, i = lk.constant(X), lk.placeholder(lk.int32, [])
    first = lk.cast(lk.reduce_sum(lk.cast(i, lk.float32)), lk.int64)
    for n in (0, 2, -1):
        got = run([x[i], x[:, i:, 0], x[first], x[::2, 1 : first + 3]], {i: n})
        for y, key in zip(got, [np.s_[n], np.s_[:, n:, 0], np.s_[n], np.s_[::2, 1 : n + 3]], strict=True):
            np.testing.assert_array_equal(y, X[key])


def test_an_index_outside_is_an_error_that_names_the_rule():
    x, i = lk.constant(X), lk.placeholder(lk.int32, [])
    with pytest.raises(lk.errors.OutOfRangeError, match="from -4 to 3"):
        x[4]
    for outside in (5, -6):
        with pytest.raises(lk.errors.InvalidArgumentError, match=f"out of range.*Received: {outside}"):
            run(x[:, i], {i: outside})
    with pytest.raises(lk.errors.ShapeError, match="at most one index"):
        x[i, i, i, i]


@pytest.mark.parametrize(
    ("shape", "rule"), [((4, 0), "from 0 to 3"), ((0, 4), "nothing to index"), ((0, 0), "nothing to index")]
)
def test_indices_into_what_is_empty_are_checked(shape, rule):
    with lk.Graph().as_default(), lk.Session() as session:
        x, k = lk.placeholder(lk.float32, [None, None]), lk.placeholder(lk.int32, [None])
        for y in (lk.gather(x, k), lk.gather_nd(x, k[:, None])):
            with pytest.raises(lk.errors.InvalidArgumentError, match=f"out of range. .*{rule}.* Received: 9"):
                session.run(y, {x: np.zeros(shape), k: [9]})
            assert session.run(y, {x: np.zeros(shape), k: []}).shape == (0, shape[1])
        if shape[0]:
            assert session.run(y, {x: np.zeros(shape), k: [3, 0]}).shape == (2, 0)


def test_an_index_that_is_computed_takes_no_plan_of_its_own():
    x, i = lk.placeholder(lk.float64, [None, 5, None]), lk.placeholder(lk.int32, [])
    y = x[None, i * 2, ..., 1:]
    assert y.shape.as_list() == [1, 5, None]
    first, second = lk.gradients(y * y * y, x)[0], lk.gradients(lk.gradients(y * y * y, x)[0], x)[0]
    with lk.Session() as session:
        for n in (0, 1, -1, -2):
            value, once, twice = session.run([y, first, second], {x: X, i: n})
            expected = np.zeros_like(X)
            expected[2 * n, :, 1:] = X[2 * n, :, 1:]
            np.testing.assert_array_equal(value, X[None, 2 * n, :, 1:])
            np.testing.assert_allclose(once, 3 * expected**2)
            np.testing.assert_allclose(twice, 6 * expected)
        assert len(session.plans) == 1


def test_a_slice_of_known_size_begins_where_a_run_says():
    data, i = lk.constant(np.arange(200.0).reshape(100, 2)), lk.placeholder(lk.int32, [])
    batch = lk.slice(data, [i * 10, 0], [10, 2])
    assert batch.shape.as_list() == [10, 2]
    np.testing.assert_array_equal(run(batch, {i: 3}), np.arange(60.0, 80).reshape(10, 2))
    with pytest.raises(lk.errors.InvalidArgumentError, match="Received: 100"):
        run(batch, {i: 10})


@pytest.mark.parametrize("key", [np.s_[1.5], np.s_["a"], np.s_[True], np.s_[{}], np.s_[[0], [1]]], ids=str)
def test_other_keys_are_refused(key):
    with pytest.raises(lk.errors.InvalidArgumentError, match="cannot be indexed"):
        lk.constant(X)[key]


def test_too_many_indices_or_a_step_of_zero_are_refused():
    with pytest.raises(lk.errors.ShapeError, match="at most one index"):
        lk.constant(X)[0, 0, 0, 0]
    with pytest.raises(lk.errors.ShapeError, match="step is not 0"):
        lk.constant(X)[::0]


def test_lists_and_tensors_of_indices_gather():
    x = lk.constant(X)
    np.testing.assert_array_equal(run(x[[2, 0]]), X[[2, 0]])
    np.testing.assert_array_equal(run(x[:, lk.constant([[1], [3]])]), X[:, [[1], [3]]])


def test_truth_values_choose_elements():
    x, mask = lk.constant(X), lk.placeholder(lk.bool, [4, 5])
    y = x[mask]
    for share in (0.0, 0.5, 1.0):
        chosen = np.random.default_rng(0).random((4, 5)) < share
        value, grad = run([y, lk.gradients(y * y, x)[0]], {mask: chosen})
        np.testing.assert_array_equal(value, X[chosen])
        np.testing.assert_array_equal(grad, np.where(chosen[..., None], 2 * X, 0))
    np.testing.assert_array_equal(run(x[[True, False, False, True]]), X[[0, 3]])


def test_slice_takes_tensors():
    x, size = lk.constant(X), lk.placeholder(lk.int64, [3])
    np.testing.assert_array_equal(run(lk.slice(x, [1, 0, 2], size), {size: [2, -1, 3]}), X[1:3, :, 2:5])
    with pytest.raises(lk.errors.ShapeError, match="inside x"):
        run(lk.slice(x, [1, 0, 2], size), {size: [4, -1, 3]})


def test_strided_slice_has_masks():
    got = lk.strided_slice(X, [1, 0, 3], [0, 0, 0], [-1, 1, 1], end_mask=1, ellipsis_mask=2, shrink_axis_mask=4)
    np.testing.assert_array_equal(run(got), X[1::-1, ..., 3])


@pytest.mark.parametrize("mode", ["constant", "REFLECT", "symmetric"])
def test_pad_takes_a_list_or_a_tensor(mode):
    border = lk.placeholder(lk.int32, [None, 2])
    known = lk.pad(X, [[0, 0], [1, 2], [3, 0]], mode)
    fed = lk.pad(X, border, mode)
    expected = np.pad(X, [[0, 0], [1, 2], [3, 0]], mode=mode.lower())
    for value in run([known, fed], {border: [[0, 0], [1, 2], [3, 0]]}):
        np.testing.assert_array_equal(value, expected)


def test_the_gradient_of_pad_with_fed_paddings():
    x, border = lk.constant(X), lk.placeholder(lk.int32, [3, 2])
    y = lk.pad(x, border)
    np.testing.assert_array_equal(run(lk.gradients(y * y, x)[0], {border: [[1, 0], [0, 2], [3, 3]]}), 2 * X)


def test_borders_that_cannot_be_mirrored_are_refused():
    with pytest.raises(lk.errors.ShapeError, match="REFLECT border is at most as long as the dimension less 1"):
        lk.pad(X, [[4, 0], [0, 0], [0, 0]], "REFLECT")
    with pytest.raises(lk.errors.InvalidArgumentError, match="unknown mode"):
        lk.pad(X, [[1, 0], [0, 0], [0, 0]], "EDGE")
    with pytest.raises(lk.errors.DTypeError, match="uint8"):
        lk.pad(np.zeros(3, np.uint8), [[1, 1]], constant_values=-1)


def test_shape_size_rank():
    x = lk.placeholder(lk.float32)
    got = run([lk.shape(x), lk.shape(x, out_type=lk.int64), lk.size(x), lk.rank(x), *lk.shape_n([x, x])], {x: X})
    assert [np.asarray(v).tolist() for v in got] == [[4, 5, 6], [4, 5, 6], 120, 3, [4, 5, 6], [4, 5, 6]]
    assert got[1].dtype == np.int64
