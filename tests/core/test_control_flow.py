"""Conditions and loops: what they mean, their gradients, and what they refuse."""

from __future__ import annotations

import time

import numpy as np
import pytest

import labkit as lk
from labkit.errors import (
    DeadlineExceededError,
    DTypeError,
    GraphError,
    InvalidArgumentError,
    ResourceExhaustedError,
    ShapeError,
)
from tests.core.derivatives import assert_derivatives, scalar

pytestmark = pytest.mark.usefixtures("graph")


# --- conditions ---


def test_only_the_chosen_branch_runs(session):
    v = lk.Variable(0.0)
    p = lk.placeholder(lk.bool, [])
    chosen = lk.cond(p, lambda: v.assign_add(1.0), lambda: v.assign_add(10.0))
    session.run(v.initializer)
    assert session.run(chosen, {p: True}) == 1
    assert session.run(chosen, {p: False}) == 11
    assert session.run(v) == 11


def test_what_is_built_outside_always_runs(session):
    v = lk.Variable(0.0)
    p = lk.placeholder(lk.bool, [])
    outside = v.assign_add(1.0)
    y = lk.cond(p, lambda: outside * 2, lambda: lk.constant(0.0))
    session.run(v.initializer)
    assert session.run(y, {p: False}) == 0
    assert session.run(v) == 1


def test_branches_return_nests_operations_or_nothing(session):
    p = lk.placeholder(lk.bool, [])
    v = lk.Variable([1.0])
    y = lk.cond(p, lambda: {"a": lk.constant(1), "b": [v * 2]}, lambda: {"a": lk.constant(2), "b": [v * 3]})
    op = lk.cond(p, lambda: v.assign([5.0]).op, lambda: lk.no_op())
    session.run(v.initializer)
    got = session.run(y, {p: False})
    assert got["a"] == 2
    assert got["b"][0] == [3]
    session.run(op, {p: True})
    assert session.run(v) == [5]
    assert lk.cond(p, lambda: None, lambda: None) is None


def test_case_takes_the_first_condition_that_holds(session):
    x = scalar(lk.int32)
    y = lk.case([(lk.less(x, 0), lambda: -x), (lk.less(x, 10), lambda: x * 100)], default=lambda: lk.constant(7))
    assert [session.run(y, {x: value}) for value in (-3, 4, 50)] == [3, 400, 7]


def test_derivatives_of_a_condition(session):
    x, p = scalar(), lk.placeholder(lk.bool, [])
    w = lk.constant(3.0, lk.float64)
    y = lk.cond(p, lambda: lk.sin(x) * w, lambda: lk.cond(x > 0, lambda: x * x * x, lambda: -x * x)) + x
    for at in (0.7, -0.7):
        for truth in (True, False):
            assert_derivatives(session, y, x, at, {p: truth})


def test_branches_that_differ_are_refused():
    p = lk.placeholder(lk.bool, [])
    x = lk.placeholder(lk.float32, [2])
    with pytest.raises(GraphError, match="different structures"):
        lk.cond(p, lambda: (x, x), lambda: x)
    with pytest.raises(DTypeError, match="same dtypes"):
        lk.cond(p, lambda: x, lambda: lk.cast(x, lk.int32))
    with pytest.raises(DTypeError, match="condition is bool"):
        lk.cond(lk.constant(1.0), lambda: x, lambda: x)
    with pytest.raises(DTypeError, match="must be callable"):
        lk.cond(p, x, x)


def test_a_tensor_of_a_branch_stays_inside():
    p = lk.placeholder(lk.bool, [])
    kept = []

    def then():
        kept.append(lk.constant(1.0) * 2)
        return kept[0]

    lk.cond(p, then, lambda: lk.constant(1.0))
    with pytest.raises(GraphError, match="inside of a loop or branch"):
        kept[0] + 1


# --- loops ---


def test_a_loop_repeats_its_body_while_the_condition_holds(session):
    n = scalar(lk.int32)
    i, total = lk.while_loop(lambda i, s: i < n, lambda i, s: (i + 1, s + lk.cast(i, lk.float32)), [0, 0.0])
    assert [tuple(session.run([i, total], {n: k})) for k in (0, 1, 10)] == [(0, 0), (1, 0), (10, 45)]


