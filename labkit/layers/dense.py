"""Dense: a fully connected layer."""

from __future__ import annotations

from typing import Any

import numpy as np

import labkit as lk
from labkit.errors import InvalidArgumentError
from labkit.layers.base import Layer, Shape
from labkit.plugins import resolve


class Dense(Layer):
    """y = activation(x @ kernel + bias), over the last axis of x.

    x: [..., n], kernel: [n, units], bias: [units], y: [..., units].

    Args:
        units: the number of outputs.
        activation: a function Tensor -> Tensor, a registered name such as "relu", or None for none.
        use_bias: whether a bias is added.
        kernel_initializer, bias_initializer: as for `Layer.add_weight`.
        kernel_regularizer, bias_regularizer, kernel_constraint, bias_constraint: likewise; None for none.
        activity_regularizer: of y, as for `Layer`.
    """

    supports_masking = True

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        if isinstance(units, bool) or not isinstance(units, int | np.integer) or units < 1:
            raise InvalidArgumentError("Dense needs a positive whole number of units", received=repr(units))
        self.units, self.use_bias = int(units), use_bias
        self.activation = None if activation is None else resolve("activations", activation)
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer
        self.kernel_regularizer, self.bias_regularizer = kernel_regularizer, bias_regularizer
        self.kernel_constraint, self.bias_constraint = kernel_constraint, bias_constraint

    def build(self, input_shape: Shape) -> None:
        (inputs,) = self.require_known(input_shape, (-1,), "last dimension")
        self.kernel = self.add_weight(
            "kernel",
            (inputs, self.units),
            self.kernel_initializer,
            self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                "bias", (self.units,), self.bias_initializer, self.bias_regularizer, constraint=self.bias_constraint
            )

    def call(self, inputs: lk.Tensor, training: bool = False) -> lk.Tensor:
        shape = self.shape_of(inputs)
        rows = inputs if len(shape) == 2 else lk.reshape(inputs, [-1, shape[-1]])
        y = lk.matmul(rows, self.kernel)
        if self.use_bias:
            y = lk.nn.bias_add(y, self.bias)
        if len(shape) != 2:
            sizes = [lk.shape(inputs)[axis] if size is None else size for axis, size in enumerate(shape[:-1])]
            y = lk.reshape(y, [*sizes, self.units])
        return self.activate(y, self.activation)

    def settings(self) -> dict[str, Any]:
        return {"units": self.units}
