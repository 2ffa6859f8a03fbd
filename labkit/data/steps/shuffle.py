"""shuffle: what tf.data does with a buffer of elements, done with their numbers where that is possible."""

from __future__ import annotations

import threading
from functools import cached_property
from typing import Any

import numpy as np

from labkit import native
from labkit.data.cursor import Cursor, State, entries, whole
from labkit.data.draws import key_of, philox
from labkit.data.elements import Elements
from labkit.data.node import Node, integer
from labkit.data.spec import Element
from labkit.data.workers import Workers

_BLOCK = 1024
_EPOCHS_KEPT = 2
MOST = 1 << 26
"""Of how many numbers an order is made beforehand; of more elements the buffer holds the elements themselves."""


def can_be_shuffled_whole(node: Node) -> bool:
    """Whether its elements can be read by their numbers, and these are not too many."""
    return node.indexed and node.length is not None and node.length <= MOST


class Shuffle(Node):
    """A buffer is filled with `buffer_size` elements; a random one is given, the next one fills it up again, until it is empty.

    The t-th draw is word t of the stream of seed, epoch and how many shuffles come before in the chain, modulo the number of
    elements in the buffer; the last of them takes the place of the one that was drawn. With a buffer for all that is the
    shuffle of Fisher and Yates: all orders are as likely (but for some n / 2**64).
    """

    kind = "shuffle"

    def __init__(self, source: Node, buffer_size: int | None, seed: int, reshuffle: bool) -> None:
        super().__init__(source)
        self.buffer_size, self.seed, self.reshuffle = buffer_size, seed, reshuffle
        # An order applied to itself is no fair one: of two elements it would be none at all.
        self._key = key_of(seed, f"shuffle {source.shuffles}" if source.shuffles else "shuffle")
        self._orders: dict[int, np.ndarray] = {}
        self._lock = threading.Lock()

    def settings(self) -> dict[str, Any]:
        settings = {"buffer_size": self.buffer_size, "seed": self.seed}
        return settings if self.reshuffle else settings | {"reshuffle_each_iteration": False}

    @cached_property
    def shuffles(self) -> int:
        return 1 + self.inputs[0].shuffles

    @cached_property
    def indexed(self) -> bool:
        return can_be_shuffled_whole(self.inputs[0])

    def fetch(self, indices: np.ndarray, epoch: int, workers: Workers) -> Elements:
        return self.inputs[0].fetch(self._order(epoch)[indices], epoch, workers)

    def cursor(self, epoch: int, workers: Workers, state: State) -> Cursor:
        return _ShuffleCursor(self, epoch, workers, state)

    def words(self, epoch: int, start: int, count: int) -> np.ndarray:
        """Words of an epoch's stream, uint64 [count], from a multiple of 4 on."""
        bits = philox(self._key, epoch if self.reshuffle else 0)
        return bits.advance(start // 4).random_raw(count)

    def _order(self, epoch: int) -> np.ndarray:
        epoch = epoch if self.reshuffle else 0
        with self._lock:
            if epoch not in self._orders:
                self._orders = dict(list(self._orders.items())[1 - _EPOCHS_KEPT :])
                self._orders[epoch] = self._drawn(epoch)
            return self._orders[epoch]

    def _drawn(self, epoch: int) -> np.ndarray:
        count = integer(self.length)
        size = min(self.buffer_size or count, count)
        if not count:
            return np.empty(0, np.int64)
        choices = np.minimum(size, np.arange(count, 0, -1)).astype(np.uint64)
        drawn = self.words(epoch, 0, count) % choices
        order = np.empty(count, np.int64)
        picks = [drawn.view(np.int64)]
        native.call_kernel(native.active_target(), "shuffle_order.i64", picks, [order], [size])
        return order


class _ShuffleCursor(Cursor):
    """Its state holds, of each element in the buffer, its number and the state of the input before it: to read it again."""

    def __init__(self, node: Shuffle, epoch: int, workers: Workers, state: State) -> None:
        drawn, inner, waiting = (0, None, []) if state is None else entries(state, 3)
        self._node, self._epoch, self._workers, self._drawn = node, epoch, workers, whole(drawn)
        self._waiting: list[list[Any]] = [entries(pair, 2) for pair in entries(waiting)]
        for place, _ in self._waiting:
            whole(place)
        super().__init__(self._open(inner))
        self._buffer: list[Element] | None = [] if not self._waiting else None
        self._words, self._words_from = np.empty(0, np.uint64), 0

    def next(self) -> Element:
        if self._buffer is None:
            self._buffer = self._read_again()
        assert self._node.buffer_size is not None
        while len(self._buffer) < self._node.buffer_size:
            before = self.inputs[0].state()
            try:
                self._buffer.append(self.inputs[0].next())
            except StopIteration:
                break
            self._waiting.append([self._read, before])
        if not self._buffer:
            raise StopIteration
        pick = self._word() % len(self._buffer)
        element = self._buffer[pick]
        for values in (self._buffer, self._waiting):
            last: Any = values.pop()
            if pick < len(values):
                values[pick] = last
        self._drawn += 1
        return element

    def state(self) -> State:
        return [self._drawn, self.inputs[0].state(), self._waiting.copy()]

    @property
    def _read(self) -> int:
        """How many elements were read: all that were drawn, and those that wait."""
        return self._drawn + len(self._waiting)

    def _open(self, state: State) -> Cursor:
        return self._node.inputs[0].open(self._epoch, self._workers, state)

    def _word(self) -> int:
        if not self._words_from <= self._drawn < self._words_from + len(self._words):
            self._words_from = self._drawn // _BLOCK * _BLOCK
            self._words = self._node.words(self._epoch, self._words_from, _BLOCK)
        return int(self._words[self._drawn - self._words_from])

    def _read_again(self) -> list[Element]:
        """The elements of the buffer. An input that replays is read forward once, and goes on from there."""
        replays = self._node.inputs[0].replays
        found: dict[int, Element] = {}
        order = sorted(self._waiting, key=lambda pair: pair[0])
        at, before = order[0]
        cursor = self._open(before)
        for place, before in order:
            if place != at and not replays:
                cursor.close()
                cursor, at = self._open(before), place
            while at < place:
                cursor.next()
                at += 1
            found[place] = cursor.next()
            at += 1
        if replays:
            while at < self._read:
                cursor.next()
                at += 1
            self.inputs[0].close()
            self.inputs[0] = cursor
        else:
            cursor.close()
        return [found[place] for place, _ in self._waiting]
