"""Moving averages of variables: often better weights than the last ones (Polyak and Juditsky 1992)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import labkit as lk
from labkit.core.collections import GraphKeys
from labkit.errors import DTypeError, InvalidArgumentError
from labkit.plugins import show


class ExponentialMovingAverage:
    """Keeps a shadow of variables, which follows them slowly:

        shadow -= (1 - decay) (shadow - variable)

    Args:
        decay: from 0 to 1, or a scalar tensor; close to 1 for long averages.
        num_updates: None, or a count of the steps, such as the global step: the decay is then min(decay, (1 + num_updates) /
            (10 + num_updates)), so that averages move faster at first.
        zero_debias: whether averages of tensors, which start at 0, are corrected for it (Kingma and Ba 2015, section 3).
        name: of the operations, and behind the variables' names: a shadow is named `<variable>/<name>`.
    """

    def __init__(
        self, decay: Any, num_updates: Any = None, zero_debias: bool = False, name: str = "ExponentialMovingAverage"
    ) -> None:
        if not isinstance(decay, lk.Tensor | lk.Variable) and not 0 <= float(decay) <= 1:
            raise InvalidArgumentError(
                "A moving average has no such decay", rule="It is from 0 to 1", received=f"{decay}"
            )
        self.decay, self.num_updates, self.zero_debias, self.name = decay, num_updates, bool(zero_debias), name
        self._averages: dict[lk.Variable | lk.Tensor, lk.Variable] = {}

    def apply(self, var_list: Iterable[Any] | None = None) -> lk.Operation:
        """Makes the shadows, and an operation that takes them one step towards the variables. Build it under
        `lk.control_dependencies([train_step])`, so that it reads the variables after their update.

        A variable's shadow starts at its initial value, a tensor's at 0. Shadows are variables that are not trainable; what
        has one is put into the collection "moving_average_variables".

        Args:
            var_list: float variables or tensors; default: all trainable variables.

        Raises:
            DTypeError: one is no float.
        """
        values = list(lk.trainable_variables() if var_list is None else var_list)
        for value in values:
            if not value.dtype.is_floating:
                raise DTypeError("A moving average is of floats", received=f"{value.name} of {value.dtype.name}")
            self._make(value)
        graph = lk.get_default_graph()
        with graph.name_scope(self.name) as scope:
            dtype = lk.float64 if any(value.dtype is lk.float64 for value in values) else lk.float32
            symbolic = isinstance(self.decay, lk.Tensor | lk.Variable)
            decay = lk.cast(self.decay, dtype) if symbolic else lk.constant(self.decay, dtype, name="decay")
            if self.num_updates is not None:
                count = lk.cast(self.num_updates, decay.dtype)
                decay = lk.minimum(decay, (1.0 + count) / (10.0 + count))
            updates = []
            for value in values:
                debias = self.zero_debias and not isinstance(value, lk.Variable)
                updates.append(assign_moving_average(self._averages[value], value, decay, debias))
            return lk.group(*updates, name=scope)

    def _make(self, value: lk.Variable | lk.Tensor) -> None:
        if value in self._averages:
            return
        variable = isinstance(value, lk.Variable)
        with value.graph.as_default(), lk.name_scope(None):
            self._averages[value] = lk.Variable(
                value.initial_value if isinstance(value, lk.Variable) else lambda: lk.zeros(value.shape, value.dtype),
                trainable=False,
                name=lk.get_variable_scope().full_name(f"{value.op.name}/{self.name}"),
            )
        if variable and value not in value.graph.get_collection(GraphKeys.MOVING_AVERAGE_VARIABLES):
            value.graph.add_to_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, value)

    def average(self, var: lk.Variable | lk.Tensor) -> lk.Variable | None:
        """The shadow of `var`; None before `apply`."""
        return self._averages.get(var)

    def average_name(self, var: lk.Variable | lk.Tensor) -> str:
        """The name of the shadow of `var`, or the name that it would get."""
        made = self._averages.get(var)
        if made is not None:
            return made.op.name
        with var.graph.name_scope(None):
            full = lk.get_variable_scope().full_name(f"{var.op.name}/{self.name}")
            return var.graph.unique_name(full, mark_as_used=False)

    def variables_to_restore(self, moving_avg_variables: Iterable[lk.Variable] | None = None) -> dict[str, lk.Variable]:
        """Names in a checkpoint and the variables they are loaded into, so that variables take their averages' values.

        Args:
            moving_avg_variables: those that do; default: trainable ones, and those in "moving_average_variables". All
                other variables keep their own name.
        """
        if moving_avg_variables is None:
            graph = lk.get_default_graph()
            moving_avg_variables = [
                *lk.trainable_variables(),
                *graph.get_collection(GraphKeys.MOVING_AVERAGE_VARIABLES),
            ]
        names = {self.average_name(variable): variable for variable in moving_avg_variables}
        averaged = set(names.values())
        for variable in lk.global_variables():
            if variable not in averaged:
                names.setdefault(variable.op.name, variable)
        return names

    def __repr__(self) -> str:
        return show(self)


def assign_moving_average(
    variable: lk.Variable, value: Any, decay: Any, zero_debias: bool = False, name: str | None = None
) -> lk.Tensor:
    """Builds variable -= (1 - decay) (variable - value); the result is the new value.

    Args:
        value: of the variable's shape and dtype.
        decay: a number or a scalar tensor.
        zero_debias: the variable, which starts at 0, becomes biased / (1 - decay^steps), where `biased` is the average above
            and `steps` counts the updates. Both are kept in variables `<variable>/biased` and `<variable>/local_step`.
    """
    with lk.name_scope(name or "AssignMovingAvg") as scope:
        rate = 1.0 - lk.cast(decay, variable.dtype)
        if not zero_debias:
            return variable.assign_sub((variable - value) * rate, name=scope)
        with variable.graph.name_scope(None):
            biased, steps = (
                lk.Variable(
                    lambda dims=dims: lk.zeros(dims, variable.dtype),
                    trainable=False,
                    name=f"{variable.op.name}/{suffix}",
                )
                for suffix, dims in (("biased", variable.shape), ("local_step", ()))
            )
        moved = biased.assign_sub((biased - value) * rate)
        missing = lk.pow(lk.cast(decay, variable.dtype), steps.assign_add(1.0))
        return variable.assign(moved / (1.0 - missing), name=scope)
