"""Layers that surround images with zeros."""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.core.shapes import show
from labkit.errors import InvalidArgumentError, ShapeError
from labkit.layers.base import Layer, Shape


class PadToSize(Layer):
    """Images padded with zeros to a given size, the image in the middle.

    x: [batch, h, w, channels] -> [batch, height, width, channels]. An odd remainder goes to the bottom and right, as
    TensorFlow's resize_image_with_crop_or_pad does.

    Args:
        height, width: the size of the result; at least that of the input.
    """

    def __init__(self, height: int, width: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.height, self.width = int(height), int(width)

    def build(self, input_shape: Shape) -> None:
        self.require_rank(input_shape, 4, "[batch, height, width, channels]")
        h, w = self.require_known(input_shape, (1, 2), "height and width")
        if h > self.height or w > self.width:
            raise ShapeError(
                f"Layer {self.name!r} (PadToSize) cannot make images smaller",
                rule=f"The input is at most {self.height} high and {self.width} wide",
                received=f"shape {show(input_shape)}",
                fix="Pad to a larger size, or crop the images first.",
            )

    def call(self, inputs: lk.Tensor, training: bool = False) -> lk.Tensor:
        h, w = self.require_known(self.shape_of(inputs), (1, 2), "height and width")
        top, left = (self.height - h) // 2, (self.width - w) // 2
        return lk.pad(inputs, [[0, 0], [top, self.height - h - top], [left, self.width - w - left], [0, 0]])

    def settings(self) -> dict[str, Any]:
        return {"height": self.height, "width": self.width}


class ZeroPadding2D(Layer):
    """Rows and columns of zeros around images.

    x: [batch, height, width, channels] -> [batch, top + height + bottom, left + width + right, channels].

    Args:
        padding: one int for all sides, (rows, columns), or ((top, bottom), (left, right)).
    """

    def __init__(self, padding: Any = (1, 1), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        sides = (padding, padding) if isinstance(padding, int) else tuple(padding)
        self.padding = [(side, side) if isinstance(side, int) else tuple(side) for side in sides]
        if [len(side) for side in self.padding] != [2, 2] or any(n < 0 for side in self.padding for n in side):
            raise InvalidArgumentError(
                "ZeroPadding2D does not understand its padding",
                rule="It is one whole number, (rows, columns), or ((top, bottom), (left, right)), none negative",
                received=repr(padding),
            )

    def build(self, input_shape: Shape) -> None:
        self.require_rank(input_shape, 4, "[batch, height, width, channels]")

    def call(self, inputs: lk.Tensor, training: bool = False) -> lk.Tensor:
        return lk.pad(inputs, [[0, 0], *map(list, self.padding), [0, 0]])

    def settings(self) -> dict[str, Any]:
        return {"padding": tuple(self.padding)}
