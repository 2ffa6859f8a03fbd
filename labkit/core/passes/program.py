"""Level one of a plan: what a run needs, in order, whatever the shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from labkit.core.operation import Operation
from labkit.core.passes.order import order
from labkit.core.passes.prune import prune
from labkit.core.passes.reads import read_first, reads_of_start
from labkit.core.passes.share import share
from labkit.core.passes.stages import cut, is_text
from labkit.core.tensor import Tensor


class HostCall(NamedTuple):
    """An operation that Python computes, with what each run needs of it.

    Attributes:
        operands: what it computes with, and of each whether it is a value that decides shapes.
        trusted: it is labkit's own, leaves its operands alone, and gives arrays of its own as they have to be.
    """

    op: Operation
    operands: list[tuple[Tensor, bool]]
    trusted: bool


class Program:
    """What (fetches, feeds) need.

    Attributes:
        sequence: operations that run, in order.
        starts: explicit reads of variables that see the value at the run's start.
        stages: the parts that are planned one after the other; mostly one.
        read_first: variables that must hold a value before the run.
        writes: whether a run changes variables or random counters.
        native: whether one native plan is the whole run.
        calls: for each stage what Python computes after its plan, in order.
    """

    def __init__(
        self,
        fetches: Sequence[Tensor],
        targets: Sequence[Operation],
        feeds: Sequence[Tensor],
        *,
        share_equal: bool = True,
    ) -> None:
        self.fetches, self.feeds = tuple(fetches), tuple(feeds)
        fed = frozenset(feeds)
        needed = prune([*targets, *(x.op for x in fetches if x not in fed)], feeds)
        full = order(needed.run | needed.shapes, fed, unrun=needed.shapes)
        executed = [op for op in full if op in needed.run]
        self.starts = reads_of_start(executed, fed)
        self.replacement = share(executed, fed) if share_equal else {}
        useful = prune([*targets, *(self.replace(x).op for x in fetches if x not in fed)], feeds).run
        self.sequence = [op for op in executed if op in useful and not self._is_shared(op)]
        self.stages = cut(full, self.sequence, needed, self.starts, self.feeds, self.fetches, self.replacement)
        self.read_first = read_first(self.sequence, fed)
        self.writes = any(op.writes or op.counters for op in self.sequence)
        self.native = len(self.stages) == 1 and not self.stages[0].hosts and not any(map(is_text, self.feeds))

        self.calls = [[self._call(op) for op in stage.hosts] for stage in self.stages]

    def _call(self, op: Operation) -> HostCall:
        if op.by_reference:  # a reference takes the values that decide shapes, too
            decides = [i in op.value_inputs for i in range(len(op.inputs))]
            operands = [(x if d else self.replace(x), d) for x, d in zip(op.inputs, decides, strict=True)]
            return HostCall(op, operands, False)
        operands = [(self.replace(op.inputs[i]), False) for i in op.kernel_inputs]
        return HostCall(op, operands, op.definition.unfailing)

    def replace(self, tensor: Tensor) -> Tensor:
        return self.replacement.get(tensor, tensor)

    def _is_shared(self, op: Operation) -> bool:
        return any(x in self.replacement for x in op.outputs)
