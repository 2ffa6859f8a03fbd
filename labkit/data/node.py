"""A step of a pipeline.

There are two ways to read one. An *indexed* step gives any elements of an epoch by their numbers (`fetch`): where a pipeline
is in it is one number, and elements can be made beside each other. A *sequential* step is read in order by a cursor whose
state says where it is. A step is indexed where all its inputs are and it can be; `cursor` serves the others.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Callable
from functools import cached_property
from typing import Any, NoReturn

import numpy as np

from labkit.data.cursor import Cursor, IndexedCursor, State
from labkit.data.elements import Elements
from labkit.data.spec import Spec, merged, spec_of
from labkit.data.workers import Workers
from labkit.errors import DataError, PipelineError

INFINITE = math.inf
"""The length of what has no end."""

Length = int | float | None
"""A whole number, INFINITE, or None where it is not known."""


class Node:
    """A step, and the steps that it reads.

    Attributes:
        kind: its name, as the method of Dataset has it.
        inputs: the steps that it reads.
        number: its place in the chain; sources have 1.
        place: the same without the steps that change no element: random numbers follow from it.
    """

    kind = ""

    def __init__(self, *inputs: Node) -> None:
        self.inputs = inputs
        self.number: int = 1 + max((node.number for node in inputs), default=0)
        self.place: int = 1 + max((node.place for node in inputs), default=0)

    # What a step says of itself.

    @property
    def label(self) -> str:
        """What errors call it."""
        return f"{self.kind} #{self.number}"

    def settings(self) -> dict[str, Any]:
        """What it was made with, as it is shown."""
        return {}

    def identity(self) -> Any:
        """What decides its elements, as JSON has it: a state belongs to pipelines in which this is the same."""
        return {name: str(value) for name, value in self.settings().items()}

    @cached_property
    def fingerprint(self) -> str:
        """The same for pipelines that give the same elements, as far as can be told without looking at data and code."""
        text = json.dumps([self.kind, self.identity(), [node.fingerprint for node in self.inputs]], sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()

    @cached_property
    def indexed(self) -> bool:
        return all(node.indexed for node in self.inputs)

    @cached_property
    def shuffles(self) -> int:
        """How many times elements were shuffled up to here; of several inputs, the most."""
        return max((node.shuffles for node in self.inputs), default=0)

    @cached_property
    def replays(self) -> bool:
        """Whether a cursor that opens at a state makes everything before it again."""
        return any(node.replays for node in self.inputs)

    @cached_property
    def length(self) -> Length:
        """How many elements an epoch has; known of every indexed step."""
        return self.inputs[0].length

    def derived(self, of: Callable[[Node], Spec | None]) -> Spec | None:
        """The spec that follows from those of the inputs; None where an element must be looked at.

        Args:
            of: the spec of an input; None where that is not known.
        """
        return of(self.inputs[0])

    @cached_property
    def declared(self) -> Spec | None:
        """The spec, where no element must be made to know it."""
        return self.derived(lambda node: node.declared)

    @cached_property
    def spec(self) -> Spec:
        """The spec. Where nothing tells it, the first two elements do: sizes in which they differ are unknown.

        Raises:
            DataError: there is no element, or it cannot be made.
        """
        derived = self.declared
        if derived is None:
            derived = self.derived(lambda node: node.spec)
        return self._first_spec() if derived is None else derived

    def _first_spec(self) -> Spec:
        workers = Workers()
        cursor = self.open(0, workers)
        try:
            specs = [spec_of(element) for element in itertools.islice(iter_cursor(cursor), 2)]
        finally:
            cursor.close()
            workers.close()
        if not specs:
            raise DataError(
                f"{self.label} has no element that could tell what its elements are",
                fix="Say it with output_signature=lk.data.TensorSpec(shape, dtype), or a nest of them.",
            )
        return merged(specs[0], specs[-1])

    # Reading it.

    @cached_property
    def chunk(self) -> int:
        """How many elements to fetch at once: more than one only where that runs no Python function ahead of its time."""
        return min((node.chunk for node in self.inputs), default=1)

    @cached_property
    def ahead(self) -> int:
        """How many elements a thread shall make before they are asked for."""
        return max((node.ahead for node in self.inputs if node.indexed), default=0) if self.indexed else 0

    def fetch(self, indices: np.ndarray, epoch: int, workers: Workers) -> Elements:
        """The elements of these numbers, int64 [k], k > 0, of an epoch. Only of indexed steps.

        Raises:
            PipelineError: a step failed at one of them.
        """
        raise NotImplementedError(f"{self.kind} is not indexed")

    def cursor(self, epoch: int, workers: Workers, state: State) -> Cursor:
        """A cursor for a step that is not indexed; `state` is None at the beginning.

        Raises:
            IteratorStateError: the state is none of this step's.
        """
        raise NotImplementedError(f"{self.kind} is indexed")

    def open(self, epoch: int, workers: Workers, state: State = None) -> Cursor:
        """A cursor through an epoch, from the beginning or from a state on.

        Raises:
            IteratorStateError: the state is none of this step's.
        """
        if not self.indexed:
            return self.cursor(epoch, workers, state)
        cursor = IndexedCursor(self, epoch, workers, 0 if state is None else state)
        if not self.ahead:
            return cursor
        from labkit.data.steps.prefetch import PrefetchCursor

        return PrefetchCursor(cursor, self.ahead, workers)

    def fail(self, index: int, error: Exception, fix: str = "") -> NoReturn:
        """Raises what is to be raised where making an element raised an error.

        Args:
            fix: what to do, where that is known.

        Raises:
            PipelineError: that error itself where a step before says already which it was.
        """
        if isinstance(error, PipelineError):
            raise error
        raise PipelineError(
            f"{self.label} failed at element {index}: {type(error).__name__}: {error}",
            step=self.label,
            index=index,
            fix=fix,
        ) from error


def iter_cursor(cursor: Cursor) -> Any:
    """The elements that a cursor still gives."""
    while True:
        try:
            element = cursor.next()
        except StopIteration:
            return
        yield element


def divided(length: Length, size: int, up: bool = False) -> Length:
    """So many times `size` fits into a length."""
    if length is None or length == INFINITE:
        return length
    return -(-int(length) // size) if up else int(length) // size


def integer(length: Length) -> int:
    """A length that is known and finite."""
    assert length is not None
    return int(length)
