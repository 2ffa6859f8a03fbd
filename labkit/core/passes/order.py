"""The order of execution: what a run means is decided here.

Every read of a variable sees its value at the run's start, unless a dependency puts it after a write; writes come last,
in order of creation where nothing else orders them. So everything that can fail comes before the first write wherever no
dependency forbids it, and a run that raises has changed nothing.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection

from labkit.core.operation import Operation
from labkit.core.tensor import Tensor
from labkit.errors import GraphError


def order(
    operations: Collection[Operation], fed: frozenset[Tensor], unrun: frozenset[Operation] = frozenset()
) -> list[Operation]:
    """The operations in order of execution.

    Args:
        unrun: those of `operations` that are only there for their shapes: they write nothing.

    Raises:
        GraphError: they depend on each other in a circle.
    """
    needs: dict[Operation, set[Operation]] = {}
    waiting: dict[Operation, int] = {}
    users: dict[Operation, list[Operation]] = {}
    for op in operations:
        before = {x.op for i, x in enumerate(op.inputs) if x not in fed or i in op.writes}
        before.update(op.control_inputs)
        before &= operations if isinstance(operations, set | frozenset) else set(operations)
        needs[op] = before
    for op in [op for op in needs if op.definition.control is not None and op not in unrun]:
        _see_the_start(op, needs)
    for op, before in needs.items():
        waiting[op] = len(before)
        for earlier in before:
            users.setdefault(earlier, []).append(op)

    def place(op: Operation) -> tuple[bool, int, Operation]:
        return bool(op.writes) and op not in unrun, op.id, op

    ready = [place(op) for op, count in waiting.items() if not count]
    heapq.heapify(ready)
    sequence: list[Operation] = []
    while ready:
        *_, op = heapq.heappop(ready)
        sequence.append(op)
        for user in users.get(op, ()):
            waiting[user] -= 1
            if not waiting[user]:
                heapq.heappush(ready, place(user))
    if len(sequence) < len(waiting):
        circle = sorted(op.name for op, count in waiting.items() if count)
        raise GraphError("Operations depend on each other in a circle", received=", ".join(circle[:5]))
    return sequence


def _see_the_start(op: Operation, needs: dict[Operation, set[Operation]]) -> None:
    """Puts a loop or condition that reads variables inside before their writes, but for those that it depends on."""
    read = {x for subgraph in op.attrs.values() for x in getattr(subgraph, "observed", ())}
    if not read:
        return
    ancestors, stack = {op}, [op]
    while stack:
        for earlier in needs[stack.pop()]:
            if earlier not in ancestors:
                ancestors.add(earlier)
                stack.append(earlier)
    for write, before in needs.items():
        if write not in ancestors and any(write.inputs[i].op in read for i in write.writes):
            before.add(op)
