"""DepthwiseConv2D: each channel of images by filters of its own."""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.layers.arguments import positive
from labkit.layers.conv import Convolution


class DepthwiseConv2D(Convolution):
    """A cross-correlation of each channel of images with filters of its own; channels do not mix.

    x: [batch, height, width, channels], kernel: [kh, kw, channels, depth_multiplier], bias: [channels * depth_multiplier],
    y: [batch, new height, new width, channels * depth_multiplier], the results of channel c at c * depth_multiplier and
    after. Sizes as for `Convolution`. (Chollet, Xception: deep learning with depthwise separable convolutions, 2017.)

    Args:
        kernel_size, strides, padding, activation, use_bias, bias_initializer, bias_regularizer, activity_regularizer,
            bias_constraint, dilation_rate: as for `Convolution`.
        depth_multiplier: how many filters each channel has.
        depthwise_initializer, depthwise_regularizer, depthwise_constraint: of the kernel, as for `Layer.add_weight`.

    Raises:
        ShapeError, InvalidArgumentError: as for `Convolution`.
    """

    spatial, grouped = 2, False

    def __init__(
        self,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        dilation_rate: Any = 1,
        **kwargs: Any,
    ) -> None:
        self.depth_multiplier = positive(depth_multiplier, "DepthwiseConv2D needs a positive whole depth_multiplier")
        self.depthwise_initializer, self.depthwise_regularizer = depthwise_initializer, depthwise_regularizer
        self.depthwise_constraint = depthwise_constraint
        super().__init__(
            self.depth_multiplier,
            kernel_size,
            strides,
            padding,
            activation,
            use_bias,
            kernel_initializer=depthwise_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=depthwise_regularizer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            kernel_constraint=depthwise_constraint,
            bias_constraint=bias_constraint,
            dilation_rate=dilation_rate,
            **kwargs,
        )

    def kernel_shape(self, channels: int) -> tuple[int, ...]:
        return (*self.kernel_size, channels, self.depth_multiplier)

    def outputs(self, channels: int) -> int:
        return channels * self.depth_multiplier

    def convolve(self, inputs: lk.Tensor) -> lk.Tensor:
        padding, dilations = self.padding.upper(), self.dilation_rate
        return lk.nn.depthwise_conv2d(inputs, self.kernel, self.strides, padding, dilations)

    def settings(self) -> dict[str, Any]:
        return {"kernel_size": self.kernel_size, "depth_multiplier": self.depth_multiplier}