def test_loops_nest_and_see_what_is_around_them(session):
    x = lk.placeholder(lk.float64, [3])
    limit = lk.constant(4)

    def row(i, total):
        _, inner = lk.while_loop(lambda j, a: j < i, lambda j, a: [j + 1, a + x * lk.cast(i, lk.float64)], [0, x * 0])
        return [i + 1, total + inner]

    _, y = lk.while_loop(lambda i, total: i < limit, row, [0, lk.zeros([3], lk.float64)])
    np.testing.assert_allclose(session.run(y, {x: [1, 2, 3]}), np.array([1, 2, 3]) * (1 + 4 + 9))


def test_at_most_so_many_iterations(session):
    y = lk.while_loop(lambda a: a < 100.0, lambda a: a * 2, [1.0], maximum_iterations=3)
    assert session.run(y) == 8
    assert session.run(lk.while_loop(lambda a: a < 100.0, lambda a: a * 2, [1.0])) == 128


def test_derivatives_of_a_loop(session):
    x = scalar()
    _, y = lk.while_loop(lambda i, a: i < 4, lambda i, a: (i + 1, lk.sin(a) * x + a), [0, x])
    assert_derivatives(session, y, x, 0.6)
    _, z = lk.while_loop(lambda i, a: a < 3.0, lambda i, a: (i + 1, a * x), [0, lk.constant(1.0, lk.float64)])
    assert_derivatives(session, z, x, 1.4)  # how many iterations depends on x


def test_derivatives_of_a_loop_inside_another(session):
    x = lk.placeholder(lk.float64, [3])

    def step(state, row):
        _, grown = lk.while_loop(
            lambda k, a: a < 2.0, lambda k, a: (k + 1, a * 1.5 + state * 0.1), [0, lk.abs(row)], maximum_iterations=6
        )
        return lk.cond(grown > 2.5, lambda: lk.tanh(state) * grown, lambda: state + grown)

    y = lk.foldl(step, x, lk.constant(0.5, lk.float64))
    assert_derivatives(session, y, x, [0.3, 1.7, -0.9])


def test_a_constant_may_be_fed_for_a_loop(session):
    n = lk.constant(3)
    y = lk.while_loop(lambda i: i < n, lambda i: i + 1, [0])
    rows = lk.map_fn(lambda r: r + lk.zeros([n]), lk.zeros([2, 1]))
    assert rows.shape.as_list() == [2, 3]
    assert [session.run(y), session.run(y, {n: 7})] == [3, 7]


def test_no_gradient_of_a_body_that_reads_what_it_writes():
    v = lk.Variable(1.0)
    x = lk.placeholder(lk.float32, [])

    def body(i, a):
        r = v.read_value()
        with lk.control_dependencies([r]):
            w = v.assign_add(1.0)
        with lk.control_dependencies([w]):
            return i + 1, a * x * r

    y = lk.while_loop(lambda i, a: i < 3, body, [0, 1.0])[1]
    with pytest.raises(GraphError, match="read it as it is"):
        lk.gradients(y, x)


def test_writes_in_a_loop_happen_in_every_iteration(session):
    v = lk.Variable(1.0)

    def body(i, a):
        new = v.assign_add(lk.cast(i, lk.float32))
        return i + 1, a + new

    _, y = lk.while_loop(lambda i, a: i < 4, body, [0, 0.0])
    session.run(v.initializer)
    assert session.run(y) == (1 + 0) + (1 + 1) + (2 + 2) + (4 + 3)
    assert session.run(v) == 7


def test_a_loop_without_an_end_can_be_stopped(session):
    forever = lk.while_loop(lambda i: i >= 0, lambda i: i * 0, [1])
    start = time.monotonic()
    with pytest.raises(DeadlineExceededError):
        session.run(forever, timeout=0.1)
    assert time.monotonic() - start < 5


def test_a_loop_without_an_end_that_writes_can_be_stopped(session):
    v = lk.Variable(0.0)
    forever = lk.while_loop(lambda i: i < 5, lambda i: i * 0 + lk.cast(v.assign_add(1.0) * 0, lk.int32), [0])
    session.run(v.initializer)
    start = time.monotonic()
    with pytest.raises(DeadlineExceededError):
        session.run(forever, timeout=0.1)
    assert time.monotonic() - start < 5


