"""Optimizer: the contract of what changes weights along their gradients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Unpack

import labkit as lk
from labkit.errors import DTypeError, GraphError, InvalidArgumentError
from labkit.optimizers.clipping import Clipping, check_clipping, clip, spelled_out
from labkit.optimizers.state import OptimizerState
from labkit.plugins import show


class Optimizer(OptimizerState):
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
    numbers. It keeps each constructor argument in an attribute of the same name, and takes `**clipping` to hand it on.
    Settings named in `numbers` may be scalar tensors; `update` reads them with `self.number`. A complete one:

        class SignSGD(lk.optimizers.Optimizer):
            def update(self, variable, gradient, learning_rate):
                return variable.assign_sub(learning_rate * lk.sign(gradient))

    Args:
        learning_rate: a finite number, a scalar float tensor (a placeholder, a function of a global step), or a schedule:
            a function of the step, or a registered name or mapping of one (`lk.schedules`). A schedule follows the
            optimizer's own `iterations`, a variable that counts its steps from 0 and exists for schedules only.
        name: of the operation that minimize makes, and of the slots; default: the class's name.
        clipvalue, clipnorm, global_clipnorm: at most one of them, above 0: `apply_gradients` keeps each number of a
            gradient from -clipvalue to clipvalue, or scales each gradient down to the Euclidean norm clipnorm, or all
            gradients together to global_clipnorm. Every optimizer takes these as keywords.

    Attributes:
        learning_rate: the number, tensor or schedule. In a model a number can be set between steps, and is saved with the
            model's state: `model.optimizer.learning_rate = 0.001`.
        slots: for each keyword argument of `update` that is a variable's own state, its `Slot`.
        shared: for each keyword argument that is state of all variables together, the number it starts from.
        numbers: attributes that are settings of one number, and what their operations are called.

    Raises:
        InvalidArgumentError: a setting is not allowed.
    """

    numbers: Mapping[str, str] = {}

    clipvalue: Any = None
    clipnorm: Any = None
    global_clipnorm: Any = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        # what a constructor hands on as **clipping are settings by name, for specs, files and help
        cls.__signature__ = spelled_out(cls.__init__)  # type: ignore[attr-defined]

    def __init__(self, learning_rate: Any = 0.01, name: str | None = None, **clipping: Unpack[Clipping]) -> None:
        super().__init__(name, learning_rate)
        for key, value in check_clipping(self, Optimizer, clipping).items():
            setattr(self, key, value)
        self._numbers: dict[tuple[str, lk.DType], lk.Tensor] = {}

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

        The default makes the gradient a tensor, and so gives what `update` gives. An optimizer can define it to change
        these rows, and their rows of the slots, only. Arguments as in `update`.
        """
        return self.update(variable, gradient.as_tensor(), learning_rate, *args, **state)

    def advance(self, *args: Any, **shared: Any) -> Sequence[lk.Tensor]:
        """Builds the writes that take the shared numbers, given as variables, to the next step."""
        return ()

    def minimize(
        self,
        loss: Any,
        global_step: lk.Variable | None = None,
        var_list: Any = None,
        name: str | None = None,
        grad_loss: Any = None,
    ) -> lk.Operation:
        """An operation that takes one step towards a smaller loss; running it gives None.

        Args:
            loss: a float tensor; if it is no scalar, the sum of its numbers is made smaller.
            global_step: an integer variable that each step increases by 1, after everything else.
            var_list: the variables to change; default: all trainable ones of the loss's graph.
            name: of the operation; default: the optimizer's name.
            grad_loss: of the loss's shape: what the gradient starts from; default: ones.

        Raises:
            GraphError: no variable is there, or the loss has no gradient with respect to any of them.
        """
        pairs = self.compute_gradients(loss, var_list, grad_loss=grad_loss)
        if all(gradient is None for gradient, _ in pairs):
            variables = ", ".join(repr(variable.name) for _, variable in pairs)
            raise GraphError(
                "No gradients provided for any variable, check your graph for ops that do not support gradients, between "
                f"variables [{variables}] and loss {lk.convert_to_tensor(loss)}",
                rule=f"{type(self).__name__} needs a differentiable path from at least one variable to the loss",
                fix="Check that the loss is computed from them, and not through argmax, equal, cast to an integer or "
                "stop_gradient.",
            )
        return self.apply_gradients(pairs, global_step, name)

    def compute_gradients(
        self, loss: Any, var_list: Any = None, grad_loss: Any = None
    ) -> list[tuple[lk.Tensor | lk.IndexedSlices | None, lk.Variable]]:
        """The gradient of the loss for each variable, None where no path leads to it. Arguments as in `minimize`."""
        target = lk.convert_to_tensor(loss)
        if not target.dtype.is_floating:
            raise DTypeError(
                f"{type(self).__name__} cannot minimize {target.name}",
                rule="A loss is float32 or float64",
                received=target.dtype.name,
            )
        with target.graph.as_default():
            variables = lk.trainable_variables() if var_list is None else _variables(var_list)
            if not variables:
                raise GraphError(
                    "No variables to optimize",
                    rule=f"{type(self).__name__} changes the trainable variables, or those in var_list",
                    received=f"a graph of {len(target.graph.operations)} operations"
                    if var_list is None
                    else repr(var_list),
                )
            start = None if grad_loss is None else [grad_loss]
            return list(zip(lk.gradients(target, variables, start), variables, strict=True))

    def apply_gradients(
        self, grads_and_vars: Iterable[tuple[Any, lk.Variable]], global_step: lk.Variable | None = None,
        name: str | None = None,
    ) -> lk.Operation:  # fmt: skip
        """An operation that changes each variable by its gradient, clipped where the optimizer says so, once per run;
        outside of branches and loops it is added to the collection TRAIN_OP.

        Args:
            grads_and_vars: (gradient, variable) pairs, as `compute_gradients` gives them; a variable whose gradient is
                None keeps its value.
            global_step, name: as in `minimize`.

        Raises:
            GraphError: there is no gradient at all, or a variable comes twice.
            ShapeError, DTypeError: a gradient does not fit its variable.
        """
        given = list(grads_and_vars)
        pairs = [(gradient, variable) for gradient, variable in given if gradient is not None]
        variables = _variables(variable for _, variable in pairs)
        if not variables:
            names = ", ".join(repr(variable.name) for _, variable in given)
            raise GraphError(
                f"No gradients provided for any variable: [{names}]" if given else "No variables provided",
                rule=f"{type(self).__name__} needs at least one gradient that is not None",
            )
        if len(set(variables)) < len(variables):
            twice = next(v.name for i, v in enumerate(variables) if v in variables[:i])
            raise GraphError(
                f"{type(self).__name__} got two gradients for variable {twice!r}",
                rule="Each variable comes once",
                fix="Add the gradients first.",
            )
        graph, name = variables[0].graph, name or self.get_name()
        with graph.as_default():
            shared = self._make_shared(graph, variables)
            slots = [self._make_slots(variable) for variable in variables]
            kept = self._make_rate(graph)
        current = lk.get_default_graph()  # in a branch or a loop's body the update belongs there
        home = current if current.is_inside(graph) else graph
        with home.as_default(), home.name_scope(name) as scope:  # the last operation gets the scope's own name
            self._make_numbers(variables, self._rate_from(kept, home))
            gradients = clip(self, [_checked(gradient, variable) for gradient, variable in pairs])
            writes = [
                self._update(variable, gradient, own, shared)
                for variable, gradient, own in zip(variables, gradients, slots, strict=True)
            ]
            writes += self.advance(**shared)
            if kept is not None and callable(self._rate):
                writes.append(kept.assign_add(1))
            if global_step is None:
                train = lk.group(*writes, name=scope)
            else:
                with home.control_dependencies([lk.group(*writes, name="update")]):
                    one = lk.constant(1, global_step.dtype, name="value")
                    train = global_step.assign_add(one, name=scope).op
        if home is graph:
            graph.add_to_collection(lk.GraphKeys.TRAIN_OP, train)
        return train

    def number(self, key: str, dtype: lk.DType) -> lk.Tensor:
        """The setting of that name in `numbers`, or the learning rate, as a scalar; for use in `update`."""
        return self._numbers[key, dtype]

    def _make_numbers(self, variables: Sequence[lk.Variable], rate: Any) -> None:
        """One constant for all variables of a dtype; a tensor is cast where a variable needs it."""
        given = {"learning_rate": (rate, "learning_rate")}
        given |= {key: (getattr(self, key), called) for key, called in self.numbers.items()}
        self._numbers = {}
        for dtype in dict.fromkeys(variable.dtype for variable in variables):
            for key, (value, called) in given.items():
                symbolic = isinstance(value, lk.Tensor | lk.Variable)
                self._numbers[key, dtype] = (
                    lk.cast(value, dtype) if symbolic else lk.constant(value, dtype, name=called)
                )

    def _update(self, variable: lk.Variable, gradient: Any, slots: Any, shared: Any) -> lk.Tensor:
        with lk.name_scope("update_" + variable.op.name):
            powers = {key: lk.cast(value, variable.dtype) for key, value in shared.items()}
            step = self.update_rows if isinstance(gradient, lk.IndexedSlices) else self.update
            written = step(variable, gradient, self.number("learning_rate", variable.dtype), **slots, **powers)
            if variable.constraint is None:
                return written
            with lk.control_dependencies([written]):
                return variable.assign(variable.constraint(variable))

    def get_name(self) -> str:
        return self.name or type(self).__name__

    def __repr__(self) -> str:
        return show(self)


def _checked(gradient: Any, variable: lk.Variable) -> lk.Tensor | lk.IndexedSlices:
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
    return given


def _variables(values: Iterable[Any]) -> list[lk.Variable]:
    found = [values] if isinstance(values, lk.Variable) else list(values)
    for value in found:
        if not isinstance(value, lk.Variable):
            raise InvalidArgumentError("An optimizer changes variables", received=repr(value))
    return found
