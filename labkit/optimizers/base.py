"""Optimizer: the contract of what changes weights along their gradients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import labkit as lk
from labkit.errors import DTypeError, GraphError, InvalidArgumentError
from labkit.plugins import show


@dataclass(frozen=True)
class Slot:
    """State that an optimizer keeps for each variable.

    Attributes:
        suffix: it is named `<variable>/<suffix>`, made unique with _1, _2 ...
        initial: the value that all its numbers start from.
    """

    suffix: str
    initial: float = 0.0


class Optimizer:
    """Adds operations to a graph that take one step each time they run.

    The life of one optimizer:
      1. It is made: `__init__` keeps the settings and touches no graph.
      2. `minimize(loss)` builds the gradients of the loss (`compute_gradients`) and the operation that uses them
         (`apply_gradients`); a program may call the two itself and change the gradients in between.
      3. `apply_gradients` makes the state: for each variable its slots, and once in each graph the shared numbers.
         They are variables that are not trainable; they need initialization, so the program's init operation comes
         after it, and they are saved like other variables. A second call for the same variable uses the same state.
      4. It calls `update` (for a gradient that has the form of rows `update_rows`) once for each variable, and `advance`
         once.
      5. From then on the graph does the work. In each run all reads see the state as it was when the run began, so
         every variable is updated from the same gradients and the same shared numbers; then all writes happen, or none.

    A subclass names its state in `slots` and `shared`, and defines `update`; `advance` too when it has shared
    numbers. It keeps each constructor argument in an attribute of the same name. A complete one:

        class SignSGD(lk.optimizers.Optimizer):
            def update(self, variable, gradient, learning_rate):
                return variable.assign_sub(learning_rate * lk.sign(gradient))

    Args:
        learning_rate: a finite number or a scalar float tensor (a placeholder, a function of the step).
        name: of the operation that minimize makes; default: the class's name.

    Attributes:
        slots: for each keyword argument of `update` that is a variable's own state, its `Slot`.
        shared: for each keyword argument that is state of all variables together, the number it starts from.

    Raises:
        InvalidArgumentError: a setting is not allowed.
    """

    slots: Mapping[str, Slot] = {}
    shared: Mapping[str, float] = {}

    def __init__(self, learning_rate: Any = 0.01, name: str | None = None) -> None:
        symbolic = isinstance(learning_rate, lk.Tensor | lk.Variable)
        self.learning_rate = learning_rate if symbolic else check_number(self, "learning_rate", learning_rate)
        self.name = name
        self._slots: dict[tuple[lk.Variable, str], lk.Variable] = {}
        self._shared: dict[tuple[lk.Graph, str], lk.Variable] = {}

    def update(
        self, variable: lk.Variable, gradient: lk.Tensor, learning_rate: lk.Tensor, *args: Any, **state: Any
    ) -> lk.Tensor:  # *args, never given, lets type checkers accept an override that names its state
        """Builds one variable's step.

        Args:
            variable: what to change.
            gradient: of the loss, of the variable's shape and dtype.
            learning_rate: a scalar of the variable's dtype.
            state: the variables named in `slots`, and the numbers named in `shared` as scalars of the variable's dtype.

        Returns:
            The write, such as `variable.assign_sub(...)` gives. Writes to slots must be among its inputs, or in the
            same fused operation.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must define update(variable, gradient, learning_rate, **state)"
        )

    def update_rows(
        self, variable: lk.Variable, gradient: lk.IndexedSlices, learning_rate: lk.Tensor, *args: Any, **state: Any
    ) -> lk.Tensor:
        """Builds one variable's step from a gradient that has the form of rows, as the gradient of a lookup has.

        The default makes the gradient a tensor, and so gives what `update` gives. An optimizer whose step leaves alone what
        has a gradient of zero can define it to change the rows only (`lk.scatter_sub`). Arguments as in `update`.
        """
        return self.update(variable, gradient.as_tensor(), learning_rate, *args, **state)

    def advance(self, *args: Any, **shared: Any) -> Sequence[lk.Tensor]:
        """Builds the writes that take the shared numbers, given as variables, to the next step."""
        return ()

    def minimize(
        self, loss: Any, global_step: lk.Variable | None = None, var_list: Any = None, name: str | None = None
    ) -> lk.Operation:
        """An operation that takes one step towards a smaller loss; running it gives None.

        Args:
            loss: a float tensor; if it is no scalar, the sum of its numbers is made smaller.
            global_step: an integer variable that each step increases by 1.
            var_list: the variables to change; default: all trainable ones of the loss's graph.
            name: of the operation; default: the optimizer's name.

        Raises:
            GraphError: no variable is there, or the loss has no gradient with respect to any of them.
        """
        pairs = self.compute_gradients(loss, var_list)
        if all(gradient is None for gradient, _ in pairs):
            raise GraphError(
                f"{type(self).__name__} cannot minimize {lk.convert_to_tensor(loss).name}",
                rule="There is a differentiable path from at least one variable to the loss",
                received="variables " + ", ".join(repr(variable.name) for _, variable in pairs),
                fix="Check that the loss is computed from them, and not through argmax, equal, cast to an integer or "
                "stop_gradient.",
            )
        return self.apply_gradients(pairs, global_step, name)

    def compute_gradients(
        self, loss: Any, var_list: Any = None
    ) -> list[tuple[lk.Tensor | lk.IndexedSlices | None, lk.Variable]]:
        """The gradient of the loss for each variable, None where no path leads to it. Arguments as in `minimize`."""
        target = lk.convert_to_tensor(loss)
        with target.graph.as_default():
            variables = lk.trainable_variables() if var_list is None else _variables(var_list)
            if not variables:
                raise GraphError(
                    f"{type(self).__name__} has no variable to optimize",
                    rule="There is at least one trainable variable, or one in var_list",
                    received=f"a graph of {len(target.graph.operations)} operations"
                    if var_list is None
                    else repr(var_list),
                )
            return list(zip(lk.gradients(target, variables), variables, strict=True))

    def apply_gradients(
        self, grads_and_vars: Iterable[tuple[Any, lk.Variable]], global_step: lk.Variable | None = None,
        name: str | None = None,
    ) -> lk.Operation:  # fmt: skip
        """An operation that changes each variable by its gradient, once per run.

        Args:
            grads_and_vars: (gradient, variable) pairs, as `compute_gradients` gives them; a variable whose gradient is
                None keeps its value.
            global_step, name: as in `minimize`.

        Raises:
            GraphError: there is no gradient at all, or a variable comes twice.
            ShapeError, DTypeError: a gradient does not fit its variable.
        """
        pairs = [(gradient, variable) for gradient, variable in grads_and_vars if gradient is not None]
        variables = _variables(variable for _, variable in pairs)
        if not variables:
            raise GraphError(f"{type(self).__name__} got no gradient", rule="At least one gradient is not None")
        if len(set(variables)) < len(variables):
            twice = next(v.name for i, v in enumerate(variables) if v in variables[:i])
            raise GraphError(
                f"{type(self).__name__} got two gradients for variable {twice!r}",
                rule="Each variable comes once",
                fix="Add the gradients first.",
            )
        graph, name = variables[0].graph, name or self.name or type(self).__name__
        with graph.as_default():
            shared = self._make_shared(graph, variables)
            slots = [self._make_slots(variable) for variable in variables]
            with graph.name_scope(graph.unique_name(name, mark=False) + "/"):  # leaves the name itself to the group
                writes = [
                    self._update(variable, gradient, own, shared)
                    for (gradient, variable), own in zip(pairs, slots, strict=True)
                ]
                writes += self.advance(**shared)
                if global_step is not None:
                    writes.append(global_step.assign_add(1))
            return lk.group(*writes, name=name)

    def _update(self, variable: lk.Variable, gradient: Any, slots: Any, shared: Any) -> lk.Tensor:
        with lk.name_scope("update_" + variable.op.name.replace("/", "_")):
            rows = isinstance(gradient, lk.IndexedSlices)
            given = gradient
            if not isinstance(gradient, lk.Tensor | lk.IndexedSlices):
                given = lk.convert_to_tensor(gradient, variable.dtype)
            if given.dtype is not variable.dtype:
                raise DTypeError(
                    f"The gradient of variable {variable.name!r} has another dtype",
                    rule=f"It is {variable.dtype.name}, as the variable",
                    received=repr(given),
                    fix=f"Use lk.cast({given.op.name}, lk.{variable.dtype.name}).",
                )
            numbers = {key: lk.cast(value, variable.dtype) for key, value in shared.items()}
            rate = self.learning_rate
            if isinstance(rate, lk.Tensor | lk.Variable):
                rate = lk.cast(rate, variable.dtype)
            else:
                rate = lk.constant(rate, variable.dtype, name="learning_rate")
            step = self.update_rows if rows else self.update
            return step(variable, given, rate, **slots, **numbers)

    def _make_slots(self, variable: lk.Variable) -> dict[str, lk.Variable]:
        for key, slot in self.slots.items():
            if (variable, key) not in self._slots:
                with lk.name_scope(None):  # named after the variable, wherever the optimizer is used
                    self._slots[variable, key] = lk.Variable(
                        lambda slot=slot: lk.fill(variable.shape, lk.constant(slot.initial, variable.dtype)),
                        trainable=False,
                        name=f"{variable.op.name}/{slot.suffix}",
                    )
        return {key: self._slots[variable, key] for key in self.slots}

    def _make_shared(self, graph: lk.Graph, variables: list[lk.Variable]) -> dict[str, lk.Variable]:
        dtype = lk.float64 if any(variable.dtype is lk.float64 for variable in variables) else lk.float32
        for key, initial in self.shared.items():
            if (graph, key) not in self._shared:
                self._shared[graph, key] = lk.Variable(initial, trainable=False, name=key, dtype=dtype)
        return {key: self._shared[graph, key] for key in self.shared}

    def get_slot(self, variable: lk.Variable, key: str) -> lk.Variable | None:
        """A variable's state under its key in `slots`; None before `apply_gradients`."""
        return self._slots.get((variable, key))

    def variables(self) -> list[lk.Variable]:
        """All state that was made so far: slots, then shared numbers."""
        return [*self._slots.values(), *self._shared.values()]

    def __repr__(self) -> str:
        return show(self)


def check_number(
    owner: object, name: str, value: Any, low: float = float("-inf"), high: float = float("inf"), *, below: bool = False
) -> float:
    """`value` as a float.

    Raises:
        InvalidArgumentError: it is no finite number from `low` to `high` (`below`: not `high` itself).
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not low <= number <= high or abs(number) == float("inf") or (below and number == high):
        limits = [f"from {low:g} on"] if low > float("-inf") else []
        limits += [f"{'below' if below else 'at most'} {high:g}"] if high < float("inf") else []
        raise InvalidArgumentError(
            f"{type(owner).__name__} cannot use this {name}",
            rule=" ".join(["It is a finite number", " and ".join(limits)]).strip(),
            received=f"{name}={value!r}",
        )
    return number


def _variables(values: Iterable[Any]) -> list[lk.Variable]:
    found = [values] if isinstance(values, lk.Variable) else list(values)
    for value in found:
        if not isinstance(value, lk.Variable):
            raise InvalidArgumentError("An optimizer changes variables", received=repr(value))
    return found
