"""Runs that Python takes part in, and shapes that depend on data: cut into stages, with the meaning of a single run."""

from __future__ import annotations

import io
import threading
import time

import numpy as np
import pytest

import labkit as lk
from labkit.errors import (
    CancelledError,
    DeadlineExceededError,
    DTypeError,
    FailedPreconditionError,
    InvalidArgumentError,
    SessionError,
    ShapeError,
)


@pytest.fixture(autouse=True)
def graph():
    with lk.Graph().as_default() as graph:
        yield graph


def positive(x):
    return lk.py_func(lambda a: a[a > 0], [x], lk.float32)


def test_a_function_computes_in_the_middle_of_a_run():
    x = lk.placeholder(lk.float32, [None])
    y = lk.reduce_sum(positive(x * 2) + 1)
    with lk.Session() as session:
        assert session.run(y, {x: [1, -2, 3]}) == 10
        assert session.run(y, {x: [-1]}) == 0


def test_shapes_may_depend_on_data_and_so_may_what_they_decide():
    x = lk.placeholder(lk.float32, [None])
    kept = positive(x)
    count = lk.shape(kept)
    with lk.Session() as session:
        for values in ([1, -2, 3], [4, 5, 6, 7], [-1]):
            got = session.run([kept, count, lk.zeros(count)], {x: values})
            expected = [v for v in values if v > 0]
            np.testing.assert_array_equal(got[0], expected)
            assert got[1] == len(expected)
            assert got[2].shape == (len(expected),)


def test_equal_operations_whose_shape_depends_on_data_are_shared_with_their_shapes():
    x = lk.placeholder(lk.float32, [None])
    first, second = lk.boolean_mask(x, x > 0), lk.boolean_mask(x, x > 0)
    y = lk.reduce_sum(first) * lk.reduce_mean(second)
    (slope,) = lk.gradients(y, x)
    with lk.Session() as session:
        got = session.run([y, slope, lk.shape(second)], {x: [1, -2, 3]})
    assert got[0] == 8
    np.testing.assert_allclose(got[1], [4, 0, 4])
    assert got[2] == 2


def test_a_computed_number_may_decide_a_shape():
    x = lk.placeholder(lk.float32, [None])
    length = lk.cast(lk.reduce_sum(x), lk.int32)
    with lk.Session() as session:
        assert session.run(lk.fill(lk.expand_dims(length, 0), 7.0), {x: [1, 2]}).shape == (3,)
        assert session.run(lk.fill(lk.expand_dims(length, 0), 7.0), {x: [5, 2]}).shape == (7,)


def test_a_function_has_several_results_or_none_that_is_needed():
    calls = []

    def split(a):
        calls.append(1)
        return a[:1], len(a)

    x = lk.placeholder(lk.float32, [None])
    first, length = lk.py_func(split, [x], [lk.float32, lk.int64])
    first.set_shape([1])
    with lk.Session() as session:
        assert session.run([first[0], length], {x: [5, 6]}) == [5, 2]
        session.run(x + 1, {x: [1]})
        assert session.run(length, {x: [1], length: 9}) == 9
    assert len(calls) == 1


def test_a_function_may_take_nothing():
    y = lk.py_func(lambda: np.float32(3), [], lk.float32) * 2
    assert lk.Session().run(y) == 6


def test_a_raising_function_changes_no_variable_and_no_counter():
    v = lk.Variable(np.ones(2, np.float32))
    fails = lk.placeholder(lk.bool, [])

    def check(flag):
        if flag:
            raise KeyError("no such thing")
        return np.float32(0)

    checked = lk.py_func(check, [fails], lk.float32)
    noise = lk.random.normal([4])
    write = v.assign_add([1, 1])
    with lk.Session() as session:
        session.run(lk.global_variables_initializer())
        session.run(noise)
        before = session.state()
        with pytest.raises(InvalidArgumentError, match=r"PyFunc 'PyFunc' .*test_stages.py:\d+.*KeyError"):
            session.run([write, noise, checked], {fails: True})
        after = session.state()
        assert {k: x.tobytes() for k, x in before.items()} == {k: x.tobytes() for k, x in after.items()}
        session.run([write, checked], {fails: False})
        np.testing.assert_array_equal(session.run(v), [2, 2])


def test_a_missing_value_is_noticed_before_anything_happens():
    calls = []
    v = lk.Variable([1.0])
    x = lk.py_func(lambda: calls.append(1) or np.float32(1), [], lk.float32)
    x.set_shape([])
    with lk.Session() as session, pytest.raises(FailedPreconditionError, match="uninitialized value Variable"):
        session.run(v + x)
    assert not calls


def test_reads_see_the_start_of_the_run_whatever_the_stage():
    v = lk.Variable([1.0, 2.0])
    late = lk.py_func(lambda a: a, [v.assign_add([10, 10])], lk.float32)  # a function after a write
    late.set_shape([2])
    with lk.Session() as session:
        session.run(lk.global_variables_initializer())
        new, mixed, old = session.run([late, late + v, v])
        np.testing.assert_array_equal(new, [11, 12])
        np.testing.assert_array_equal(mixed, [12, 14])
        np.testing.assert_array_equal(old, [1, 2])


