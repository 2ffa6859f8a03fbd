"""Stages: where a run is cut because something has to happen between native plans.

An operation that Python computes (`Operation.hosted`), a result whose shape depends on data, and a computed value that
decides a shape each end a stage: the stage's native plan runs, then its host operations, and the next stage is planned with
what is known by then. Most programs have one stage and no host operation; they run natively from end to end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from labkit.core import dtypes as dt
from labkit.core.operation import Operation
from labkit.core.passes.prune import Needed
from labkit.core.shapes import Dims, is_known
from labkit.core.tensor import Tensor


@dataclass
class Stage:
    """One native plan and the host operations after it.

    Attributes:
        sequence: operations of the plan, in order.
        hosts: operations that Python computes when the plan has run, in order.
        inferred: operations whose shape rules are asked when the stage is planned, inputs before their users.
        feeds: tensors that come from outside: fed ones, and results of earlier stages.
        exports: tensors whose values leave the plan: fetched ones, and what host operations and later stages read.
        valued: tensors whose values decide shapes from this stage on: fed in the first one, else computed before.
        shaped: results of the host operations before, of which only the arrays tell the shape.
        counters: names of the random counters that the stage advances.
    """

    sequence: list[Operation] = field(default_factory=list)
    hosts: list[Operation] = field(default_factory=list)
    inferred: list[Operation] = field(default_factory=list)
    feeds: list[Tensor] = field(default_factory=list)
    exports: list[Tensor] = field(default_factory=list)
    valued: list[Tensor] = field(default_factory=list)
    shaped: list[Tensor] = field(default_factory=list)
    counters: tuple[str, ...] = ()
    settled: Settled | None = None  # known once the stage has been planned


@dataclass(frozen=True)
class Settled:
    """What is the same in every plan of a stage, and so is inferred once.

    Attributes:
        dims: the shapes that do not depend on what is fed.
        varying: the operations whose shape rules are asked for each plan.
    """

    dims: dict[Tensor, Dims]
    varying: list[Operation]


class Placement:
    """The stage of each operation: the first in which all it needs is there, and for writes the last there is.

    Attributes:
        stage: of operations that run.
        planned: operation -> the first stage whose planning knows what its shape rule looks at.
        value_known: tensor -> the first stage whose planning knows its value, where that decides a shape.
        last: where writes go: everything that can fail comes before them, wherever no dependency forbids it.
    """

    def __init__(
        self,
        full: Sequence[Operation],
        run: Sequence[Operation],
        needed: Needed,
        fed: frozenset[Tensor],
        replacement: Mapping[Tensor, Tensor],
    ) -> None:
        self.fed, self.replacement, self.needed = fed, replacement, needed
        self.stage: dict[Operation, int] = {}
        self.planned: dict[Operation, int] = {}
        self.value_known: dict[Tensor, int] = dict.fromkeys(fed, 0)
        self._shape_known: dict[Tensor, int] = dict.fromkeys(fed, 0)
        self.last = 0
        running = frozenset(run)
        for op in full:
            self._place(op, running)

    def _place(self, op: Operation, running: frozenset[Operation]) -> None:
        definition = op.definition
        planned = max((self._shape_known[x] for x in op.inputs), default=0)
        planned = max([planned, *(self.value_known[op.inputs[i]] for i in op.value_inputs)])
        self.planned[op] = known = planned
        if op in running:
            stage = planned
            for x in (self.replacement.get(x, x) for x in op.inputs):
                if x not in self.fed and x.op in self.stage and not anywhere(x.op):
                    stage = max(stage, self._after(x.op, op))
            stage = max([stage, *(self._after(c, op) for c in op.control_inputs if c in self.stage)])
            if op.writes:
                stage = max(stage, self.last)
            self.stage[op] = stage
            self.last = max(self.last, stage + (op.hosted and not definition.unfailing))
            if op.hosted:
                known = stage + 1
        for tensor in (x for x in op.outputs if x not in self.fed):
            twin = self.replacement.get(tensor)  # an equal operation's result, which is computed in its place
            by_run = known if twin is None else self._shape_known[twin]
            self._shape_known.setdefault(tensor, planned if is_known(tensor.dims) else by_run)
            if tensor in self.needed.probed:
                self.value_known.setdefault(tensor, self.stage[self.replacement.get(tensor, tensor).op] + 1)
            elif tensor in self.needed.evaluated:
                by_value = () if definition.from_shapes is not None else op.inputs
                self.value_known.setdefault(tensor, max([planned, *(self.value_known[x] for x in by_value)]))

    def _after(self, op: Operation, reader: Operation) -> int:
        """The first stage in which `reader` may come after `op`. Host operations come one after the other in one stage."""
        return self.stage[op] + (op.hosted and not reader.hosted)


def anywhere(op: Operation) -> bool:
    """Whether each stage makes the value for itself: a constant, or a variable's value at the run's start."""
    return (op.type in ("Const", "VariableV2") and op.host is None) or op.definition.from_shapes is not None


def is_text(tensor: Tensor) -> bool:
    """Whether the tensor is never part of a native plan."""
    return tensor.dtype is dt.string


def cut(
    full: Sequence[Operation],
    run: Sequence[Operation],
    needed: Needed,
    starts: frozenset[Operation],
    feeds: Sequence[Tensor],
    fetches: Sequence[Tensor],
    replacement: Mapping[Tensor, Tensor],
) -> list[Stage]:
    """The stages of a run.

    Args:
        full: all operations of `needed`, in order.
        run: those of them that are executed, in order.
        starts: explicit reads of variables that see the value at the run's start.
        replacement: tensors for which an equal one stands.
    """
    fed = frozenset(feeds)
    placement = Placement(full, run, needed, fed, replacement)
    counters = tuple(dict.fromkeys(name for op in run for name in op.counters))  # they advance like writes
    last = placement.last if counters else max((placement.stage[op] for op in run), default=0)
    stages = [Stage(counters=counters if i == last else ()) for i in range(last + 1)]
    for op in full:
        if placement.planned[op] < len(stages):
            stages[placement.planned[op]].inferred.append(op)
    for tensor in (*needed.evaluated, *needed.probed):
        if (tensor in fed or tensor in needed.probed) and placement.value_known[tensor] < len(stages):
            stages[placement.value_known[tensor]].valued.append(tensor)
    stages[0].feeds.extend(x for x in feeds if not is_text(x))
    if len(stages) == 1 and not any(op.hosted for op in run) and not any(map(is_text, feeds)):
        stages[0].sequence = list(run)
        stages[0].exports = [replacement.get(x, x) for x in fetches]
        return stages
    _Filling(stages, placement, run, starts).fill(fetches)
    return stages


class _Filling:
    """Deals the operations to the stages, and says what each stage takes in and hands out."""

    def __init__(
        self, stages: list[Stage], placement: Placement, run: Sequence[Operation], starts: frozenset[Operation]
    ) -> None:
        self.stages, self.placement, self.run, self.starts = stages, placement, run, starts
        self.fed = placement.fed
        self.members: list[set[Operation]] = [set() for _ in stages]
        self.written: dict[Operation, int] = {}  # variable -> the stage of its first write
        for op in run:
            for i in op.writes:
                self.written.setdefault(op.inputs[i].op, placement.stage[op])

    def fill(self, fetches: Sequence[Tensor]) -> None:
        for op in self.run:
            self._deal(op)
        for x in (*fetches, *(x for stage in self.stages for x in stage.valued)):
            self._hand_out(self.placement.replacement.get(x, x))
        for stage, chosen in zip(self.stages, self.members, strict=True):
            stage.sequence = [op for op in self.run if op in chosen]

    def _deal(self, op: Operation) -> None:
        number = self.placement.stage[op]
        if op.hosted:
            self.stages[number].hosts.append(op)
            if number + 1 < len(self.stages):
                twins = [x for x, other in self.placement.replacement.items() if other in op.outputs]
                self.stages[number + 1].shaped.extend(x for x in (*op.outputs, *twins) if not is_known(x.dims))
        elif not anywhere(op):
            self.members[number].add(op)
        if op.type == "ReadVariable" and op not in self.starts:
            return  # it looks at the variable itself
        for i in op.kernel_inputs:
            x = op.inputs[i]
            self._bring(self.placement.replacement.get(x, x), number, to_host=op.hosted)

    def _bring(self, x: Tensor, number: int, *, to_host: bool) -> None:
        """Makes a value there where stage `number` reads it: in its plan, or as an array for its host operations."""
        home = self._home(x, number)
        if home == number and x not in self.fed and not x.op.hosted:
            if anywhere(x.op):
                self.members[number].add(x.op)
            if to_host:
                _add(self.stages[number].exports, x)
            return
        self._hand_out(x, home)
        if not to_host:
            _add(self.stages[number].feeds, x)

    def _home(self, x: Tensor, number: int) -> int:
        """The stage that computes x for stage `number`."""
        if x in self.fed:
            return 0
        if x.op.type == "VariableV2":
            return min(number, self.written.get(x.op, number))
        return number if anywhere(x.op) else self.placement.stage[x.op]

    def _hand_out(self, x: Tensor, home: int | None = None) -> None:
        """Makes x's value leave the plan of its stage as an array."""
        if x in self.fed or x.op.hosted:
            return  # it is an array already
        if home is None:
            home = self.placement.planned[x.op] if anywhere(x.op) else self.placement.stage[x.op]
        if anywhere(x.op):
            self.members[home].add(x.op)
        _add(self.stages[home].exports, x)


def _add(tensors: list[Tensor], x: Tensor) -> None:
    if x not in tensors:
        tensors.append(x)
