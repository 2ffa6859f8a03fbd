"""dynamic_partition and dynamic_stitch as programs use them."""

from __future__ import annotations

import numpy as np
import pytest

import labkit as lk
from labkit.errors import InvalidArgumentError, ShapeError


@pytest.fixture
def session():
    with lk.Graph().as_default(), lk.Session() as session:
        yield session


def test_elements_are_dealt_in_order(session):
    x = lk.placeholder(lk.float32, [None, 2])
    p = lk.placeholder(lk.int32, [None])
    parts = lk.dynamic_partition(x, p, 3)
    assert [part.shape.as_list() for part in parts] == [[None, 2]] * 3
    values = np.arange(10.0).reshape(5, 2)
    dealt = session.run(parts, {x: values, p: [2, 0, 2, 2, 0]})
    for found, rows in zip(dealt, ([1, 4], [], [0, 2, 3]), strict=True):
        np.testing.assert_array_equal(found, values[rows].reshape(-1, 2))


def test_a_part_may_be_dealt_by_several_dimensions_or_none(session):
    a, b = session.run(lk.dynamic_partition(np.arange(24).reshape(2, 3, 4), [[0, 1, 0], [1, 1, 0]], 2))
    assert (a[:, 0].tolist(), b[:, 0].tolist()) == ([0, 8, 20], [4, 12, 16])
    a, b = session.run(lk.dynamic_partition([5, 6], 1, 2))
    assert (a.shape, b.tolist()) == ((0, 2), [[5, 6]])


def test_stitching_undoes_dealing_and_so_does_its_gradient(session):
    x = lk.placeholder(lk.float32, [None, 2])
    p = lk.placeholder(lk.int32, [None])
    places = lk.dynamic_partition(lk.range(lk.shape(p)[0]), p, 3)
    parts = lk.dynamic_partition(x, p, 3)
    again = lk.dynamic_stitch(places, [part * (i + 1.0) for i, part in enumerate(parts)])
    (slope,) = lk.gradients(lk.reduce_sum(again * again), x)
    values, numbers = np.arange(10.0).reshape(5, 2), np.array([2, 0, 2, 1, 0])
    factor = (numbers + 1.0)[:, None]
    found = session.run([again, slope], {x: values, p: numbers})
    np.testing.assert_array_equal(found[0], values * factor)
    np.testing.assert_array_equal(found[1], 2 * values * factor**2)


def test_the_last_of_several_elements_stands_and_gaps_are_zero(session):
    a, b = lk.constant([1.0, 3.0]), lk.constant([2.0, 9.0])
    y = lk.dynamic_stitch([[0, 4], [1, 0]], [a, b])
    slopes = lk.gradients(y, [a, b])
    found = session.run([y, *slopes])
    assert [x.tolist() for x in found] == [[9, 2, 0, 0, 3], [0, 1], [1, 1]]
    assert session.run(lk.dynamic_stitch([lk.zeros([0], lk.int32)], [lk.zeros([0, 3])])).shape == (0, 3)
    nested = lk.dynamic_stitch([2, [[0], [1]]], [[10, 20], [[[1, 2]], [[3, 4]]]])
    assert session.run(nested).tolist() == [[1, 2], [3, 4], [10, 20]]


def test_what_is_refused(session):
    with pytest.raises(InvalidArgumentError, match=r"from 0 to 1.*Received: 5"):
        session.run(lk.dynamic_partition([1, 2, 3], [0, 1, 5], 2))
    with pytest.raises(InvalidArgumentError, match="whole number from 1 on"):
        lk.dynamic_partition([1], [0], 0)
    with pytest.raises(ShapeError):
        lk.dynamic_partition(np.zeros((2, 2)), [0, 1, 0], 2)
    with pytest.raises(ShapeError, match="as many data as indices"):
        lk.dynamic_stitch([[0]], [])
    with pytest.raises(InvalidArgumentError, match="Received: -1"):
        session.run(lk.dynamic_stitch([[0, -1]], [[1.0, 2.0]]))
