"""SimpleRNN: a dense layer that also takes its own output of the step before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import labkit as lk
from labkit.layers.recurrent import Product, Recurrent, is_activation


class SimpleRNN(Recurrent):
    """h' = activation(x kernel + bias + h recurrent_kernel). (Elman, Finding structure in time, 1990.)

    x: [batch, steps, n], kernel: [n, units], recurrent_kernel: [units, units], bias: [units]; the output is [batch, units],
    that of the last step, or [batch, steps, units].

    Args:
        units: the size of h.
        activation: a function Tensor -> Tensor, or a registered name. With other than tanh and relu the steps are a loop of
            the graph, many times as slow.
        use_bias: whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: as for `Layer.add_weight`.
        kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint,
            bias_constraint: likewise; None for none.
        activity_regularizer: of the output, as for `Layer`.
        dropout: the probability that a feature of x is dropped, in all steps of an example, while training.
        recurrent_dropout: the same for the units of h; makes training a loop of the graph.
        seed: fixes what is dropped; None derives it from the layer's name.
        return_sequences: whether the output is that of all steps.
        return_state: whether the last h follows the output: [output, h].
        go_backwards: whether it begins with the last step; outputs are then in the order in which they are made.

    Raises:
        InvalidArgumentError: units is no positive whole number, or a probability is out of its range; when called,
            initial_state is not one tensor.
        ShapeError: when called, the input does not have three dimensions, or its last one is not known.
    """

    gates = 1

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units,
            activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            seed=seed,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            **kwargs,
        )

    def fused(
        self, x: lk.Tensor, states: list[Any], mask: lk.Tensor | None
    ) -> tuple[lk.Tensor, Sequence[lk.Tensor]] | None:
        for name in ("tanh", "relu"):
            if is_activation(self.activation, name):
                weights = self.kernel, self.recurrent_kernel, self.bias
                y, h = lk.nn.simple_rnn(x, *weights, states[0], mask, name)
                return y, [h]
        return None

    def cell(self, x: lk.Tensor, states: Sequence[lk.Tensor], product: Product) -> list[lk.Tensor]:
        return [self.activation(x + product(states[0], 0, 1))]
