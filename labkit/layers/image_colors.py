"""Layers that change the brightness and the contrast of images at random while training."""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.errors import InvalidArgumentError
from labkit.layers.arguments import is_number, span
from labkit.layers.random_image import RandomImage


class RandomColors(RandomImage):
    """What the layers share that change the numbers in images and keep them in their range.

    Args:
        value_range: (lowest, highest) number that stands for a color; results are clipped to it. No gradient flows through
            what is clipped.
        seed: as for `RandomImage`.
    """

    def __init__(self, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        pair = isinstance(value_range, list | tuple) and len(value_range) == 2
        if not pair or not all(map(is_number, value_range)) or not value_range[0] < value_range[1]:
            raise InvalidArgumentError(
                f"{type(self).__name__}'s value_range is no range",
                rule="It is two numbers, (lowest, highest)",
                received=repr(value_range),
                fix="Images of bytes have (0, 255), images that were divided by 255 (0, 1).",
            )
        self.value_range = tuple(value_range)

    def draw_for_pixels(self, images: lk.Tensor, low: float, high: float) -> lk.Tensor:
        """A new number for each image, [batch, 1, 1, 1]."""
        return lk.reshape(self.draw(images, (low, high))[0], [-1, 1, 1, 1])

    def clipped(self, images: lk.Tensor) -> lk.Tensor:
        lowest, highest = map(float, self.value_range)
        return lk.clip_by_value(images, lowest, highest)


class RandomBrightness(RandomColors):
    """y = clip(x + delta (highest - lowest)), delta drawn evenly. Shapes and draws as for `RandomImage`.

    `drawn`: [batch, 1], delta.

    Args:
        factor: delta's range, (lower, upper), each from -1 to 1, or one number a for (-a, a).
        value_range, seed: as for `RandomColors`.

    Raises:
        InvalidArgumentError: a setting is none of these.
        ShapeError: when called, the input is no batch of images.
    """

    def __init__(self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(value_range, seed, **kwargs)
        span(factor, "RandomBrightness's factor", -1, 1)
        self.factor = factor

    def changed(self, images: lk.Tensor) -> lk.Tensor:
        lowest, highest = self.value_range
        delta = self.draw_for_pixels(images, *span(self.factor, "factor", -1, 1))
        return self.clipped(images + delta * float(highest - lowest))

    def settings(self) -> dict[str, Any]:
        return {"factor": self.factor, "value_range": self.value_range}


class RandomContrast(RandomColors):
    """y = clip((x - mean) c + mean), c drawn evenly, mean that of each channel of each image.

    Shapes and draws as for `RandomImage`. `drawn`: [batch, 1], c.

    Args:
        factor: (lower, upper), each from 0 to 1: c is from 1 - lower to 1 + upper. One number stands for both.
        value_range, seed: as for `RandomColors`.

    Raises:
        InvalidArgumentError: a setting is none of these.
        ShapeError: when called, the input is no batch of images.
    """

    def __init__(self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(value_range, seed, **kwargs)
        span(factor, "RandomContrast's factor", 0, 1)
        self.factor = factor

    def changed(self, images: lk.Tensor) -> lk.Tensor:
        lower, upper = self.factor if isinstance(self.factor, list | tuple) else (self.factor, self.factor)
        mean = lk.reduce_mean(images, [1, 2], keepdims=True)
        return self.clipped((images - mean) * self.draw_for_pixels(images, 1 - lower, 1 + upper) + mean)

    def settings(self) -> dict[str, Any]:
        return {"factor": self.factor, "value_range": self.value_range}
