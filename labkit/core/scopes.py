"""Scopes and collections of the default graph."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from labkit.core.devices import Placement
from labkit.core.graph import Graph, get_default_graph
from labkit.errors import GraphError, InvalidArgumentError


def name_scope(
    name: str | None, default_name: str | None = None, values: Sequence[Any] | None = None
) -> AbstractContextManager[str]:
    """Puts new operations under `name/`; entered again it becomes `name_1/`. A name that ends in "/" is re-entered as it is,
    None and "" are the root. `with` yields the scope with its "/"; an operation of that name gets the scope's own name.

    Args:
        default_name: the name where `name` is None.
        values: what the operations inside compute with: the tensors among them say which graph is meant.

    Raises:
        InvalidArgumentError: the name is not allowed, or there is none although values are given.
        GraphError: the values belong to different graphs.
    """
    if values is not None and name is None and default_name is None:
        raise InvalidArgumentError("At least one of name and default_name must be given with values")
    graph, chosen = graph_of(values), default_name if name is None else name
    return _name_scope_of(graph, chosen)


@contextmanager
def _name_scope_of(graph: Graph, name: str | None) -> Iterator[str]:
    with made_default(graph), graph.name_scope(name) as scope:
        yield scope


def graph_of(values: Sequence[Any] | None) -> Graph:
    """The graph of the tensors, operations and variables among `values`; without any the default graph.

    Raises:
        GraphError: they belong to different graphs.
    """
    graph = get_default_graph()
    elements = [x for x in values or () if isinstance(getattr(x, "graph", None), Graph)]
    for x in elements:
        if x.graph.outermost is not elements[0].graph.outermost:
            raise GraphError(f"{x!r} must be from the same graph as {elements[0]!r}")
    if not elements or elements[0].graph.outermost is graph.outermost:
        return graph
    return elements[0].graph


def made_default(graph: Graph) -> AbstractContextManager[Any]:
    """Makes the graph the default one, unless it is that already."""
    return nullcontext() if graph is get_default_graph() else graph.as_default()


def device(placement: Placement) -> AbstractContextManager[None]:
    """Records on which device operations made inside are meant to be: `op.device`. labkit computes on the CPU.

    Args:
        placement: a device's name ("/gpu:0"), a function of the operation that gives one, or None.

    Raises:
        InvalidArgumentError: the name is no device's.
    """
    return get_default_graph().device(placement)


def add_to_collection(name: Hashable, value: Any) -> None:
    """Puts `value` at the end of a collection of the default graph."""
    get_default_graph().add_to_collection(name, value)


def add_to_collections(names: Hashable | Iterable[Hashable], value: Any) -> None:
    """Puts `value` at the end of each of several collections of the default graph."""
    get_default_graph().add_to_collections(names, value)


def get_collection(key: Hashable, scope: str | None = None) -> list[Any]:
    """A new list of what is in a collection of the default graph, in order.

    Args:
        scope: a regular expression that an item's `name` begins with ("q" fits "q_next/w", too).
    """
    return get_default_graph().get_collection(key, scope)


def get_collection_ref(key: Hashable) -> list[Any]:
    """A collection of the default graph itself: changes of the list are changes of the graph."""
    return get_default_graph().get_collection_ref(key)


def control_dependencies(inputs: Sequence[Any] | None) -> AbstractContextManager[None]:
    """Operations made inside run after all of `inputs`; None clears what is set."""
    return get_default_graph().control_dependencies(inputs)
