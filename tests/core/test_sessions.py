"""Sessions: their values, their stack, their end; callables; threads."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import labkit as lk
from labkit.errors import (
    CancelledError,
    FailedPreconditionError,
    FeedError,
    GraphError,
    InvalidArgumentError,
    NoSessionError,
    SessionError,
)


@pytest.fixture(autouse=True)
def graph():
    with lk.Graph().as_default() as graph:
        yield graph


def test_each_session_has_values_of_its_own():
    v = lk.Variable(1.0)
    first, second = lk.Session(), lk.Session()
    first.run(v.initializer)
    with pytest.raises(FailedPreconditionError, match="Attempting to use uninitialized value Variable"):
        second.run(v)
    second.run(v.initializer)
    first.run(v.assign_add(1.0))
    assert (first.run(v), second.run(v)) == (2, 1)


def test_a_closed_session_runs_nothing():
    c = lk.constant(1)
    session = lk.Session()
    call = session.make_callable(c)
    session.close()
    session.close()
    for attempt in (lambda: session.run(c), call, lambda: session.make_callable(c), session.state):
        with pytest.raises(SessionError, match="Attempted to use a closed Session") as error:
            attempt()
        assert isinstance(error.value, RuntimeError)


def test_without_a_session_nothing_is_evaluated():
    c, v = lk.constant(1.0), lk.Variable(1.0)
    for attempt in (c.eval, c.op.run, v.eval, v.initializer.run, lambda: v.load(2.0)):
        with pytest.raises(NoSessionError, match="No default session is registered") as error:
            attempt()
        assert isinstance(error.value, ValueError)


def test_elements_of_another_graph_are_refused():
    c, x = lk.constant(1), lk.placeholder(lk.float32)
    empty = lk.Session(lk.Graph())
    with pytest.raises(RuntimeError, match="The Session graph is empty"):
        empty.run(c)
    with empty.graph.as_default():
        own = lk.constant(2)
    with pytest.raises(ValueError, match="is not an element of this graph"):
        empty.run(c)
    with pytest.raises(ValueError, match="is not an element of this graph"):
        c.eval(session=empty)
    with pytest.raises(TypeError, match="Cannot interpret feed_dict key as Tensor"):
        empty.run(own, {x: 1})
    assert empty.run(own) == 2


def test_with_makes_graph_and_session_the_default_ones(graph):
    other = lk.Graph()
    with lk.Session(graph=other) as outer:
        assert lk.get_default_graph() is other
        assert lk.get_default_session() is outer
        a = lk.constant(1)
        with lk.Session(graph=graph) as inner:
            assert (lk.get_default_session(), lk.get_default_graph()) == (inner, graph)
            assert a.eval(session=outer) == 1
        assert a.eval() == 1
        with pytest.raises(SessionError, match="closed"):
            inner.run(a)
    assert lk.get_default_session() is None
    assert lk.get_default_graph() is graph


def test_as_default_leaves_the_session_open():
    c, session = lk.constant(3), lk.Session()
    with session.as_default() as entered:
        assert entered is session
        assert c.eval() == 3
    assert lk.get_default_session() is None
    assert session.run(c) == 3


def test_an_interactive_session_is_the_default_one_until_it_is_closed(graph):
    other = lk.Graph()
    session = lk.InteractiveSession(graph=other)
    assert lk.get_default_graph() is other
    c = lk.constant(4)
    assert c.eval() == 4
    session.close()
    assert lk.get_default_session() is None
    assert lk.get_default_graph() is graph


def test_the_default_session_is_the_threads_own():
    c, seen = lk.constant(1), []

    def look() -> None:
        seen.append(lk.get_default_session())
        with session.as_default():
            seen.append(c.eval())

    with lk.Session() as session:
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        assert lk.get_default_session() is session
    assert seen == [None, 1]


def test_the_graph_may_grow_between_runs():
    v = lk.Variable(2.0)
    with lk.Session() as session:
        session.run(lk.global_variables_initializer())
        assert session.run(v * 3.0) == 6
        w = lk.Variable(v.initialized_value() * 2.0) if hasattr(v, "initialized_value") else lk.Variable(4.0)
        session.run(w.initializer)
        assert session.run([v, w]) == [2, 4]


# --- callables ---


def test_a_callable_returns_what_run_does():
    x, y = lk.placeholder(lk.float32, [None]), lk.placeholder(lk.int32, [])
    v = lk.Variable(0.0)
    fetches = {"sum": lk.reduce_sum(x), "many": (y, v.assign_add(1.0).op, [x])}
    with lk.Session() as session:
        session.run(v.initializer)
        call = session.make_callable(fetches, [x, "Placeholder_1:0"])
        for n in (2, 3):
            found = call(range(n), 7)
            expected = session.run(fetches, {x: range(n), y: 7})
            assert str(found) == str(expected)
        assert session.run(v) == 4
        assert session.make_callable(y.op, [y])(1) is None
        with lk.control_dependencies([y]):
            after = lk.identity(v)
        assert session.make_callable(after, [y])(1) == 4


def test_what_a_callable_refuses():
    x = lk.placeholder(lk.float32, [2])
    with lk.Session() as session:
        call = session.make_callable(x * 2.0, [x])
        with pytest.raises(FeedError, match=r"takes values for Placeholder:0.*Received: 0 values"):
            call()
        with pytest.raises(FeedError, match=r"Cannot feed value of shape \(4,\) for Tensor"):
            call(np.zeros(4))
        with pytest.raises(TypeError):
            call([1, 2], options=lk.RunOptions())
        with pytest.raises(TypeError):
            session.make_callable(None)
        with pytest.raises(InvalidArgumentError, match="You must feed a value for placeholder tensor 'Placeholder'"):
            session.make_callable(x)()


def test_a_callable_with_options():
    x, told = lk.placeholder(lk.float32), lk.RunMetadata()
    with lk.Session() as session:
        call = session.make_callable(lk.exp(x), [x], accept_options=True)
        assert call(0.0) == 1
        assert call(0.0, options=lk.RunOptions(trace_level=lk.RunOptions.FULL_TRACE), run_metadata=told) == 1
    assert [node.type for node in told.nodes] == ["Exp"]


def test_a_callable_computes_in_stages_and_for_any_shape():
    x = lk.placeholder(lk.float32, [None])
    y = lk.reduce_sum(lk.boolean_mask(x, x > 0))
    with lk.Session() as session:
        call = session.make_callable(y, [x])
        assert [call(np.arange(-3, n)) for n in (1, 3, 6)] == [0, 3, 15]


# --- threads ---


def test_readers_overlap():
    meeting = threading.Barrier(2, timeout=10)  # passed only when both runs are under way at once
    both = lk.py_func(lambda: np.float32(meeting.wait() >= 0), [], lk.float32)
    v = lk.Variable(0.0)
    both = both + v
    with lk.Session() as session:
        session.run(v.initializer)
        results = []
        threads = [threading.Thread(target=lambda: results.append(session.run(both))) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert results == [1, 1]


def test_writers_exclude_each_other_and_readers_see_whole_runs():
    a, b = lk.Variable(np.zeros(1000, np.float32)), lk.Variable(np.zeros(1000, np.float32))
    step = lk.group(a.assign_add(np.ones(1000)), b.assign_sub(np.ones(1000)))
    looks = [lk.reduce_max(a + b), lk.reduce_min(a + b)]
    torn, failed = [], []

    def work(turns: int, write: bool) -> None:
        try:
            for _ in range(turns):
                if write:
                    session.run(step)
                elif session.run(looks) != [0, 0]:
                    torn.append(1)
        except Exception as error:
            failed.append(error)

    with lk.Session() as session:
        session.run(lk.global_variables_initializer())
        threads = [threading.Thread(target=work, args=(400, i % 2 == 0)) for i in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not torn
        assert not failed
        np.testing.assert_array_equal(session.run(a), np.full(1000, 3 * 400))


def test_closing_stops_a_run_of_another_thread(graph):
    x = lk.placeholder(lk.int32, [])
    forever = lk.while_loop(lambda i: i >= 0, lambda i: i * 0 + x, [x])
    session, raised = lk.Session(), []

    def run() -> None:
        try:
            session.run(forever, {x: 0})
        except CancelledError:
            raised.append(time.monotonic())

    thread = threading.Thread(target=run)
    thread.start()
    while not graph.growth.runs:  # until the run has begun
        time.sleep(0.01)
    time.sleep(0.1)
    closed = time.monotonic()
    session.close()
    thread.join(5)
    assert raised[0] - closed < 1


def test_threads_share_plans_and_make_them_once():
    x = lk.placeholder(lk.float32, [None])
    y = lk.reduce_sum(x * 2.0)
    wrong = []

    def work() -> None:
        wrong.extend(n for n in range(100) if session.run(y, {x: np.ones(n)}) != 2 * n)

    with lk.Session() as session:
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong
        assert len(session.plans) == 64


def test_a_variable_of_another_graph_is_not_read():
    with lk.Graph().as_default():
        v = lk.Variable(1.0)
    lk.constant(1)
    with lk.Session() as session, pytest.raises(GraphError, match="another graph"):
        session.read(v)


FORK = """
import os
import numpy as np
import labkit as lk
v = lk.Variable(np.zeros((300, 300), np.float32))
x = lk.placeholder(lk.float32, [None, 300])
step = v.assign_add(lk.matmul(x, x, transpose_a=True))
total = lk.reduce_sum(v)
session = lk.Session()
session.run(v.initializer)
ones = np.ones((400, 300), np.float32)
session.run(step, {x: ones})
child = os.fork()
for n in (400, 200) if child else (100, 500, 400):
    session.run(step, {x: ones[:n]})
