"""Batches of a data set as chunks: several of one shape, prepared together, with the state after each."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from labkit.data.cursor import Cursor, IndexedCursor, State
from labkit.data.elements import Elements, column
from labkit.data.node import Node
from labkit.data.workers import Workers
from labkit.errors import FeedError

Prepare = Callable[[Any, str], "list[np.ndarray]"]
"""From the nest of columns [k, batch, ...] and words for where they stand: the arrays [k, ...] that are used."""

CHUNK_SECONDS = 0.05
"""How long making a chunk should take at most."""

CHUNK_BYTES = 8 << 20
"""How large a chunk is at most, where it holds more than one batch. Three of them exist beside the one in use."""


@dataclass(frozen=True, eq=False)
class Chunk:
    """Batches of one shape; none at the end of an epoch.

    Attributes:
        arrays: what was prepared, each [batches, ...].
        states: for each batch, where the next one begins.
    """

    arrays: list[np.ndarray]
    states: list[State]


class ChunkCursor(Cursor):
    """Gives chunks, an empty one at the end of each epoch. As large ones as are wanted, but no larger than limits allow."""

    def __init__(
        self, node: Node, prepare: Prepare, epoch: int, position: State, stop: int | None, workers: Workers
    ) -> None:
        self._node, self._prepare, self._workers = node, prepare, workers
        self._epoch, self._stop = epoch, stop
        self._ready: deque[Chunk | Exception] = deque()
        self._in_time = 1  # how many batches were made in about CHUNK_SECONDS
        self._bytes = 1  # of a batch
        self.wanted = 1
        super().__init__()
        if stop is None or epoch < stop:
            self._open(position)

    def _open(self, position: State) -> None:
        node = self._node
        opened: Cursor
        if node.indexed:  # without the thread of a prefetch step: this is one
            opened = IndexedCursor(node, self._epoch, self._workers, 0 if position is None else position)
        else:
            opened = node.cursor(self._epoch, self._workers, position)
        self.inputs = [opened]
        self._number = 0 if position is None else None
        self._is_empty, self._is_exhausted = position is None, False

    def next(self) -> Chunk:
        while not self._ready:
            if not self.inputs:
                if self._epoch == self._stop:
                    raise StopIteration
                self._open(None)
            if self._is_exhausted:
                return self._ended()
            began = time.perf_counter()
            most = max(1, min(self.wanted, self._in_time, CHUNK_BYTES // self._bytes))
            count = self._make(most, began + CHUNK_SECONDS / 2)
            took = time.perf_counter() - began
            if took > CHUNK_SECONDS:
                self._in_time = max(1, int(count * CHUNK_SECONDS / took))
            elif took < CHUNK_SECONDS / 2 and count == self._in_time:
                self._in_time *= 2
        found = self._ready.popleft()
        if isinstance(found, Exception):
            raise found
        self._is_empty = False
        return found

    def state(self) -> State:
        return None  # chunks hold the states of their batches

    def _ended(self) -> Chunk:
        if self._is_empty:
            raise FeedError(
                f"Epoch {self._epoch} of the data set holds no batch",
                rule="Every epoch holds at least one",
                received=repr(self._node.label),
                fix="See what filter, take or drop_remainder left over.",
            )
        self.close()
        self.inputs = []
        self._epoch += 1
        return Chunk([], [])

    def _make(self, most: int, until: float) -> int:
        """Makes the next batches, `most` at most; how many."""
        (cursor,) = self.inputs
        batches, states, failed = self._several(cursor, most, until)
        if batches is not None:
            first = 0
            for part in alike(batches):
                self._finish(part, states[first : first + part.count])
                first += part.count
        if failed is not None:
            self._ready.append(failed)
        return len(states)

    def _several(
        self, cursor: Cursor, most: int, until: float
    ) -> tuple[Elements | None, list[State], Exception | None]:
        """The next batches, for each where the next one begins, and the error of the one after them."""
        rows: list[Any] = []
        states: list[State] = []
        failed = None
        try:
            if isinstance(cursor, IndexedCursor):
                self._number = cursor.state()
                batches = cursor.several(most)
                return batches, list(range(self._number + 1, cursor.state() + 1)), None
            while len(rows) < most and (not rows or time.perf_counter() < until):
                rows.append(cursor.next())
                states.append(cursor.state())
        except StopIteration:
            self._is_exhausted = True
        except Exception as error:  # those before it come first
            failed = error
        return Elements.of(rows) if rows else None, states, failed

    def _finish(self, batches: Elements, states: list[State]) -> None:
        """Prepares batches of one shape. Where that fails, each alone: those before the one that fails are given."""
        if self._ready and isinstance(self._ready[-1], Exception):
            return
        try:
            arrays = self._prepare(batches.nest(), self._where(batches.count))
        except Exception as error:
            if batches.count == 1:
                self._ready.append(error)
                return
            for place in range(batches.count):
                self._finish(_part(batches, place, place + 1), states[place : place + 1])
            return
        if self._number is not None:
            self._number += batches.count
        self._bytes = max(1, sum(array.nbytes for array in arrays) // batches.count)
        self._ready.append(Chunk(arrays, states))

    def _where(self, count: int) -> str:
        if self._number is None:
            return f"epoch {self._epoch}"
        last = f" to {self._number + count - 1}" if count > 1 else ""
        return f"epoch {self._epoch}, batch {self._number}{last}"


def alike(elements: Elements) -> list[Elements]:
    """The elements in parts whose columns are arrays: each as long as shapes stay the same."""
    if not any(isinstance(values, list) for values in elements.columns):
        return [elements]
    shapes = [tuple(np.shape(values[i]) for values in elements.columns) for i in range(elements.count)]
    found, start = [], 0
    for _, same in itertools.groupby(shapes):
        stop = start + len(list(same))
        found.append(_part(elements, start, stop))
        start = stop
    return found


def _part(elements: Elements, start: int, stop: int) -> Elements:
    columns = [x[start:stop] if isinstance(x, np.ndarray) else column(x[start:stop]) for x in elements.columns]
    return Elements(elements.like, columns, stop - start)
