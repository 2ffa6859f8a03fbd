"""map: a Python function of each element."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from labkit.data.cursor import Cursor, State, entries, whole
from labkit.data.elements import Elements, as_element, form
from labkit.data.node import Node
from labkit.data.spec import Element, Spec, fitted
from labkit.data.steps.functions import Function, advice
from labkit.data.workers import Task, Workers
from labkit.errors import ElementError, LabkitError


class Map(Node):
    """What a function makes of each element.

    Args:
        function: of one element.
        parallel: how many threads call it.
        signature: the spec of what it returns; None where that is to be seen.
    """

    kind = "map"

    def __init__(self, source: Node, function: Function, parallel: int, signature: Spec | None) -> None:
        super().__init__(source)
        self.function, self.parallel, self.signature = function, parallel, signature
        self._form: Any = None

    @property
    def label(self) -> str:
        return f"{self.kind} #{self.number} {self.function.shown}"

    def settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = {"function": self.function.name}
        if self.function.random:
            settings["seed"] = self.function.seed
        return settings | {"num_parallel": self.parallel} if self.parallel > 1 else settings

    def identity(self) -> Any:
        return [self.function.name, self.function.seed if self.function.random else None]

    @property
    def chunk(self) -> int:
        return self.parallel

    def derived(self, of: Callable[[Node], Spec | None]) -> Spec | None:
        return self.signature

    def call(self, element: Element, epoch: int, index: int) -> Element:
        """What the function makes of an element.

        Raises:
            PipelineError: the function raised, or returned what is no element.
        """
        try:
            value = self.function(element, epoch, index)
            return as_element(value) if self.signature is None else fitted(value, self.signature)
        except Exception as error:
            self.fail(index, error, advice(element, error))

    def checked(self, element: Element, index: int) -> Element:
        """The element, of the same kind as those before.

        Raises:
            PipelineError: it is another.
        """
        if self.signature is not None:
            return element
        own = form(element)
        if self._form is None:
            self._form = own
        if own != self._form:
            error = ElementError(
                "The function returned other tensors than for other elements",
                rule="Structure, dtypes and ranks are the same for all elements",
                received=f"{_show(own)} after {_show(self._form)}",
                fix="Give it an output_signature, to which values are converted, or convert them in the function.",
            )
            self.fail(index, error)
        return element

    def fetch(self, indices: np.ndarray, epoch: int, workers: Workers) -> Elements:
        rows, numbers = self.inputs[0].fetch(indices, epoch, workers), indices.tolist()
        made = workers.map(lambda i: self.call(rows.element(i), epoch, numbers[i]), range(len(numbers)), self.parallel)
        for element, index in zip(made, numbers, strict=True):
            self.checked(element, index)
        return Elements.of(made, alike=True)

    def cursor(self, epoch: int, workers: Workers, state: State) -> Cursor:
        given, inner = (0, None) if state is None else entries(state, 2)
        return _MapCursor(self, self.inputs[0].open(epoch, workers, inner), epoch, workers, whole(given))


class _MapCursor(Cursor):
    """With several threads so many elements are under way ahead of the one that is given next."""

    def __init__(self, node: Map, source: Cursor, epoch: int, workers: Workers, given: int) -> None:
        super().__init__(source)
        self._node, self._epoch, self._workers, self._given = node, epoch, workers, given
        self._under_way: deque[tuple[Task, State]] = deque()
        self._state: State = None
        self._read = given
        self._failed = False

    def next(self) -> Element:
        node = self._node
        if node.parallel <= 1:
            element = node.call(self.inputs[0].next(), self._epoch, self._given)
            node.checked(element, self._given)
            self._given = self._read = self._given + 1
            return element
        while len(self._under_way) < node.parallel and not self._failed:
            try:
                source = self.inputs[0].next()
            except StopIteration:
                break
            except LabkitError as error:  # those under way are given first
                self._under_way.append((Task.failed(error), None))
                self._failed = True
                break
            task = self._workers.submit(node.call, source, self._epoch, self._read, limit=node.parallel)
            self._under_way.append((task, self.inputs[0].state()))
            self._read += 1
        if not self._under_way:
            raise StopIteration
        task, state = self._under_way.popleft()
        element = node.checked(task.result(), self._given)
        self._state, self._given = state, self._given + 1
        return element

    def state(self) -> State:
        return [self._given, self.inputs[0].state() if self._read == self._given else self._state]


def _show(form_of_it: Any) -> str:
    if isinstance(form_of_it[0], np.dtype) or form_of_it[0] is object:
        name = "string" if form_of_it[0] is object else str(form_of_it[0])
        return f"{name} of {form_of_it[1]} dimensions"
    parts = form_of_it[1:] if isinstance(form_of_it[0], type) else [value for _, value in form_of_it]
    return "(" + ", ".join(map(_show, parts)) + ")"
