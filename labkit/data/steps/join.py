"""zip and concatenate."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from labkit.core.nest import flatten, pack
from labkit.data.cursor import Cursor, State, entries, whole
from labkit.data.elements import Elements
from labkit.data.node import Length, Node
from labkit.data.spec import Element, Spec, merged
from labkit.data.workers import Workers


class Zip(Node):
    """The i-th elements of several inputs in one nest, until the first has no more.

    Args:
        nest: of steps.
    """

    kind = "zip"

    def __init__(self, nest: Any) -> None:
        self.nest = nest
        super().__init__(*flatten(nest))

    @cached_property
    def length(self) -> Length:
        lengths = [node.length for node in self.inputs]
        known = [length for length in lengths if length is not None]
        return 0 if 0 in known else None if len(known) < len(lengths) else min(known)

    def derived(self, of: Callable[[Node], Spec | None]) -> Spec | None:
        specs = [of(node) for node in self.inputs]
        return None if any(spec is None for spec in specs) else pack(self.nest, specs)

    def fetch(self, indices: np.ndarray, epoch: int, workers: Workers) -> Elements:
        parts = [node.fetch(indices, epoch, workers) for node in self.inputs]
        return Elements(
            pack(self.nest, [part.like for part in parts]), [x for part in parts for x in part.columns], len(indices)
        )

    def cursor(self, epoch: int, workers: Workers, state: State) -> Cursor:
        states = [None] * len(self.inputs) if state is None else entries(state, len(self.inputs))
        return _ZipCursor(
            self.nest, *(node.open(epoch, workers, own) for node, own in zip(self.inputs, states, strict=True))
        )


class _ZipCursor(Cursor):
    def __init__(self, nest: Any, *sources: Cursor) -> None:
        super().__init__(*sources)
        self._nest = nest

    def next(self) -> Element:
        elements = []
        for source in self.inputs:
            elements.append(source.next())
        return pack(self._nest, elements)

    def state(self) -> State:
        return [source.state() for source in self.inputs]


class Concatenate(Node):
    """The elements of one input, and then those of the other."""

    kind = "concatenate"

    @cached_property
    def length(self) -> Length:
        first, second = (node.length for node in self.inputs)
        return None if first is None or second is None else first + second

    def derived(self, of: Callable[[Node], Spec | None]) -> Spec | None:
        first, second = map(of, self.inputs)
        return None if first is None or second is None else merged(first, second)

    def fetch(self, indices: np.ndarray, epoch: int, workers: Workers) -> Elements:
        first, second = self.inputs
        assert first.length is not None
        later = indices >= first.length
        if not later.any():
            return first.fetch(indices, epoch, workers)
        if later.all():
            return second.fetch(indices - int(first.length), epoch, workers)
        parts = [
            first.fetch(indices[~later], epoch, workers),
            second.fetch(indices[later] - int(first.length), epoch, workers),
        ]
        order = np.concatenate([np.flatnonzero(~later), np.flatnonzero(later)])
        try:
            return Elements.joined(parts).take(np.argsort(order))
        except Exception as error:
            self.fail(int(indices[later][0]), error)

    def cursor(self, epoch: int, workers: Workers, state: State) -> Cursor:
        which, inner = (0, None) if state is None else entries(state, 2)
        return _ConcatenateCursor(self, epoch, workers, whole(which, most=1), inner)


class _ConcatenateCursor(Cursor):
    def __init__(self, node: Concatenate, epoch: int, workers: Workers, which: int, inner: State) -> None:
        self._which = which
        self._open = lambda which, state: node.inputs[which].open(epoch, workers, state)
        super().__init__(self._open(which, inner))

    def next(self) -> Element:
        try:
            return self.inputs[0].next()
        except StopIteration:
            if self._which:
                raise
        self.inputs[0].close()
        self._which, self.inputs[0] = 1, self._open(1, None)
        return self.inputs[0].next()

    def state(self) -> State:
        return [self._which, self.inputs[0].state()]
