"""Writing parts of tensors and variables at indices."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import labkit as lk
from labkit.errors import DTypeError, InvalidArgumentError, ShapeError


@pytest.fixture
def session() -> Iterator[lk.Session]:
    with lk.Graph().as_default(), lk.Session() as opened:
        yield opened


def initialized(session: lk.Session, value: object) -> lk.Variable:
    variable = lk.Variable(np.array(value))
    session.run(variable.initializer)
    return variable


def test_rows_of_a_variable_are_written(session: lk.Session) -> None:
    v = initialized(session, np.zeros((4, 2), np.float32))
    np.testing.assert_array_equal(session.run(lk.scatter_update(v, [1, 3], [[1, 2], [3, 4]]))[:, 1], [0, 2, 0, 4])
    np.testing.assert_array_equal(session.run(lk.scatter_add(v, [1, 1], [[1, 1], [1, 1]]))[:, 1], [0, 4, 0, 4])
    np.testing.assert_array_equal(session.run(lk.scatter_sub(v, 3, [1.0, 1.0]))[:, 1], [0, 4, 0, 3])
    np.testing.assert_array_equal(session.run(v)[:, 1], [0, 4, 0, 3])


def test_parts_of_a_variable_are_written(session: lk.Session) -> None:
    v = initialized(session, np.zeros((2, 3), np.int64))
    session.run(lk.scatter_nd_update(v, [[0, 1], [1, 2]], [5, 6]))
    session.run(lk.scatter_nd_add(v, [[0, 1], [0, 1]], [1, 1]))
    session.run(lk.scatter_nd_sub(v, [[1]], [[1, 1, 1]]))
    np.testing.assert_array_equal(session.run(v), [[0, 7, 0], [-1, -1, 5]])


def test_a_bad_index_leaves_every_variable_as_it_was(session: lk.Session) -> None:
    a, b = initialized(session, np.zeros(3)), initialized(session, np.zeros((3, 1)))
    ids = lk.placeholder(lk.int32, [None])
    writes = [lk.assign_add(a, [1.0, 1.0, 1.0]), lk.scatter_add(b, ids, [[1.0]]), lk.scatter_add(a, ids, [1.0])]
    for bad in (-1, 3, 2**31 - 1):
        with pytest.raises(InvalidArgumentError, match=f"from 0 to 2. Received: {bad}"):
            session.run(writes, {ids: [bad]})
    assert not session.run(a).any()
    assert not session.run(b).any()


def test_the_updates_may_be_computed_from_the_variable(session: lk.Session) -> None:
    v = initialized(session, np.array([1.0, 2.0, 3.0]))
    session.run(lk.scatter_update(v, [0, 1, 2], lk.gather(v, [2, 0, 1])))
    np.testing.assert_array_equal(session.run(v), [3, 1, 2])
    session.run(lk.scatter_add(v, [0, 1, 2], v))
    np.testing.assert_array_equal(session.run(v), [6, 2, 4])


def test_wrong_updates_are_refused_while_the_graph_is_built(session: lk.Session) -> None:
    v = initialized(session, np.zeros((3, 2)))
    with pytest.raises(ShapeError):
        lk.scatter_add(v, [0, 1], [[1.0, 1.0]])
    with pytest.raises(DTypeError, match="Indices are int32 or int64"):
        lk.scatter_add(v, [0.0], [[1.0, 1.0]])
    with pytest.raises(ShapeError):
        lk.scatter_nd(lk.constant([[0, 0, 0]]), [1.0], [3, 2])
    with pytest.raises(ShapeError):
        lk.tensor_scatter_update(np.zeros(3), [[0]], np.zeros((1, 3)))


def test_the_last_update_gets_the_gradient(session: lk.Session) -> None:
    x, updates = lk.constant(np.zeros(3)), lk.constant(np.ones(3))
    y = lk.tensor_scatter_update(x, [[0], [2], [0]], updates)
    grads = session.run(lk.gradients(lk.reduce_sum(y * [1.0, 2.0, 3.0]), [x, updates]))
    np.testing.assert_array_equal(grads[0], [0, 2, 0])
    np.testing.assert_array_equal(grads[1], [0, 3, 1])


def test_an_index_out_of_range_names_the_operation_and_the_limit(session: lk.Session) -> None:
    ids = lk.placeholder(lk.int64, [None, 2])
    y = lk.gather_nd(np.zeros((3, 5)), ids, name="picked")
    with pytest.raises(InvalidArgumentError, match=r"'picked'.*test_scatter.*from 0 to 4. Received: 5"):
        session.run(y, {ids: [[2, 5]]})


@pytest.mark.parametrize("write", [lk.assign, lk.assign_add, lk.assign_sub])
def test_writes_to_what_is_no_variable_are_refused(write):
    with lk.Graph().as_default():
        with pytest.raises(InvalidArgumentError, match=rf"lk\.{write.__name__} got no variable"):
            write(lk.constant(1.0), 2.0)
        with pytest.raises(InvalidArgumentError, match=r"lk\.scatter_add got no variable"):
            lk.scatter_add(lk.constant([1.0]), [0], [2.0])
