"""GRU: gated recurrent units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import labkit as lk
from labkit.layers.recurrent import Product, Recurrent, is_activation
from labkit.plugins import resolve


class GRU(Recurrent):
    """Gated recurrent units: a gate z mixes the state with a candidate g, for which a gate r may forget the state.

    With p = x kernel + bias[0] and s = h recurrent_kernel + bias[1], in three parts z, r, g:
    z, r = recurrent_activation(p + s), g = activation(p_g + r s_g), h' = z h + (1 - z) g.
    (Cho et al., Learning phrase representations using RNN encoder-decoder, 2014, equations 5 to 8.)

    x: [batch, steps, n], kernel: [n, 3 units], recurrent_kernel: [units, 3 units], bias: [2, 3 units]; the output is
    [batch, units], that of the last step, or [batch, steps, units].

    Args:
        units: the size of h.
        activation, recurrent_activation: functions Tensor -> Tensor, or registered names. With other than tanh and sigmoid
            the steps are a loop of the graph, many times as slow.
        use_bias: whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: as for `Layer.add_weight`.
        kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint,
            bias_constraint: likewise; None for none.
        activity_regularizer: of the output, as for `Layer`.
        dropout: the probability that a feature of x is dropped, in all steps of an example, while training.
        recurrent_dropout: the same for the units of h on their way to each gate; makes training a loop of the graph.
        seed: fixes what is dropped; None derives it from the layer's name.
        return_sequences: whether the output is that of all steps.
        return_state: whether the last h follows the output: [output, h].
        go_backwards: whether it begins with the last step; outputs are then in the order in which they are made.
        reset_after: whether r is applied after the product, as above. Else, as the paper has it, g is
            activation(p_g + (r h) recurrent_kernel_g), and the bias is [3 units], added to p alone.

    Raises:
        InvalidArgumentError: units is no positive whole number, or a probability is out of its range; when called,
            initial_state is not one tensor.
        ShapeError: when called, the input does not have three dimensions, or its last one is not known.
    """

    gates = 3

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
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
        reset_after: bool = True,
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
        self.reset_after = bool(reset_after)

    def bias_shape(self) -> tuple[int, ...]:
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def input_bias(self) -> Any:
        return self.bias if self.bias is None or not self.reset_after else lk.convert_to_tensor(self.bias)[0]

    def recurrent_bias(self) -> lk.Tensor | None:
        """What is added to h recurrent_kernel."""
        return None if self.bias is None or not self.reset_after else lk.convert_to_tensor(self.bias)[1]

    def fused(
        self, x: lk.Tensor, states: list[Any], mask: lk.Tensor | None
    ) -> tuple[lk.Tensor, Sequence[lk.Tensor]] | None:
        if not (is_activation(self.activation, "tanh") and is_activation(self.recurrent_activation, "sigmoid")):
            return None
        biases = self.input_bias(), self.recurrent_bias()
        y, h = lk.nn.gru(x, self.kernel, self.recurrent_kernel, *biases, states[0], mask, self.reset_after)
        return y, [h]

    def cell(self, x: lk.Tensor, states: Sequence[lk.Tensor], product: Product) -> list[lk.Tensor]:
        (h,) = states
        x_z, x_r, x_g = lk.split(x, 3, axis=-1)
        if self.reset_after:
            s, bias = product(h, 0, 3), self.recurrent_bias()
            s_z, s_r, s_g = lk.split(s if bias is None else lk.nn.bias_add(s, bias), 3, axis=-1)
        else:
            s_z, s_r = lk.split(product(h, 0, 2), 2, axis=-1)
        z, r = self.recurrent_activation(x_z + s_z), self.recurrent_activation(x_r + s_r)
        g = self.activation(x_g + (r * s_g if self.reset_after else product(r * h, 2, 3)))
        return [z * h + (1.0 - z) * g]
