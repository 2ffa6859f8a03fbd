"""What recurrent layers share: weights, states, masks, dropout, and the loop for cells that no kernel has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import labkit as lk
from labkit.core.nest import flatten
from labkit.errors import InvalidArgumentError, ShapeError
from labkit.layers.arguments import positive, real
from labkit.layers.base import Layer, Shape
from labkit.ops.recurrent import choose, over_steps
from labkit.plugins import resolve

Product = Callable[[lk.Tensor, int, int], lk.Tensor]
"""(state, first gate, last gate + 1) -> the product of the state with the columns of these gates of the recurrent kernel."""


class Recurrent(Layer):
    """The base of layers that go along sequences [batch, steps, features] and keep a state of `units` numbers.

    With Keras's usual activations all steps are one operation (`lk.nn.lstm` and the like). With others, and in training with
    `recurrent_dropout`, they are a loop of the graph, a `Scan` in `lk.explain_plan`, many times as slow.

    Where the input has a mask, bool [batch, steps], a step that is False changes nothing: the states stay, and the output
    is that of the step before (0 at the first).
    """

    gates: ClassVar[int]
    state_count: ClassVar[int] = 1

    def __init__(
        self,
        units: int,
        activation: Any,
        *,
        use_bias: bool,
        kernel_initializer: Any,
        recurrent_initializer: Any,
        bias_initializer: Any,
        kernel_regularizer: Any,
        recurrent_regularizer: Any,
        bias_regularizer: Any,
        kernel_constraint: Any,
        recurrent_constraint: Any,
        bias_constraint: Any,
        dropout: float,
        recurrent_dropout: float,
        seed: int | None,
        return_sequences: bool,
        return_state: bool,
        go_backwards: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        kind = type(self).__name__
        self.units = positive(units, f"{kind} needs a positive whole number of units")
        self.activation = resolve("activations", "linear" if activation is None else activation)
        self.use_bias = bool(use_bias)
        self.kernel_initializer, self.recurrent_initializer = kernel_initializer, recurrent_initializer
        self.bias_initializer = bias_initializer
        self.kernel_regularizer, self.recurrent_regularizer = kernel_regularizer, recurrent_regularizer
        self.bias_regularizer = bias_regularizer
        self.kernel_constraint, self.recurrent_constraint = kernel_constraint, recurrent_constraint
        self.bias_constraint = bias_constraint
        self.dropout = real(dropout, f"{kind}'s dropout", 0, 1)
        self.recurrent_dropout = real(recurrent_dropout, f"{kind}'s recurrent_dropout", 0, 1)
        self.seed = seed
        self.return_sequences, self.return_state = bool(return_sequences), bool(return_state)
        self.go_backwards = bool(go_backwards)

    # --- what a kind of cell defines ---

    def fused(
        self, x: lk.Tensor, states: list[Any], mask: lk.Tensor | None
    ) -> tuple[lk.Tensor, Sequence[lk.Tensor]] | None:
        """The states h of all steps and the last states, as one operation; None where the activations have no kernel."""
        raise NotImplementedError

    def cell(self, x: lk.Tensor, states: Sequence[lk.Tensor], product: Product) -> list[lk.Tensor]:
        """The states after a step, h first, from its projections x W + b [batch, gates * units]."""
        raise NotImplementedError

    def bias_shape(self) -> tuple[int, ...]:
        return (self.gates * self.units,)

    def input_bias(self) -> lk.Variable | lk.Tensor | None:
        """What is added to x W."""
        return self.bias

    # --- the layer ---

    def check_input(self, input_shape: Shape) -> None:
        self.require_rank(input_shape, 3, "[batch, steps, features]")

    def build(self, input_shape: Shape) -> None:
        (features,) = self.require_known(input_shape, (-1,), "number of features, the last dimension")
        width = self.gates * self.units
        self.kernel = self.add_weight(
            "kernel",
            (features, width),
            self.kernel_initializer,
            self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.recurrent_kernel = self.add_weight(
            "recurrent_kernel",
            (self.units, width),
            self.recurrent_initializer,
            self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
        )
        self.bias: lk.Variable | None = None
        if self.use_bias:
            self.bias = self.add_weight(
                "bias",
                self.bias_shape(),
                self.first_bias(),
                self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def first_bias(self) -> Any:
        """The bias's initializer."""
        return self.bias_initializer

    def call(
        self, inputs: lk.Tensor, training: bool = False, mask: lk.Tensor | None = None, initial_state: Any = None
    ) -> Any:
        """The last output [batch, units], or with return_sequences those of all steps; with return_state the states follow.

        Args:
            inputs: [batch, steps, features].
            training: whether anything is dropped.
            mask: bool [batch, steps], True where a step counts.
            initial_state: the first states, each [batch, units]; None for zeros.
        """
        states = self._first_states(inputs, initial_state)
        if self.go_backwards:
            inputs, mask = lk.reverse(inputs, [1]), None if mask is None else lk.reverse(mask, [1])
        if training and self.dropout:
            size = lk.shape(inputs)
            inputs = lk.nn.dropout(inputs, rate=self.dropout, noise_shape=[size[0], 1, size[2]], seed=self.seed)
        found = None if training and self.recurrent_dropout else self.fused(inputs, states, mask)
        y, last = found or self._looped(inputs, states, mask, training)
        if self.return_sequences:
            output = y
        else:
            output = last[0] if mask is None else y[:, -1]  # the output of steps that do not count may not be the state
        return [output, *last] if self.return_state else output

    def compute_mask(self, inputs: Any, mask: Any) -> Any:
        if mask is None or not self.return_sequences:
            return None
        mask = lk.reverse(mask, [1]) if self.go_backwards else mask
        return [mask, *[None] * self.state_count] if self.return_state else mask

    def _first_states(self, inputs: lk.Tensor, given: Any) -> list[Any]:
        if given is None:
            return [None] * self.state_count
        states = [lk.convert_to_tensor(state) for state in flatten(given)]
        if len(states) != self.state_count:
            raise InvalidArgumentError(
                f"Layer {self.name!r} ({type(self).__name__}) has another number of states",
                rule=f"initial_state is {'one tensor' if self.state_count == 1 else 'a list [h, c]'} [batch, units]",
                received=f"{len(states)} tensor{'s' * (len(states) != 1)}",
            )
        for state in states:
            dims = state.dims
            if dims is not None and (len(dims) != 2 or dims[1] not in (None, self.units)):
                raise ShapeError(
                    f"Layer {self.name!r} ({type(self).__name__}) cannot take this initial_state",
                    rule=f"Each state is [batch, units] with {self.units} units",
                    received=f"shape {state.shape}",
                )
        return states

    def _looped(
        self, x: lk.Tensor, states: list[Any], mask: lk.Tensor | None, training: bool
    ) -> tuple[lk.Tensor, list[lk.Tensor]]:
        """All steps as a loop of the graph, for any activations."""
        batch = lk.shape(x)[0]
        projections = lk.matmul(x, self.kernel)
        bias = self.input_bias()
        if bias is not None:
            projections = lk.nn.bias_add(projections, bias)
        first = [lk.zeros([batch, self.units], x.dtype) if state is None else state for state in states]
        product = self._product(batch, training)

        def step(now: Sequence[lk.Tensor], elements: Sequence[lk.Tensor]) -> tuple[list[lk.Tensor], list[lk.Tensor]]:
            output, *before = now
            after = self.cell(elements[0], before, product)
            after = choose(elements[1] if mask is not None else None, [after[0], *after], [output, *before])
            return after, after[:1]

        last, (y,) = over_steps(
            step, [lk.zeros_like(first[0]), *first], [projections, *([] if mask is None else [mask])]
        )
        return y, last[1:]

    def _product(self, batch: lk.Tensor, training: bool) -> Product:
        """Products with the recurrent kernel; in training each gate may have dropped other units of the state, in all steps
        the same."""
        kernel = lk.convert_to_tensor(self.recurrent_kernel)
        if not (training and self.recurrent_dropout):
            return lambda h, first, last: lk.matmul(h, kernel[:, first * self.units : last * self.units])
        ones = lk.ones([batch, self.gates * self.units], self.dtype)
        kept = lk.split(lk.nn.dropout(ones, rate=self.recurrent_dropout, seed=self.seed), self.gates, axis=1)
        parts = lk.split(kernel, self.gates, axis=1)

        def product(h: lk.Tensor, first: int, last: int) -> lk.Tensor:
            found = [lk.matmul(h * kept[gate], parts[gate]) for gate in range(first, last)]
            return found[0] if len(found) == 1 else lk.concat(found, 1)

        return product

    def settings(self) -> dict[str, Any]:
        return {"units": self.units}


def is_activation(function: Any, name: str) -> bool:
    """Whether an activation is the registered one of this name."""
    return function is resolve("activations", name)
