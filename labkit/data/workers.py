"""The threads of an iterator. They end with it, and never hold up the interpreter's end."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Any

from labkit.errors import CancelledError

_Tasks = SimpleQueue[Callable[[], None] | None]


_forks = 0


def forks() -> int:
    """How many forks lie between this process and the first one; asking the system for its number would take longer."""
    return _forks


def _forked() -> None:
    global _forks
    _forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


class Task:
    """A call under way in another thread."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self._call, self._done = (function, arguments), threading.Event()
        self._value: Any = None
        self._error: BaseException | None = None

    @classmethod
    def failed(cls, error: BaseException) -> Task:
        """A call that raised."""
        task = cls(_nothing)
        task._error = error
        task._done.set()
        return task

    def run(self) -> None:
        function, arguments = self._call
        try:
            self._value = function(*arguments)
        except BaseException as error:  # result() raises it where somebody waits
            self._error = error
        finally:
            del self._call, function, arguments
            self._done.set()

    def result(self) -> Any:
        """What the call returned; raises what it raised."""
        self._done.wait()
        if self._error is not None:
            try:
                raise self._error
            finally:
                self._error = None  # the error holds this frame: no cycle, which would keep iterators and their threads
        return self._value


class Workers:
    """Those that compute elements beside each other, and others. There is none before one is needed."""

    def __init__(self) -> None:
        self._forks = forks()
        self._tasks: _Tasks = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._others: list[threading.Thread] = []
        self._lock = threading.RLock()  # a collection of garbage may close an iterator in the middle of anything
        self._finalizer = weakref.finalize(self, _stop, self._tasks, self._threads)

    @property
    def are_elsewhere(self) -> bool:
        """Whether this is a fork of the process in which the threads are: it has none of them."""
        return self._forks != _forks

    def submit(self, function: Callable[..., Any], *arguments: Any, limit: int) -> Task:
        """The call, in one of at least `limit` threads.

        Raises:
            CancelledError: the workers have ended.
        """
        task = Task(function, *arguments)
        with self._lock:
            if not self._finalizer.alive:
                raise CancelledError("The iterator is closed")
            while len(self._threads) < limit:
                self._threads.append(_started(f"labkit-data-{len(self._threads)}", _work, self._tasks))
            self._tasks.put(task.run)
        return task

    def map(self, function: Callable[[Any], Any], items: Sequence[Any], limit: int) -> list[Any]:
        """`function` of each item, in their order, at most `limit` at a time.

        When it raises, no further item is begun, and the error of the first item that failed is raised.
        """
        limit = min(limit, len(items))
        if limit <= 1:
            return [function(item) for item in items]
        shared = _Shared(function, items)
        for task in [self.submit(shared.run, limit=limit) for _ in range(limit)]:
            task.result()
        if shared.errors:
            try:
                raise shared.errors[min(shared.errors)]
            finally:
                shared.errors.clear()  # no cycle of error and frame
        return shared.results

    def start(self, name: str, target: Callable[..., None], *arguments: Any) -> None:
        """A thread for something else, which knows itself when to end.

        Raises:
            CancelledError: the workers have ended.
        """
        with self._lock:
            if not self._finalizer.alive:
                raise CancelledError("The iterator is closed")
            self._others = [thread for thread in self._others if thread.is_alive()]
            self._others.append(_started(name, target, *arguments))

    def close(self) -> None:
        """Lets the threads end after what they are doing."""
        with self._lock:
            self._finalizer()

    def join(self, seconds: float) -> None:
        """Waits until all threads have ended, so many seconds at most."""
        until = time.monotonic() + seconds
        for thread in (*self._threads, *self._others):
            thread.join(max(0.0, until - time.monotonic()))


class _Shared:
    """Items that several threads work through. They are begun in order: whatever precedes one that failed was begun."""

    def __init__(self, function: Callable[[Any], Any], items: Sequence[Any]) -> None:
        self.function, self.items, self.next, self.lock = function, items, 0, threading.Lock()
        self.results: list[Any] = [None] * len(items)
        self.errors: dict[int, BaseException] = {}

    def run(self) -> None:
        while True:
            with self.lock:
                place = self.next
                if place >= len(self.items) or self.errors:
                    return
                self.next = place + 1
            try:
                self.results[place] = self.function(self.items[place])
            except BaseException as error:  # raised by `map`
                self.errors[place] = error


def _nothing() -> None:
    pass


def _started(name: str, target: Callable[..., None], *arguments: Any) -> threading.Thread:
    thread = threading.Thread(target=target, args=arguments, name=name, daemon=True)
    thread.start()
    return thread


def _work(tasks: _Tasks) -> None:
    while (run := tasks.get()) is not None:
        run()
        del run


def _stop(tasks: _Tasks, threads: list[threading.Thread]) -> None:
    for _ in threads:
        tasks.put(None)
