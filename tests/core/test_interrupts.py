"""Ctrl-C, timeouts and closing stop whatever runs, and nothing has changed then."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

import labkit as lk
from labkit.errors import CancelledError, DeadlineExceededError

KINDS = [
    "matmul",
    "conv",
    "loop",
    "writing_loop",
    "scan",
    "function",
    "steps",
    "steps_of_stages",
    "python_loop",
    "lock",
]


class Endless:
    """A session with a variable, and for each kind a run that takes very long and would change the variable at its end."""

    def __init__(self) -> None:
        self.v = v = lk.Variable(1.0)
        self.x = x = lk.placeholder(lk.float32, [None, None])
        image = lk.reshape(x, [1, lk.shape(x)[0], lk.shape(x)[0], 1])
        wide = lk.nn.conv2d(lk.tile(image, [1, 1, 1, 64]), lk.zeros([9, 9, 64, 128]), [1, 1, 1, 1], "SAME")
        _, loop = lk.while_loop(lambda i, a: i >= 0, lambda i, a: (i * 0, a + 1.0), [0, 0.0])
        zero = lk.constant(0)
        writing = lk.while_loop(lambda i: i < 5, lambda i: i * 0 + lk.cast(v.assign_add(1.0) * 0.0, lk.int32), [zero])
        scanned = lk.scan(lambda s, e: s + lk.reduce_sum(lk.matmul(x, x)) + e, lk.zeros([100_000]), lk.zeros([]))
        hosted = lk.while_loop(
            lambda i: i < 5,
            lambda i: lk.py_func(lambda k: k, [i * 0], lk.int32) + lk.cast(v.assign_add(1.0) * 0.0, lk.int32),
            [zero],
            shape_invariants=[lk.TensorShape(None)],
        )
        slept = lk.py_func(lambda: time.sleep(30), [], [])
        self.entered = threading.Event()
        self.long = lk.py_func(self.hold, [], lk.float32)
        self.long.set_shape([])
        big, tiny = np.zeros((9000, 9000), np.float32), np.zeros((1, 1), np.float32)

        def then_write(y: lk.Tensor) -> lk.Tensor:
            return v.assign_add(lk.reduce_sum(y) * 0.0 + 1.0)

        with lk.control_dependencies([slept]):
            after_sleep = v.assign_add(1.0)
        self.runs = {
            "matmul": (then_write(lk.matmul(x, x)), {x: big}, {}),
            "conv": (then_write(wide), {x: big[:2500, :2500].copy()}, {}),
            "loop": (then_write(loop), {}, {}),
            "writing_loop": (writing, {}, {}),
            "scan": (then_write(scanned), {x: big[:300, :300].copy()}, {}),
            "function": (after_sleep, {}, {}),
            "steps": (lk.reduce_sum(lk.matmul(x, x)), {x: big[:500, :500].copy()}, {"steps": 10**6}),
            "steps_of_stages": (
                lk.py_func(lambda a: a, [lk.reduce_sum(x)], lk.float32),
                {x: tiny},
                {"steps": 10**7},
            ),
            "python_loop": (hosted, {}, {}),
            "lock": (v.assign_add(1.0), {}, {}),
        }
        self.session = lk.Session()
        self.session.run(v.initializer)

    def hold(self) -> np.float32:
        self.entered.set()
        time.sleep(0.8)
        return np.float32(0)

    @contextmanager
    def locked(self, kind: str) -> Iterator[None]:
        """Another thread is inside a run that keeps the session, where that is the kind."""
        if kind != "lock":
            yield
            return
        thread = threading.Thread(target=lambda: self.session.run(self.v + self.long))
        thread.start()
        assert self.entered.wait(10)
        self.entered.clear()
        yield
        thread.join()

    def run(self, kind: str, timeout: float | None = None) -> None:
        fetch, feeds, more = self.runs[kind]
        with self.locked(kind):
            self.session.run(fetch, feeds, timeout=timeout, **more)

    def check(self, kind: str) -> None:
        """The session is usable, and the variable has kept its value where nothing forced a write before the end."""
        value = self.session.run(self.v + 0.0)
        assert value == 1 or kind == "writing_loop"
        self.session.load(self.v, 1.0)
        assert self.session.run(lk.constant(2) * 3) == 6


CHILD = """
import signal, sys, time
from tests.core.test_interrupts import Endless
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell's children start deaf to it
kind = sys.argv[1]
endless = Endless()
for attempt in range(2):
    with endless.locked(kind):
        fetch, feeds, more = endless.runs[kind]
        try:
            print("ready", flush=True)
            endless.session.run(fetch, feeds, **more)
            print("ended", flush=True)
        except KeyboardInterrupt:
            print(time.monotonic(), flush=True)
    endless.check(kind)
