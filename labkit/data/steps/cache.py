"""cache: the elements of the first epoch, kept in memory."""

from __future__ import annotations

import threading
from functools import cached_property

import numpy as np

from labkit.data.cursor import Cursor, State, damaged, entries, whole
from labkit.data.elements import Column, Elements, copied
from labkit.data.node import INFINITE, Node, integer
from labkit.data.spec import Element
from labkit.data.workers import Workers
from labkit.errors import ElementError


class Cache(Node):
    """Every element is made once, as the input's epoch 0 has it, and is the same in every epoch.

    What is given are copies: who changes them does not change what is kept.
    """

    kind = "cache"

    def __init__(self, source: Node) -> None:
        super().__init__(source)
        self.lock = threading.Lock()
        # Indexed: columns with room for all, and which of them are there.
        self._kept: Elements | None = None
        self._have: np.ndarray = np.zeros(integer(source.length) if self.indexed else 0, bool)
        # Sequential: elements, the input's state after each, and whether these are all.
        self.read: list[tuple[Element, State]] = []
        self.complete = False

    @cached_property
    def indexed(self) -> bool:
        return self.inputs[0].indexed and self.inputs[0].length != INFINITE

    def fetch(self, indices: np.ndarray, epoch: int, workers: Workers) -> Elements:
        with self.lock:
            missing = np.unique(indices[~self._have[indices]])
            if len(missing):
                try:
                    self._keep(missing, self.inputs[0].fetch(missing, 0, workers))
                except ElementError as error:
                    self.fail(int(missing[0]), error)
        assert self._kept is not None
        return self._kept.take(indices)

    def _keep(self, places: np.ndarray, rows: Elements) -> None:
        count = len(self._have)
        if self._kept is None:
            room = [_room(x, count) for x in rows.columns]
            self._kept = Elements(rows.like, room, count)
        for i, column in enumerate(rows.columns):
            kept = self._kept.columns[i]
            if isinstance(kept, np.ndarray):
                if isinstance(column, np.ndarray) and (kept.dtype, kept.shape[1:]) == (column.dtype, column.shape[1:]):
                    kept[places] = column
                    continue
                kept = self._kept.columns[i] = list(kept)
            for place, value in zip(places, column, strict=True):
                kept[place] = value
        self._have[places] = True

    def cursor(self, epoch: int, workers: Workers, state: State) -> Cursor:
        given, inner = (0, None) if state is None else entries(state, 2)
        if (inner is None) != (given == 0):
            raise damaged("a state of the input, unless it is at the beginning", state)
        return _CacheCursor(self, workers, whole(given), inner)


class _CacheCursor(Cursor):
    """Reads what is kept, and then the input, whose elements it keeps where none is missing before them: one that began in
    the middle does not."""

    def __init__(self, node: Cache, workers: Workers, given: int, state: State) -> None:
        super().__init__()
        self._node, self._workers, self._given, self._state = node, workers, given, state
        self._input_at = -1
        if state is not None:
            self._open()  # a state that is none says so now

    def _open(self) -> None:
        self.close()
        self.inputs = [self._node.inputs[0].open(0, self._workers, self._state)]
        self._input_at = self._given

    def next(self) -> Element:
        node = self._node
        with node.lock:
            if self._given < len(node.read):
                element, state = node.read[self._given]
            else:
                element, state = self._read()
        self._state = state
        self._given += 1
        return copied(element)

    def _read(self) -> tuple[Element, State]:
        node, new = self._node, self._given == len(self._node.read)
        if new and node.complete:
            raise StopIteration
        if self._input_at != self._given:
            self._open()
        try:
            element = self.inputs[0].next()
        except StopIteration:
            node.complete = node.complete or new
            raise
        self._input_at += 1
        state = self.inputs[0].state()
        if new:
            node.read.append((element, state))
        return element, state

    def state(self) -> State:
        return [self._given, self._state]


def _room(column: Column, count: int) -> Column:
    if isinstance(column, np.ndarray):
        return np.empty((count, *column.shape[1:]), column.dtype)
    return [np.empty(0)] * count
