"""Segments, counts, order and what is distinct, as users meet them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import labkit as lk
from labkit.errors import InvalidArgumentError, ShapeError


@pytest.fixture
def session() -> Iterator[lk.Session]:
    with lk.Graph().as_default(), lk.Session() as opened:
        yield opened


X = np.array([[1.0, 2.0], [3.0, -4.0], [5.0, 6.0]])


def test_sorted_segments(session: lk.Session) -> None:
    ids = lk.placeholder(lk.int32, [None])
    functions = (lk.segment_sum, lk.segment_mean, lk.segment_max, lk.segment_min, lk.segment_prod)
    found = session.run([f(X, ids) for f in functions], {ids: [0, 0, 2]})
    expected = ([4, -2], [2, -1], [3, 2], [1, -4], [3, -8])
    for value, first, empty in zip(found, expected, (0, 0, 0, 0, 1), strict=True):
        np.testing.assert_array_equal(value, [first, [empty, empty], [5, 6]])


def test_the_number_of_sorted_segments_follows_from_the_ids(session: lk.Session) -> None:
    ids, values = lk.placeholder(lk.int64, [None]), lk.placeholder(lk.float32, [None])
    y = lk.segment_sum(values, ids)
    for n in (1, 7, 300):
        np.testing.assert_array_equal(session.run(y, {ids: np.arange(n), values: np.ones(n)}), np.ones(n))
    assert session.run(y, {ids: [], values: []}).shape == (0,)
    (grad,) = lk.gradients(lk.square(y), values)
    np.testing.assert_array_equal(session.run(grad, {ids: [0, 0, 1], values: [1, 2, 3]}), [6, 6, 6])


def test_unsorted_ids_are_an_error_of_sorted_segments(session: lk.Session) -> None:
    ids = lk.placeholder(lk.int32, [None])
    y = lk.segment_sum(np.ones(20), ids)
    with pytest.raises(InvalidArgumentError, match=r"not negative and do not fall. Received: 3"):
        session.run(y, {ids: [4] * 19 + [3]})


def test_means_of_unsorted_segments(session: lk.Session) -> None:
    mean, root = lk.unsorted_segment_mean(X, [1, 1, -1], 3), lk.unsorted_segment_sqrt_n(X, [1, 1, -1], 3)
    np.testing.assert_allclose(session.run(mean), [[0, 0], [2, -1], [0, 0]])
    np.testing.assert_allclose(session.run(root), [[0, 0], [4 / np.sqrt(2), -2 / np.sqrt(2)], [0, 0]])


def test_an_empty_segment_has_the_neutral_element(session: lk.Session) -> None:
    ids = np.zeros(3, np.int32)
    np.testing.assert_array_equal(session.run(lk.unsorted_segment_max(X, ids, 2))[1], [-np.inf, -np.inf])
    np.testing.assert_array_equal(session.run(lk.unsorted_segment_min(X.astype(np.int32), ids, 2))[1], [2**31 - 1] * 2)


def test_products_with_zeros_have_gradients(session: lk.Session) -> None:
    x = lk.constant([2.0, 0.0, 3.0, 0.0, 0.0, 5.0])
    (grad,) = lk.gradients(lk.unsorted_segment_prod(x, [0, 0, 0, 1, 1, 1], 2), x)
    np.testing.assert_array_equal(session.run(grad), [0, 6, 0, 0, 0, 0])


def test_an_id_that_is_too_large_is_an_error(session: lk.Session) -> None:
    with pytest.raises(InvalidArgumentError, match=r"from 0 to 1. Received: 2"):
        session.run(lk.unsorted_segment_sum(X, [0, 2, 1], 2))
    with pytest.raises(ShapeError):
        lk.unsorted_segment_sum(X, [0, 0, 0], -1)


def test_bincount_has_the_length_that_the_largest_number_asks_for(session: lk.Session) -> None:
    x = lk.placeholder(lk.int32, [None])
    feed = {x: [1, 1, 4]}
    np.testing.assert_array_equal(session.run(lk.bincount(x), feed), [0, 2, 0, 0, 1])
    np.testing.assert_array_equal(session.run(lk.bincount(x, minlength=7), feed), [0, 2, 0, 0, 1, 0, 0])
    np.testing.assert_array_equal(session.run(lk.bincount(x, maxlength=3), feed), [0, 2, 0])
    np.testing.assert_array_equal(session.run(lk.bincount(x, [0.5, 0.25, 1.0]), feed), [0, 0.75, 0, 0, 1])
    with pytest.raises(InvalidArgumentError, match="not negative"):
        session.run(lk.bincount(x), {x: [-1] * 20})


def test_weights_that_are_left_out_have_no_gradient(session: lk.Session) -> None:
    weights = lk.constant([1.0, 2.0, 3.0])
    (grad,) = lk.gradients(lk.bincount([0, 5, 1], weights, maxlength=2) * [2.0, 3.0], weights)
    np.testing.assert_array_equal(session.run(grad), [2, 0, 3])


def test_confusion_matrix(session: lk.Session) -> None:
    labels, predictions = [1, 2, 4, 2], [2, 2, 4, 2]
    matrix = session.run(lk.confusion_matrix(labels, predictions))
    assert matrix.shape == (5, 5)
    assert (matrix[1, 2], matrix[2, 2], matrix[4, 4], matrix.sum()) == (1, 2, 1, 4)
    weighted = session.run(lk.confusion_matrix(labels, predictions, 6, weights=[0.5, 1.0, 1.0, 2.0]))
    assert weighted.shape == (6, 6)
    assert weighted[2, 2] == 3
    with pytest.raises(InvalidArgumentError, match=r"from 0 to 3. Received: 4"):
        session.run(lk.confusion_matrix(labels, predictions, 4))


def test_sorting_along_an_axis(session: lk.Session) -> None:
    x = np.array([[3, 1, 2], [1, 5, 2]], np.int32)
    for axis in (0, 1, -1, -2):
        np.testing.assert_array_equal(session.run(lk.sort(x, axis)), np.sort(x, axis))
        np.testing.assert_array_equal(session.run(lk.argsort(x, axis)), np.argsort(x, axis, kind="stable"))
        np.testing.assert_array_equal(session.run(lk.sort(x, axis, "DESCENDING")), -np.sort(-x, axis))


def test_equal_elements_keep_their_order(session: lk.Session) -> None:
    x = [2.0, 1.0, 2.0, 1.0]
    np.testing.assert_array_equal(session.run(lk.argsort(x)), [1, 3, 0, 2])
    np.testing.assert_array_equal(session.run(lk.argsort(x, direction="DESCENDING")), [0, 2, 1, 3])
    np.testing.assert_array_equal(session.run(lk.top_k(x, 3).indices), [0, 2, 1])


def test_the_gradient_of_an_order_goes_back_to_the_places(session: lk.Session) -> None:
    x = lk.constant([3.0, 1.0, 2.0])
    (grad,) = lk.gradients(lk.sort(x) * [1.0, 10.0, 100.0], x)
    np.testing.assert_array_equal(session.run(grad), [100, 1, 10])
    (grad,) = lk.gradients(lk.square(lk.top_k(x, 2).values), x)
    (second,) = lk.gradients(grad, x)
    np.testing.assert_array_equal(session.run(grad), [6, 0, 4])
    np.testing.assert_array_equal(session.run(second), [2, 0, 2])


def test_k_may_be_computed(session: lk.Session) -> None:
    x, k = lk.placeholder(lk.float32, [None]), lk.placeholder(lk.int32, [])
    values, indices = lk.top_k(x, k)
    np.testing.assert_array_equal(session.run(values, {x: [1, 3, 2], k: 2}), [3, 2])
    np.testing.assert_array_equal(session.run(indices, {x: [1, 3, 2], k: 0}), [])
    with pytest.raises(ShapeError, match="at most"):
        session.run(values, {x: [1, 3, 2], k: 4})


def test_in_top_k(session: lk.Session) -> None:
    x = np.array([[0.1, 0.5, 0.4], [0.5, 0.5, 0.1], [0.3, 0.2, np.nan]], np.float32)
    np.testing.assert_array_equal(session.run(lk.in_top_k(x, [2, 1, 0], 1)), [False, True, False])
    np.testing.assert_array_equal(session.run(lk.in_top_k(x, [2, 2, 1], 2)), [True, False, False])


def test_distinct_values_come_in_order_of_first_occurrence(session: lk.Session) -> None:
    x = lk.placeholder(lk.int64, [None])
    y, idx, count = lk.unique_with_counts(x)
    a, b, c = session.run([y, idx, count], {x: [7, 3, 7, 7, 1]})
    np.testing.assert_array_equal(a, [7, 3, 1])
    np.testing.assert_array_equal(b, [0, 1, 0, 0, 2])
    np.testing.assert_array_equal(c, [3, 1, 1])
    doubled = lk.reduce_sum(lk.gather(y * 2, idx))
    assert session.run(doubled, {x: [7, 3, 7, 7, 1]}) == 50


def test_each_nan_is_distinct(session: lk.Session) -> None:
    y, idx = session.run(list(lk.unique([np.nan, 1.0, np.nan])))
    assert y.shape == (3,)
    np.testing.assert_array_equal(idx, [0, 1, 2])


def test_what_remains_of_a_list(session: lk.Session) -> None:
    out, idx = session.run(list(lk.setdiff1d([1, 2, 3, 2, 5], [2, 1])))
    np.testing.assert_array_equal(out, [3, 5])
    np.testing.assert_array_equal(idx, [2, 4])


def test_searchsorted(session: lk.Session) -> None:
    row = [1.0, 2.0, 2.0, 5.0]
    np.testing.assert_array_equal(session.run(lk.searchsorted(row, [2.0, 0.0, 9.0])), [1, 0, 4])
    np.testing.assert_array_equal(session.run(lk.searchsorted(row, [2.0, 5.0], "right")), [3, 4])
