"""Conditions and loops that Python runs: Python functions inside, and shapes that depend on data or change."""

from __future__ import annotations

import numpy as np
import pytest

import labkit as lk
from labkit.errors import DeadlineExceededError, InvalidArgumentError, ShapeError
from tests.core.derivatives import assert_derivatives, scalar


def test_python_functions_run_in_the_chosen_branch_only(session):
    called = []

    def note(name):
        return lambda a: called.append(name) or a * 2

    p, x = lk.placeholder(lk.bool, []), scalar()
    y = lk.cond(
        p,
        lambda: lk.py_func(note("then"), [x], lk.float64) + 1,
        lambda: lk.py_func(note("otherwise"), [x], lk.float64) - 1,
    )
    assert session.run([y, x * 10], {p: True, x: 3}) == [7, 30]
    assert session.run(y + 1, {p: False, x: 3}) == 6
    assert called == ["then", "otherwise"]


def test_a_loop_prints_and_calls_python(session, capfd):
    seen = []

    def body(i, a):
        i = lk.Print(i, [i], "at")
        return i + 1, a + lk.py_func(lambda k: seen.append(int(k)) or np.float64(k), [i], lk.float64)

    n = scalar(lk.int32)
    i, total = lk.while_loop(lambda i, a: i < n, body, [0, lk.constant(0.0, lk.float64)])
    assert tuple(session.run([i, total], {n: 4})) == (4, 6)
    assert seen == [0, 1, 2, 3]
    assert capfd.readouterr().err == "at 0\nat 1\nat 2\nat 3\n"


def test_a_gradient_prints_nothing_again(session, capfd):
    x = scalar()
    y = lk.while_loop(lambda i, a: i < 2, lambda i, a: (i + 1, lk.Print(a * x, [i], "at")), [0, x])[1]
    assert session.run([y, lk.gradients(y, x)[0]], {x: 2}) == [8, 12]
    assert capfd.readouterr().err == "at 0\nat 1\n"


def test_shapes_that_change_inside_and_across_iterations(session):
    grow = lk.while_loop(
        lambda i, a: i < 4,
        lambda i, a: (i + 1, lk.concat([a, [lk.cast(i, lk.float32)]], 0)),
        [0, lk.constant([9.0])],
        shape_invariants=[lk.TensorShape([]), lk.TensorShape([None])],
    )
    assert grow[1].shape.as_list() == [None]
    np.testing.assert_array_equal(session.run(grow[1] * 2), [18, 0, 2, 4, 6])
    sums = lk.while_loop(lambda i, s: i < 4, lambda i, s: (i + 1, s + lk.reduce_sum(lk.ones([i]))), [0, 0.0])
    assert session.run(sums[1]) == 6
    x = lk.placeholder(lk.float32, [None])
    double = lk.while_loop(lambda a: lk.reduce_sum(a) < 30, lambda a: lk.concat([a, a], 0), [x])
    assert session.run(double, {x: [1, 2]}).shape == (32,)


def test_branches_of_different_shapes(session):
    p = lk.placeholder(lk.bool, [])
    y = lk.cond(p, lambda: lk.zeros([2]), lambda: lk.ones([3]))
    z = lk.cond(p, lambda: lk.zeros([2, 2]), lambda: lk.ones([3]))
    assert (y.shape.as_list(), z.shape.ndims) == ([None], None)
    assert [session.run(lk.reduce_sum(y + 1), {p: truth}) for truth in (True, False)] == [2, 6]
    x = lk.placeholder(lk.float32, [None, 2])
    part = lk.cond(p, lambda: x[:1], lambda: x)
    assert part.shape.as_list() == [None, 2]
    assert session.run(part, {x: np.ones((5, 2)), p: True}).shape == (1, 2)
    (slope,) = lk.gradients(part, x)
    np.testing.assert_array_equal(session.run(slope, {x: np.ones((3, 2)), p: True}), [[1, 1], [0, 0], [0, 0]])


def test_results_whose_shape_depends_on_data(session):
    p, x = lk.placeholder(lk.bool, []), lk.placeholder(lk.float64, [None])
    y = lk.cond(p, lambda: lk.boolean_mask(x, x > 0), lambda: x)
    assert session.run(lk.reduce_sum(y), {x: [1, -2, 3], p: True}) == 4
    counts = lk.map_fn(lambda row: lk.size(lk.unique(row)[0]), lk.constant([[1, 1, 2], [3, 3, 3]]))
    np.testing.assert_array_equal(session.run(counts), [2, 1])
    assert_derivatives(session, lk.reduce_sum(y * y * y), x, [1.0, -2.0, 3.0], {p: True})