def test_values_of_a_dict_are_told_by_their_keys(session):
    y = lk.while_loop(lambda d: d["a"] < 3, lambda d: {"b": d["b"] + 10, "a": d["a"] + 1}, [{"a": 0, "b": 0}])
    assert session.run(y) == {"a": 3, "b": 30}
    z = lk.cond(lk.constant(True), lambda: {"a": 1, "b": 2}, lambda: {"b": 3, "a": 4})
    assert session.run(z) == {"a": 1, "b": 2}


def test_loop_variables_keep_their_types():
    with pytest.raises(ShapeError, match="keeps its shape"):
        lk.while_loop(lambda a: lk.reduce_sum(a) < 3, lambda a: lk.concat([a, a], 0), [lk.zeros([2])])
    with pytest.raises(DTypeError, match="keeps its dtype"):
        lk.while_loop(lambda a: a < 3, lambda a: lk.cast(a, lk.float32), [lk.constant(1)])
    with pytest.raises(GraphError, match="another structure"):
        lk.while_loop(lambda a: a < 3, lambda a: (a, a), [lk.constant(1)])
    with pytest.raises(GraphError, match="another structure"):
        lk.while_loop(lambda i, j: i < 3, lambda i, j: {"i": i, "j": j}, [0, 0])
    with pytest.raises(DTypeError, match="one truth value"):
        lk.while_loop(lambda a: a, lambda a: a, [lk.constant(1)])


# --- along a dimension ---


def test_scan_map_and_folds(session):
    e = lk.placeholder(lk.float32, [None, 2])
    values = np.arange(8, dtype=np.float32).reshape(4, 2)
    running = lk.scan(lambda a, b: a + b, e)
    back = lk.scan(lambda a, b: a + b, e, reverse=True)
    squares = lk.map_fn(lambda b: (b * b, lk.reduce_sum(b)), e, dtype=(lk.float32, lk.float32))
    left = lk.foldl(lambda a, b: a * 2 + b, e, lk.zeros([2]))
    right = lk.foldr(lambda a, b: a * 2 + b, e)
    assert running.shape.as_list() == [None, 2]
    got = session.run([running, back, squares, left, right], {e: values})
    np.testing.assert_array_equal(got[0], values.cumsum(0))
    np.testing.assert_array_equal(got[1], values[::-1].cumsum(0)[::-1])
    np.testing.assert_array_equal(got[2][0], values**2)
    np.testing.assert_array_equal(got[2][1], values.sum(1))
    np.testing.assert_array_equal(got[3], [8 * values[0] + 4 * values[1] + 2 * values[2] + values[3]][0])
    np.testing.assert_array_equal(got[4], [8 * values[3] + 4 * values[2] + 2 * values[1] + values[0]][0])
    assert session.run(lk.map_fn(lambda b: b, e), {e: values[:0]}).shape == (0, 2)


def test_derivatives_of_scan(session):
    x = lk.placeholder(lk.float64, [None, 2])
    w = lk.constant([[0.3, -0.2], [0.1, 0.4]], lk.float64)
    at = np.random.default_rng(0).normal(size=(3, 2))
    state = lk.scan(lambda a, b: lk.tanh(lk.matmul(lk.reshape(a, [1, 2]), w)[0] + b * a), x, lk.ones([2], lk.float64))
    assert_derivatives(session, lk.reduce_sum(state * state), x, at)
    assert_derivatives(session, lk.reduce_sum(lk.foldr(lambda a, b: lk.sin(a) * b, x)), x, at)
    assert_derivatives(session, lk.reduce_sum(lk.map_fn(lambda b: b * b[0], x)), x, at)


def test_an_ode_is_fitted_through_scan(session):
    rate = lk.Variable(0.1)
    times = lk.zeros([50])
    decay = lk.scan(lambda y, t: y - rate * y * 0.1, times, lk.constant(1.0))
    data = np.exp(-0.7 * 0.1 * np.arange(1, 51)).astype(np.float32)
    step = lk.optimizers.Adam(0.05).minimize(lk.reduce_mean(lk.square(decay - data)))
    session.run(lk.global_variables_initializer())
    for _ in range(300):
        session.run(step)
    assert abs(session.run(rate) - 0.7) < 0.05


