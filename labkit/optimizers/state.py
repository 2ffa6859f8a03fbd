"""What an optimizer keeps: for each variable its slots, for each graph the numbers that all variables share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import labkit as lk
from labkit.optimizers.rate import LearningRate


@dataclass(frozen=True)
class Slot:
    """State that an optimizer keeps for each variable.

    Attributes:
        suffix: it is named `<variable>/<suffix>`, made unique with _1, _2 ..., under the variable scope in which the step is
            built; where the optimizer was given a name of its own, that takes the place of the suffix.
        initial: the value that all its numbers start from.
    """

    suffix: str
    initial: float = 0.0


class OptimizerState(LearningRate):
    """The variables that an optimizer keeps, each made when it is first needed.

    Attributes:
        slots: for each keyword argument of `update` that is a variable's own state, its `Slot`.
        shared: for each keyword argument that is state of all variables together, the number it starts from.
        name: takes the place of the slots' suffixes, where one was given.
    """

    slots: Mapping[str, Slot] = {}
    shared: Mapping[str, float] = {}

    def __init__(self, name: str | None, learning_rate: Any) -> None:
        super().__init__(learning_rate)
        self.name = name
        self._slots: dict[tuple[lk.Variable, str], lk.Variable] = {}
        self._shared: dict[tuple[lk.Graph, str], lk.Variable] = {}

    def get_slot(self, variable: lk.Variable, key: str) -> lk.Variable | None:
        """A variable's state under its key in `slots`; None before `apply_gradients`."""
        return self._slots.get((variable, key))

    def get_slot_names(self) -> list[str]:
        """The keys of `slots` of which state was made, in alphabetical order."""
        return sorted({key for _, key in self._slots})

    def variables(self) -> list[lk.Variable]:
        """All state that was made so far, by name: slots, shared numbers, the learning rate in models, the number of steps
        where a schedule needs it."""
        made = [*self._slots.values(), *self._shared.values(), *self._rates.values(), *self._iterations.values()]
        return sorted(made, key=lambda variable: variable.name)

    def named_variables(self, named: Mapping[str, lk.Variable]) -> dict[str, lk.Variable]:
        """The state that was made for these variables, under names that do not depend on the graph's.

        Args:
            named: path -> variable that the optimizer changes.

        Returns:
            "slot/<key>/<path>", "shared/<key>" and "iterations" -> variable.
        """
        graphs = {variable.graph for variable in named.values()}
        slots = {
            f"slot/{key}/{path}": self._slots[variable, key]
            for path, variable in named.items()
            for key in self.slots
            if (variable, key) in self._slots
        }
        shared = {f"shared/{key}": variable for (graph, key), variable in self._shared.items() if graph in graphs}
        steps = [variable for graph, variable in self._iterations.items() if graph in graphs]
        return {**slots, **shared, **({"iterations": steps[0]} if steps else {})}

    def _make_slots(self, variable: lk.Variable) -> dict[str, lk.Variable]:
        for key, slot in self.slots.items():
            if (variable, key) not in self._slots:
                with lk.name_scope(None):  # named after the variable, wherever the optimizer is used
                    self._slots[variable, key] = lk.Variable(
                        lambda slot=slot: lk.fill(variable.shape, lk.constant(slot.initial, variable.dtype)),
                        trainable=False,
                        name=lk.get_variable_scope().full_name(f"{variable.op.name}/{self.name or slot.suffix}"),
                    )
        return {key: self._slots[variable, key] for key in self.slots}

    def _make_shared(self, graph: lk.Graph, variables: list[lk.Variable]) -> dict[str, lk.Variable]:
        dtype = lk.float64 if any(variable.dtype is lk.float64 for variable in variables) else lk.float32
        for key, initial in self.shared.items():
            if (graph, key) not in self._shared:
                self._shared[graph, key] = lk.Variable(initial, trainable=False, name=key, dtype=dtype)
        return {key: self._shared[graph, key] for key in self.shared}
