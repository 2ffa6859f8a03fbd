"""Threads of pipelines end with their iterator, whatever happens; what they compute comes in order."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest

from labkit.data import Dataset
from labkit.errors import CancelledError, PipelineError
from tests.data.pipelines import always, require_no_threads, threads


def identity(x: Any) -> Any:
    return x


def endless() -> Any:
    return iter(int, 1)


def fails_at_seven(x: Any) -> Any:
    if int(x) == 7:
        raise KeyError("seven")
    return x


SOURCES = {
    "indexed": lambda: Dataset.range(10**6).map(identity, num_parallel=3).prefetch(4),
    "sequential": lambda: Dataset.range(10**6).filter(always).map(identity, num_parallel=3).prefetch(4),
    "generator": lambda: Dataset.from_generator(endless).prefetch(3).map(identity, num_parallel=2).prefetch(2).batch(2),
    "nested": lambda: Dataset.range(100).interleave(lambda i: Dataset.range(1000).prefetch(2), 3).prefetch(2),
}


@pytest.mark.parametrize("source", SOURCES)
def test_an_early_break_leaves_no_thread(source: str) -> None:
    require_no_threads()
    for i, _ in enumerate(SOURCES[source]()):
        if i == 5:
            assert threads()
            break
    require_no_threads()


@pytest.mark.parametrize("source", SOURCES)
def test_close_waits_for_the_threads(source: str) -> None:
    with iter(SOURCES[source]()) as iterator:
        next(iterator)
        state = iterator.state()
    assert not threads()
    assert list(iterator) == []
    assert iterator.state() == state
    iterator.close()


def test_an_end_leaves_no_thread() -> None:
    assert [int(x) for x in Dataset.range(9).map(identity, num_parallel=2).prefetch(2)] == list(range(9))
    require_no_threads()


@pytest.mark.parametrize("sequential", [False, True])
@pytest.mark.parametrize("prefetch", [False, True])
@pytest.mark.parametrize("parallel", [None, 3])
def test_an_error_comes_in_its_place(sequential: bool, prefetch: bool, parallel: int | None) -> None:
    dataset = Dataset.range(20)
    dataset = (dataset.filter(always) if sequential else dataset).map(fails_at_seven, num_parallel=parallel)
    iterator = iter(dataset.prefetch(3) if prefetch else dataset)
    assert [int(next(iterator)) for _ in range(7)] == list(range(7))
    for _ in range(2):  # it is not taken for an end
        with pytest.raises(PipelineError, match="'fails_at_seven' failed at element 7: KeyError: 'seven'") as caught:
            next(iterator)
        assert isinstance(caught.value.__cause__, KeyError)
        assert caught.value.index == 7
    # The state is before the element that failed: with the fault mended it goes on there.
    mended = Dataset.range(20)
    mended = (mended.filter(always) if sequential else mended).map(_mended)
    assert [int(x) for x in mended.iterate(state=iterator.state())] == list(range(7, 20))
    del caught, iterator
    gc.collect()
    require_no_threads()


def _mended(x: Any) -> Any:
    return x


_mended.__name__ = "fails_at_seven"


def test_an_iterator_that_nobody_holds_leaves_no_thread() -> None:
    iterator = iter(SOURCES["sequential"]())
    next(iterator)
    assert threads()
    del iterator
    require_no_threads()


@pytest.mark.parametrize("prefetch", [False, True])
def test_an_interrupted_batch_is_made_again(prefetch: bool) -> None:
    interrupted: list[int] = []

    def interrupt(x: Any) -> Any:
        if int(x) == 5 and not interrupted:
            interrupted.append(1)
            raise KeyboardInterrupt
        return x

    dataset = Dataset.range(9).filter(always).map(interrupt).batch(3)
    iterator = iter(dataset.prefetch(2) if prefetch else dataset)
    assert next(iterator).tolist() == [0, 1, 2]
    with pytest.raises(KeyboardInterrupt):
        next(iterator)
    assert iterator.state()["position"][0] == 1
    assert [x.tolist() for x in iterator] == [[3, 4, 5], [6, 7, 8]]


def test_a_slow_producer_does_not_hold_up_who_stops() -> None:
    entered, leave = threading.Event(), threading.Event()

    def slow(x: Any) -> Any:
        if int(x) > 0:
            entered.set()
            leave.wait(10)
        return x

    begin = time.monotonic()
    for _ in Dataset.range(5).map(slow).prefetch(2):
        assert entered.wait(5)
        break
    assert time.monotonic() - begin < 4
    assert threads()  # it finishes what it computes
    leave.set()
    require_no_threads()


def test_prefetch_computes_ahead_but_not_further() -> None:
    made: list[int] = []

    def note(x: Any) -> Any:
        made.append(int(x))
        return x

    iterator = iter(Dataset.range(100).map(note).prefetch(3))
    assert made == []  # nothing before the first is asked for
    next(iterator)
    until = time.monotonic() + 5
    while len(made) < 5 and time.monotonic() < until:
        time.sleep(0.001)
    time.sleep(0.05)
    assert made == [0, 1, 2, 3, 4]  # one was given, three are ready, one waits for room
    iterator.close()


def test_parallel_calls_overlap() -> None:
    together = threading.Barrier(3, timeout=10)

    def meet(x: Any) -> Any:
        together.wait()
        return x

    assert Dataset.range(9).map(meet, num_parallel=3).batch(9).arrays().tolist() == [list(range(9))]
    assert len(list(Dataset.range(9).filter(always).map(meet, num_parallel=3))) == 9


def test_no_function_runs_ahead_without_being_told() -> None:
    made: list[int] = []
    iterator = iter(Dataset.range(100).map(lambda x: made.append(int(x)) or x).batch(2))
    assert made == []
    next(iterator)
    assert made == [0, 1]


def test_who_waits_for_a_closed_iterator_hears_of_it() -> None:
    go = threading.Event()

    def stuck() -> Any:
        yield 1
        go.wait(10)

    iterator = iter(Dataset.from_generator(stuck).prefetch(1))
    next(iterator)
    heard: list[BaseException] = []

    def wait() -> None:
        try:
            next(iterator)
        except BaseException as error:
            heard.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.05)
    iterator._cursor.close()
    waiting.join(5)
    assert isinstance(heard[0], CancelledError)
    go.set()
    require_no_threads()


def test_the_interpreter_ends_while_threads_work() -> None:
    code = (
        "import time, labkit as lk\n"
        "def slow(x):\n    time.sleep(0 if x < 1 else 60)\n    return x\n"
        "i = iter(lk.data.Dataset.range(9).map(slow, num_parallel=2).prefetch(2))\n"
        "j = iter(lk.data.Dataset.range(9).map(slow).prefetch(2))\n"
        "next(j); print('ends')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert (done.stdout, done.stderr, done.returncode) == ("ends\n", "", 0)


def test_a_generator_is_closed() -> None:
    closed: list[bool] = []

    def values() -> Any:
        try:
            while True:
                yield np.float32(1)
        finally:
            closed.append(True)

    for dataset in (Dataset.from_generator(values), Dataset.from_generator(values).prefetch(2)):
        closed.clear()
        with iter(dataset) as iterator:
            next(iterator)
        assert closed == [True]


FORKS = """
import os, signal, sys
from labkit.data import Dataset

def double(x):
    return x * 2

signal.alarm(20)
for source in (Dataset.range(50), Dataset.range(50).filter(lambda x: True), Dataset.from_generator(lambda: range(50))):
    dataset = source.map(double, num_parallel=2).batch(3).prefetch(2)
    with dataset.iterate() as iterator:
        for _ in range(4):
            next(iterator)
        if child := os.fork():
            assert os.waitpid(child, 0)[1] == 0
            assert sum(len(x) for x in iterator) == 50 - 12
        else:
            signal.alarm(10)
            state = iterator.state()
            assert sum(len(x) for x in iterator) == 50 - 12
            assert sum(len(x) for x in dataset.iterate(state=state)) == 50 - 12
            sys.exit(0)  # not os._exit: what runs at the end of an interpreter must not wait, either
"""


def test_an_iterator_goes_on_in_a_fork() -> None:
    done = subprocess.run([sys.executable, "-c", FORKS], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
