"""From a stage and concrete shapes to slots and instructions of a native plan.

Slots are the plan's pieces of memory: fed arrays, constants, variables ("state"), results ("fetch"), temporaries in the
arena, and aliases, which are other slots under another shape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from labkit import native
from labkit.core.dtypes import int64 as _INT64
from labkit.core.opdef import ALIAS, lower_attrs
from labkit.core.operation import Operation
from labkit.core.passes.fold import fold
from labkit.core.passes.infer import Inference
from labkit.core.passes.inside import emit_control
from labkit.core.passes.memory import Memory
from labkit.core.passes.program import Program
from labkit.core.passes.stages import Stage
from labkit.core.target import active_target
from labkit.core.tensor import Tensor
from labkit.errors import DTypeError

MIXING = -7046029254386353131  # the golden ratio's 64 bits: far from any small number of runs or iterations


@dataclass(frozen=True)
class Lowered:
    """Level two of a plan: the description that the native plan is made from."""

    slots: list[dict[str, Any]]
    instructions: list[dict[str, Any]]
    cells: list[Any]
    read_first: list[int]
    slot_of: dict[Tensor, int]


def lower(
    program: Program,
    stage: Stage,
    shapes: Inference,
    variable_cell: Callable[[Operation], Any],
    counter_cell: Callable[[str], Any],
    make_plan: Callable[[Lowered], Any],
    *,
    fold: bool = True,
    drawn: Sequence[str] = (),
) -> Lowered:
    """Writes the instructions of one stage.

    Args:
        shapes: all shapes of the stage.
        variable_cell, counter_cell: give the session's native cell for a variable's operation, for a counter's name.
        make_plan: makes the native plan of a subgraph.
        fold: whether operations on constants are computed now.
        drawn: random counters that are fed, after the stage's feeds: the stage belongs to a subgraph.

    Raises:
        DTypeError: an operation has no kernel for its dtype.
    """
    lowering = Lowering(program, stage, shapes, variable_cell, counter_cell, make_plan, fold)
    return lowering.lower(drawn=drawn) if drawn else lowering.lower(advance=stage.counters)


@cache
def _kernels(target: str) -> frozenset[str]:
    return frozenset(native.kernel_names(target))


class Lowering(Memory):
    """The lowering of one stage; what lowers its loops and branches (inside.py) uses it, too."""

    def __init__(
        self,
        program: Program,
        stage: Stage,
        shapes: Inference,
        variable_cell: Any,
        counter_cell: Any,
        make_plan: Any,
        folds: bool,
    ):
        super().__init__(program, stage, shapes, variable_cell, counter_cell)
        self.make_plan, self.folds = make_plan, folds
        self.kernels = _kernels(active_target())

    def lower(
        self,
        *,
        advance: Sequence[str] = (),
        drawn: Sequence[str] = (),
        iterated: bool = False,
        updated: Iterable[Sequence[Tensor]] = (),
    ) -> Lowered:
        """The instructions.

        Args:
            advance: random counters that go one further at the end.
            drawn: random counters that are fed, after the stage's feeds: of a subgraph.
            iterated: the first feed is the number of the iteration, which counters are mixed with.
            updated: for each variable of a loop that is updated in place the values that it takes, one after the other.
        """
        program, stage = self.program, self.stage
        for position, op in enumerate(stage.sequence):
            for i in op.kernel_inputs:
                self.last_use[program.replace(op.inputs[i])] = position
        for i, tensor in enumerate(stage.feeds):
            self.define(tensor, self.slot("feed", tensor.dtype, self.shapes.of(tensor), index=i))
        for tensors in updated:  # each the next value of the one before; the last one is exported
            memory = self.slot("fetch", tensors[-1].dtype, self.shapes.of(tensors[-1]))
            self.in_place.update(dict.fromkeys(tensors, memory))
            self.fetch_slot[tensors[-1]] = memory
        for i, name in enumerate(drawn, start=len(stage.feeds)):
            fed = self.slot("feed", _INT64, (), index=i)
            self.state_slot[name] = self._mixed(fed, self.slot_of[stage.feeds[0]]) if iterated else fed
        for position, op in enumerate(stage.sequence):
            self._emit(op, position)
        for name in advance:
            one = self.slot("constant", _INT64, (), value=np.asarray(1, np.int64))
            self.instruction("assign_add.i64", [one], [self.counter(name)], [], [], f"random:{name}", writes=True)
        for i, tensor in enumerate(stage.exports):
            self.number_fetch(tensor, i)
        return Lowered(self.slots, self.instructions, self.cells, self.read_first, self.slot_of)

    def inside(self, program: Program, stage: Stage, shapes: Inference) -> Lowering:
        """The lowering of a subgraph."""
        make = self.variable_cell, self.counter_cell, self.make_plan, self.folds
        return Lowering(program, stage, shapes, *make)

    # --- one operation ---

    def _emit(self, op: Operation, position: int) -> None:
        if op.type == "VariableV2":
            if op.outputs[0] in self.last_use or op.outputs[0] in self.fetched:
                self.read(op, op.outputs[0])
            return
        if op.type == "ReadVariable" and op not in self.program.starts:
            self.read(op.inputs[0].op, op.outputs[0])
            return
        if op.type == "Const" or op.definition.from_shapes is not None:
            if op.type == "Const" and isinstance(op.attrs["value"], np.ndarray):
                op.attrs["value"].flags.writeable = False  # so that the native plan reads a large one where it lies
            self.define(op.outputs[0], self.constant(self.shapes.value(op.outputs[0]), op.outputs[0]))
            return
        if (not op.definition.kernel and not op.outputs) or op.type == "Placeholder":  # which is fed
            return
        context = self.shapes.context(op)
        if op.definition.control is not None:
            for variable in [op.inputs[i].op for i in op.writes]:
                self.before_write(variable, op, position, certain=False)
            emit_control(self, op, op.definition.control(context))
            return
        context.out_dims = [self.shapes.of(x) for x in op.outputs]
        lowered = (op.definition.lower or lower_attrs)(context)
        inputs = [self.program.replace(op.inputs[i]) for i in op.kernel_inputs]
        if lowered is ALIAS:
            self.alias(inputs[0], op.outputs[0])
            return
        ints, reals = lowered
        for cell_op in [op.inputs[i].op for i in op.writes]:
            self.before_write(cell_op, op, position)
        in_slots = [self.slot_of[x] for x in inputs]
        in_slots += [self.counter(name) for name in op.counters]
        kernel = self._kernel(op, inputs)
        if self._folded(op, kernel, in_slots, ints, reals):
            return
        updated = self.updated(op, inputs, position) if op.definition.in_place and not op.writes else None
        if updated is not None:
            name = f"{op.definition.in_place}.{op.outputs[0].dtype.code}"
            self.instruction(name, in_slots[1:], [updated], ints, reals, op.name)
            self.place(op.outputs[0], updated)
            return
        if op.writes:
            out_slots = [self.state(op.inputs[i].op) for i in op.writes]
            self.instruction(kernel, in_slots, out_slots, ints, reals, op.name, writes=True)
            variable = op.inputs[op.writes[0]].op
            self.define(op.outputs[0], out_slots[0])
            self.living_reads.setdefault(variable, []).append(op.outputs[0])
            return
        out_slots = [self.result(tensor) for tensor in op.outputs]
        self.instruction(kernel, in_slots, out_slots, ints, reals, op.name)

    def _mixed(self, counter: int, iteration: int) -> int:
        """A counter for one iteration: other numbers than in any other iteration and run."""
        factor = self.slot("constant", _INT64, (), value=np.asarray(MIXING, np.int64))
        product, mixed = self.slot("arena", _INT64, ()), self.slot("arena", _INT64, ())
        self.instruction("mul.i64", [counter, factor], [product], [], [], "iteration")
        self.instruction("add.i64", [product, iteration], [mixed], [], [], "iteration")
        return mixed

    def _kernel(self, op: Operation, inputs: Sequence[Tensor]) -> str:
        definition = op.definition
        if op.writes:
            dtype = op.inputs[op.writes[0]].dtype
        else:
            dtype = op.outputs[0].dtype if definition.kernel_dtype == "output" or not inputs else inputs[0].dtype
        name = f"{definition.kernel}.{dtype.code}"
        if name not in self.kernels:
            able = sorted(k.partition(".")[2] for k in self.kernels if k.startswith(definition.kernel + "."))
            raise DTypeError(
                f"{op.type} '{op.name}' ({op.line}) has no kernel for {dtype.name}",
                rule=f"It computes with {', '.join(able) or 'no dtype in this build'}",
                fix="Convert the operands with lk.cast.",
            )
        return name

    def _folded(self, op: Operation, kernel: str, in_slots: list[int], ints: Any, reals: Any) -> bool:
        """Computes the operation now where its inputs are constants; says whether it did."""
        if not self.folds or any(self.slots[i]["kind"] != "constant" for i in in_slots):
            return False
        outputs = fold(op, kernel, [self.slots[i]["value"] for i in in_slots], self.shapes, ints, reals)
        for tensor, value in zip(op.outputs, outputs or (), strict=outputs is not None):
            self.define(tensor, self.constant(value, tensor))
        return outputs is not None