def test_random_numbers_differ_from_iteration_to_iteration_and_repeat_in_a_new_session(graph):
    rows = lk.map_fn(lambda x: lk.map_fn(lambda y: y + lk.random.uniform([]), x), lk.zeros([3, 4]))
    with lk.Session(graph) as one, lk.Session(graph) as two:
        first, second = one.run(rows), one.run(rows)
        assert len(np.unique([first, second])) == 24
        np.testing.assert_array_equal(first, two.run(rows))
        np.testing.assert_array_equal(second, two.run(rows))


def test_the_gradient_of_a_loop_sees_the_same_random_numbers(session):
    x = lk.placeholder(lk.float32, [])
    y = lk.foldl(lambda a, b: a * lk.random.uniform([], 0.5, 1.5), lk.zeros([3]), x)
    value, slope = session.run([y, lk.gradients(y, x)[0]], {x: 2.0})
    np.testing.assert_allclose(slope, value / 2, rtol=1e-6)


def test_bits_do_not_depend_on_threads(graph):
    x = lk.placeholder(lk.float32, [20, 300])
    w = lk.random.normal([300, 300], stddev=0.05)
    y = lk.scan(lambda a, b: lk.tanh(lk.matmul(a, w) + b), x, lk.zeros([100, 300]))
    grads = lk.gradients(lk.reduce_sum(y), x)
    values = np.random.default_rng(0).normal(size=(20, 300)).astype(np.float32)
    threads, bits = lk.get_num_threads(), set()
    try:
        for count in (1, 2, 4):
            lk.set_num_threads(count)
            with lk.Session(graph) as session:
                bits.add(b"".join(a.tobytes() for a in session.run([y, *grads], {x: values})))
    finally:
        lk.set_num_threads(threads)
    assert len(bits) == 1


def test_an_index_that_is_out_of_range_inside_is_told_with_its_place(session):
    x = lk.placeholder(lk.float32, [3])
    i = lk.placeholder(lk.int32, [])
    y = lk.while_loop(lambda k, s: k < 5, lambda k, s: (k + i, s + lk.gather(x, k)), [0, 0.0])[1]
    with pytest.raises(InvalidArgumentError, match=r"test_control_flow.py:\d+.*from 0 to 2.*Received: 3"):
        session.run(y, {x: [1, 2, 4], i: 3})


def test_memory_of_a_gradient_that_does_not_fit_is_refused(session):
    n = scalar(lk.int32)
    x = lk.placeholder(lk.float32, [1 << 20])
    _, z = lk.while_loop(lambda i, a: i < n, lambda i, a: (i + 1, lk.abs(a)), [0, x * 2])
    (slope,) = lk.gradients(z, x)
    assert session.run(slope, {x: np.ones(1 << 20), n: 3})[0] == 2
    with pytest.raises(ResourceExhaustedError):  # 4 MB of each of ten million iterations
        session.run(slope, {x: np.ones(1 << 20), n: 10_000_000, z.op.outputs[-1]: 10_000_000})


def test_two_hundred_lengths_of_a_scan(session):
    x = lk.placeholder(lk.float32, [None])
    y = lk.foldl(lambda a, b: a + b, x, lk.constant(0.0))
    for n in range(200):
        assert session.run(y, {x: np.ones(n)}) == n


def test_a_variable_made_inside_belongs_to_the_whole_graph(session):
    x = lk.placeholder(lk.float32, [None, 2])

    def step(a, b):
        with lk.variable_scope("cell", reuse=lk.AUTO_REUSE):
            w = lk.get_variable("w", [2], initializer=lambda shape, dtype=lk.float32: lk.ones(shape, dtype))
        return a + b * w

    y = lk.foldl(step, x, lk.zeros([2]))
    assert [v.op.name for v in lk.trainable_variables()] == ["cell/w"]
    session.run(lk.global_variables_initializer())
    np.testing.assert_array_equal(session.run(y, {x: np.ones((3, 2))}), [3, 3])


def test_a_read_inside_follows_the_write_it_depends_on(session):
    v = lk.Variable(1.0)

    def body(x):
        with lk.control_dependencies([v.assign_add(x)]):
            return v * 1.0

    y = lk.map_fn(body, lk.constant([10.0, 20.0]))
    session.run(v.initializer)
    np.testing.assert_array_equal(session.run(y), [11, 31])


