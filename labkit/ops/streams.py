"""Seeds and streams of random operations.

Numbers are Philox4x32-10's, addressed by (key, counter, place), so that order and threads do not matter. The key follows
from the graph's seed and the operation's stream (its name relative to its model or scope root) or its own seed; the counter
lives in the session, advances by one with every run that draws, and is saved with checkpoints.
"""

from __future__ import annotations

import hashlib
from typing import Any

from labkit.core.graph import Graph, get_default_graph
from labkit.core.opdef import Attr, whole
from labkit.errors import InvalidArgumentError

DEFAULT_SEED = 0
"""The graph's seed where none is set: the same program draws the same numbers every time."""


def set_random_seed(seed: int) -> None:
    """Sets the default graph's seed: other numbers for every random operation made from now on.

    Raises:
        InvalidArgumentError: the seed is no whole number.
    """
    get_default_graph().seed = _seed(seed)


def _seed(value: Any) -> int:
    try:
        return whole(value)
    except TypeError:
        raise InvalidArgumentError("A seed is a whole number", received=repr(value)) from None


def stream_attrs(graph: Graph, default_name: str, name: str | None, seed: int | None) -> dict[str, Any]:
    """The attributes key and counter of a random operation that is about to be made."""
    current = get_default_graph()
    graph = current if current.is_inside(graph) else graph  # where the operation goes
    full = graph.unique_name(name or default_name, mark_as_used=False)
    stream = graph.stream_name(full) if seed is None else f"seed {_seed(seed)}"
    graph_seed = DEFAULT_SEED if graph.seed is None else graph.seed
    digest = hashlib.blake2b(f"{graph_seed}/{stream}".encode(), digest_size=8).digest()
    return {"key": int.from_bytes(digest, "little", signed=True), "counter": full}


STREAM_ATTRS = {"key": Attr("int"), "counter": Attr("str")}
"""The attributes of a record that draws."""
