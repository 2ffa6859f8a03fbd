"""Static shapes as programs see them."""

from __future__ import annotations

import numpy as np
import pytest

import labkit as lk
from labkit.errors import ShapeError, UnknownShapeError


@pytest.fixture(autouse=True)
def graph():
    with lk.Graph().as_default() as graph:
        yield graph


@pytest.fixture
def shape():
    return lk.placeholder(lk.float32, [None, 3]).shape


UNKNOWN = lk.TensorShape(None)


@pytest.mark.parametrize(
    ("dims", "text"),
    [
        ((1, 1), 'Tensor("x:0", shape=(1, 1), dtype=float32)'),
        ((), 'Tensor("x:0", shape=(), dtype=float32)'),
        ((5,), 'Tensor("x:0", shape=(5,), dtype=float32)'),
        ((None, 3), 'Tensor("x:0", shape=(?, 3), dtype=float32)'),
        (None, 'Tensor("x:0", dtype=float32)'),
    ],
)
def test_the_text_of_a_tensor(dims, text):
    assert str(lk.placeholder(lk.float32, dims, name="x")) == text


def test_what_a_shape_tells(shape):
    assert shape.as_list() == [None, 3]
    assert (shape.ndims, shape.rank, len(shape), bool(shape)) == (2, 2, 2, True)
    assert [d.value for d in shape] == [d.value for d in shape.dims] == [None, 3]
    assert (shape[-1].value, shape[1:], shape[5:]) == (3, lk.TensorShape([3]), lk.TensorShape([]))
    assert (str(shape), repr(shape)) == ("(?, 3)", "TensorShape([Dimension(None), Dimension(3)])")
    assert (shape.is_fully_defined(), shape.num_elements(), lk.TensorShape([2, 3]).num_elements()) == (False, None, 6)


def test_an_unknown_rank():
    assert (UNKNOWN.ndims, UNKNOWN.dims, bool(UNKNOWN), str(UNKNOWN)) == (None, None, False, "<unknown>")
    assert (UNKNOWN[3].value, UNKNOWN[1:]) == (None, UNKNOWN)
    for ask in (UNKNOWN.as_list, lambda: len(UNKNOWN), lambda: list(UNKNOWN)):
        with pytest.raises(ValueError, match="is not defined on an unknown TensorShape"):
            ask()


def test_a_shape_is_equal_to_its_list_or_tuple():
    assert lk.TensorShape([1, None]) == [1, None] == lk.TensorShape((1, None)).as_list()
    assert lk.TensorShape(3) == (3,)
    assert lk.TensorShape([1, 2]) != (1, 3)
    assert len({lk.TensorShape([1, 2]), lk.TensorShape((1, 2))}) == 1


def test_shapes_are_joined(shape):
    assert shape + (4,) == shape.concatenate([4]) == [None, 3, 4]  # noqa: RUF005
    assert (4,) + shape == [4, None, 3]  # noqa: RUF005
    assert (shape + UNKNOWN).ndims is None


def test_shapes_are_compared_and_merged(shape):
    assert shape.is_compatible_with([7, 3])
    assert shape.is_compatible_with(None)
    assert not shape.is_compatible_with([7, 4])
    assert shape.merge_with([2, None]) == [2, 3]
    assert UNKNOWN.merge_with([2, None]) == [2, None]
    with pytest.raises(ValueError, match=r"Shapes \(\?, 3\) and \(2, 4\) are not compatible"):
        shape.merge_with([2, 4])


@pytest.mark.parametrize(
    "refused",
    [
        lambda s: s.assert_has_rank(3),
        lambda s: s.with_rank(3),
        lambda s: s.with_rank_at_least(3),
        lambda s: s.with_rank_at_most(1),
        lambda s: s.assert_same_rank([1]),
        lambda s: s.assert_is_compatible_with([3, 4]),
        lambda s: s.assert_is_fully_defined(),
    ],
)
def test_assertions_of_shapes(shape, refused):
    with pytest.raises(ShapeError):
        refused(shape)


