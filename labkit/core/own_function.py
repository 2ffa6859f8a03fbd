"""Functions of the user's that a run calls once, although several operations of it would.

A gradient computes the inside of a loop or branch again, the operations with Python functions among it. They share the
function that they call, and so what it answers in each iteration.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from labkit.core.operation import Operation
from labkit.core.subgraph import Subgraph


class OwnFunction(partial[Any]):
    """A user's function as one operation and its copies call it: another operation has another one."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.__qualname__ = getattr(function, "__qualname__", type(function).__qualname__)


def function_of(op: Operation) -> object | None:
    """The function that an operation shares with its copies only, or None."""
    function = op.attrs.get("function")
    return function if isinstance(function, OwnFunction) else None


def called_again(sequence: Sequence[Operation]) -> frozenset[int]:
    """The user's functions, by identity, that several operations of a run call: a gradient computes the inside of loops and
    branches again, and each function is called once for each iteration."""
    counts: Counter[int] = Counter()

    def count(operations: Sequence[Operation]) -> None:
        for op in operations:
            function = function_of(op)
            if function is not None:
                counts[id(function)] += 1
            for subgraph in op.attrs.values():
                if isinstance(subgraph, Subgraph):
                    count(subgraph.program.sequence)

    count(sequence)
    return frozenset(function for function, n in counts.items() if n > 1)
