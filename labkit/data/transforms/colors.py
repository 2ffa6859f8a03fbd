"""Brightness, contrast, saturation and hue of images, changed at random.

Images of bytes stay such: results are rounded, ties to even, and held to 0 ... 255. Floats are not clipped, as in `tf.image`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core.shapes import show
from labkit.data.spec import TensorSpec
from labkit.data.transforms.arguments import real, span
from labkit.data.transforms.base import RandomTransform, run
from labkit.data.transforms.leaves import On
from labkit.errors import InvalidArgumentError, ShapeError


class _RandomColors(RandomTransform):
    """What they share: the kernel that changes images by an amount each, drawn evenly from `amounts`.

    Args:
        factor: as it was given; amounts: the range that it stands for.
    """

    kernel = ""
    channels: int | None = None
    """How many channels images must have, if that matters."""

    def __init__(self, factor: Any, amounts: tuple[float, float], seed: int | None, on: On) -> None:
        super().__init__(seed, on)
        self.factor, self.amounts = factor, amounts

    def settings(self) -> dict[str, Any]:
        return {"factor": self.factor}

    def image_spec(self, spec: TensorSpec) -> TensorSpec:
        self._require_channels(spec.dims)
        return spec

    def changed(self, images: np.ndarray, indices: np.ndarray, epoch: int) -> np.ndarray:
        self._require_channels(images.shape[1:])
        amounts = self.between(*self.amounts, self.draw(indices, epoch)[:, 0])
        return run(self.kernel, [images, amounts], np.empty_like(images))

    def _require_channels(self, dims: Any) -> None:
        if self.channels is not None and dims[2] not in (None, self.channels):
            raise ShapeError(
                f"{type(self).__name__} takes images in color",
                rule="They have the channels red, green and blue",
                received=show(dims),
            )


class RandomBrightness(_RandomColors):
    """y = x + delta, of bytes x + 255 delta, delta drawn evenly (as `tf.image.random_brightness`).

    Args:
        factor: delta's range, (lower, upper), each from -1 to 1, or one number a for (-a, a).
        seed, on: see `RandomTransform`.

    Raises:
        InvalidArgumentError: the factor is none of these.
    """

    kernel = "adjust_brightness"

    def __init__(self, factor: Any, seed: int | None = None, on: On = None) -> None:
        super().__init__(factor, span(factor, "RandomBrightness's factor", -1, 1), seed, on)


class RandomContrast(_RandomColors):
    """y = (x - mean) c + mean, c drawn evenly, mean that of each channel of each image (as `tf.image.random_contrast`).

    Args:
        factor: (lower, upper), lower from 0 to 1 and upper from 0 on: c is from 1 - lower to 1 + upper. One number from 0 to 1
            stands for both.
        seed, on: see `RandomTransform`.

    Raises:
        InvalidArgumentError: the factor is none of these.
    """

    kernel = "adjust_contrast"

    def __init__(self, factor: Any, seed: int | None = None, on: On = None) -> None:
        super().__init__(factor, _around_one(factor, type(self).__name__), seed, on)


class RandomSaturation(RandomContrast):
    """The saturation, that of hue, saturation and value, times a factor drawn evenly, 1 at most (as
    `tf.image.random_saturation`). Hue and value stay. Images have three channels: red, green, blue.

    Args:
        factor: as of `RandomContrast`.
        seed, on: see `RandomTransform`.

    Raises:
        InvalidArgumentError: the factor is none of these.
        ShapeError: (when images come) they have not three channels.
    """

    kernel, channels = "adjust_saturation", 3


class RandomHue(_RandomColors):
    """The hue further round the circle of colors, by a part of a turn drawn evenly (as `tf.image.random_hue`). Images have
    three channels: red, green, blue; 1/3 makes red green.

    Args:
        factor: (lower, upper) in turns, each from -0.5 to 0.5, or one number a for (-a, a).
        seed, on: see `RandomTransform`.

    Raises:
        InvalidArgumentError: the factor is none of these.
        ShapeError: (when images come) they have not three channels.
    """

    kernel, channels = "adjust_hue", 3

    def __init__(self, factor: Any, seed: int | None = None, on: On = None) -> None:
        super().__init__(factor, span(factor, "RandomHue's factor", -0.5, 0.5), seed, on)


def _around_one(factor: Any, name: str) -> tuple[float, float]:
    pair = list(factor) if isinstance(factor, list | tuple) else [factor, factor]
    if len(pair) != 2:
        rule = "It is a number from 0 to 1, or two of them: (lower, upper)"
        raise InvalidArgumentError(f"{name}'s factor is no range", rule=rule, received=repr(factor))
    return 1 - real(pair[0], f"{name}'s lower factor", 0, 1), 1 + real(pair[1], f"{name}'s upper factor", 0)