print("done", flush=True)
"""


@pytest.mark.parametrize("kind", KINDS)
def test_ctrl_c_stops_it_within_a_tenth_of_a_second(kind: str) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, kind], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stderr is not None
    delays = []
    try:
        for _ in range(2):
            assert child.stdout.readline() == "ready\n", child.stderr.read()
            time.sleep(0.2)
            sent = time.monotonic()
            child.send_signal(signal.SIGINT)
            delays.append(float(child.stdout.readline()) - sent)
        assert child.stdout.readline() == "done\n", child.stderr.read()
        assert child.wait(10) == 0
    finally:
        child.kill()
        child.communicate()
    print(f"{kind}: {[round(1e3 * d) for d in delays]} ms")
    # The machine may be busy with other things: the fastest shows what is ours.
    assert min(delays) < 0.1
    assert max(delays) < 2


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "function"])
def test_a_timeout_stops_it(kind: str) -> None:
    with lk.Graph().as_default():
        endless = Endless()
        endless.session.run(lk.constant(0))
        delays = []
        for _ in range(2):
            start = time.monotonic()
            with endless.locked(kind):
                fetch, feeds, more = endless.runs[kind]
                with pytest.raises(DeadlineExceededError, match=r"timeout of 0\.2 s"):
                    endless.session.run(fetch, feeds, options=lk.RunOptions(timeout_in_ms=200), **more)
                delays.append(time.monotonic() - start - 0.2)
            endless.check(kind)
        assert min(delays) < (0.1 if kind != "lock" else 1)


@pytest.mark.parametrize("kind", ["matmul", "loop", "steps", "steps_of_stages"])
def test_closing_stops_it(kind: str) -> None:
    with lk.Graph().as_default():
        endless = Endless()
        raised: list[float] = []

        def run() -> None:
            try:
                endless.run(kind)
            except CancelledError:
                raised.append(time.monotonic())

        before = endless.v.graph.growth.runs
        thread = threading.Thread(target=run)
        thread.start()
        while endless.v.graph.growth.runs == before:  # until the run has begun
            time.sleep(0.01)
        time.sleep(0.2)
        closed = time.monotonic()
        endless.session.close()
        thread.join(10)
        assert raised[0] - closed < 1


def test_ctrl_c_in_a_waiting_main_thread_leaves_the_other_threads_run_alone() -> None:
    with lk.Graph().as_default():
        endless = Endless()
        results = []
        thread = threading.Thread(target=lambda: results.append(endless.session.run(endless.v + endless.long)))
        thread.start()
        assert endless.entered.wait(10)
        timer = threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT))
        before = signal.signal(
            signal.SIGINT, signal.default_int_handler
        )  # ignored where a shell started us in the background
        try:
            timer.start()
            with pytest.raises(KeyboardInterrupt):
                endless.session.run(endless.runs["lock"][0])
        finally:
            signal.signal(signal.SIGINT, before)
        thread.join()
        assert results == [1]
        assert endless.session.run(endless.v) == 1


ANYWHERE = """
import random, signal, sys, threading
import numpy as np
import labkit as lk

class Stop(KeyboardInterrupt):
    pass

def stop(*_):
    raise Stop

v, w = (lk.Variable(np.zeros(2, np.float32)) for _ in range(2))
x = lk.placeholder(lk.float32, [None])
positive = lk.fill([2], lk.reduce_sum(lk.boolean_mask(x, x > 0)))
staged = [v.assign_add(positive), w.assign_add(positive), lk.random_normal([2])]

def body(i, a):
    a = lk.reshape(lk.py_func(lambda b: b + 1, [a], lk.float32), [2])
    with lk.control_dependencies([v.assign_add(a)]):
        return i + 1, a + lk.random_normal([2]) * 0

looped = lk.while_loop(lambda i, a: i < 2, body, [0, lk.zeros([2])])[1]
with lk.control_dependencies([looped]):
    looped = [looped, w.assign_add([3.0, 3.0])]  # both of them, or none
session = lk.Session()
session.run(lk.global_variables_initializer())
signal.signal(signal.SIGALRM, stop)
random.seed(int(sys.argv[1]))
stopped = 0
for number in range(4000):
    fetch = random.choice([staged, looped])
    feed = {x: np.ones(3, np.float32)}
    if number < 20:
        session.run(fetch, feed)
        continue
    begun = session.state()
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-6, 1e-3))
        session.run(fetch, feed)
        signal.setitimer(signal.ITIMER_REAL, 0)
    except Stop:
        stopped += 1
    state = session.state()  # not from inside a run, as far as the session knows
    assert np.array_equal(state[v.op.name], state[w.op.name]), (number, state)
    drawn = {name: n - begun[name] for name, n in state.items() if name.startswith("random:")}
    moved = not np.array_equal(state[v.op.name], begun[v.op.name])
    assert sum(drawn.values()) == moved, (number, drawn, moved)
other = threading.Thread(target=session.run, args=(staged, feed), kwargs={"timeout": 10})
other.start()
other.join(10)
assert not other.is_alive()
print(stopped)
"""


def test_a_signal_between_any_two_steps_of_a_run_leaves_all_or_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ANYWHERE, "1"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100
    assert "Exception ignored" not in done.stderr