def test_writes_come_after_all_functions_that_do_not_need_them():
    seen = []
    v = lk.Variable([1.0])
    look = lk.py_func(
        lambda: seen.append(session.cells.variable(session.graph.get_operation_by_name("Variable")).initialized), [], []
    )
    with lk.Session() as session:
        session.run([v.initializer, look])
    assert seen == [False]


def test_random_counters_advance_once_in_a_run_of_stages():
    noise = lk.random.normal([3])
    through = lk.py_func(lambda a: a, [noise], lk.float32)
    with lk.Session() as session, lk.Session() as plain:
        staged = [session.run([through, noise]) for _ in range(3)]
        straight = [plain.run(noise) for _ in range(3)]
    for (a, b), c in zip(staged, straight, strict=True):
        assert a.tobytes() == b.tobytes() == c.tobytes()


def test_a_functions_memory_is_not_the_runs():
    kept = []

    def keep(a):
        kept.append(np.array([1.0, 2.0], np.float32))
        return kept[-1]

    def spoil(a):
        a[0] = 100
        return a

    x = lk.placeholder(lk.float32, [2])
    with lk.Session() as session:
        y = session.run(lk.py_func(keep, [x], lk.float32), {x: [0, 0]})
        kept[0][:] = 9
        np.testing.assert_array_equal(y, [1, 2])
        fed = np.zeros(2, np.float32)
        with pytest.raises(InvalidArgumentError, match="Copy an argument"):
            session.run(lk.py_func(spoil, [x], lk.float32), {x: fed})
        same = session.run([lk.py_func(lambda a: a, [x], lk.float32), x], {x: fed})
        assert not np.shares_memory(same[0], fed)
        assert not np.shares_memory(same[1], fed)


def test_a_function_keeps_its_promises():
    x = lk.placeholder(lk.float32, [])
    with lk.Session() as session:
        with pytest.raises(DTypeError, match="without loss"):
            session.run(lk.py_func(lambda a: 1.5, [x], lk.int32), {x: 0})
        with pytest.raises(InvalidArgumentError, match="2 values"):
            session.run(lk.py_func(lambda a: a, [x], [lk.float32, lk.float32]), {x: 0})
        with pytest.raises(InvalidArgumentError, match="1 values"):
            session.run(lk.py_func(lambda a: (a, a), [x], [lk.float32]), {x: 0})
        promised = lk.py_func(lambda a: np.zeros(3), [x], lk.float32)
        promised.set_shape([2])
        with pytest.raises(ShapeError, match="another shape than it promised"):
            session.run(promised, {x: 0})


def test_a_function_cannot_run_its_own_session():
    v = lk.Variable([1.0])
    inner = lk.py_func(lambda: session.run(v.assign([2.0])), [], lk.float32)
    with lk.Session() as session:
        session.run(v.initializer)
        with pytest.raises(SessionError, match="a function that the run calls"):
            session.run([inner, v.assign([3.0])])
        np.testing.assert_array_equal(session.run(v), [1])


def test_no_run_that_writes_comes_between_two_stages():
    v = lk.Variable(0.0)
    entered, go_on = threading.Event(), threading.Event()

    def wait():
        entered.set()
        go_on.wait(10)
        return np.float32(0)

    pause = lk.py_func(wait, [], lk.float32)
    pause.set_shape([])
    both = [v.read_value(), v + pause]
    write = v.assign_add(1.0)
    with lk.Session() as session:
        session.run(v.initializer)
        results = []
        reader = threading.Thread(target=lambda: results.append(session.run(both)))
        writer = threading.Thread(target=lambda: session.run(write))
        reader.start()
        assert entered.wait(10)
        writer.start()
        time.sleep(0.05)
        assert writer.is_alive()
        go_on.set()
        reader.join()
        writer.join()
        assert results == [[0, 0]]
        assert session.run(v) == 1


def test_a_timeout_and_closing_reach_a_run_between_stages():
    slow = lk.py_func(lambda: time.sleep(0.05), [], [])
    with lk.Session() as session, pytest.raises(DeadlineExceededError):
        session.run(slow, timeout=0.01)
    session = lk.Session()
    with pytest.raises(CancelledError):
        session.run(lk.py_func(lambda: session.close(), [], []))


def test_steps_of_a_program_with_a_function():
    v = lk.Variable(0.0)
    x = lk.placeholder(lk.float32, [2])
    total = lk.reduce_sum(lk.py_func(lambda a: a * 2, [x], lk.float32))
    add = v.assign_add(total)
    data = np.arange(6, dtype=np.float32).reshape(3, 2)
    with lk.Session() as session:
        session.run(v.initializer)
        np.testing.assert_array_equal(session.run(add, {x: data}, steps=3), [2, 12, 30])
        rows = lk.Batches(np.arange(3, dtype=np.float32), [[0, 1], [2, 2]])
        np.testing.assert_array_equal(session.run(total, {x: rows}, steps=2), [2, 8])
        with pytest.raises(InvalidArgumentError, match="At step 1 of this call"):
            session.run(total, {x: lk.Batches(np.zeros(3, np.float32), [[0, 1], [2, 3]])}, steps=2)


