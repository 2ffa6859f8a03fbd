"""What a run is asked for: any nest of tensors, variables, operations and names, and the same nest of results."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np

from labkit.core.graph import Graph
from labkit.core.operation import Operation
from labkit.core.slices import IndexedSlices
from labkit.core.tensor import Tensor
from labkit.errors import DTypeError, GraphError, LabkitError


class IndexedSlicesValue(NamedTuple):
    """What fetching `IndexedSlices` gives."""

    values: Any
    indices: Any
    dense_shape: Any


class Fetches:
    """A parsed nest of fetches.

    Attributes:
        tensors: the tensors to fetch, each once.
        operations: the operations to run besides.

    Raises:
        DTypeError: an element is nothing that can be fetched.
        GraphError: an element belongs to another graph, or a name is not in this one.
    """

    def __init__(self, graph: Graph, structure: Any) -> None:
        self.graph = graph
        self.tensors: list[Tensor] = []
        self.operations: list[Operation] = []
        self._places: dict[Tensor, int] = {}
        self._build = self._parse(structure).build

    @staticmethod
    def key(structure: Any) -> Any:
        """What tells one nest of fetches from another, hashable where each element is."""
        kind = type(structure)
        if kind is Tensor or kind is Operation or kind is str:
            return structure
        if isinstance(structure, Mapping):
            return (kind, *_factory(structure), *((k, Fetches.key(v)) for k, v in structure.items()))
        if isinstance(structure, _SEQUENCES):
            return (kind, *[Fetches.key(x) for x in structure])
        return structure

    def rebuild(self, results: Sequence[np.ndarray], *, stepped: bool = False) -> Any:
        """The results in the structure of the fetches: scalars as NumPy scalars, each array its own."""
        return self._build(results, stepped)

    def _parse(self, item: Any) -> _Part:
        if isinstance(item, Mapping):
            make: Any = partial(type(item), *_factory(item))
            keys = tuple(item)
            return _Nest([self._parse(item[k]) for k in keys], lambda values: make(zip(keys, values, strict=True)))
        if isinstance(item, _SEQUENCES):
            parts = [self._parse(x) for x in item]
            if not isinstance(item, tuple):
                return _Nest(parts, list)
            return _Nest(parts, type(item)._make if hasattr(item, "_make") else tuple)
        if isinstance(item, IndexedSlices):
            return self._parse(IndexedSlicesValue(item.values, item.indices, item.dense_shape))
        element = self._element(item)
        if isinstance(element, Operation):
            self.operations.append(element)
            return _Nothing()
        first = element not in self._places
        if first:
            self._places[element] = len(self.tensors)
            self.tensors.append(element)
        return _Leaf(self._places[element], first=first)

    def _element(self, item: Any) -> Tensor | Operation:
        """The tensor or operation that one element of the nest names."""
        element = getattr(item, "ref", item)
        if isinstance(item, str):
            try:
                named = self.graph.get_tensor_by_name if ":" in item else self.graph.get_operation_by_name
                element = named(item)
            except LabkitError as error:
                raise GraphError(
                    f"The fetch {item!r} cannot be interpreted as a Tensor or Operation",
                    rule="A name is that of an operation, or 'operation:output'",
                    received=error.what,
                    fix=error.fix,
                ) from None
        if not isinstance(element, Tensor | Operation):
            raise DTypeError(
                "A fetch is nothing that a session can run",
                rule="Fetches are tensors, variables, operations or their names, or nests of them; a gradient is None where no "
                "differentiable path leads",
                received=f"{type(item).__name__} {item!r}"[:100],
            )
        if element.graph is not self.graph:
            inside = element.graph.is_inside(self.graph)
            raise GraphError(
                f"{element!r} is not an element of this graph, which the session runs"
                + ", but of a loop or branch in it" * inside,
                rule="What is computed inside a loop or branch leaves it as a result only"
                if inside
                else "A session runs operations of its own graph",
                fix="Return it from the function that builds the inside."
                if inside
                else "Open the session with lk.Session(graph=...).",
            )
        return element


class _Part(Protocol):
    """A part of the nest: what it makes of the results."""

    def build(self, results: Sequence[np.ndarray], stepped: bool) -> Any: ...


class _Nothing:
    def build(self, results: Sequence[np.ndarray], stepped: bool) -> None:
        return None


class _Leaf:
    def __init__(self, index: int, *, first: bool) -> None:
        self.index = index  # of the result
        self.first = first  # the first leaf with this result takes the array, others a copy

    def build(self, results: Sequence[np.ndarray], stepped: bool) -> Any:
        array = results[self.index]
        if not stepped and not array.ndim:
            return array[()]
        return array if self.first else array.copy()


class _Nest:
    def __init__(self, parts: list[_Part], make: Callable[[list[Any]], Any]) -> None:
        self.parts, self.make = parts, make

    def build(self, results: Sequence[np.ndarray], stepped: bool) -> Any:
        return self.make([part.build(results, stepped) for part in self.parts])


def _factory(mapping: Mapping[Any, Any]) -> tuple[Any, ...]:
    """What a mapping of this type is made with, before its items."""
    return (mapping.default_factory,) if isinstance(mapping, defaultdict) else ()


_SEQUENCES: Any = (list, tuple, type({}.values()), type({}.keys()))
