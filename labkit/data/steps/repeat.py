"""repeat: one epoch of the input after another. Without an end it is indexed, too: every element has its number."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from labkit.data.cursor import Cursor, State, entries, whole
from labkit.data.elements import Elements
from labkit.data.node import INFINITE, Length, Node, integer
from labkit.data.spec import Element
from labkit.data.workers import Workers

_ENDLESS = 1 << 32
"""So many epochs of the input belong to an epoch of what has no end."""


class Repeat(Node):
    """`count` epochs of the input; None: without end. Epoch e begins with the input's epoch e * count."""

    kind = "repeat"

    def __init__(self, source: Node, count: int | None) -> None:
        super().__init__(source)
        self.count = count

    def settings(self) -> dict[str, Any]:
        return {"count": self.count}

    @cached_property
    def length(self) -> Length:
        length = self.inputs[0].length
        if 0 in (length, self.count):
            return 0
        if length is None:  # it may be none at all
            return None
        return INFINITE if self.count is None or length == INFINITE else length * self.count

    def first_epoch(self, epoch: int) -> int:
        """The input's epoch that an epoch begins with."""
        return epoch * (_ENDLESS if self.count is None else self.count)

    def fetch(self, indices: np.ndarray, epoch: int, workers: Workers) -> Elements:
        source, first = self.inputs[0], self.first_epoch(epoch)
        if source.length == INFINITE:
            return source.fetch(indices, first, workers)
        rounds, places = np.divmod(indices, integer(source.length))
        if (rounds == rounds[0]).all():
            return source.fetch(places, first + int(rounds[0]), workers)
        parts, positions = [], []
        for number in np.unique(rounds):
            (positions_of_it,) = np.nonzero(rounds == number)
            positions.append(positions_of_it)
            parts.append(source.fetch(places[positions_of_it], first + int(number), workers))
        return Elements.joined(parts).take(np.argsort(np.concatenate(positions)))

    def cursor(self, epoch: int, workers: Workers, state: State) -> Cursor:
        return _RepeatCursor(self, epoch, workers, state)


class _RepeatCursor(Cursor):
    def __init__(self, node: Repeat, epoch: int, workers: Workers, state: State) -> None:
        number, inner, empty = (0, None, 1) if state is None else entries(state, 3)
        self._node, self._workers, self._first = node, workers, node.first_epoch(epoch)
        self._round = whole(number)
        self._empty = bool(whole(empty, most=1))
        super().__init__(self._open(inner))

    def _open(self, state: State) -> Cursor:
        return self._node.inputs[0].open(self._first + self._round, self._workers, state)

    def next(self) -> Element:
        while self._node.count is None or self._round < self._node.count:
            try:
                element = self.inputs[0].next()
            except StopIteration:
                if self._empty:  # so would the next ones be, without end
                    raise
            else:
                self._empty = False
                return element
            self.inputs[0].close()
            self._round += 1
            self._empty = True
            self.inputs[0] = self._open(None)
        raise StopIteration

    def state(self) -> State:
        return [self._round, self.inputs[0].state(), int(self._empty)]
