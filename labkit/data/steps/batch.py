"""batch and unbatch."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from labkit.core.nest import flatten
from labkit.core.shapes import show
from labkit.data.cursor import Cursor, State, entries, whole
from labkit.data.elements import Column, Elements, column
from labkit.data.node import INFINITE, Length, Node, divided
from labkit.data.spec import Element, Spec, batched, unbatched
from labkit.data.steps.prefetch import Prefetch
from labkit.data.workers import Workers
from labkit.errors import ElementError


class Batch(Node):
    """Elements one upon the other: tensors [size, ...]; the last batch is smaller, or left out."""

    kind = "batch"

    def __init__(self, source: Node, size: int, drop_remainder: bool) -> None:
        super().__init__(source)
        self.size, self.drop_remainder = size, drop_remainder

    def settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = {"batch_size": self.size}
        return settings | {"drop_remainder": True} if self.drop_remainder else settings

    @cached_property
    def length(self) -> Length:
        return divided(self.inputs[0].length, self.size, up=not self.drop_remainder)

    @cached_property
    def chunk(self) -> int:
        return max(1, self.inputs[0].chunk // self.size)

    @cached_property
    def ahead(self) -> int:
        return -(-self.inputs[0].ahead // self.size) if self.indexed else 0

    def derived(self, of: Callable[[Node], Spec | None]) -> Spec | None:
        spec, length = of(self.inputs[0]), self.inputs[0].length
        full = self.drop_remainder or length == INFINITE or (length is not None and length % self.size == 0)
        return None if spec is None else self.spec_of_batches(spec, self.size if full else None)

    def spec_of_batches(self, spec: Spec, size: int | None) -> Spec:
        return batched(spec, size)

    def stacked(self, rows: Elements) -> Element:
        """One batch of these elements.

        Raises:
            ElementError: their shapes differ.
        """
        for values in rows.columns:
            if isinstance(values, list):
                raise _other_shapes(values)
        return rows.nest()

    def fetch(self, indices: np.ndarray, epoch: int, workers: Workers) -> Elements:
        length = self.inputs[0].length
        assert length  # of nothing there is no batch
        size = int(min(self.size, length))  # what a batch may hold reserves nothing
        starts = indices * size
        stops = np.minimum(starts + size, length).astype(np.int64)
        places = (starts[:, None] + np.arange(size)).ravel()
        if partial := bool((stops - starts < size).any()):
            places = places[places < np.repeat(stops, self.size)]
        rows = self.inputs[0].fetch(places, epoch, workers)
        full = not partial and all(isinstance(x, np.ndarray) for x in rows.columns)
        if full and type(self) is Batch:
            parts = [x.reshape(len(indices), size, *x.shape[1:]) for x in rows.columns if isinstance(x, np.ndarray)]
            return Elements(rows.like, parts, len(indices))
        if len(indices) == 1:
            return Elements.of([self._stacked(int(indices[0]), rows)])
        limits = np.cumsum(stops - starts)
        batches = []
        for i, stop, count in zip(indices, limits, stops - starts, strict=True):
            columns: list[Column] = [
                part if isinstance(part := x[stop - count : stop], np.ndarray) else column(part) for x in rows.columns
            ]
            batches.append(self._stacked(int(i), Elements(rows.like, columns, int(count))))
        return Elements.of(batches)

    def _stacked(self, index: int, rows: Elements) -> Element:
        try:
            return self.stacked(rows)
        except Exception as error:
            self.fail(index, error)

    def cursor(self, epoch: int, workers: Workers, state: State) -> Cursor:
        given, inner = (0, None) if state is None else entries(state, 2)
        return _BatchCursor(self, self.inputs[0].open(epoch, workers, inner), whole(given))


class _BatchCursor(Cursor):
    def __init__(self, node: Batch, source: Cursor, given: int) -> None:
        super().__init__(source)
        self._node, self._given = node, given

    def next(self) -> Element:
        node = self._node
        rows: list[Element] = []
        try:
            while len(rows) < node.size:
                rows.append(self.inputs[0].next())
        except StopIteration:
            if not rows or node.drop_remainder:
                raise
        try:
            element = node.stacked(Elements.of(rows))
        except Exception as error:
            node.fail(self._given, error)
        self._given += 1
        return element

    def state(self) -> State:
        return [self._given, self.inputs[0].state()]


class Unbatch(Node):
    """The rows of batches as elements. Of `Batch` directly they are that step's elements, and indexed where these are."""

    kind = "unbatch"

    @cached_property
    def _batch(self) -> Batch | None:
        """The indexed step whose batches these are."""
        source = self.inputs[0]
        while isinstance(source, Prefetch):
            source = source.inputs[0]
        return source if type(source) is Batch and source.indexed else None

    @cached_property
    def indexed(self) -> bool:
        return self._batch is not None

    @cached_property
    def length(self) -> Length:
        if self._batch is None:
            return None
        rows, batches = self._batch.inputs[0].length, self._batch.length
        return None if rows is None or batches is None else min(rows, batches * self._batch.size)

    @cached_property
    def chunk(self) -> int:
        return 1 if self._batch is None else self._batch.inputs[0].chunk

    def derived(self, of: Callable[[Node], Spec | None]) -> Spec | None:
        spec = of(self.inputs[0])
        return None if spec is None else unbatched(spec)

    def fetch(self, indices: np.ndarray, epoch: int, workers: Workers) -> Elements:
        assert self._batch is not None
        return self._batch.inputs[0].fetch(indices, epoch, workers)

    def cursor(self, epoch: int, workers: Workers, state: State) -> Cursor:
        batches, row, inner = (0, 0, None) if state is None else entries(state, 3)
        return _UnbatchCursor(self, self.inputs[0].open(epoch, workers, inner), whole(batches), whole(row))


class _UnbatchCursor(Cursor):
    """Its state holds that of the input before the batch that is being taken apart."""

    def __init__(self, node: Unbatch, source: Cursor, batches: int, row: int) -> None:
        super().__init__(source)
        self._node, self._batches, self._row = node, batches, row
        self._before = source.state()
        self._rows: Elements | None = None

    def next(self) -> Element:
        while self._rows is None or self._row >= self._rows.count:
            if self._rows is not None:
                self._rows, self._row = None, 0
                self._batches += 1
            self._before = self.inputs[0].state()
            self._rows = self._apart(self.inputs[0].next())
        self._row += 1
        return self._rows.element(self._row - 1)

    def state(self) -> State:
        return [self._batches, self._row, self._before]

    def _apart(self, batch: Element) -> Elements:
        leaves = flatten(batch)
        shapes = [np.shape(x) for x in leaves]
        try:
            if not shapes or () in shapes or len({shape[0] for shape in shapes}) > 1:
                raise ElementError(
                    "An element is no batch",
                    rule="Its tensors have one first dimension, and the same size of it",
                    received=", ".join(map(show, shapes)) or "an element without tensors",
                )
            return Elements.from_nest(batch, shapes[0][0])
        except ElementError as error:
            self._node.fail(self._batches, error)


def _other_shapes(values: list[np.ndarray]) -> ElementError:
    shapes = list(dict.fromkeys(np.shape(x) for x in values))
    return ElementError(
        "Elements of different shapes make no batch",
        rule="Every tensor has the same shape in all elements of a batch",
        received=" and ".join(map(show, shapes[:3])),
        fix="padded_batch pads them to one shape; or make them alike with map.",
    )
