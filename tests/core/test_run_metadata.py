"""What a profiled run tells, and that it computes the same bits."""

from __future__ import annotations

import importlib
import json

import numpy as np
import pytest

import labkit as lk
from labkit.errors import DeadlineExceededError, InvalidArgumentError


@pytest.fixture
def session():
    with lk.Graph().as_default(), lk.Session() as session:
        yield session


def test_each_operation_is_measured(session):
    x = lk.placeholder(lk.float32, [64, 64], name="x")
    product = lk.matmul(x, x, name="product")
    total = lk.reduce_sum(lk.exp(product * 0.0, name="e"), name="total")
    told = lk.RunMetadata()
    assert session.run(total, {x: np.ones((64, 64))}, run_metadata=told) == 64 * 64
    by_name = {node.name: node for node in told.nodes}
    node = by_name["product"]
    assert (node.type, node.calls, node.bytes, node.parent) == ("MatMul", 1, 64 * 64 * 4, "")
    assert node.kernel == "matmul.f32"
    assert "test_run_metadata.py:" in node.line
    assert by_name["total"].bytes == 4
    assert 0 < node.seconds < told.seconds
    assert 0 <= node.start < by_name["total"].start
    assert told.arena_bytes >= 64 * 64 * 4
    stats = told.step_stats.dev_stats[0].node_stats
    assert [s.node_name for s in stats] == [n.name for n in told.nodes]
    assert stats[0].all_end_rel_micros >= 0
    assert stats[0].timeline_label == "product = MatMul()"


def test_the_table_shows_the_slowest_first(session):
    x = lk.placeholder(lk.float32, [200, 200])
    fetch = lk.exp(lk.matmul(x, x, name="slow")[0, 0], name="quick")
    told = lk.RunMetadata()
    session.run(fetch, {x: np.zeros((200, 200))}, run_metadata=told)
    lines = str(told).splitlines()
    assert "MatMul 'slow'" in lines[1]
    assert lines[-1].endswith("bytes of temporaries at the peak")
    assert told.to_text(limit=1).splitlines()[2].startswith("and ")


def test_what_runs_inside_a_loop_is_counted(session):
    x = lk.placeholder(lk.float32, [8])
    n = lk.placeholder(lk.int32, [])
    _, y = lk.while_loop(lambda i, a: i < n, lambda i, a: (i + 1, lk.tanh(a)), [0, x])
    told = lk.RunMetadata()
    session.run(y, {x: np.ones(8), n: 100}, run_metadata=told)
    (loop,) = [node for node in told.nodes if not node.parent and node.kernel == "loop"]
    (inside,) = [node for node in told.nodes if node.type == "Tanh"]
    assert (inside.calls, inside.parent, loop.calls) == (100, loop.name, 1)
    assert inside.seconds < loop.seconds
    events = json.loads(told.to_chrome_trace())["traceEvents"]
    assert sum(event.get("args", {}).get("name") == inside.name for event in events) == 100


def test_of_a_long_loop_the_first_calls_are_in_the_trace(session):
    n = lk.placeholder(lk.int32, [])
    y = lk.while_loop(lambda i: i < n, lambda i: i + 1, [0])
    told = lk.RunMetadata()
    assert session.run(y, {n: 100_000}, run_metadata=told) == 100_000
    trace = json.loads(told.to_chrome_trace())
    assert len(trace["traceEvents"]) == 1 + 2**16
    assert trace["otherData"]["events left out"] > 100_000
    assert max(node.calls for node in told.nodes) == 100_001


def test_a_run_of_several_stages_has_one_time_line(session):
    x = lk.placeholder(lk.float32, [None])
    mid = lk.py_func(lambda a: a[a > 0], [x * 2.0], lk.float32, name="host")
    told = lk.RunMetadata()
    assert session.run(lk.reduce_sum(mid), {x: [1, -1, 2]}, run_metadata=told) == 6
    host = next(node for node in told.nodes if node.kernel == "python")
    assert (host.name, host.bytes) == ("host", 8)
    starts = [node.start for node in told.nodes]
    assert starts == sorted(starts)
    assert [node.type for node in told.nodes] == ["Mul", host.type, "Sum"]