def test_derivatives_through_python_loops(session):
    x = scalar()
    a = np.array([[2.0, 0.3], [0.1, 1.5]])

    def body(i, m):
        return i + 1, lk.matrix_inverse(m) * x + m  # LAPACK computes on the host

    _, y = lk.while_loop(lambda i, m: i < 3, body, [0, a * x])
    assert_derivatives(session, lk.reduce_sum(y * y), x, 0.8)
    rows = lk.map_fn(
        lambda r: lk.reduce_sum(lk.boolean_mask(r, r > 0) ** 2) * x, lk.constant([[1.0, -1], [2, 3]], lk.float64)
    )
    assert_derivatives(session, lk.reduce_sum(rows), x, 0.8)


def test_a_loop_of_unknown_length_inside_another_has_a_gradient(session):
    x = lk.placeholder(lk.float64, [3])
    y = lk.foldl(
        lambda s, r: s + lk.while_loop(lambda a: a < 2.0, lambda a: a * s * 1.5 + a, [r]),
        x,
        lk.constant(0.9, lk.float64),
    )
    assert_derivatives(session, y, x, [0.3, 1.7, 0.9])


def test_what_is_written_is_taken_back_when_a_loop_fails(session):
    v = lk.Variable(1.0)

    def fail(k):
        if k == 2:
            raise ValueError("enough")
        return np.int32(k)

    def body(i):
        with lk.control_dependencies([v.assign_add(1.0)]):
            return lk.py_func(fail, [i], lk.int32) + 1

    limit = scalar(lk.int32)
    y = lk.while_loop(lambda i: i < limit, body, [0])
    session.run(v.initializer)
    with pytest.raises(InvalidArgumentError, match="enough"):
        session.run(y, {limit: 5})
    assert session.run(v) == 1
    assert session.run(y, {limit: 2}) == 2
    assert session.run(v) == 3


def test_random_numbers_are_those_of_the_native_loop():
    def draws(extra):
        with lk.Graph().as_default() as own:

            def inner(a):
                return lk.foldl(lambda s, _: s + lk.random.uniform([], seed=3), lk.zeros([2]), extra(a))

            rows = lk.map_fn(inner, lk.zeros([4]))
            with lk.Session(own) as own_session:
                return own_session.run(rows), own_session.run(rows)

    native = draws(lambda a: a)
    hosted = draws(lambda a: lk.py_func(lambda x: x, [a], lk.float32))
    np.testing.assert_array_equal(native, hosted)


def test_python_loops_end_in_time(session):
    forever = lk.while_loop(lambda i: i >= 0, lambda i: lk.py_func(lambda k: k, [i], lk.int32), [1])
    with pytest.raises(DeadlineExceededError):
        session.run(forever, timeout=0.1)


def test_a_shape_against_its_invariant_is_refused(session):
    x = lk.placeholder(lk.float32, [2])
    y = lk.while_loop(lambda a: lk.reduce_sum(a) < 9, lambda a: lk.py_func(lambda v: v.repeat(2), [a], lk.float32), [x])
    with pytest.raises(ShapeError, match="shape_invariants"):
        session.run(y, {x: [1, 2]})


def test_derivatives_where_shapes_change(session):
    x = scalar()

    def body(i, a, s):
        return i + 1, lk.concat([a, [s * x]], 0), lk.sin(s) + lk.reduce_sum(a * a)

    _, a, s = lk.while_loop(
        lambda i, *_: i < 3,
        body,
        [0, lk.stack([x]), lk.constant(0.4, lk.float64)],
        shape_invariants=[lk.TensorShape([]), lk.TensorShape([None]), lk.TensorShape([])],
    )
    assert_derivatives(session, lk.reduce_sum(a * a) * s, x, 0.7)


def test_derivatives_of_an_array_that_grows(session):
    x = scalar()
    array = lk.TensorArray(lk.float64, 0, dynamic_size=True)
    _, s, a = lk.while_loop(
        lambda i, *_: i < 4,
        lambda i, s, a: (i + 1, lk.sin(s * x), a.write(i, s * s)),
        [0, lk.constant(0.9, lk.float64), array],
    )
    assert_derivatives(session, lk.reduce_sum(a.stack() * [1.0, 2.0, 3.0, 4.0]) * s, x, 0.7)


def test_a_gradient_sees_what_the_functions_answered(session):
    x, calls = scalar(), []

    def answer(k):
        calls.append(int(k))
        return np.float64(len(calls))  # another one each time

    def body(i, a):
        return i + 1, a * lk.cond(x > 0, lambda: lk.py_func(answer, [i], lk.float64), lambda: x)

    y = lk.while_loop(lambda i, a: i < 3, body, [0, x])[1]
    y.set_shape([])
    assert session.run([y, lk.gradients(y, x)[0]], {x: 2.0}) == [12, 6]
    assert calls == [0, 1, 2]
