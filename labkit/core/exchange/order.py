"""The order in which nodes of a description can be built."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from labkit.core.exchange.graph_def import NodeDef
from labkit.errors import GraphError


def by_name(nodes: Sequence[NodeDef], where: str) -> dict[str, NodeDef]:
    """The nodes by name.

    Raises:
        GraphError: two have the same name, capital letters or not.
    """
    seen: set[str] = set()
    for node in nodes:
        if node.name.lower() in seen:
            raise GraphError(
                f"Node {node.name!r} is not unique in {where}",
                rule="Names differ in more than upper and lower case",
            )
        seen.add(node.name.lower())
    return {node.name: node for node in nodes}


def in_order(nodes: dict[str, NodeDef], needs: Callable[[NodeDef], Iterable[str]]) -> list[NodeDef]:
    """The nodes, each after those it needs; as given where they are so already.

    Args:
        needs: names of nodes; others than those in `nodes` are passed over.

    Raises:
        GraphError: nodes need each other; the cycle is named.
    """
    ordered: list[NodeDef] = []
    done: set[str] = set()
    for start in nodes:
        path = {start: iter(needs(nodes[start]))} if start not in done else {}  # a dict: members are found at once
        while path:
            name = next(reversed(path))
            for needed in path[name]:
                if needed in path:
                    raise _cycle([*path], needed)
                if needed in nodes and needed not in done:
                    path[needed] = iter(needs(nodes[needed]))
                    break
            else:
                path.popitem()
                done.add(name)
                ordered.append(nodes[name])
    return ordered


def _cycle(path: list[str], back: str) -> GraphError:
    circle = path[path.index(back) :]
    names = [*circle, back] if len(circle) <= 8 else [*circle[:7], "...", circle[-1], back]
    return GraphError(
        f"{len(circle)} nodes in a cycle",
        rule="An operation does not depend on its own result",
        received=" needs ".join(names),
    )
