"""Conv2D: a convolution over height and width."""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.layers.arguments import IMAGES, checked_padding, positive, sizes
from labkit.layers.base import Layer, Shape
from labkit.plugins import resolve


class Conv2D(Layer):
    """y = activation(x * kernel + bias), a cross-correlation over height and width.

    x: [batch, height, width, channels], kernel: [kh, kw, channels, filters], bias: [filters],
    y: [batch, new height, new width, filters]. The new height is ceil(height / stride) with "same" padding and
    ceil((height - kh + 1) / stride) with "valid".

    Args:
        filters: the number of output channels.
        kernel_size, strides: one int, or (height, width).
        padding: "valid" (none) or "same" (zeros all around; an odd one goes to the bottom and right).
        activation: a function Tensor -> Tensor, a registered name such as "relu", or None for none.
        use_bias: whether a bias is added.
        kernel_initializer, bias_initializer: as for `Layer.add_weight`.
        kernel_regularizer, bias_regularizer, kernel_constraint, bias_constraint: likewise; None for none.
        activity_regularizer: of y, as for `Layer`.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: str = "valid",
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
        self.filters = positive(filters, "Conv2D needs a positive whole number of filters")
        self.use_bias = use_bias
        self.kernel_size, self.strides = sizes(kernel_size, 2, "kernel_size"), sizes(strides, 2, "strides")
        self.padding = checked_padding(padding, "Conv2D")
        self.activation = None if activation is None else resolve("activations", activation)
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer
        self.kernel_regularizer, self.bias_regularizer = kernel_regularizer, bias_regularizer
        self.kernel_constraint, self.bias_constraint = kernel_constraint, bias_constraint

    def build(self, input_shape: Shape) -> None:
        self.require_rank(input_shape, 4, IMAGES)
        (channels,) = self.require_known(input_shape, (3,), "channels")
        self.kernel = self.add_weight(
            "kernel",
            (*self.kernel_size, channels, self.filters),
            self.kernel_initializer,
            self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                "bias", (self.filters,), self.bias_initializer, self.bias_regularizer, constraint=self.bias_constraint
            )

    def call(self, inputs: lk.Tensor, training: bool = False) -> lk.Tensor:
        y = lk.nn.conv2d(inputs, self.kernel, strides=self.strides, padding=self.padding.upper())
        if self.use_bias:
            y = lk.nn.bias_add(y, self.bias)
        return self.activate(y, self.activation)

    def settings(self) -> dict[str, Any]:
        return {"filters": self.filters, "kernel_size": self.kernel_size}