def test_a_number_that_changes_from_step_to_step_stays_a_number():
    x = lk.placeholder(lk.float32, [])
    y = lk.py_func(lambda a: a * a, [x], lk.float32)
    with lk.control_dependencies([lk.Assert(x > 0, "not positive")]):
        z = x * 2
    with lk.Session() as session:
        np.testing.assert_array_equal(session.run(y, {x: np.array([1.0, 2.0, 3.0])}, steps=3), [1, 4, 9])
        np.testing.assert_array_equal(session.run(z, {x: np.array([1.0, 2.0])}, steps=2), [2, 4])
        with pytest.raises(InvalidArgumentError, match=r"At step 1 .*The assertion failed.*not positive"):
            session.run(z, {x: np.array([1.0, -2.0])}, steps=2)


def test_two_hundred_lengths_are_planned_each():
    x = lk.placeholder(lk.float32, [None])
    y = lk.reduce_sum(positive(x) * 2)
    with lk.Session() as session:
        for n in range(200):
            assert session.run(y, {x: np.ones(n, np.float32)}) == 2 * n


def test_extra_fetches_change_nothing():
    x = lk.placeholder(lk.float32, [None])
    y = lk.reduce_sum(lk.exp(x) / 3)
    looked = lk.py_func(lambda a: a, [lk.exp(x)], lk.float32)
    values = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    with lk.Session() as session:
        alone = session.run(y, {x: values})
        assert session.run([y, looked, lk.shape(looked)], {x: values})[0].tobytes() == alone.tobytes()


def test_an_assertion_fails_the_run_and_shows_what_it_was_given():
    v = lk.Variable(0.0)
    x = lk.placeholder(lk.float32, [None])
    with lk.control_dependencies([lk.Assert(lk.less(x, 10.0), ["too large:", x])]):
        add = v.assign_add(lk.reduce_sum(x))
    with lk.Session() as session:
        session.run(v.initializer)
        assert session.run(add, {x: [1, 2]}) == 3
        with pytest.raises(InvalidArgumentError, match=r"Assert 'Assert' .*too large: \[ ?11\. +2\.\]"):
            session.run(add, {x: [11, 2]})
        assert session.run(v) == 3
    with pytest.raises(DTypeError, match="tensor of bool"):
        lk.Assert(x, [])


def test_printing(capsys):
    x = lk.placeholder(lk.float32, [None])
    y = lk.Print(x, [x, lk.shape(x)], "x is", first_n=2)
    stream = io.StringIO()
    with lk.control_dependencies([lk.print("sum", lk.reduce_sum(x), output_stream=stream, end="!\n")]):
        z = lk.identity(x)
    with lk.Session() as session:
        for _ in range(3):
            np.testing.assert_array_equal(session.run(y, {x: [1, 2]}), [1, 2])
        session.run(z, {x: [1, 2]})
        np.testing.assert_array_equal(session.run(lk.gradients(y * y, x)[0], {x: [1, 2]}), [2, 4])
    assert capsys.readouterr().err == "x is [1. 2.] [2]\nx is [1. 2.] [2]\n"
    assert stream.getvalue() == "sum 3.0!\n"


def test_a_list_that_holds_tensors_is_a_tensor():
    x = lk.placeholder(lk.float32, [None, 6])
    rows = lk.shape(x)[0]
    y = lk.reshape(x, [rows, 2, 3])
    assert y.shape.as_list() == [None, 2, 3]
    assert lk.zeros([rows, lk.shape(x)[1] * 2]).shape.as_list() == [None, 12]
    assert lk.zeros([lk.cast(lk.reduce_sum(x), lk.int32), 2]).shape.as_list() == [None, 2]
    with lk.Session() as session:
        assert session.run(y, {x: np.zeros((4, 6))}).shape == (4, 2, 3)
        np.testing.assert_array_equal(
            session.run(lk.convert_to_tensor([[rows, 1], [2, rows]]), {x: np.zeros((4, 6))}), [[4, 1], [2, 4]]
        )


def test_an_operation_one_of_whose_results_is_fed_and_decides_a_shape():
    x = lk.placeholder(lk.float32, [None])
    first, length = lk.py_func(lambda a: (a[:1], np.int32(len(a))), [x], [lk.float32, lk.int32])
    length.set_shape([])
    with lk.Session() as session:
        made, zeros = session.run([first, lk.zeros([length])], {x: [5, 6], length: 3})
    assert zeros.shape == (3,)
    np.testing.assert_array_equal(made, [5])
