"""From a stage and concrete shapes to slots and instructions of a native plan.

Slots are the plan's pieces of memory: fed arrays, constants, variables ("state"), results ("fetch"), temporaries in the
arena, and aliases, which are other slots under another shape. A variable is read in place; when a write comes before the
last use of an earlier read, the read is copied aside first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from labkit import native
from labkit.core.dtypes import DType, int64 as _INT64
from labkit.core.opdef import ALIAS, ControlFlow, lower_attrs
from labkit.core.operation import Operation
from labkit.core.passes.infer import Inference
from labkit.core.passes.program import Program
from labkit.core.passes.stages import Stage
from labkit.core.shapes import Dims, count
from labkit.core.target import active_target
from labkit.core.tensor import Tensor
from labkit.errors import DTypeError

_LARGEST_FOLDED = 1 << 20  # elements
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
    lowering = _Lowering(program, stage, shapes, variable_cell, counter_cell, make_plan, fold)
    return lowering.lower(drawn=drawn) if drawn else lowering.lower(advance=stage.counters)


@cache
def _kernels(target: str) -> frozenset[str]:
    return frozenset(native.kernel_names(target))


class _Lowering:
    def __init__(
        self,
        program: Program,
        stage: Stage,
        shapes: Inference,
        variable_cell: Any,
        counter_cell: Any,
        make_plan: Any,
        fold: bool,
    ):
        self.program, self.stage, self.shapes, self.fold = program, stage, shapes, fold
        self.variable_cell, self.counter_cell, self.make_plan = variable_cell, counter_cell, make_plan
        # The result: slots and instructions, the native cells they name, and the cells that must hold a value before.
        self.slots: list[dict[str, Any]] = []
        self.instructions: list[dict[str, Any]] = []
        self.cells: list[Any] = []
        self.read_first: list[int] = []
        # Where each tensor's numbers are now. A fed tensor's are what was fed, from the first to the last instruction.
        self.slot_of: dict[Tensor, int] = {}
        self.last_use: dict[Tensor, int] = {}  # position in the sequence
        self.fetched = set(stage.exports)
        self.fetch_slot: dict[Tensor, int] = {}
        # Variables (and random counters, by name): their slots, the tensors that alias them, and which were written.
        self.state_slot: dict[Any, int] = {}
        self.living_reads: dict[Operation, list[Tensor]] = {}
        self.written: set[Operation] = set()
        self.kernels = _kernels(active_target())

    def lower(self, *, advance: Sequence[str] = (), drawn: Sequence[str] = (), iterated: bool = False) -> Lowered:
        """The instructions.

        Args:
            advance: random counters that go one further at the end.
            drawn: random counters that are fed, after the stage's feeds: of a subgraph.
            iterated: the first feed is the number of the iteration, which counters are mixed with.
        """
        program, stage = self.program, self.stage
        for position, op in enumerate(stage.sequence):
            for i in op.kernel_inputs:
                self.last_use[program.replace(op.inputs[i])] = position
        for i, tensor in enumerate(stage.feeds):
            self._define(tensor, self._slot("feed", tensor.dtype, self.shapes.of(tensor), index=i))
        for i, name in enumerate(drawn, start=len(stage.feeds)):
            fed = self._slot("feed", _INT64, (), index=i)
            self.state_slot[name] = self._mixed(fed, self.slot_of[stage.feeds[0]]) if iterated else fed
        for position, op in enumerate(stage.sequence):
            self._emit(op, position)
        for name in advance:
            one = self._slot("constant", _INT64, (), value=np.asarray(1, np.int64))
            self._instruction("assign_add.i64", [one], [self._counter(name)], [], [], f"random:{name}", writes=True)
        for i, tensor in enumerate(stage.exports):
            self._number_fetch(tensor, i)
        return Lowered(self.slots, self.instructions, self.cells, self.read_first, self.slot_of)

    # --- one operation ---

    def _emit(self, op: Operation, position: int) -> None:
        if op.type == "VariableV2":
            if op.outputs[0] in self.last_use or op.outputs[0] in self.fetched:
                self._read(op, op.outputs[0])
            return
        if op.type == "ReadVariable" and op not in self.program.starts:
            self._read(op.inputs[0].op, op.outputs[0])
            return
        if op.type == "Const" or op.definition.from_shapes is not None:
            self._define(op.outputs[0], self._constant(self.shapes.value(op.outputs[0]), op.outputs[0]))
            return
        if (not op.definition.kernel and not op.outputs) or op.type == "Placeholder":  # which is fed
            return
        context = self.shapes.context(op)
        if op.definition.control is not None:
            self._emit_control(op, op.definition.control(context), position)
            return
        context.out_dims = [self.shapes.of(x) for x in op.outputs]
        lowered = (op.definition.lower or lower_attrs)(context)
        inputs = [self.program.replace(op.inputs[i]) for i in op.kernel_inputs]
        if lowered is ALIAS:
            self._alias(inputs[0], op.outputs[0])
            return
        ints, reals = lowered
        for cell_op in [op.inputs[i].op for i in op.writes]:
            self._before_write(cell_op, op, position)
        in_slots = [self.slot_of[x] for x in inputs]
        in_slots += [self._counter(name) for name in op.counters]
        kernel = self._kernel(op, inputs)
        if self._foldable(op, in_slots) and self._fold(op, kernel, in_slots, ints, reals):
            return
        if op.writes:
            out_slots = [self._state(op.inputs[i].op) for i in op.writes]
            self._instruction(kernel, in_slots, out_slots, ints, reals, op.name, writes=True)
            variable = op.inputs[op.writes[0]].op
            self._define(op.outputs[0], out_slots[0])
            self.living_reads.setdefault(variable, []).append(op.outputs[0])
            return
        out_slots = [self._result(tensor) for tensor in op.outputs]
        self._instruction(kernel, in_slots, out_slots, ints, reals, op.name)

    def _emit_control(self, op: Operation, flow: ControlFlow, position: int) -> None:
        for variable in [op.inputs[i].op for i in op.writes]:
            self._before_write(variable, op, position)
        operands = []
        for i in flow.inputs:
            x = op.inputs[i]
            valued = i in op.value_inputs  # not an operand of its own right: the planning knows it
            operands.append(
                self._constant(self.shapes.value(x), x) if valued else self.slot_of[self.program.replace(x)]
            )
        operands += [self._counter(name) for name in op.counters]
        plans = []
        for subgraph, shapes in flow.bodies:
            (stage,) = subgraph.program.stages
            inner = _Lowering(
                subgraph.program,
                replace(stage, feeds=subgraph.arguments),
                shapes,
                self.variable_cell,
                self.counter_cell,
                self.make_plan,
                self.fold,
            )
            plans.append(self.make_plan(inner.lower(drawn=op.counters, iterated=flow.iterated)))
        outputs = [self._result(x) for x in op.outputs]
        self._instruction(flow.kind, operands, outputs, flow.ints, [], op.name, writes=bool(op.writes))
        self.instructions[-1]["plans"] = plans

    def _result(self, tensor: Tensor) -> int:
        """A slot that an instruction writes a result to."""
        fed = tensor in self.slot_of  # the result goes nowhere, what was fed stands
        kind = "fetch" if tensor in self.fetched and not fed else "arena"
        slot = self._slot(kind, tensor.dtype, self.shapes.of(tensor))
        if not fed:
            self.slot_of[tensor] = slot
        if kind == "fetch":
            self.fetch_slot[tensor] = slot
        return slot

    def _mixed(self, counter: int, iteration: int) -> int:
        """A counter for one iteration: other numbers than in any other iteration and run."""
        factor = self._slot("constant", _INT64, (), value=np.asarray(MIXING, np.int64))
        product, mixed = self._slot("arena", _INT64, ()), self._slot("arena", _INT64, ())
        self._instruction("mul.i64", [counter, factor], [product], [], [], "iteration")
        self._instruction("add.i64", [product, iteration], [mixed], [], [], "iteration")
        return mixed

    # --- variables ---

    def _read(self, variable: Operation, tensor: Tensor) -> None:
        if tensor in self.slot_of:  # it is fed
            return
        if variable not in self.written:
            self._need_initialized(variable)
        self._define(tensor, self._state(variable))
        self.living_reads.setdefault(variable, []).append(tensor)

    def _before_write(self, variable: Operation, op: Operation, position: int) -> None:
        if op.type != "Assign" and variable not in self.written:
            self._need_initialized(variable)
        own_inputs = {self.program.replace(op.inputs[i]) for i in op.kernel_inputs}
        for tensor in self.living_reads.pop(variable, []):
            if self.last_use.get(tensor, -1) > position or tensor in own_inputs:
                slot = self._slot("arena", tensor.dtype, self.shapes.of(tensor))
                self._instruction(f"copy.{tensor.dtype.code}", [self.slot_of[tensor]], [slot], [], [], tensor.op.name)
                self.slot_of[tensor] = slot
        self.written.add(variable)

    def _need_initialized(self, variable: Operation) -> None:
        index = self.slots[self._state(variable)]["index"]
        if index not in self.read_first:
            self.read_first.append(index)

    def _state(self, variable: Operation) -> int:
        if variable not in self.state_slot:
            self.cells.append(self.variable_cell(variable))
            self.state_slot[variable] = self._slot(
                "state", variable.outputs[0].dtype, variable.attrs["shape"], index=len(self.cells) - 1
            )
        return self.state_slot[variable]

    def _counter(self, name: str) -> int:
        if name not in self.state_slot:
            self.cells.append(self.counter_cell(name))
            self.state_slot[name] = self._slot("state", _INT64, (), index=len(self.cells) - 1)
        return self.state_slot[name]

    # --- slots and instructions ---

    def _slot(self, kind: str, dtype: DType, dims: Dims, **more: Any) -> int:
        self.slots.append({"kind": kind, "dtype": dtype.code, "shape": list(dims or ()), **more})
        return len(self.slots) - 1

    def _constant(self, value: np.ndarray, tensor: Tensor) -> int:
        return self._slot("constant", tensor.dtype, value.shape, value=np.ascontiguousarray(value).reshape(value.shape))

    def _instruction(
        self,
        kernel: str,
        inputs: list[int],
        outputs: list[int],
        ints: Any,
        reals: Any,
        name: str,
        *,
        writes: bool = False,
    ) -> None:
        self.instructions.append(
            {
                "kernel": kernel,
                "inputs": inputs,
                "outputs": outputs,
                "ints": [int(n) for n in ints],
                "reals": [float(n) for n in reals],
                "name": name,
                "writes": writes,
            }
        )

    def _define(self, tensor: Tensor, slot: int) -> None:
        """Gives a tensor memory that no instruction of its own fills; when it is fetched, its present value is copied out.
        A fed tensor keeps what was fed."""
        if tensor in self.slot_of:
            return
        self.slot_of[tensor] = slot
        if tensor in self.fetched:
            out = self._slot("fetch", tensor.dtype, self.shapes.of(tensor))
            self._instruction(f"copy.{tensor.dtype.code}", [slot], [out], [], [], tensor.op.name)
            self.fetch_slot[tensor] = out

    def _number_fetch(self, tensor: Tensor, index: int) -> None:
        """Makes the tensor's value the run's result `index`; when equal operations were shared it may be several results."""
        slot = self.fetch_slot[tensor]
        if "index" in self.slots[slot]:
            again = self._slot("fetch", tensor.dtype, self.shapes.of(tensor))
            self._instruction(f"copy.{tensor.dtype.code}", [slot], [again], [], [], tensor.op.name)
            slot = again
        self.slots[slot]["index"] = index

    def _alias(self, source: Tensor, tensor: Tensor) -> None:
        root = self.slot_of[source]
        self._define(tensor, self._slot("alias", tensor.dtype, self.shapes.of(tensor), of=root))
        for reads in self.living_reads.values():
            if source in reads:
                reads.append(tensor)

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

    def _foldable(self, op: Operation, in_slots: list[int]) -> bool:
        definition = op.definition
        if not self.fold or not definition.pure or op.counters or op.writes or not in_slots:
            return False
        if any(self.slots[i]["kind"] != "constant" for i in in_slots):
            return False
        return sum(count(self.shapes.of(x)) for x in op.outputs) <= _LARGEST_FOLDED

    def _fold(self, op: Operation, kernel: str, in_slots: list[int], ints: Any, reals: Any) -> bool:
        """Computes the operation now, by the same kernel as in a run and so to the same bits; False when it fails."""
        inputs = [self.slots[i]["value"] for i in in_slots]
        outputs = [np.empty(self.shapes.of(x), x.dtype.numpy) for x in op.outputs]
        numbers = [int(n) for n in ints], [float(n) for n in reals]
        try:
            if any(x.size for x in outputs):
                native.call_kernel(active_target(), kernel, inputs, outputs, *numbers)
        except native.KernelError:  # a bad value: the run says it, not the planning
            return False
        for tensor, value in zip(op.outputs, outputs, strict=True):
            self._define(tensor, self._constant(value, tensor))
        return True
