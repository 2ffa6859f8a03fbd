"""Layers that surround sequences and images with zeros, or cut their ends off."""

from __future__ import annotations

from typing import Any, ClassVar

import labkit as lk
from labkit.core.shapes import show
from labkit.errors import ShapeError
from labkit.layers.arguments import IMAGES, MEANING, borders, positive
from labkit.layers.base import Layer, Shape


class PadToSize(Layer):
    """Images padded with zeros to a given size, the image in the middle.

    x: [batch, h, w, channels] -> [batch, height, width, channels]. An odd remainder goes to the bottom and right, as
    TensorFlow's resize_image_with_crop_or_pad does.

    Args:
        height, width: the size of the result; at least that of the input.

    Raises:
        InvalidArgumentError: a size is no positive whole number.
        ShapeError: when called, the input is no image, of unknown size, or larger.
    """

    def __init__(self, height: int, width: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.height = positive(height, "PadToSize needs a positive whole number for its height")
        self.width = positive(width, "PadToSize needs a positive whole number for its width")

    def check_input(self, input_shape: Shape) -> None:
        self.require_rank(input_shape, 4, IMAGES)
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


class ZeroPadding(Layer):
    """Zeros around one or two dimensions; subclasses say around how many.

    Args:
        padding: one int for all sides. For sequences also (before, after); for images (rows, columns), or
            ((top, bottom), (left, right)).

    Raises:
        InvalidArgumentError: the padding is none of these, or negative.
        ShapeError: when called, the input has another rank.
    """

    spatial: ClassVar[int]

    def __init__(self, padding: Any = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        pairs = borders(padding, self.spatial, f"{type(self).__name__}'s padding")
        self.padding = pairs[0] if self.spatial == 1 else pairs

    def check_input(self, input_shape: Shape) -> None:
        self.require_rank(input_shape, self.spatial + 2, MEANING[self.spatial])

    def call(self, inputs: lk.Tensor, training: bool = False) -> lk.Tensor:
        return lk.pad(inputs, [(0, 0), *borders(self.padding, self.spatial, "padding"), (0, 0)])

    def settings(self) -> dict[str, Any]:
        return {"padding": self.padding}


class ZeroPadding1D(ZeroPadding):
    """x: [batch, steps, channels] -> [batch, before + steps + after, channels]. Argument as for `ZeroPadding`."""

    spatial = 1


class ZeroPadding2D(ZeroPadding):
    """x: [batch, height, width, channels] -> [batch, top + height + bottom, left + width + right, channels].

    Argument as for `ZeroPadding`.
    """

    spatial = 2


class Cropping(Layer):
    """What is left when elements are cut off at the ends of one or two dimensions; subclasses say of how many.

    Args:
        cropping: how many elements to cut off, in the forms of `ZeroPadding`'s padding.

    Raises:
        InvalidArgumentError: the cropping is none of these, or negative.
        ShapeError: when called, the input has another rank, or nothing would be left.
    """

    spatial: ClassVar[int]

    def __init__(self, cropping: Any = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        pairs = borders(cropping, self.spatial, f"{type(self).__name__}'s cropping")
        self.cropping = pairs[0] if self.spatial == 1 else pairs

    def check_input(self, input_shape: Shape) -> None:
        self.require_rank(input_shape, self.spatial + 2, MEANING[self.spatial])
        least = tuple(before + after + 1 for before, after in borders(self.cropping, self.spatial, "cropping"))
        self.require_room(input_shape, least, "Cut off less.")

    def call(self, inputs: lk.Tensor, training: bool = False) -> lk.Tensor:
        pairs = borders(self.cropping, self.spatial, "cropping")
        return inputs[(slice(None), *(slice(before, -after or None) for before, after in pairs))]

    def settings(self) -> dict[str, Any]:
        return {"cropping": self.cropping}


class Cropping1D(Cropping):
    """x: [batch, steps, channels] -> [batch, steps - before - after, channels]. Argument as for `Cropping`."""

    spatial = 1


class Cropping2D(Cropping):
    """x: [batch, height, width, channels] -> [batch, height - top - bottom, width - left - right, channels].

    Argument as for `Cropping`; without it nothing is cut off.
    """

    spatial = 2

    def __init__(self, cropping: Any = ((0, 0), (0, 0)), **kwargs: Any) -> None:
        super().__init__(cropping, **kwargs)