def test_a_gradient_that_would_write_again_is_refused():
    v, x = lk.Variable(0.0), lk.placeholder(lk.float32, [])
    y = lk.cond(x > 0, lambda: x * v.assign_add(1.0), lambda: x)
    with pytest.raises(GraphError, match="write the variable again"):
        lk.gradients(y, x)


def test_a_read_inside_follows_the_write_that_the_loop_depends_on(session):
    v = lk.Variable(1.0)
    with lk.control_dependencies([v.assign(5.0)]):
        y = lk.map_fn(lambda x: v * x, lk.constant([1.0, 2.0]))
    session.run(v.initializer)
    np.testing.assert_array_equal(session.run(y), [5, 10])


def test_updates_of_a_loop_variable_are_made_in_place(session):
    n = lk.placeholder(lk.int32, [])

    def body(i, a):
        before = lk.gather(a, i)
        return i + 1, lk.tensor_scatter_update(
            a, lk.reshape(i, [1, 1]), lk.reshape(before + lk.cast(i, lk.float32), [1])
        )

    _, y = lk.while_loop(lambda i, a: i < n, body, [0, lk.ones([2_000_000])])
    start = time.monotonic()
    got = session.run(y, {n: 10_000})
    assert time.monotonic() - start < 2  # copies of the whole would be 80 GB
    np.testing.assert_array_equal(got[:10_000], 1 + np.arange(10_000))


def test_an_old_value_that_is_needed_is_not_overwritten(session):
    def body(i, a, b):
        new = lk.tensor_scatter_update(a, lk.reshape(i, [1, 1]), [7.0])
        return i + 1, new, b + a  # a as it was before

    _, a, b = lk.while_loop(lambda i, a, b: i < 3, body, [0, lk.zeros([3]), lk.zeros([3])])
    np.testing.assert_array_equal(session.run([a, b]), [[7, 7, 7], [14, 7, 0]])
    swapped = lk.while_loop(
        lambda i, a, b: i < 3,
        lambda i, a, b: (i + 1, b, lk.tensor_scatter_add(a, [[0]], [1.0])),
        [0, lk.zeros([2]), lk.ones([2])],
    )
    np.testing.assert_array_equal(session.run(swapped[1:]), [[2, 1], [2, 0]])
    x = lk.placeholder(lk.float32, [3])
    c = lk.tensor_scatter_add(x * 2, [[1]], [5.0])  # outside of a loop
    np.testing.assert_array_equal(session.run([c, x * 2], {x: [1, 2, 3]}), [[2, 9, 6], [2, 4, 6]])


def test_a_loop_variable_that_stays_as_it_is(session):
    x = lk.placeholder(lk.float64, [2])
    y = lk.while_loop(lambda i, a, w: i < 3, lambda i, a, w: (i + 1, a * w, w), [0, x, x + 1])
    assert_derivatives(session, lk.reduce_sum(y[1] + y[2]), x, [0.3, 0.5])


def test_a_derivative_through_a_branch_in_a_loop_that_reads_a_variable() -> None:
    with lk.Graph().as_default(), lk.Session() as session:
        x, factor = lk.placeholder(lk.float64, [3]), lk.Variable(2.0, dtype=lk.float64)

        def step(state: lk.Tensor, item: lk.Tensor) -> lk.Tensor:
            return lk.cond(item > 0, lambda: state * item * factor.read_value(), lambda: state + item)

        last = lk.foldl(step, x, lk.constant(1.0, lk.float64))
        (slope,) = lk.gradients(last, x)
        session.run(factor.initializer)
        np.testing.assert_allclose(session.run(slope, {x: [1.0, -1.0, 3.0]}), [12, 6, 2])


def test_operations_inside_have_names_of_their_own(graph):
    x = lk.zeros([3])
    one, two = (lk.map_fn(lambda a: a + lk.random.uniform([]), x) for _ in range(2))
    assert len({op.name for op in graph.inside.values()}) == len(graph.inside)
    assert any(name.startswith("map_1/fn/") for name in graph.inside)
    with lk.Session(graph) as session:
        assert len(np.unique(session.run([one, two]))) == 6
