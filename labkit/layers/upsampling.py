"""Layers that make sequences and images larger."""

from __future__ import annotations

from typing import Any

import numpy as np

import labkit as lk
from labkit.errors import InvalidArgumentError
from labkit.layers.arguments import IMAGES, SEQUENCES, sizes
from labkit.layers.base import Layer, Shape


class UpSampling1D(Layer):
    """Each step several times: x: [batch, steps, channels] -> [batch, size * steps, channels].

    Args:
        size: how many times.

    Raises:
        ShapeError: the size is no positive int; when called, the input has another rank.
    """

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        (self.size,) = sizes(size, 1, "size")

    def check_input(self, input_shape: Shape) -> None:
        self.require_rank(input_shape, 3, SEQUENCES)

    def call(self, inputs: lk.Tensor, training: bool = False) -> lk.Tensor:
        return lk.repeat(inputs, self.size, axis=1)

    def settings(self) -> dict[str, Any]:
        return {"size": self.size}


class UpSampling2D(Layer):
    """Larger images: [batch, height, width, channels] -> [batch, rows * height, columns * width, channels].

    "nearest" repeats each pixel. "bilinear" takes pixels for squares of side 1 and reads between their centres, height
    and width one after the other: output i lies at (i + 1/2) / size - 1/2; beyond the outermost centres the image stays
    as it is there. That is TensorFlow 2's tf.image.resize.

    Args:
        size: (rows, columns), or one int for both.
        interpolation: "nearest" or "bilinear".

    Raises:
        ShapeError: a size is no positive int; when called, the input is no image, or of unknown size with "bilinear".
        InvalidArgumentError: the interpolation is another.
    """

    def __init__(self, size: Any = (2, 2), interpolation: str = "nearest", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = sizes(size, 2, "size")
        if interpolation not in ("nearest", "bilinear"):
            raise InvalidArgumentError(
                "UpSampling2D has no such interpolation",
                rule='It is "nearest" or "bilinear"',
                received=repr(interpolation),
            )
        self.interpolation = interpolation

    def check_input(self, input_shape: Shape) -> None:
        self.require_rank(input_shape, 4, IMAGES)
        self.require_room(input_shape, (1, 1), "Give images of at least one pixel.")

    def call(self, inputs: lk.Tensor, training: bool = False) -> lk.Tensor:
        if self.interpolation == "nearest":
            return lk.repeat(lk.repeat(inputs, self.size[0], axis=1), self.size[1], axis=2)
        height, width = self.require_known(self.shape_of(inputs), (1, 2), "height and width")
        return _between(_between(inputs, 1, height, self.size[0]), 2, width, self.size[1])

    def settings(self) -> dict[str, Any]:
        return {"size": self.size, "interpolation": self.interpolation}


def _between(x: lk.Tensor, axis: int, pixels: int, size: int) -> lk.Tensor:
    """x with `size` times as many pixels along an axis, each between the two that are nearest."""
    if size == 1:
        return x
    place = np.clip((np.arange(pixels * size) + 0.5) / size - 0.5, 0, pixels - 1)
    left = np.minimum(place.astype(np.int64), max(pixels - 2, 0))
    right = np.minimum(left + 1, pixels - 1)
    share = (place - left).reshape([-1 if i == axis else 1 for i in range(4)])
    a, b = lk.gather(x, left, axis=axis), lk.gather(x, right, axis=axis)
    return a + lk.constant(share, x.dtype) * (b - a)
