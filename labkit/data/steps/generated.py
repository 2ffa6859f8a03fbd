"""from_generator: what a Python generator yields."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from labkit.data.cursor import Cursor, State, whole
from labkit.data.elements import as_element, copied
from labkit.data.node import Length, Node
from labkit.data.spec import Element, Spec, fitted, show_spec
from labkit.data.workers import Workers
from labkit.errors import IteratorStateError


class Generated(Node):
    """A function is called for every epoch; what it returns is iterated.

    The state is how many elements were given: going on calls the function anew and drops so many.
    """

    kind = "from_generator"
    indexed = False
    replays = True
    length: Length = None

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...], signature: Spec | None) -> None:
        super().__init__()
        self.function, self.args, self.signature = function, args, signature
        self.name = getattr(function, "__name__", type(function).__name__)

    @property
    def label(self) -> str:
        return f"{self.kind} #{self.number} {self.name!r}"

    def settings(self) -> dict[str, Any]:
        return {"generator": self.name}

    def identity(self) -> Any:
        return [self.name, "" if self.signature is None else show_spec(self.signature)]

    def derived(self, of: Callable[[Node], Spec | None]) -> Spec | None:
        return self.signature

    def cursor(self, epoch: int, workers: Workers, state: State) -> Cursor:
        return _GeneratedCursor(self, 0 if state is None else whole(state))


class _GeneratedCursor(Cursor):
    def __init__(self, node: Generated, given: int) -> None:
        super().__init__()
        self._node, self._given = node, given
        self._values: Iterator[Any] | None = None

    def next(self) -> Element:
        if self._values is None:
            self._values = self._begun()
        value = self._value(self._values, self._given)
        try:
            signature = self._node.signature
            # A copy: generators like to yield one array again and again, filled anew.
            element = copied(as_element(value) if signature is None else fitted(value, signature))
        except Exception as error:
            self._node.fail(self._given, error)
        self._given += 1
        return element

    def _begun(self) -> Iterator[Any]:
        try:
            values = iter(self._node.function(*self._node.args))
        except Exception as error:
            self._node.fail(0, error)
        for index in range(self._given):
            try:
                self._value(values, index)
            except StopIteration:
                raise IteratorStateError(
                    f"{self._node.label} ended before the place of the state",
                    rule="A generator yields the same elements each time",
                    received=f"{index} elements, of {self._given} that were given",
                ) from None
        return values

    def _value(self, values: Iterator[Any], index: int) -> Any:
        try:
            return next(values)
        except StopIteration:
            raise
        except Exception as error:
            self._node.fail(index, error)

    def state(self) -> State:
        return self._given

    def close(self) -> None:
        values, self._values = self._values, iter(())
        if values is not None and hasattr(values, "close"):
            values.close()
