"""MaxPool2D: the maximum of each window."""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.layers.base import Layer, Shape, pair
from labkit.layers.conv import checked_padding


class MaxPool2D(Layer):
    """The maximum over windows of height and width, channel by channel.

    x: [batch, height, width, channels]; the output's height and width follow Conv2D's rules. Padding never wins.

    Args:
        pool_size: the window, one int or (height, width).
        strides: likewise; None means pool_size: windows side by side.
        padding: "valid" or "same".
    """

    def __init__(self, pool_size: Any = (2, 2), strides: Any = None, padding: str = "valid", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pool_size = pair(pool_size, "pool_size")
        self.strides = self.pool_size if strides is None else pair(strides, "strides")
        self.padding = checked_padding(padding, "MaxPool2D")

    def build(self, input_shape: Shape) -> None:
        self.require_rank(input_shape, 4, "[batch, height, width, channels]")

    def call(self, inputs: lk.Tensor, training: bool = False) -> lk.Tensor:
        return lk.nn.max_pool(inputs, self.pool_size, strides=self.strides, padding=self.padding.upper())

    def settings(self) -> dict[str, Any]:
        return {"pool_size": self.pool_size}
