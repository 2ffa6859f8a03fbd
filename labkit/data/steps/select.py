"""take, skip and shard: every step-th element from one on, so many of them."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from labkit.data.cursor import Cursor, State, entries, whole
from labkit.data.elements import Elements
from labkit.data.node import INFINITE, Length, Node, divided
from labkit.data.spec import Element
from labkit.data.workers import Workers


class Select(Node):
    """Elements first, first + step, first + 2 step ...; `most` of them, None for all."""

    def __init__(self, kind: str, source: Node, first: int = 0, step: int = 1, most: int | None = None) -> None:
        super().__init__(source)
        self.kind, self.first, self.step, self.most = kind, first, step, most

    def settings(self) -> dict[str, Any]:
        if self.kind == "shard":
            return {"num_shards": self.step, "index": self.first}
        return {"count": self.first if self.kind == "skip" else self.most}

    @cached_property
    def length(self) -> Length:
        length = self.inputs[0].length
        if length is None:
            return 0 if self.most == 0 else None
        left = divided(max(length - self.first, 0), self.step, up=True)
        return left if self.most is None or left is None else min(left, self.most)

    def fetch(self, indices: np.ndarray, epoch: int, workers: Workers) -> Elements:
        return self.inputs[0].fetch(self.first + indices * self.step, epoch, workers)

    def cursor(self, epoch: int, workers: Workers, state: State) -> Cursor:
        skip, given, inner = (self.first, 0, None) if state is None else entries(state, 3)
        return _SelectCursor(
            self.inputs[0].open(epoch, workers, inner),
            whole(skip),
            self.step - 1,
            whole(given),
            INFINITE if self.most is None else self.most,
        )


class _SelectCursor(Cursor):
    def __init__(self, source: Cursor, skip: int, between: int, given: int, most: float) -> None:
        super().__init__(source)
        self._skip, self._between, self._given, self._most = skip, between, given, most

    def next(self) -> Element:
        if self._given >= self._most:
            raise StopIteration
        while self._skip:
            self.inputs[0].next()
            self._skip -= 1
        element = self.inputs[0].next()
        self._skip = self._between
        self._given += 1
        return element

    def state(self) -> State:
        return [self._skip, self._given, self.inputs[0].state()]
