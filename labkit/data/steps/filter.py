"""filter: the elements for which a function says True."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.data.cursor import Cursor, State, entries, whole
from labkit.data.node import Length, Node
from labkit.data.spec import Element
from labkit.data.steps.functions import Function
from labkit.data.workers import Workers
from labkit.errors import ElementError


class Filter(Node):
    """How many pass is not known before; so this step is never indexed.

    Its state is that of the input after the element that it gave last: nothing is asked twice.
    """

    kind = "filter"
    indexed = False
    length: Length = None

    def __init__(self, source: Node, predicate: Function) -> None:
        super().__init__(source)
        self.predicate = predicate

    @property
    def label(self) -> str:
        return f"{self.kind} #{self.number} {self.predicate.shown}"

    def settings(self) -> dict[str, Any]:
        return {"predicate": self.predicate.name}

    def cursor(self, epoch: int, workers: Workers, state: State) -> Cursor:
        asked, inner = (0, None) if state is None else entries(state, 2)
        return _FilterCursor(self, self.inputs[0].open(epoch, workers, inner), epoch, whole(asked))


class _FilterCursor(Cursor):
    def __init__(self, node: Filter, source: Cursor, epoch: int, asked: int) -> None:
        super().__init__(source)
        self._node, self._epoch, self._asked = node, epoch, asked

    def next(self) -> Element:
        while True:
            element = self.inputs[0].next()
            try:
                passes = self._node.predicate(element, self._epoch, self._asked)
                if not isinstance(passes, bool | np.bool_) and not (
                    isinstance(passes, np.ndarray) and passes.shape == () and passes.dtype == bool
                ):
                    raise ElementError(
                        "A predicate says True or False",
                        received=f"{type(passes).__name__} {passes!r}"[:60],
                        fix="Compare, or reduce with np.all or np.any.",
                    )
            except Exception as error:
                self._node.fail(self._asked, error)
            self._asked += 1
            if passes:
                return element

    def state(self) -> State:
        return [self._asked, self.inputs[0].state()]