found = session.run(total) / 90_000
if child:
    print(found, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
else:
    os._exit(7 if found == 1300 else 1)
"""


def test_a_forked_child_goes_on_with_values_of_its_own():
    done = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "1000.0 7\n", done.stderr


def test_a_frozen_state_is_the_memory_itself_and_keeps_writers_out() -> None:
    with lk.Graph().as_default() as graph:
        v, _ = lk.Variable(np.arange(3, dtype=np.float32), name="v"), lk.Variable(1.0, name="never")
        empty, total = lk.Variable(np.zeros((0, 2), np.float32), name="empty"), lk.reduce_sum(v)
        grow = v.assign_add([1.0, 1.0, 1.0])
        first = lk.variables_initializer([v, empty])
    with lk.Session(graph) as session:
        session.run(first)
        with session.frozen_state() as state:
            assert set(state) == {"v", "empty"}
            assert state["empty"].shape == (0, 2)
            assert not state["v"].flags.writeable
            assert session.run(total) == 3  # reading is allowed
            with pytest.raises(SessionError, match="under way in this thread"):
                session.run(grow)
            thread = threading.Thread(target=session.run, args=(grow,))
            thread.start()
            thread.join(0.1)
            assert thread.is_alive()
            np.testing.assert_array_equal(state["v"], [0, 1, 2])
            kept = state["v"]
        thread.join(10)
        np.testing.assert_array_equal(session.run(v), [1, 2, 3])
        np.testing.assert_array_equal(kept, [1, 2, 3])  # the memory itself: right inside the block only
    del session, graph
    np.testing.assert_array_equal(kept, [1, 2, 3])  # and still there
