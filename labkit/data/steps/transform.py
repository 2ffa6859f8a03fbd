"""map with a transform: of many elements at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np

from labkit.data.cursor import Cursor, State, entries, whole
from labkit.data.elements import Elements
from labkit.data.node import Node, integer
from labkit.data.spec import Element, Spec, at_once, element_bytes
from labkit.data.workers import Workers
from labkit.errors import LabkitError

_BYTES_AT_ONCE = 8 << 20
"""What is made at once, where a transform makes elements larger than those of the source."""


@runtime_checkable
class Transform(Protocol):
    """What works on many elements at once, natively say.

    It may have a method `spec(spec)`, too: the spec of what it gives, for the spec of what it gets.
    """

    def apply(self, columns: Any, indices: np.ndarray, epoch: int) -> Any:
        """k elements, changed; it runs in several threads at once, so it keeps nothing between calls.

        Args:
            columns: the nest of an element with a column in each place: an array [k, ...], or a list of k arrays where
                shapes differ. They are the transform's own to write on.
            indices: the elements' numbers, int64 [k]: what is random follows from seed, epoch and these.
            epoch: the number of the epoch.

        Returns:
            Such a nest of columns of k elements.
        """
        ...


@runtime_checkable
class PairTransform(Protocol):
    """What makes an element of two: of each one and a partner, which is drawn from all. Steps before it are done for both."""

    def partners(self, indices: np.ndarray, epoch: int, count: int) -> np.ndarray:
        """The number of the partner of each of k elements, int64 [k], out of `count`."""
        ...

    def apply_pairs(self, columns: Any, partners: Any, indices: np.ndarray, epoch: int) -> Any:
        """k elements, as `Transform.apply` has them, made of these and their partners."""
        ...


class Apply(Node):
    """What a transform makes of as many elements as are asked for."""

    kind = "map"

    def __init__(self, source: Node, transform: Any) -> None:
        super().__init__(source)
        self.transform = transform

    @property
    def label(self) -> str:
        return f"{self.kind} #{self.number} {type(self.transform).__name__!r}"

    def settings(self) -> dict[str, Any]:
        says = type(self.transform).__repr__ is not object.__repr__  # that one says no more than where it is
        return {"transform": repr(self.transform) if says else type(self.transform).__name__}

    def derived(self, of: Callable[[Node], Spec | None]) -> Spec | None:
        tell = getattr(self.transform, "spec", None)
        spec = of(self.inputs[0]) if tell is not None else None
        return None if tell is None or spec is None else tell(spec)

    @cached_property
    def chunk(self) -> int:
        most = self.inputs[0].chunk
        try:
            spec = self.declared
        except LabkitError:  # elements that do not fit: `fetch` says which
            spec = None
        return most if spec is None else at_once(element_bytes(spec), most, _BYTES_AT_ONCE)

    def fetch(self, indices: np.ndarray, epoch: int, workers: Workers) -> Elements:
        return self.applied(self.inputs[0].fetch(indices, epoch, workers), indices, epoch)

    def applied(self, rows: Elements, indices: np.ndarray, epoch: int, *others: Elements) -> Elements:
        change = self.transform.apply_pairs if others else self.transform.apply
        try:
            return Elements.from_nest(change(rows.nest(), *(x.nest() for x in others), indices, epoch), len(indices))
        except Exception as error:
            self.fail(int(indices[0]), error)

    def cursor(self, epoch: int, workers: Workers, state: State) -> Cursor:
        given, inner = (0, None) if state is None else entries(state, 2)
        return _ApplyCursor(self, self.inputs[0].open(epoch, workers, inner), epoch, whole(given))


class ApplyPairs(Apply):
    """The same of a PairTransform. Its input is indexed, so that it can give the partners."""

    def fetch(self, indices: np.ndarray, epoch: int, workers: Workers) -> Elements:
        source = self.inputs[0]
        partners = self.transform.partners(indices, epoch, integer(source.length))
        rows = source.fetch(indices, epoch, workers)
        return self.applied(rows, indices, epoch, source.fetch(partners, epoch, workers))


class _ApplyCursor(Cursor):
    def __init__(self, node: Apply, source: Cursor, epoch: int, given: int) -> None:
        super().__init__(source)
        self._node, self._epoch, self._given = node, epoch, given

    def next(self) -> Element:
        row = Elements.of([self.inputs[0].next()])
        made = self._node.applied(row, np.array([self._given]), self._epoch)
        self._given += 1
        return made.element(0)

    def state(self) -> State:
        return [self._given, self.inputs[0].state()]
