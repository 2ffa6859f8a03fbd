"""LSTM: long short-term memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import labkit as lk
from labkit.layers.recurrent import Product, Recurrent, is_activation
from labkit.plugins import resolve


class LSTM(Recurrent):
    """Long short-term memory: beside its output h it keeps a memory c, which gates let in, keep and let out.

    With z = x kernel + bias + h recurrent_kernel, in four parts i, f, g, o:
    i, f, o = recurrent_activation(z), g = activation(z), c' = f c + i g, h' = o activation(c').
    (Hochreiter and Schmidhuber, Long short-term memory, 1997; with the forget gate of Gers, Schmidhuber and Cummins,
    Learning to forget, 2000.)

    x: [batch, steps, n], kernel: [n, 4 units], recurrent_kernel: [units, 4 units], bias: [4 units]; the output is
    [batch, units], that of the last step, or [batch, steps, units].

    Args:
        units: the size of h and c.
        activation, recurrent_activation: functions Tensor -> Tensor, or registered names. With other than tanh and sigmoid
            the steps are a loop of the graph, many times as slow.
        use_bias: whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: as for `Layer.add_weight`.
        unit_forget_bias: whether the bias of the forget gate begins with 1 (Jozefowicz et al., An empirical exploration of
            recurrent network architectures, 2015).
        kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint,
            bias_constraint: likewise; None for none.
        activity_regularizer: of the output, as for `Layer`.
        dropout: the probability that a feature of x is dropped, in all steps of an example, while training.
        recurrent_dropout: the same for the units of h on their way to each gate; makes training a loop of the graph.
        seed: fixes what is dropped; None derives it from the layer's name.
        return_sequences: whether the output is that of all steps.
        return_state: whether the last h and c follow the output: [output, h, c].
        go_backwards: whether it begins with the last step; outputs are then in the order in which they are made.

    Raises:
        InvalidArgumentError: units is no positive whole number, or a probability is out of its range; when called,
            initial_state is not a list [h, c].
        ShapeError: when called, the input does not have three dimensions, or its last one is not known.
    """

    gates = 4
    state_count = 2

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
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
        self.recurrent_activation = resolve("activations", recurrent_activation or "linear")
        self.unit_forget_bias = bool(unit_forget_bias)

    def first_bias(self) -> Any:
        if not self.unit_forget_bias:
            return self.bias_initializer
        draw = resolve("initializers", self.bias_initializer)

        def with_forget_bias(shape: Any, dtype: Any) -> lk.Tensor:
            n = self.units
            return lk.concat([draw((n,), dtype), lk.ones((n,), dtype), draw((2 * n,), dtype)], 0)

        return with_forget_bias

    def fused(
        self, x: lk.Tensor, states: list[Any], mask: lk.Tensor | None
    ) -> tuple[lk.Tensor, Sequence[lk.Tensor]] | None:
        usual = is_activation(self.activation, "tanh") and is_activation(self.recurrent_activation, "sigmoid")
        return lk.nn.lstm(x, self.kernel, self.recurrent_kernel, self.bias, states, mask) if usual else None

    def cell(self, x: lk.Tensor, states: Sequence[lk.Tensor], product: Product) -> list[lk.Tensor]:
        h, c = states
        z_i, z_f, z_g, z_o = lk.split(x + product(h, 0, 4), 4, axis=-1)
        i, f, o = (self.recurrent_activation(z) for z in (z_i, z_f, z_o))
        c = f * c + i * self.activation(z_g)
        return [o * self.activation(c), c]
