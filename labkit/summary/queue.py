"""The queue of an event writer: a thread of its own writes the file, so that logging never holds training up."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import warnings
import weakref
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from labkit.io import make_folder
from labkit.io.clock import Clock
from labkit.summary.file import EventFile

MAX_PENDING = 64 << 20
"""Bytes, roughly, that may wait to be written."""
_OVERHEAD = 300  # of a small event that waits
_BATCH = 2 << 20  # bytes, roughly, written at a time
_GATHER = 0.5  # seconds that small events wait for company
_PATIENCE = 0.5  # seconds that callers wait for room, all together, until half of the room is free again
_STALL = 0.9  # seconds without progress after which flush gives up
_RETRY = 10.0  # seconds after a failure before another file is tried


class EventFileWarning(UserWarning):
    """Events could not be written. Training goes on without them."""


class EventQueue:
    """Events on their way to a file in a folder: bounded in memory, and no failure of the disk reaches the caller.

    Args:
        folder: where the file goes; made when it is missing.
        purge_step: the step at which a resumed run starts again, or None.
        suffix: the end of the file's name.
        clock: for the times in events, and for tests.
    """

    def __init__(self, folder: str | os.PathLike[str], purge_step: int | None, suffix: str, clock: Clock) -> None:
        from labkit.summary import events  # brings the protos, which take a third of a second to import

        self.folder = Path(folder)
        self.degraded = False
        self.reason = ""
        self.dropped = 0
        self._purge_step, self._suffix, self._clock = purge_step, suffix, clock
        self._events = events
        self._opened = False
        self._reset()
        _writers.add(self)

    def _reset(self) -> None:
        self._changed = threading.Condition()
        self._queue: deque[tuple[int, Callable[[], bytes]]] = deque()
        self._pending = 0  # bytes in the queue or being written
        self._added = self._done = 0  # events, since the beginning
        self._patience = _PATIENCE
        self._hurry = self._closed = False
        self._thread: threading.Thread | None = None
        self._file: EventFile | None = None
        self._retry_at = 0.0

    # --- the life of a writer ---

    def flush(self) -> bool:
        """Returns when everything logged before is in the file, or after a second without progress.

        Returns:
            Whether nothing has been lost so far.
        """
        with self._changed:
            self._drain()
            return not self.degraded

    def close(self) -> None:
        """Flushes and ends. What is logged later is dropped."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            drained = self._drain()
        if self._thread is not None and drained:
            self._thread.join(_STALL)
        _writers.discard(self)

    def _done_more_than(self, done: int) -> bool:
        return self._done > done

    def _drain(self) -> bool:
        """Waits until the thread has written all events so far, as long as it gets ahead."""
        self._hurry = True
        self._changed.notify_all()
        target = self._added
        while (done := self._done) < target:
            if not self._changed.wait_for(partial(self._done_more_than, done), _STALL):
                self._degrade(TimeoutError(f"nothing was written for {_STALL} s"))
                return False
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- the caller's side of the queue ---

    def _add(self, build: Callable[[], bytes], size: int = 0) -> None:
        size += _OVERHEAD
        with self._changed:
            if self._closed:
                self._degrade(ValueError("events were logged after close()"), 1)
                return
            if not self._has_room(size):
                self._wait_for_room(size)
                if not self._has_room(size):
                    self._degrade(TimeoutError("events come faster than they can be written"), 1)
                    return
            self._queue.append((size, build))
            self._pending += size
            self._added += 1
            if len(self._queue) == 1:
                self._start()
                self._changed.notify_all()

    def _has_room(self, size: int) -> bool:
        return self._pending == 0 or self._pending + size <= MAX_PENDING

    def _wait_for_room(self, size: int) -> None:
        """Waits as long as there is patience left: a disk that hangs or lags costs that once, not at every event."""
        self._hurry = True
        self._changed.notify_all()
        start = self._clock.monotonic()
        self._changed.wait_for(lambda: self._has_room(size), max(self._patience, 0))
        self._patience -= self._clock.monotonic() - start

    def _start(self) -> None:
        if self._thread is None and not self._closed:
            thread = threading.Thread(target=self._run, name="labkit-events", daemon=True)
            try:
                thread.start()
                self._thread = thread
            except RuntimeError as error:  # no more threads
                self._degrade(error, len(self._queue))
                self._queue.clear()
                self._pending, self._done = 0, self._added

    def _degrade(self, error: Exception, dropped: int = 0) -> None:
        self.dropped += dropped
        if self.degraded:
            return
        self.degraded, self.reason = True, str(error) or type(error).__name__
        text = f"Events for TensorBoard are lost in {self.folder}: {self.reason}. Training goes on."
        try:
            warnings.warn(text, EventFileWarning, stacklevel=4)
        except EventFileWarning:  # where warnings are errors: logging still must not stop training
            print(text, file=sys.stderr)

    # --- the thread's side ---

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._hurry or self._closed)
                if not self._hurry and not self._closed:
                    self._changed.wait_for(
                        lambda: self._hurry or self._closed or self._pending > MAX_PENDING // 4, _GATHER
                    )
                batch, size = self._next_batch()
                if not self._queue:
                    self._hurry = False
                    if not batch:
                        if self._closed:
                            break
                        continue
            failure, lost = self._write(batch)
            with self._changed:
                if failure is not None:
                    self._degrade(failure, lost)
                self._done += len(batch)
                self._pending -= size
                if self._pending <= MAX_PENDING // 2:
                    self._patience = _PATIENCE
                self._changed.notify_all()
        if self._file is not None:
            self._file.close()

    def _next_batch(self) -> tuple[list[Callable[[], bytes]], int]:
        batch: list[Callable[[], bytes]] = []
        total = 0
        while self._queue and total < _BATCH:
            size, build = self._queue.popleft()
            batch.append(build)
            total += size
        return batch, total

    def _write(self, builds: list[Callable[[], bytes]]) -> tuple[Exception | None, int]:
        """Writes the events, and returns what failed and how many are lost.

        After a failure of the disk nothing is tried for a while, then a new file.
        """
        if self._file is None and self._clock.monotonic() < self._retry_at:
            return OSError(self.reason), len(builds)
        failure: Exception | None = None
        built = []
        for build in builds:
            try:
                built.append(build())
            except Exception as error:  # a value that the format cannot hold costs that event alone
                failure = error
        try:
            if self._file is None:
                self._file = self._open()
            self._file.write(built)
        except Exception as error:  # whatever it is, it must not end the thread
            self._retry_at = self._clock.monotonic() + _RETRY
            if self._file is not None:
                self._file.close()
                self._file = None
            return error, len(builds)
        return failure, len(builds) - len(built)

    def _open(self) -> EventFile:
        if not self._opened:  # only at first: a folder that somebody removed stays removed
            make_folder(self.folder)
        wall = self._clock.wall()
        head = [self._events.version(wall)]
        if self._purge_step is not None and not self._opened:
            # TensorBoard takes the first start that it sees in a folder for the beginning, and purges at the second.
            head += [self._events.session_start(wall, self._purge_step)] * 2
        file = EventFile(self.folder, self._clock, head, self._suffix)
        self._opened = True
        return file


_writers: weakref.WeakSet[EventQueue] = weakref.WeakSet()


def _close_all() -> None:
    for writer in list(_writers):
        writer.close()


def _after_fork() -> None:
    # The child has neither the thread nor a usable lock; what waits is the parent's to write.
    for writer in list(_writers):
        if writer._file is not None:
            writer._file.close()
        writer._reset()


atexit.register(_close_all)
os.register_at_fork(after_in_child=_after_fork)
