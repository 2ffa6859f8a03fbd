"""Cursors: they go through the elements of one epoch, and can say where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from labkit.data.elements import Elements
from labkit.data.spec import Element
from labkit.data.workers import Workers
from labkit.errors import IteratorStateError, PipelineError

if TYPE_CHECKING:
    from labkit.data.node import Node

State = Any
"""Where a cursor is, as JSON has it: whole numbers, None, lists. It does not depend on numbers of threads."""


class Cursor:
    """Goes through elements in order.

    Attributes:
        inputs: the cursors that it reads.
    """

    def __init__(self, *inputs: Cursor) -> None:
        self.inputs = list(inputs)

    def next(self) -> Element:
        """The next element.

        Raises:
            StopIteration: there is none.
            PipelineError: a step failed. What the cursor's state is afterwards is not defined.
        """
        raise NotImplementedError

    def state(self) -> State:
        """Where the next element begins."""
        raise NotImplementedError

    def close(self) -> None:
        """Ends what runs beside."""
        for cursor in self.inputs:
            cursor.close()


class IndexedCursor(Cursor):
    """Goes through an indexed step. Its state is a position. Where no Python function runs it fetches many at once."""

    def __init__(self, node: Node, epoch: int, workers: Workers, state: State) -> None:
        super().__init__()
        self._node, self._epoch, self._workers = node, epoch, workers
        self._position = whole(state, most=node.length)
        self._ready = Elements(None, [[]], 0)
        self._given = 0
        self._one_by_one_until = 0

    def next(self) -> Element:
        if self._given == self._ready.count:
            self._ready, self._given = self._fetch(self._node.chunk), 0
        element = self._ready.element(self._given)
        self._given += 1
        self._position += 1
        return element

    def several(self, most: int) -> Elements:
        """The next elements, `most` at most; errors as of `next`. It is used instead of that, not beside it."""
        elements = self._fetch(most)
        self._position += elements.count
        return elements

    def state(self) -> State:
        return self._position

    def _fetch(self, most: int) -> Elements:
        start, length = self._position, self._node.length
        assert length is not None
        many = 1 if start < self._one_by_one_until else most
        stop = int(min(start + many, length))
        if start >= stop:
            raise StopIteration
        try:
            return self._node.fetch(np.arange(start, stop), self._epoch, self._workers)
        except PipelineError:
            if stop == start + 1:
                raise
        self._one_by_one_until = stop  # so that all before the one that failed are given
        return self._fetch(most)


def whole(state: State, least: int = 0, most: float | None = None) -> int:
    """A whole number of a state.

    Raises:
        IteratorStateError: it is something else.
    """
    if isinstance(state, bool) or not isinstance(state, int) or state < least or (most is not None and state > most):
        limit = "" if most is None else f" to {most}"
        raise damaged(f"a whole number from {least}{limit or ' on'}", state)
    return state


def entries(state: State, count: int | None = None) -> list[Any]:
    """The entries of a list of a state.

    Raises:
        IteratorStateError: it is something else.
    """
    if not isinstance(state, list) or (count is not None and len(state) != count):
        raise damaged("a list" if count is None else f"a list of {count}", state)
    return state


def damaged(rule: str, received: Any) -> IteratorStateError:
    text = repr(received)
    return IteratorStateError(
        "The state of an iterator is damaged",
        rule=f"At this place it holds {rule}",
        received=text if len(text) < 60 else text[:57] + "...",
        fix="Give what iterator.state() returned.",
    )