def test_assertions_that_hold(shape):
    assert shape.with_rank(2) is shape.with_rank_at_least(1) is shape.with_rank_at_most(2) is shape
    assert UNKNOWN.with_rank(2) == [None, None]
    shape.assert_has_rank(2)
    shape.assert_same_rank([1, 1])
    shape.assert_same_rank(None)
    shape.assert_is_compatible_with([4, 3])
    lk.TensorShape([2]).assert_is_fully_defined()


def test_arithmetic_of_dimensions(shape):
    unknown, three = shape
    results = [three * three, 2 * three, three + 1, 1 + three, three - 1, 5 - three, three // 2, 7 // three, three % 2]
    assert [d.value for d in results] == [9, 6, 4, 4, 2, 2, 1, 2, 1]
    assert [d.value for d in (unknown * 2, three + unknown, 1 - unknown, 2 % unknown)] == [None] * 4
    for bad in (lambda: three / 2, lambda: three * 1.5, lambda: lk.Dimension(2.5), lambda: lk.Dimension("3")):
        with pytest.raises(TypeError):
            bad()
    with pytest.raises(ValueError, match="must be >= 0"):
        three - 4


def test_comparison_with_an_unknown_dimension_is_none(shape):
    unknown, three = shape
    assert (three == 3, three != 3, three < 4, three >= 4, three == lk.Dimension(3)) == (True, False, True, False, True)
    assert [unknown == 3, unknown != 3, unknown < 3, unknown == None, three == None] == [None] * 5  # noqa: E711
    assert three != "three"


def test_a_known_dimension_is_a_number(shape):
    three = shape[1]
    assert (int(three), list(range(three)), np.zeros(three).shape, three.value) == (3, [0, 1, 2], (3,), 3)
    assert (str(three), repr(three), str(shape[0])) == ("3", "Dimension(3)", "?")
    assert three.is_compatible_with(None)
    assert three.merge_with(None).value == shape[0].merge_with(3).value == 3
    with pytest.raises(ValueError, match="Dimensions 3 and 4 are not compatible"):
        three.merge_with(4)
    assert (lk.dimension_value(three), lk.dimension_value(4), lk.dimension_at_index(UNKNOWN, 2).value) == (3, 4, None)


def test_an_unknown_dimension_is_no_number(shape):
    for error in (TypeError, ValueError, UnknownShapeError):
        with pytest.raises(error, match=r"Use lk.shape\(tensor\)"):
            int(shape[0])


def test_dimensions_are_accepted_where_shapes_are():
    x = lk.placeholder(lk.float32, [None, 2, 3])
    a, b = x.shape[1], x.shape[2]
    assert lk.reshape(x, [-1, a * b]).shape == [None, 6]
    assert lk.zeros([a, b]).shape == lk.ones(x.shape[1:]).shape == [2, 3]
    assert (
        lk.placeholder(lk.float32, [x.shape[0], a]).shape == lk.placeholder(lk.float32, x.shape[:2]).shape == [None, 2]
    )
    assert lk.Variable(lk.random_normal([a, b])).shape == [2, 3]
    assert lk.get_variable("v", [b, 4]).shape == [3, 4]
    assert (x * a).shape == (a * x).shape == x.shape
    assert lk.constant([a, b]).shape == [2]
    with pytest.raises(ShapeError):
        lk.zeros(x.shape)


def test_knowledge_of_a_shape_is_refined():
    x = lk.placeholder(lk.float32)
    x.set_shape([None, 3])
    x.set_shape([2, None])
    assert x.get_shape().as_list() == [2, 3]
    with pytest.raises(ValueError, match="refined, not changed"):
        x.set_shape([4, 3])
    with pytest.raises(ValueError, match="refined, not changed"):
        x.set_shape([2])
