"""Variables and order inside of conditions and loops: dependencies on what is outside, reads, writes, first values."""

from __future__ import annotations

import numpy as np
import pytest

import labkit as lk
from labkit.errors import FailedPreconditionError, GraphError, InvalidArgumentError

pytestmark = pytest.mark.usefixtures("graph")


def test_the_inside_waits_for_an_operation_outside(session):
    v, p = lk.Variable(1.0), lk.placeholder(lk.bool, [])
    session.run(v.initializer)
    write = v.assign_add(5.0)

    def then():
        with lk.control_dependencies([write]):
            return v.read_value() * 2

    def body(i, x):
        with lk.control_dependencies([write]):
            return i + 1, x + v

    y = lk.cond(p, then, lambda: lk.constant(0.0))
    z = lk.while_loop(lambda i, x: i < 3, body, [0, 0.0])[1]
    assert session.run(y, {p: True}) == 12
    assert session.run(y, {p: False}) == 0
    assert session.run(z) == 48
    assert session.run(v) == 16


def test_a_read_three_levels_deep_follows_the_write(session):
    v = lk.Variable(1.0)
    session.run(v.initializer)

    def row(x):
        with lk.control_dependencies([v.assign_add(1.0)]):
            return lk.cond(x > 0, lambda: lk.map_fn(lambda q: q * v, lk.constant([1.0, 2.0])), lambda: lk.zeros([2]))

    np.testing.assert_array_equal(session.run(lk.map_fn(row, lk.constant([1.0, 1.0]))), [[2, 4], [3, 6]])


def test_a_read_inside_sees_the_value_at_the_start_of_the_run(session):
    a, b = lk.Variable(1.0), lk.Variable(0.0)
    session.run([a.initializer, b.initializer])
    write = a.assign(10.0)
    y = lk.cond(lk.constant(True), lambda: b.assign(a.read_value()), lambda: b.assign(0.0))
    assert session.run([write, y]) == [10, 1]


def test_no_value_is_never_read_as_one(graph):
    v, p = lk.Variable(3.0), lk.placeholder(lk.bool, [])
    in_loop = lk.map_fn(lambda x: x * v.read_value(), lk.constant([1.0, 2.0]))
    in_branch = lk.cond(p, lambda: v.read_value(), lambda: lk.constant(0.0))
    deep = lk.map_fn(lambda x: lk.cond(p, lambda: v.assign_add(x), lambda: v.assign(x)), lk.constant([1.0, 2.0]))
    with lk.Session(graph) as session:
        for fetch in (in_loop, in_branch, deep):
            with pytest.raises(FailedPreconditionError, match="Variable"):
                session.run(fetch, {p: True})
        assert session.run(in_branch, {p: False}) == 0
        np.testing.assert_array_equal(session.run(deep, {p: False}), [1, 2])
        assert session.run(v) == 2


def test_a_branch_may_initialize_a_variable(graph):
    v, p = lk.Variable(3.0), lk.placeholder(lk.bool, [])
    op = lk.cond(p, lambda: v.assign(3.0).op, lambda: lk.no_op())  # v.initializer is outside, and would always run
    with lk.control_dependencies([op]):
        after = v.read_value()
    with lk.Session(graph) as session:
        session.run(op, {p: False})
        with pytest.raises(FailedPreconditionError):
            session.run(v)
        with pytest.raises(FailedPreconditionError):
            session.run(after, {p: False})
        session.run(op, {p: True})
        assert session.run(after, {p: False}) == 3


@pytest.mark.parametrize("kind", ["while", "map", "nested"])
def test_a_loop_that_fails_has_written_nothing(session, kind):
    v, u = lk.Variable(1.0), lk.Variable(2.0)
    n, x = lk.placeholder(lk.int32, []), lk.constant([1.0, 2.0, 3.0])
    session.run([v.initializer, u.initializer])

    def body(i):
        with lk.control_dependencies([v.assign_add(1.0), u.assign(7.0)]):
            return i + 1 + lk.cast(lk.gather(x, i) * 0, lk.int32)

    if kind == "while":
        y = lk.while_loop(lambda i: i < n, body, [0])
    elif kind == "map":
        y = lk.map_fn(body, lk.range(n))
    else:
        y = lk.cond(n > 0, lambda: lk.while_loop(lambda i: i < n, body, [0]), lambda: 0)
    with lk.control_dependencies([u.assign(5.0)]):
        y = lk.identity(y) if kind == "map" else y
    with pytest.raises(InvalidArgumentError, match="out of range"):
        session.run(y, {n: 5})
    assert session.run([v, u]) == [1, 2]
    session.run(y, {n: 3})
    assert session.run(v) == 4


