"""What a run is asked for: any nest of tensors, variables, operations and names, and the same nest of results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from labkit.core.graph import Graph
from labkit.core.operation import Operation
from labkit.core.slices import IndexedSlices
from labkit.core.tensor import Tensor
from labkit.errors import DTypeError, GraphError


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
        GraphError: an element belongs to another graph.
    """

    def __init__(self, graph: Graph, structure: Any) -> None:
        self.graph = graph
        self.tensors: list[Tensor] = []
        self.operations: list[Operation] = []
        self._places: dict[Tensor, int] = {}
        self._elements: list[Any] = []  # kept alive, because key() names them by id
        self._parsed = self._parse(structure)

    @staticmethod
    def key(structure: Any) -> Any:
        """A hashable key; equal keys mean equal fetches as long as the elements live, which the parsed Fetches ensures."""
        if isinstance(structure, Mapping):
            return (type(structure), *((k, Fetches.key(v)) for k, v in structure.items()))
        if isinstance(structure, _SEQUENCES):
            return (type(structure), *(Fetches.key(x) for x in structure))
        return structure if isinstance(structure, str) else id(structure)

    def _parse(self, item: Any) -> _Nest | _Leaf | None:
        if isinstance(item, Mapping):
            return _Nest(dict, tuple(item), [self._parse(v) for v in item.values()])
        if isinstance(item, _SEQUENCES):
            return _Nest(type(item), (), [self._parse(x) for x in item])
        self._elements.append(item)
        if isinstance(item, IndexedSlices):
            return self._parse(IndexedSlicesValue(item.values, item.indices, item.dense_shape))
        element = getattr(item, "ref", item)
        if isinstance(item, str):
            element = self.graph.get_tensor_by_name(item) if ":" in item else self.graph.get_operation_by_name(item)
        if not isinstance(element, Tensor | Operation):
            raise DTypeError(
                "A fetch is nothing that a session can run",
                rule="Fetches are tensors, variables, operations or their names, or nests of them; a gradient is None where no "
                "differentiable path leads",
                received=f"{type(item).__name__} {item!r}"[:100],
            )
        if element.graph is not self.graph:
            raise GraphError(
                f"{element!r} is not an element of this session's graph",
                rule="A session runs operations of its own graph",
                fix="Open the session with lk.Session(graph=...).",
            )
        if isinstance(element, Operation):
            self.operations.append(element)
            return None
        if element not in self._places:
            self._places[element] = len(self.tensors)
            self.tensors.append(element)
            return _Leaf(self._places[element], first=True)
        return _Leaf(self._places[element], first=False)

    def rebuild(self, results: Sequence[np.ndarray], *, stepped: bool) -> Any:
        """The results in the structure of the fetches: scalars as NumPy scalars, each array its own."""

        def build(parsed: _Nest | _Leaf | None) -> Any:
            if parsed is None:
                return None
            if isinstance(parsed, _Nest):
                return parsed.rebuild([build(child) for child in parsed.children])
            array = results[parsed.index]
            if not stepped and not array.ndim:
                return array[()]
            return array if parsed.first else array.copy()

        return build(self._parsed)


@dataclass(frozen=True)
class _Leaf:
    index: int  # of the result
    first: bool  # the first leaf with this result takes the array, others a copy


@dataclass(frozen=True)
class _Nest:
    kind: type
    keys: tuple[Any, ...]
    children: list[Any]

    def rebuild(self, values: list[Any]) -> Any:
        if self.kind is dict:
            return dict(zip(self.keys, values, strict=True))
        if issubclass(self.kind, tuple):
            return self.kind(*values) if hasattr(self.kind, "_fields") else tuple(values)
        return values


_SEQUENCES: Any = (list, tuple, type({}.values()))
