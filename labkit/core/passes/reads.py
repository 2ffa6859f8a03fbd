"""Reads of variables: which see the value at the run's start, and which variables must hold one by then."""

from __future__ import annotations

from collections.abc import Sequence

from labkit.core.operation import Operation
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
        before[op] = written.union(op.inputs[i].op for i in op.writes)
    return frozenset(starts)


def read_first(sequence: Sequence[Operation], fed: frozenset[Tensor]) -> tuple[Operation, ...]:
    """The variables whose value at the run's start is read, by an operand or by an update in place.

    Args:
        sequence: the run's operations, in order.
    """
    found: dict[Operation, None] = {}
    written: set[Operation] = set()
    for op in sequence:
        for x in (op.inputs[i] for i in op.kernel_inputs):
            if x.op.type == "VariableV2" and x not in fed and x.op not in written:
                found[x.op] = None
        for variable in (op.inputs[i].op for i in op.writes):
            if op.definition.control is not None:  # it sees itself what it needs, and may write or not
                continue
            if op.type != "Assign" and variable not in written:
                found[variable] = None
            written.add(variable)
    return tuple(found)
