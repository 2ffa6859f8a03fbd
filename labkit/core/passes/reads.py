"""Explicit reads of variables: which of them see the value at the run's start."""

from __future__ import annotations

from collections.abc import Sequence

from labkit.core.graph import Operation
from labkit.core.tensor import Tensor


def reads_of_start(sequence: Sequence[Operation], fed: frozenset[Tensor]) -> frozenset[Operation]:
    """The ReadVariable operations that no dependency puts after a write of their variable, or whose variable is fed.

    Where they stand in the sequence must not matter: another fetch may bring an unrelated write before them.

    Args:
        sequence: the run's operations, each after what it depends on.
    """
    before: dict[Operation, frozenset[Operation]] = {}  # operation -> variables written by it or by what it depends on
    starts = set()
    for op in sequence:
        written = frozenset[Operation]().union(*(before.get(x.op, ()) for x in op.inputs))
        written = written.union(*(before.get(x, ()) for x in op.control_inputs))
        if op.type == "ReadVariable" and (op.inputs[0].op not in written or op.inputs[0] in fed):
            starts.add(op)
        before[op] = written.union(op.inputs[i].op for i in op.definition.writes)
    return frozenset(starts)
