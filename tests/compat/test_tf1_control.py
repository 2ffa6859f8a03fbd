"""cond, case, while_loop, and the order of operations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest


@pytest.fixture
def session(tf: Any) -> Any:
    with tf.Session() as session:
        yield session


def test_cond_takes_one_branch(tf: Any, session: Any) -> None:
    x = tf.placeholder(tf.float32, [])
    y = tf.cond(x > 30.0, lambda: x + 1.0, lambda: x - 1.0)
    assert [session.run(y, {x: value}) for value in (31.0, 30.0)] == [32.0, 29.0]


def test_cond_runs_only_the_operations_of_its_taken_branch(tf: Any, session: Any) -> None:
    v = tf.Variable(0.0)
    session.run(v.initializer)
    flag = tf.placeholder(tf.bool, [])
    y = tf.cond(flag, lambda: tf.assign_add(v, 1.0), lambda: tf.assign_add(v, 10.0))
    session.run(y, {flag: True})
    assert session.run(v) == 1.0
    session.run(y, {flag: False})
    assert session.run(v) == 11.0


def test_operations_made_outside_the_branches_always_run(tf: Any, session: Any) -> None:
    v = tf.Variable(0.0)
    session.run(v.initializer)
    flag = tf.placeholder(tf.bool, [])
    added = tf.assign_add(v, 1.0)
    y = tf.cond(flag, lambda: tf.identity(added), lambda: tf.constant(-1.0))
    session.run(y, {flag: False})
    assert session.run(v) == 1.0


def test_both_branches_are_traced(tf: Any, session: Any) -> None:
    traced = []

    def branch(value: float) -> Any:
        traced.append(value)
        return tf.constant(value)

    tf.cond(tf.constant(True), lambda: branch(1.0), lambda: branch(2.0))
    assert traced == [1.0, 2.0]


def test_cond_of_structures(tf: Any, session: Any) -> None:
    flag = tf.placeholder(tf.bool, [])
    a, b = tf.cond(flag, lambda: (tf.constant(1), tf.constant(2.0)), lambda: (tf.constant(3), tf.constant(4.0)))
    assert session.run([a, b], {flag: False}) == [3, 4.0]


def test_cond_branches_of_different_dtypes_are_refused(tf: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        tf.cond(tf.placeholder(tf.bool, []), lambda: tf.constant(1), lambda: tf.constant(1.0))


def test_cond_branches_of_different_structures_are_refused(tf: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        tf.cond(tf.placeholder(tf.bool, []), lambda: (tf.constant(1), tf.constant(1)), lambda: tf.constant(1))


def test_cond_needs_functions(tf: Any) -> None:
    with pytest.raises(TypeError):
        tf.cond(tf.placeholder(tf.bool, []), tf.constant(1), tf.constant(2))


def test_gradient_through_cond(tf: Any, session: Any) -> None:
    x = tf.placeholder(tf.float32, [])
    y = tf.cond(x > 0.0, lambda: x * x, lambda: 3.0 * x)
    (gradient,) = tf.gradients(y, x)
    assert [session.run(gradient, {x: value}) for value in (2.0, -2.0)] == [4.0, 3.0]


def test_nested_cond(tf: Any, session: Any) -> None:
    x = tf.placeholder(tf.float32, [])
    y = tf.cond(x > 0.0, lambda: tf.cond(x > 10.0, lambda: 2.0, lambda: 1.0), lambda: 0.0)
    assert [session.run(y, {x: value}) for value in (11.0, 5.0, -1.0)] == [2.0, 1.0, 0.0]


@pytest.mark.parametrize("kind", ["dict", "list"])
def test_case(tf: Any, session: Any, kind: str) -> None:
    x = tf.placeholder(tf.int32, [])
    pairs = [(tf.equal(x, 1), lambda: tf.constant(10)), (tf.equal(x, 2), lambda: tf.constant(20))]
    if kind == "list":
        y = tf.case(pairs, default=lambda: tf.constant(-1))
    else:
        y = tf.case(dict(pairs), default=lambda: tf.constant(-1), exclusive=True)
    assert [session.run(y, {x: value}) for value in (1, 2, 3)] == [10, 20, -1]


def test_the_first_true_case_counts(tf: Any, session: Any) -> None:
    x = tf.placeholder(tf.int32, [])
    y = tf.case([(x > 0, lambda: tf.constant(1)), (x > 5, lambda: tf.constant(2))], default=lambda: tf.constant(0))
    assert session.run(y, {x: 7}) == 1


def test_exclusive_cases_must_not_both_hold(tf: Any, session: Any) -> None:
    x = tf.placeholder(tf.int32, [])
    y = tf.case(
        [(x > 0, lambda: tf.constant(1)), (x > 5, lambda: tf.constant(2))],
        default=lambda: tf.constant(0),
        exclusive=True,
    )
    assert session.run(y, {x: 3}) == 1
    with pytest.raises(tf.errors.InvalidArgumentError):
        session.run(y, {x: 7})


def test_while_loop(tf: Any, session: Any) -> None:
    i, total = tf.while_loop(lambda i, t: i < 5, lambda i, t: (i + 1, t + i), [tf.constant(0), tf.constant(0)])
    assert session.run([i, total]) == [5, 10]


def test_gradient_through_while_loop(tf: Any, session: Any) -> None:
    x = tf.placeholder(tf.float32, [])
    _, y = tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * x), [tf.constant(0), tf.constant(1.0)])
    assert session.run(tf.gradients(y, x), {x: 2.0}) == [12.0]


def test_a_loop_whose_shape_changes_is_a_value_error(tf: Any) -> None:
    with pytest.raises(ValueError):
        tf.while_loop(lambda x: tf.size(x) < 9, lambda x: tf.concat([x, x], 0), [tf.zeros([2])])


def test_a_loop_whose_shape_may_change(tf: Any, session: Any) -> None:
    x = tf.while_loop(
        lambda x: tf.size(x) < 9,
        lambda x: tf.concat([x, x], 0),
        [tf.ones([2])],
        shape_invariants=[tf.TensorShape([None])],
    )
    assert session.run(x).shape == (16,)


def test_map_fn_scan_and_foldl(tf: Any, session: Any) -> None:
    x = tf.constant([1.0, 2.0, 3.0])
    assert session.run(tf.map_fn(lambda v: v * v, x)).tolist() == [1.0, 4.0, 9.0]
    assert session.run(tf.scan(lambda a, v: a + v, x)).tolist() == [1.0, 3.0, 6.0]
    assert session.run(tf.foldl(lambda a, v: a * v, x)) == 6.0


def test_group_runs_all_and_gives_none(tf: Any, session: Any) -> None:
    a, b = tf.Variable(0.0), tf.Variable(0.0)
    session.run(tf.global_variables_initializer())
    assert session.run(tf.group(a.assign(1.0), b.assign(2.0))) is None
    assert session.run([a, b]) == [1.0, 2.0]


def test_no_op(tf: Any, session: Any) -> None:
    op = tf.no_op(name="train")
    assert op.name == "train"
    assert session.run(op) is None


def test_control_dependencies_come_first(tf: Any, session: Any) -> None:
    v = tf.Variable(1.0)
    session.run(v.initializer)
    with tf.control_dependencies([v.assign(5.0)]):
        y = tf.identity(v.value())
        doubled = tf.constant(2.0) * v.read_value()
    session.run(y)
    assert session.run(v) == 5.0
    session.run(v.initializer)
    assert session.run(doubled) == 10.0


def test_control_dependencies_hold_only_for_what_is_made_inside(tf: Any, session: Any) -> None:
    v = tf.Variable(1.0)
    session.run(v.initializer)
    made_before = tf.constant(3.0)
    with tf.control_dependencies([v.assign(5.0)]):
        session.run(made_before)
    assert session.run(v) == 1.0


def test_control_dependencies_none_clears_them(tf: Any, session: Any) -> None:
    v = tf.Variable(1.0)
    session.run(v.initializer)
    with tf.control_dependencies([v.assign(5.0)]), tf.control_dependencies(None):
        y = tf.constant(1.0)
    session.run(y)
    assert session.run(v) == 1.0


def test_identity_in_a_control_dependency_makes_an_order(tf: Any, session: Any) -> None:
    step = tf.Variable(0)
    session.run(step.initializer)
    update = tf.assign_add(step, 1)
    with tf.control_dependencies([update]):
        loss = tf.identity(tf.constant(0.5))
    assert session.run(loss) == 0.5
    assert session.run(step) == 1


def test_tuple_waits_for_all(tf: Any, session: Any) -> None:
    v = tf.Variable(0.0)
    session.run(v.initializer)
    (y,) = tf.tuple([tf.constant(3.0)], control_inputs=[v.assign(1.0)])
    assert session.run(y) == 3.0
    assert session.run(v) == 1.0


def test_assert_stops_a_run(tf: Any, session: Any) -> None:
    x = tf.placeholder(tf.float32, [])
    with tf.control_dependencies([tf.Assert(x > 0.0, [x])]):
        y = tf.identity(x)
    assert session.run(y, {x: 1.0}) == 1.0
    with pytest.raises(tf.errors.InvalidArgumentError):
        session.run(y, {x: -1.0})


def test_a_graph_may_grow_in_a_loop(tf: Any, session: Any) -> None:
    v = tf.Variable(0.0)
    session.run(v.initializer)
    for i in range(4):
        session.run(tf.assign_add(v, float(i)))
    assert session.run(v) == 6.0


def test_py_func(tf: Any, session: Any) -> None:
    y = tf.py_func(lambda x: np.sinh(x).astype(np.float32), [tf.constant([1.0, 2.0])], tf.float32)
    np.testing.assert_allclose(session.run(y), np.sinh([1.0, 2.0]), rtol=1e-6)
