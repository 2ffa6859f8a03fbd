"""concat, stack, split, unstack as programs use them."""

from __future__ import annotations

import numpy as np
import pytest

import labkit as lk


def run(fetches, feeds=None):
    with lk.Session() as session:
        return session.run(fetches, feeds)


@pytest.fixture(autouse=True)
def graph():
    with lk.Graph().as_default():
        yield


def test_concat_takes_arrays_and_lists_beside_tensors():
    x = lk.constant([[1.0, 2.0]])
    np.testing.assert_array_equal(run(lk.concat([x, [[3.0]], np.zeros((1, 2))], 1)), [[1, 2, 3, 0, 0]])


def test_concat_of_unknown_lengths_and_its_gradient():
    x, y = lk.placeholder(lk.float32, [None, 2]), lk.placeholder(lk.float32, [None, 2])
    z = lk.concat([x, y], 0)
    assert z.shape.as_list() == [None, 2]
    feeds = {x: np.ones((3, 2)), y: np.full((1, 2), 2)}
    grads = run(lk.gradients(z * z, [x, y]), feeds)
    np.testing.assert_array_equal(grads[0], np.full((3, 2), 2))
    np.testing.assert_array_equal(grads[1], np.full((1, 2), 4))


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
def test_stack_is_numpys(axis):
    x = np.arange(24).reshape(4, 2, 3)
    np.testing.assert_array_equal(run(lk.stack(list(x), axis)), np.stack(list(x), axis))


def test_unstack_undoes_stack():
    x = np.arange(24).reshape(4, 2, 3)
    for part, expected in zip(run(lk.unstack(x, axis=1)), x.transpose(1, 0, 2), strict=True):
        np.testing.assert_array_equal(part, expected)


def test_unstack_of_an_unknown_length_needs_num():
    x = lk.placeholder(lk.float32, [None])
    with pytest.raises(lk.errors.ShapeError, match="num says it"):
        lk.unstack(x)
    assert run(lk.unstack(x, 2), {x: [3, 4]}) == [3, 4]


def test_split_into_sizes_with_a_rest():
    a, b, c = run(lk.split(np.arange(10), [2, -1, 3]))
    assert (a.tolist(), b.tolist(), c.tolist()) == ([0, 1], [2, 3, 4, 5, 6], [7, 8, 9])


def test_the_gradient_of_one_part_is_zero_elsewhere():
    x = lk.constant(np.ones((2, 4)))
    _, right = lk.split(x, 2, 1)
    np.testing.assert_array_equal(run(lk.gradients(3.0 * right, x)[0]), [[0, 0, 3, 3]] * 2)


def test_parts_that_do_not_fit_are_refused_with_a_fix():
    with pytest.raises(lk.errors.ShapeError, match="Give the parts' sizes"):
        lk.split(np.ones(5), 2)
    with pytest.raises(lk.errors.ShapeError, match="add up"):
        lk.split(np.ones(5), [2, 2])
    with pytest.raises(lk.errors.ShapeError, match=r"lk\.stack"):
        lk.concat([lk.constant(1.0), lk.constant(2.0)], 0)
    with pytest.raises(lk.errors.DTypeError):
        lk.concat([lk.constant([1.0]), lk.constant([2])], 0)
