"""EventWriter: what a program logs, written by a thread of its own so that logging never holds training up."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import warnings
import weakref
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from labkit.errors import InvalidArgumentError
from labkit.io import make_folder
from labkit.io.clock import SYSTEM, Clock
from labkit.summary.file import EventFile
from labkit.summary.histogram import Histogram
from labkit.summary.image import as_image, png

if TYPE_CHECKING:
    from labkit.summary.hparams import SessionStatus

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


class EventWriter:
    """Writes an event file for TensorBoard into a folder.

    No failure of the disk reaches the caller, nor holds it up for a second: events that cannot be written are dropped,
    with one EventFileWarning; `degraded`, `reason` and `dropped` tell. A wrong argument is the program's mistake, the
    same in every run, and raises at once. For each tag, steps should increase strictly.

    The file and the thread come with the first event. After a fork the child writes a file of its own.

    Args:
        folder: where the file goes; made when it is missing.
        purge_step: a resumed run says here at which step it starts again: TensorBoard then drops what earlier files in
            the folder hold for this step and later ones.
        clock: for the times in events, and for tests.
    """

    def __init__(self, folder: str | os.PathLike[str], purge_step: int | None = None, *, clock: Clock = SYSTEM) -> None:
        from labkit.summary import events  # brings the protos, which take a third of a second to import

        self.folder = Path(folder)
        self.degraded = False
        self.reason = ""
        self.dropped = 0
        self._purge_step, self._clock = purge_step, clock
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

    # --- what can be logged ---

    def scalar(self, tag: str, value: Any, step: int) -> None:
        """A number at a step. NaN and infinities are written as they are."""
        self._add(
            partial(
                self._events.scalar, self._clock.wall(), int(step), self._events.clean_tag(tag), _number(tag, value)
            )
        )

    def scalars(self, values: Mapping[str, Any], step: int) -> None:
        """Numbers of several tags at one step."""
        clean = {self._events.clean_tag(tag): _number(tag, value) for tag, value in values.items()}
        self._add(partial(self._events.scalars, self._clock.wall(), int(step), clean))

    def histogram(self, tag: str, values: Any, step: int) -> None:
        """The distribution of an array of any shape, or a `Histogram` counted before.

        Values that are not finite are counted apart: `tag/non_finite` is then a scalar.

        Raises:
            InvalidArgumentError: these are no real numbers.
        """
        counted = values if isinstance(values, Histogram) else Histogram.of(values)
        self._add(partial(self._events.histogram, self._clock.wall(), int(step), self._events.clean_tag(tag), counted))

    def image(self, tag: str, value: Any, step: int) -> None:
        """An image [height, width, channels], or a batch of them as a grid; uint8, or floats in [0, 1].

        Raises:
            ShapeError: it is none.
        """
        pixels = as_image(value)
        wall, clean = self._clock.wall(), self._events.clean_tag(tag)
        self._add(lambda: self._events.image(wall, int(step), clean, png(pixels), *pixels.shape), pixels.nbytes)

    def text(self, tag: str, value: str, step: int) -> None:
        """A text, which TensorBoard shows as Markdown."""
        clean, value = self._events.clean_tag(tag), str(value)
        self._add(partial(self._events.text, self._clock.wall(), int(step), clean, value), len(value))

    def graph(self, graph: Any) -> None:
        """A graph as it is now, grouped by name scopes. TensorBoard shows one graph a folder."""
        from labkit.summary.graph import graph_def

        data = graph_def(graph)
        self._add(partial(self._events.graph, self._clock.wall(), data), len(data))

    def hparams(self, config: Mapping[str, Any], group: str = "") -> None:
        """The configuration of the trial whose folder this is.

        Args:
            config: name -> number, truth value, text; other values are shown as text, nested names joined by dots.
            group: trials of one group are one row on TensorBoard's page, with averaged metrics: the configuration's id.
        """
        from labkit.summary.hparams import session_start

        data = session_start(self._clock.wall(), config, group)
        self._add(lambda: data, len(data))

    def hparams_end(self, status: SessionStatus) -> None:
        """The trial ended for good, with "success" or "failure". One that will be resumed has not ended."""
        from labkit.summary.hparams import session_end

        data = session_end(self._clock.wall(), status)
        self._add(lambda: data, len(data))

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

    def __enter__(self) -> EventWriter:
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
        file = EventFile(self.folder, self._clock, head)
        self._opened = True
        return file


def _number(tag: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InvalidArgumentError(
            f"The scalar {tag!r} is no number", rule="A scalar is one number", received=repr(value)[:100]
        ) from None


_writers: weakref.WeakSet[EventWriter] = weakref.WeakSet()


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