def test_a_written_loop_variable_that_nothing_uses_does_not_stop_a_gradient(session):
    v, x = lk.Variable(1.0), lk.placeholder(lk.float32, [])
    session.run(v.initializer)
    y = lk.while_loop(lambda i, *_: i < 3, lambda i, a, c: (i + 1, a * x, v.assign_add(1.0)), [0, 1.0, 0.0])
    assert session.run(lk.gradients(y[1], x), {x: 2.0}) == [12]
    assert session.run(v) == 4


def test_what_is_inside_stays_inside():
    kept = []
    with pytest.raises(GraphError, match="leaves it as a result only"):
        lk.map_fn(lambda x: x * lk.Variable(x), lk.constant([1.0, 2.0]))
    lk.while_loop(lambda i: i < 3, lambda i: kept.append(i * 2) or i + 1, [0])
    with pytest.raises(GraphError, match="inside"):
        lk.constant(1) + kept[0]
    with pytest.raises(GraphError, match="leaves it as a result only"), lk.Session() as session:
        session.run(kept[0])
    with (
        pytest.raises(TypeError, match=r"inside a loop or branch\. Feed a tensor"),
        lk.Session() as session,
    ):
        session.run(lk.constant(1), {kept[0]: 1})


def test_a_single_tensor_is_no_list_of_loop_variables_or_dependencies():
    with pytest.raises(InvalidArgumentError, match=r"Write \[x\]"):
        lk.while_loop(lambda i: i < 3, lambda i: i + 1, lk.constant(0))
    with pytest.raises(GraphError, match=r"Write \[x\]"), lk.control_dependencies(lk.constant(0)):
        pass


def test_case_without_a_default_fails_where_nothing_holds(session):
    x = lk.placeholder(lk.int32, [])
    one = lk.case([(x > 0, lambda: 1)])
    two = lk.case([(x > 5, lambda: 2), (x > 0, lambda: 1)])
    assert [session.run([one, two], {x: value}) for value in (7, 3)] == [[1, 2], [1, 1]]
    for y in (one, two):
        with pytest.raises(InvalidArgumentError, match="None of the conditions evaluated as True"):
            session.run(y, {x: -1})


def test_case_with_exclusive_conditions(session):
    x = lk.placeholder(lk.int32, [])
    y = lk.case([(x > 0, lambda: 1), (x > 5, lambda: 2)], default=lambda: 0, exclusive=True)
    assert [session.run(y, {x: value}) for value in (3, -1)] == [1, 0]
    with pytest.raises(InvalidArgumentError, match="exclusive"):
        session.run(y, {x: 7})


def test_a_branch_may_train(session):
    v, u, p = lk.Variable(1.0), lk.Variable(1.0), lk.placeholder(lk.bool, [])
    optimizer = lk.optimizers.Adam(0.1)
    train = lk.cond(p, lambda: lk.optimizers.SGD(0.1).minimize(v * v), lambda: optimizer.minimize(u * u))
    session.run(lk.global_variables_initializer())
    session.run(train, {p: True})
    np.testing.assert_allclose(session.run([v, u]), [0.8, 1.0], rtol=1e-6)
    session.run(train, {p: False})
    np.testing.assert_allclose(session.run([v, u]), [0.8, 0.9], rtol=1e-5)


def test_a_loop_may_train(session):
    v = lk.Variable(1.0)
    sgd = lk.optimizers.SGD(0.25)

    def body(i):
        with lk.control_dependencies([sgd.minimize(lk.square(v.read_value()), var_list=[v])]):
            return i + 1

    steps = lk.while_loop(lambda i: i < 3, body, [0])
    session.run(lk.global_variables_initializer())
    session.run(steps)
    assert session.run(v) == 0.125


def test_no_gradient_gets_lost_in_an_ordered_read():
    v = lk.Variable(2.0)
    y = lk.map_fn(lambda x: x * v.read_value(), lk.constant([1.0, 2.0]))
    with pytest.raises(GraphError, match="respect to variable 'Variable'"):
        lk.gradients(y, v)


def test_a_gradient_goes_through_a_branch_that_follows_a_write(session):
    v, u, p = lk.Variable(2.0), lk.Variable(0.0), lk.placeholder(lk.bool, [])
    session.run([v.initializer, u.initializer])
    with lk.control_dependencies([u.assign_add(1.0)]):
        y = lk.cond(p, lambda: lk.map_fn(lambda x: x * v * v, lk.constant([1.0, 2.0])), lambda: lk.zeros([2]))
    assert session.run(lk.gradients(y, v), {p: True}) == [12]
