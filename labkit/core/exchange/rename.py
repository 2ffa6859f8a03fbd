"""The names that a GraphDef's operations get where they are imported."""

from __future__ import annotations

from labkit.core.exchange.graph_def import GraphDef, SubgraphDef
from labkit.core.graph import Graph
from labkit.core.names import check_name
from labkit.errors import GraphError

MAX_DEPTH = 100
"""Loops and branches stand inside each other at most so deep in what is imported."""


class Renamed:
    """New names for old ones: a prefix in front, and what is taken made unique.

    What is inside a subgraph is named after the subgraph's own new name, so that the random counters of two imports are two.

    Args:
        graph: where the names must be unique; it is told of them by `commit`.
    """

    def __init__(self, graph: Graph, graph_def: GraphDef, prefix: str) -> None:
        self.graph, self.prefix = graph, prefix
        self._new: dict[str, str] = {}  # lower case -> as it is
        self._library: dict[str, SubgraphDef] = {}
        self._scopes: dict[str, str] = {}
        self._names = {node.name: self.unique(prefix + node.name) for node in graph_def.node}
        for sub in graph_def.library:
            if sub.name in self._library or not sub.name:
                raise GraphError(f"Two subgraphs have the name {sub.name!r}", rule="Each has its own")
            self._library[sub.name] = sub
        self._counters = dict(self._names)
        for sub in graph_def.library:
            for node in sub.node:
                self._counters.setdefault(node.name, self.of(sub.name, node.name))

    def of(self, place: str, name: str) -> str:
        """The new name of a node of the graph ("") or of a subgraph."""
        if not place:
            return self._names[name]
        inner = name.startswith(place + "/")
        return check_name(self.scope(place) + name[len(place) + 1 :] if inner else self.prefix + name)

    def scope(self, place: str) -> str:
        """The new scope of a subgraph, ending in "/"."""
        chain = [place]  # without recursion: the text may nest as deep as it likes
        while chain[-1] not in self._scopes:
            sub = self._library.get(chain[-1])
            if sub is None or len(chain) > MAX_DEPTH:
                raise GraphError(
                    f"The subgraph {place!r} is in none that there is",
                    rule=f"Subgraphs stand inside each other at most {MAX_DEPTH} deep, and in a library",
                    received=" in ".join(chain[:8]),
                )
            if not sub.outer:
                break
            chain.append(sub.outer)
        while chain:
            name = chain.pop()
            if name not in self._scopes:
                outer = self._library[name].outer
                inner = bool(outer) and name.startswith(outer + "/")
                full = self._scopes[outer] + name[len(outer) + 1 :] if inner else self.prefix + name
                self._scopes[name] = self.unique(full) + "/"
        return self._scopes[place]

    def counter(self, name: str) -> str:
        """The new name of a random counter, which is mostly that of the operation that draws from it."""
        return self._counters.get(name) or self.prefix + name

    def unique(self, full: str) -> str:
        """`full`, or with _1, _2 ... where that is taken.

        Raises:
            InvalidArgumentError: the name is not allowed.
        """
        candidate, number = check_name(full), 0
        while self.graph.is_taken(candidate) or candidate.lower() in self._new:
            number += 1
            candidate = f"{full}_{number}"
        self._new[candidate.lower()] = candidate
        return candidate

    def commit(self) -> None:
        """Takes the names in the graph."""
        for name in (*self._new.values(), self.prefix.removesuffix("/")):
            if name:
                self.graph.take(name)
