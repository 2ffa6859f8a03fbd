"""prefetch: a thread makes elements while others are in use."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from functools import cached_property
from typing import Any

import numpy as np

from labkit.data.cursor import Cursor, State
from labkit.data.elements import Elements
from labkit.data.node import Node
from labkit.data.spec import Element
from labkit.data.workers import Workers, forks
from labkit.errors import CancelledError


class Prefetch(Node):
    """Above an indexed step the thread belongs to whoever reads the indexed steps in order, wherever this one stands.

    It changes no element, and no state.
    """

    kind = "prefetch"

    def __init__(self, source: Node, size: int) -> None:
        super().__init__(source)
        self.size, self.place = size, source.place

    def settings(self) -> dict[str, Any]:
        return {"buffer_size": self.size}

    @cached_property
    def fingerprint(self) -> str:
        return self.inputs[0].fingerprint

    @cached_property
    def ahead(self) -> int:
        return max(self.size, self.inputs[0].ahead) if self.indexed else 0

    def fetch(self, indices: np.ndarray, epoch: int, workers: Workers) -> Elements:
        return self.inputs[0].fetch(indices, epoch, workers)

    def cursor(self, epoch: int, workers: Workers, state: State) -> Cursor:
        return PrefetchCursor(self.inputs[0].open(epoch, workers, state), self.size, workers)


class PrefetchCursor(Cursor):
    """One thread reads `source` and keeps up to `size` elements ready. It begins with the first `next`.

    It ends when there is nothing more to read, when an element fails, when the cursor is closed, and when nobody has the
    cursor any more: at once where it waits for room, else as soon as the element that it is making is made.
    """

    def __init__(self, source: Cursor, size: int, workers: Workers) -> None:
        super().__init__(source)
        self._channel, self._workers = _Channel(source, size), workers
        self._state = source.state()
        self._begun = False
        self._finalizer = weakref.finalize(self, self._channel.close)

    def begin(self) -> None:
        """Starts the thread, if that is still to be done."""
        if not self._begun:
            self._workers.start("labkit-prefetch", _produce, self._channel)
            self._begun = True

    def next(self) -> Element:
        self.begin()
        element, self._state = self._channel.get()
        return element

    def state(self) -> State:
        return self._state

    def close(self) -> None:
        self._finalizer()
        if not self._begun:
            super().close()  # else the thread does: it may be reading


class _Channel:
    """What the thread and the cursor share."""

    def __init__(self, source: Cursor, size: int) -> None:
        self.source, self.size, self.closed, self.forks = source, size, False, forks()
        self.ready: deque[tuple[Element, State]] = deque()
        self.end: BaseException | None = None
        self.changed = threading.Condition()

    def put(self, element: Element, state: State) -> bool:
        """Waits for room; False when nobody wants elements any more."""
        with self.changed:
            while len(self.ready) >= self.size and not self.closed:
                self.changed.wait()
            self.ready.append((element, state))
            self.changed.notify_all()
            return not self.closed

    def get(self) -> tuple[Element, State]:
        with self.changed:
            while not self.ready and self.end is None and not self.closed:
                self.changed.wait()
            if self.ready:
                self.changed.notify_all()
                return self.ready.popleft()
            if self.end is None:
                raise CancelledError("The iterator is closed")
            try:
                raise self.end
            finally:
                self.end = StopIteration()  # no cycle of error and frame

    def finish(self, end: BaseException) -> None:
        """Nothing more comes, and why."""
        with self.changed:
            self.end = end
            self.changed.notify_all()

    def close(self) -> None:
        if self.forks != forks():
            return  # a fork has no such thread, and it may have held the lock
        with self.changed:
            self.closed = True
            self.ready.clear()
            self.changed.notify_all()


def _produce(channel: _Channel) -> None:
    source = channel.source
    try:
        try:
            while not channel.closed:
                element = source.next()
                if not channel.put(element, source.state()):
                    break
                del element
        finally:
            source.close()
    except StopIteration:
        channel.finish(StopIteration())  # without the frames of the other, which hold cursors, and so threads
    except BaseException as error:  # the cursor raises it
        channel.finish(error)
    else:
        channel.finish(StopIteration())
