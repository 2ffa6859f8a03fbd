"""flat_map and interleave: a data set for every element."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labkit.data.cursor import Cursor, State, damaged, entries, whole
from labkit.data.node import Length, Node
from labkit.data.spec import Element, Spec
from labkit.data.steps.functions import Function
from labkit.data.workers import Workers
from labkit.errors import ElementError

if TYPE_CHECKING:
    from collections.abc import Callable

    from labkit.data.dataset import Dataset


class Interleave(Node):
    """The function makes a data set of every element; `cycle` of them are read in turn, `block` elements at a time.

    A data set that has ended gives its place to that of the next element when its turn comes again, as in tf.data. flat_map is
    the same with one place. The state holds where each open data set is: going on calls the function again for the elements
    of these, and no function that made what was given already.
    """

    indexed = False
    length: Length = None

    def __init__(self, kind: str, source: Node, function: Function, cycle: int, block: int) -> None:
        super().__init__(source)
        self.kind, self.function, self.cycle, self.block = kind, function, cycle, block

    @property
    def label(self) -> str:
        return f"{self.kind} #{self.number} {self.function.shown}"

    def settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = {"function": self.function.name}
        if self.kind == "flat_map":
            return settings
        return settings | {"cycle_length": self.cycle, "block_length": self.block}

    def derived(self, of: Callable[[Node], Spec | None]) -> Spec | None:
        return None

    def opened(self, element: Element, epoch: int, index: int) -> Dataset:
        """The data set of an element.

        Raises:
            PipelineError: the function raised, or returned something else.
        """
        from labkit.data.dataset import Dataset

        try:
            made = self.function(element, epoch, index)
            if not isinstance(made, Dataset):
                raise ElementError("The function returned no Dataset", received=type(made).__name__)
        except Exception as error:
            self.fail(index, error)
        return made

    def cursor(self, epoch: int, workers: Workers, state: State) -> Cursor:
        return _InterleaveCursor(self, epoch, workers, state)


class _Place:
    """An open data set: the number of its element, the input's state before that, and where it is itself."""

    def __init__(self, index: int, before: State, cursor: Cursor) -> None:
        self.index, self.before, self.cursor = index, before, cursor


class _InterleaveCursor(Cursor):
    def __init__(self, node: Interleave, epoch: int, workers: Workers, state: State) -> None:
        self._node, self._epoch, self._workers = node, epoch, workers
        first = [0, 0, 0, 0, None, [None] * node.cycle]
        read, turn, given, ended, outer, places = first if state is None else entries(state, 6)
        self._read, self._ended = whole(read), bool(whole(ended, most=1))
        self._turn, self._given = whole(turn, most=node.cycle - 1), whole(given, most=node.block)
        super().__init__(node.inputs[0].open(epoch, workers, outer))
        self._places: list[_Place | None] = [
            None if place is None else self._again(*entries(place, 3)) for place in entries(places, node.cycle)
        ]

    def next(self) -> Element:
        while True:
            place = self._places[self._turn]
            if place is not None:
                try:
                    element = place.cursor.next()
                except StopIteration:
                    place.cursor.close()
                    self._places[self._turn] = None
                    self._advance()
                    continue
                self._given += 1
                if self._given == self._node.block:
                    self._advance()
                return element
            if not self._ended:
                before = self.inputs[0].state()
                try:
                    outer = self.inputs[0].next()
                except StopIteration:
                    self._ended = True
                    continue
                self._places[self._turn] = self._place(outer, self._read, before, None)
                self._read += 1
            elif any(self._places):
                self._advance()
            else:
                raise StopIteration

    def _advance(self) -> None:
        self._turn, self._given = (self._turn + 1) % self._node.cycle, 0

    def _place(self, outer: Element, index: int, before: State, state: State) -> _Place:
        inner = self._node.opened(outer, self._epoch, index).node
        return _Place(index, before, inner.open(self._epoch, self._workers, state))

    def _again(self, index: State, before: State, state: State) -> _Place:
        """The place as it was: its element is read again."""
        cursor = self._node.inputs[0].open(self._epoch, self._workers, before)
        try:
            return self._place(cursor.next(), whole(index), before, state)
        except StopIteration:
            raise damaged("the place of an element", before) from None
        finally:
            cursor.close()

    def state(self) -> State:
        places = [None if p is None else [p.index, p.before, p.cursor.state()] for p in self._places]
        return [self._read, self._turn, self._given, int(self._ended), self.inputs[0].state(), places]

    def close(self) -> None:
        super().close()
        for place in self._places:
            if place is not None:
                place.cursor.close()