def test_tensorflows_timeline_is_drawn(session):
    timeline = importlib.import_module("labkit.compat.v1.python.client.timeline")
    told = lk.RunMetadata()
    options = lk.RunOptions(trace_level=lk.RunOptions.FULL_TRACE)
    x = lk.placeholder(lk.float32)
    session.run(lk.exp(x), {x: 0.0}, options, told)
    trace = json.loads(timeline.Timeline(told.step_stats).generate_chrome_trace_format(show_memory=True))
    (event,) = [e for e in trace["traceEvents"] if e["ph"] == "X"]
    assert event["name"] == "Exp"
    assert event["dur"] > 0
    assert event["args"]["bytes"] == 4
    with pytest.raises(InvalidArgumentError, match="step_stats"):
        timeline.Timeline(told)


def test_a_loop_that_python_runs_tells_what_ran_inside(session):
    x = lk.placeholder(lk.float32, [None])

    def body(i: lk.Tensor, a: lk.Tensor) -> tuple[lk.Tensor, lk.Tensor]:
        return i + 1, lk.py_func(lambda b: b[1:], [lk.tanh(a)], lk.float32)

    invariants = [lk.TensorShape([]), lk.TensorShape([None])]
    _, y = lk.while_loop(lambda i, a: i < 3, body, [0, x], shape_invariants=invariants)
    told = lk.RunMetadata()
    assert session.run(y, {x: np.ones(5)}, run_metadata=told).shape == (2,)
    (loop,) = [node for node in told.nodes if node.type == "While"]
    inside = {node.type: node for node in told.nodes if node.parent == loop.name}
    assert (loop.kernel, inside["Tanh"].calls, inside["PyFunc"].calls) == ("python", 3, 3)
    assert inside["Tanh"].seconds + inside["PyFunc"].seconds < loop.seconds <= told.seconds


def test_steps_are_measured_together(session):
    v = lk.Variable(0.0)
    session.run(v.initializer)
    told = lk.RunMetadata()
    session.run(v.assign_add(1.0), steps=5, run_metadata=told)
    assert [node.calls for node in told.nodes if node.kernel == "assign_add.f32"] == [5]


def test_looking_changes_nothing():
    def trained(told: lk.RunMetadata | None) -> list[bytes]:
        with lk.Graph().as_default() as graph, lk.Session() as session:
            graph.seed = 3
            x = lk.random_normal([32, 10])
            w = lk.Variable(lk.random_normal([10, 4]))
            _, h = lk.while_loop(lambda i, a: i < 5, lambda i, a: (i + 1, lk.tanh(a * 1.5)), [0, lk.matmul(x, w)])
            loss = lk.reduce_mean(lk.square(h - 0.3))
            step = lk.optimizers.Adam(0.01).minimize(loss)
            session.run(lk.global_variables_initializer())
            losses = [session.run([loss, step], run_metadata=told)[0].tobytes() for _ in range(10)]
            return [*losses, *(value.tobytes() for value in session.state().values())]

    assert trained(None) == trained(lk.RunMetadata())


def test_without_tracing_nothing_is_told(session):
    told = lk.RunMetadata()
    c = lk.exp(lk.constant(0.0))
    session.run(c, run_metadata=told)
    session.run(c, options=lk.RunOptions(trace_level=lk.RunOptions.NO_TRACE), run_metadata=told)
    assert not told.nodes
    assert "0 bytes" in str(told)


def test_a_run_that_was_given_up_tells_how_far_it_came(session):
    x = lk.placeholder(lk.int32, [])
    forever = lk.while_loop(lambda i: i >= 0, lambda i: i * 0 + x, [x])
    told = lk.RunMetadata()
    with pytest.raises(DeadlineExceededError, match=r"timeout of 0.1 s"):
        session.run(forever, {x: 0}, options=lk.RunOptions(timeout_in_ms=100), run_metadata=told)
    assert max(node.calls for node in told.nodes) > 100


@pytest.mark.parametrize("wrong", [{"timeout_in_ms": -1}, {"timeout_in_ms": 0.5}, {"trace_level": 9}])
def test_options_are_checked(wrong):
    with pytest.raises(InvalidArgumentError, match="Received"):
        lk.RunOptions(**wrong)


def test_what_is_no_options_and_no_metadata_is_refused(session):
    c = lk.constant(1)
    for wrong in ({"options": 3}, {"run_metadata": {}}):
        with pytest.raises(TypeError, match=r"is an lk.RunMetadata|are an lk.RunOptions"):
            session.run(c, **wrong)
