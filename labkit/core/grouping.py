"""Operations that stand for others."""

from __future__ import annotations

from typing import Any

from labkit.core.graph import get_default_graph
from labkit.core.operation import Operation


def group(*operations: Any, name: str = "group_deps") -> Operation:
    """An operation that is done when all of `operations` (operations, tensors) are; running it gives None."""
    graph = get_default_graph()
    with graph.control_dependencies(operations):
        return graph.apply("NoOp", [], name=name)


def no_op(name: str = "NoOp") -> Operation:
    """An operation that does nothing: a place for control dependencies."""
    return get_default_graph().apply("NoOp", [], name=name)
