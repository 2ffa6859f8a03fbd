"""Logic of truth values, and choices."""

from __future__ import annotations

import numpy as np
import pytest

import labkit as lk
from labkit.errors import DTypeError, InvalidArgumentError, ShapeError


@pytest.fixture
def session():
    with lk.Graph().as_default(), lk.Session() as session:
        yield session


def test_operators_of_truth_values(session):
    x, y = lk.constant([True, True, False, False]), lk.constant([True, False, True, False])
    for tensor, expected in (
        (x & y, [True, False, False, False]),
        (x | y, [True, True, True, False]),
        (x ^ y, [False, True, True, False]),
        (~x, [False, False, True, True]),
        (True & x, [True, True, False, False]),
        ([False, True, False, True] | y, [True, True, True, True]),
        (np.array([True, False, False, True]) ^ y, [False, False, True, True]),
    ):
        assert session.run(tensor).tolist() == expected


def test_operators_have_lower_case_names(session):
    x = lk.constant([True])
    assert [(x & x).op.name, (x | x).op.name, (x ^ x).op.name, (~x).op.name] == ["and", "or", "xor", "LogicalNot"]
    assert lk.logical_and(x, x).op.name == "LogicalAnd"


def test_logic_of_numbers_is_refused(session):
    for use in (lambda: lk.constant([1, 2]) & 1, lambda: lk.logical_not([1.0]), lambda: lk.logical_or([True], [2])):
        with pytest.raises(DTypeError):
            use()


def test_where_broadcasts_and_takes_the_tensors_dtype(session):
    x = lk.constant(np.arange(3.0))
    chosen = lk.where(np.array([[True], [False]]), x, -1)
    assert chosen.dtype is lk.float64
    assert session.run(chosen).tolist() == [[0, 1, 2], [-1, -1, -1]]


def test_no_nan_leaks_into_the_gradient_of_the_other_side(session):
    x = lk.placeholder(lk.float32, [3])
    y = lk.where(x > 0, lk.log(lk.where(x > 0, x, 1.0)), x)
    (grad,) = lk.gradients(y, [x])
    assert session.run(grad, {x: [-1, 0, 2]}).tolist() == [1, 1, 0.5]
    inner = lk.where(x > 0, lk.sqrt(x), 0.0)
    (through,) = lk.gradients(inner, [lk.sqrt(x)])
    assert through is None
    root = lk.sqrt(x)
    (chosen,) = lk.gradients(lk.where(x > 0, root, 0.0), [root], [lk.constant([np.nan, np.inf, 1], lk.float32)])
    assert session.run(chosen, {x: [-1, 0, 2]}).tolist() == [0, 0, 1]


def test_where_refuses_what_does_not_fit(session):
    with pytest.raises(ShapeError):
        lk.where([True, False], [1.0, 2.0, 3.0], 0.0)
    with pytest.raises(DTypeError):
        lk.where([1, 0], [1.0, 2.0], 0.0)


def test_where_with_one_side_is_refused(session):
    with pytest.raises(InvalidArgumentError, match="one of x and y"):
        lk.where([True], [1.0])


def test_where_alone_gives_indices(session):
    x = lk.placeholder(lk.float32, [None, 2])
    places = lk.where(x > 0)
    assert places.dims == (None, 2)
    assert places.dtype is lk.int64
    assert session.run(places, {x: [[1, 0], [0, 2], [3, 0]]}).tolist() == [[0, 0], [1, 1], [2, 0]]
    assert session.run(places, {x: np.zeros((0, 2))}).shape == (0, 2)
    assert session.run(lk.where(np.array(True))).shape == (1, 0)


def test_boolean_mask_and_its_gradient(session):
    x = lk.placeholder(lk.float32, [None, 2])
    kept = lk.boolean_mask(x, lk.reduce_any(x > 1, 1))
    assert kept.dims == (None, 2)
    grad = lk.gradients(lk.square(kept), [x])[0]
    values = session.run([kept, grad], {x: [[1, 0], [0, 2], [3, 1]]})
    assert [v.tolist() for v in values] == [[[0, 2], [3, 1]], [[0, 0], [0, 4], [6, 2]]]


def test_a_mask_that_does_not_fit_is_refused(session):
    with pytest.raises(ShapeError, match="from the axis on"):
        lk.boolean_mask([1, 2, 3], [True, False])
    x, mask = lk.placeholder(lk.float32), lk.placeholder(lk.bool)
    with pytest.raises(ShapeError, match="from the axis on"):
        session.run(lk.boolean_mask(x, mask), {x: [1, 2, 3], mask: [True, False]})
    with pytest.raises(DTypeError, match="mask is bool"):
        lk.boolean_mask([1, 2], [1, 0])
