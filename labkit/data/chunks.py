"""Batches of a data set for somebody who takes many at a time: a thread makes the next ones while the last are in use."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from labkit.data.chunk_cursor import Chunk, ChunkCursor, Prepare
from labkit.data.cursor import Cursor, State
from labkit.data.dataset import Dataset
from labkit.data.iterator import checked_state, state_of
from labkit.data.steps.prefetch import PrefetchCursor
from labkit.data.workers import Workers
from labkit.errors import OutOfRangeError

READY = 2
PATIENCE = 1.0


class Chunks:
    """Goes through epoch after epoch of a data set, several batches at a time.

    The thread begins with the first `look`, which makes the first batch itself. It ends with `close`, when an element fails,
    and when nobody has this object any more. Where a step fails it stands before the batch that failed.

    Args:
        dataset: whose elements are batches.
        prepare: makes of them what is used; in the thread, too. It must not hold this object.
        epoch: to begin with.
        stop: the epoch to end before; None: there is always another one.

    Attributes:
        wanted: how many batches at a time are of use.
    """

    def __init__(self, dataset: Dataset, prepare: Prepare, epoch: int = 0, stop: int | None = None) -> None:
        self._dataset, self._prepare, self._stop = dataset, prepare, stop
        self.wanted = 1
        self._epoch, self._position = epoch, None
        self._forget()

    def _forget(self) -> None:
        self._source: ChunkCursor | None = None
        self._ahead: PrefetchCursor | None = None
        self._chunk: Chunk | None = None
        self._used = 0
        self._error: Exception | None = None
        self._finalizer: Any = None

    @property
    def epoch(self) -> int:
        """The epoch of the next batch; waits until it is known. An error that comes next belongs to the epoch before it."""
        while self._position is not None and self._chunk is None and self._error is None:
            self._pull()
        return self._epoch

    def peek(self) -> list[np.ndarray]:
        """The arrays of the next batch; starts no thread. Raises as `look`."""
        return self._arrays(1)

    def look(self, most: int) -> list[np.ndarray]:
        """The arrays of the next batches, `most` at most, of the next one at least.

        Raises:
            OutOfRangeError: there is no further epoch.
            FeedError: the epoch holds no batch.
            PipelineError: a step failed; and what `prepare` raises.
        """
        self.wanted = most
        if self._source is not None:
            self._source.wanted = most
        arrays = self._arrays(most)
        if self._ahead is None:
            self._begin()
        return arrays

    def advance(self, batches: int) -> None:
        """So many of those that `look` gave are done with."""
        assert self._chunk is not None
        self._used += batches
        self._position = self._chunk.states[self._used - 1]
        if self._used == len(self._chunk.states):
            self._chunk = None

    def state(self) -> dict[str, Any]:
        """Where the next batch begins, as `Iterator.state`."""
        return state_of(self._dataset, self._epoch, self._position)

    def restore(self, state: Any) -> None:
        """Goes on where a state says.

        Raises:
            IteratorStateError: the state is damaged, or one of another pipeline; nothing is changed.
        """
        self.go_to(*checked_state(self._dataset, state))

    def go_to(self, epoch: int, position: State = None) -> None:
        """Goes on at a place of an epoch.

        Raises:
            IteratorStateError: there is no such place; nothing is changed.
        """
        source, workers = self._opened(epoch, position)
        self.close()
        self._epoch, self._position = epoch, position
        self._hold(source, workers)

    def close(self) -> None:
        """Ends the thread: waits a second at most for what it is computing. What is asked for next is made anew."""
        if self._source is not None:
            self._finalizer()
            self._workers.join(PATIENCE)
        self._forget()

    def _arrays(self, most: int) -> list[np.ndarray]:
        while self._chunk is None and self._error is None and self._epoch != self._stop:
            self._pull()
        if self._error is not None:
            error = self._error
            self.close()
            try:
                raise error
            finally:
                del error  # no cycle of error and frame
        if self._chunk is None:
            raise OutOfRangeError("The data have no further epoch", received=f"epoch {self._epoch}")
        return [array[self._used : self._used + most] for array in self._chunk.arrays]

    def _pull(self) -> None:
        """Takes the next chunk, or the end of the epoch, or the error there."""
        if self._source is None:
            self._hold(*self._opened(self._epoch, self._position))
        assert self._source is not None
        try:
            chunk: Chunk = self._source.next() if self._ahead is None else self._ahead.next()
        except Exception as error:  # `look` raises it
            self._error = error
        except BaseException:  # Ctrl-C
            self.close()
            raise
        else:
            if chunk.states:
                self._chunk, self._used = chunk, 0
            else:
                self._epoch, self._position = self._epoch + 1, None

    def _begin(self) -> None:
        """Starts the thread."""
        assert self._source is not None
        self._ahead = PrefetchCursor(self._source, READY, self._workers)
        self._finalizer.detach()
        self._finalizer = weakref.finalize(self, _close, self._ahead, self._workers)
        self._ahead.begin()

    def _opened(self, epoch: int, position: State) -> tuple[ChunkCursor, Workers]:
        workers = Workers()
        return ChunkCursor(self._dataset.node, self._prepare, epoch, position, self._stop, workers), workers

    def _hold(self, source: ChunkCursor, workers: Workers) -> None:
        self._source, self._workers = source, workers
        source.wanted = self.wanted
        self._finalizer = weakref.finalize(self, _close, source, workers)


def _close(cursor: Cursor, workers: Workers) -> None:
    cursor.close()
    workers.close()
