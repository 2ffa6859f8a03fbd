"""Where the numbers of each tensor of a stage are, from one instruction to the next.

A variable is read in place; when a write comes before the last use of an earlier read, the read is copied aside first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from labkit.core.dtypes import int64
from labkit.core.operation import Operation
from labkit.core.passes.infer import Inference
from labkit.core.passes.program import Program
from labkit.core.passes.slots import Slots
from labkit.core.passes.stages import Stage
from labkit.core.tensor import Tensor


class Memory(Slots):
    """The slots of one stage, and which tensors they hold."""

    def __init__(
        self,
        program: Program,
        stage: Stage,
        shapes: Inference,
        variable_cell: Callable[[Operation], Any],
        counter_cell: Callable[[str], Any],
    ):
        super().__init__()
        self.program, self.stage, self.shapes = program, stage, shapes
        self.variable_cell, self.counter_cell = variable_cell, counter_cell
        self.read_first: list[int] = []  # cells that must hold a value before
        # Where each tensor's numbers are now. A fed tensor's are what was fed, from the first to the last instruction.
        self.slot_of: dict[Tensor, int] = {}
        self.last_use: dict[Tensor, int] = {}  # position in the sequence
        self.fetched = set(stage.exports)
        self.fetch_slot: dict[Tensor, int] = {}
        # Variables (and random counters, by name): their slots, the tensors that alias them, and which were written.
        self.state_slot: dict[Any, int] = {}
        self.living_reads: dict[Operation, list[Tensor]] = {}
        self.written: set[Operation] = set()
        # The tensors on each piece of memory that has an own slot; of a loop's body, where the new values of variables go
        # that are updated in place, and which of these need a memory of their own after all.
        self.tenants: dict[int, list[Tensor]] = {}
        self.in_place: dict[Tensor, int] = {}
        self.conflicts: set[Tensor] = set()

    def result(self, tensor: Tensor) -> int:
        """A slot that an instruction writes a result to."""
        fed = tensor in self.slot_of  # the result goes nowhere, what was fed stands
        kind = "fetch" if tensor in self.fetched and not fed else "arena"
        slot = self.slot(kind, tensor.dtype, self.shapes.of(tensor))
        if not fed:
            self.place(tensor, slot)
        if kind == "fetch":
            self.fetch_slot[tensor] = slot
        return slot

    def place(self, tensor: Tensor, slot: int) -> None:
        """The tensor's numbers are in this slot from now on."""
        self.slot_of[tensor] = slot
        self.tenants.setdefault(self.root(slot), []).append(tensor)

    def define(self, tensor: Tensor, slot: int) -> None:
        """Gives a tensor memory that no instruction of its own fills; when it is fetched, its present value is copied out.
        A fed tensor keeps what was fed."""
        if tensor in self.slot_of:
            return
        self.place(tensor, slot)
        if tensor in self.fetched:
            out = self.slot("fetch", tensor.dtype, self.shapes.of(tensor))
            self.instruction(f"copy.{tensor.dtype.code}", [slot], [out], [], [], tensor.op.name)
            self.fetch_slot[tensor] = out

    def alias(self, source: Tensor, tensor: Tensor) -> None:
        """Gives a tensor the memory of another one, under its own shape; fetched under the same one it needs no copy."""
        root = self.slot_of[source]
        held = self.slots[root]
        fetched = tensor in self.fetched and tensor not in self.slot_of and tensor not in self.in_place
        if fetched and held["kind"] == "arena" and tuple(held["shape"]) == tuple(self.shapes.of(tensor)):
            held["kind"] = "fetch"
            self.fetch_slot[tensor] = root
            self.place(tensor, root)
            return
        self.define(tensor, self.slot("alias", tensor.dtype, self.shapes.of(tensor), of=root))
        for reads in self.living_reads.values():
            if source in reads:
                reads.append(tensor)

    def number_fetch(self, tensor: Tensor, index: int) -> None:
        """Makes the tensor's value the run's result `index`; when equal operations were shared it may be several results."""
        slot = self.fetch_slot[tensor]
        if "index" in self.slots[slot]:
            again = self.slot("fetch", tensor.dtype, self.shapes.of(tensor))
            self.instruction(f"copy.{tensor.dtype.code}", [slot], [again], [], [], tensor.op.name)
            slot = again
        self.slots[slot]["index"] = index

    # --- updates in place ---

    def updated(self, op: Operation, inputs: Sequence[Tensor], position: int) -> int | None:
        """The slot of the first input where nothing needs it any more, so that the operation can update it in place."""
        x, result = inputs[0], op.outputs[0]
        slot = self.slot_of[x]
        root = self.root(slot)
        free = result not in self.slot_of and all(self.root(self.slot_of[y]) != root for y in inputs[1:])
        kind = self.slots[slot]["kind"]
        for tenant in self.tenants.get(root, ()):
            handed_out = tenant in self.fetched and kind != "feed"  # what is fed was copied out at once
            free = free and self.last_use.get(tenant, -1) <= position and not handed_out
        if result in self.in_place:
            if free:
                return self.in_place[result]
            self.conflicts.add(result)
        return slot if free and kind == "arena" and result not in self.fetched else None

    # --- variables and random counters ---

    def read(self, variable: Operation, tensor: Tensor) -> None:
        """Gives a tensor the present value of a variable, where it lies."""
        if tensor in self.slot_of:  # it is fed
            return
        if variable not in self.written:
            self._need_initialized(variable)
        self.define(tensor, self.state(variable))
        self.living_reads.setdefault(variable, []).append(tensor)

    def before_write(self, variable: Operation, op: Operation, position: int, *, certain: bool = True) -> None:
        """Copies aside what is needed of the value before; `certain`: the variable will have a value."""
        if op.type != "Assign" and certain and variable not in self.written:
            self._need_initialized(variable)
        own_inputs = {self.program.replace(op.inputs[i]) for i in op.kernel_inputs}
        for tensor in self.living_reads.pop(variable, []):
            if self.last_use.get(tensor, -1) > position or tensor in own_inputs:
                slot = self.slot("arena", tensor.dtype, self.shapes.of(tensor))
                self.instruction(f"copy.{tensor.dtype.code}", [self.slot_of[tensor]], [slot], [], [], tensor.op.name)
                self.place(tensor, slot)
        if certain:
            self.written.add(variable)

    def _need_initialized(self, variable: Operation) -> None:
        index = self.slots[self.state(variable)]["index"]
        if index not in self.read_first:
            self.read_first.append(index)

    def state(self, variable: Operation) -> int:
        """The slot of a variable."""
        if variable not in self.state_slot:
            index = self.cell_number(self.variable_cell(variable))
            self.state_slot[variable] = self.slot(
                "state", variable.outputs[0].dtype, variable.attrs["shape"], index=index
            )
        return self.state_slot[variable]

    def counter(self, name: str) -> int:
        """The slot of a random counter."""
        if name not in self.state_slot:
            self.state_slot[name] = self.slot("state", int64, (), index=self.cell_number(self.counter_cell(name)))
        return self.state_slot[name]
