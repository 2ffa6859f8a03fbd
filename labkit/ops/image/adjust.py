"""Brightness, contrast, saturation and hue, given or drawn."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.tensor import Tensor
from labkit.errors import InvalidArgumentError
from labkit.ops.build import apply, scoped
from labkit.ops.compare import cast
from labkit.ops.elementwise import maximum, minimum, sqrt
from labkit.ops.image.color import hsv_to_rgb, rgb_to_hsv
from labkit.ops.image.common import image_tensor
from labkit.ops.image.dtype import in_floats
from labkit.ops.random import uniform
from labkit.ops.reduce import reduce_mean


def _number(value: Any, dtype: dt.DType) -> Tensor:
    return cast(to_tensor(value), dtype)


@scoped("adjust_brightness")
def adjust_brightness(image: Any, delta: Any) -> Tensor:
    """image + delta. Whole numbers become floats from 0 to 1 for it, and saturate on the way back.

    Args:
        image: any shape; any dtype but bool.
        delta: a number, or a tensor of shape ().
    """
    return in_floats(image, lambda x: x + _number(delta, x.dtype))


@scoped("adjust_contrast")
def adjust_contrast(images: Any, contrast_factor: Any) -> Tensor:
    """(x - mean) contrast_factor + mean, with the mean of each channel of each image.

    Args:
        images: shape (height, width, channels) or (batch, height, width, channels); any dtype but bool. Whole numbers
            become floats for it, and saturate on the way back.
        contrast_factor: a number, or a tensor of shape ().
    """

    def change(x: Tensor) -> Tensor:
        mean = reduce_mean(x, [-3, -2], keepdims=True)
        return (x - mean) * _number(contrast_factor, x.dtype) + mean

    return in_floats(image_tensor(images), change)


def _by_channel(x: Tensor, channel: int, value: Tensor, neutral: float) -> Tensor:
    """(..., 3) numbers, of which one is `value` and the others `neutral`."""
    here = np.eye(3, dtype=x.dtype.numpy)[channel]
    return value * here + (1 - here) * np.asarray(neutral, x.dtype.numpy)


@scoped("adjust_saturation")
def adjust_saturation(image: Any, saturation_factor: Any) -> Tensor:
    """The saturation of colors (red, green, blue from 0 to 1) times a factor, at most 1.

    Args:
        image: shape (..., 3); any dtype but bool. Whole numbers become floats for it, and saturate on the way back.
        saturation_factor: a number, or a tensor of shape (), from 0 on: 0 makes shades of gray.
    """

    def change(x: Tensor) -> Tensor:
        factor = _number(saturation_factor, x.dtype)
        limit = np.array([np.inf, 1, np.inf], x.dtype.numpy)
        return hsv_to_rgb(minimum(rgb_to_hsv(x) * _by_channel(x, 1, factor, 1), limit))

    return in_floats(image, change)


@scoped("adjust_hue")
def adjust_hue(image: Any, delta: Any) -> Tensor:
    """The hue of colors (red, green, blue from 0 to 1) turned by a share of the circle.

    Args:
        image: shape (..., 3); any dtype but bool. Whole numbers become floats for it, and saturate on the way back.
        delta: a number, or a tensor of shape (); 1/3 makes red green.
    """
    return in_floats(image, lambda x: hsv_to_rgb(rgb_to_hsv(x) + _by_channel(x, 0, _number(delta, x.dtype), 0)))


def _drawn(what: str, low: float, high: float, least: float, seed: int | None) -> Tensor:
    if not (isinstance(low, int | float) and isinstance(high, int | float) and least <= low < high):
        raise InvalidArgumentError(
            f"{what} cannot be drawn from that range",
            rule=f"The lower bound is at least {least:g} and below the upper one",
            received=f"{low!r} to {high!r}",
        )
    return uniform([], low, high, dt.float32, seed, what)


def _drawn_around(what: str, most: float, limit: float, seed: int | None) -> Tensor:
    if not (isinstance(most, int | float) and 0 < most <= limit and most < np.inf):
        rule = "It is a finite number above 0" + f", at most {limit:g}" * (limit < np.inf)
        raise InvalidArgumentError(f"{what} cannot use this max_delta", rule=rule, received=repr(most))
    return uniform([], -most, most, dt.float32, seed, what)


def random_brightness(image: Any, max_delta: float, seed: int | None = None) -> Tensor:
    """adjust_brightness by a number drawn evenly from -max_delta to max_delta, a new one every run; a batch gets one number.

    Raises:
        InvalidArgumentError: max_delta is not above 0.
    """
    return adjust_brightness(image, _drawn_around("random_brightness", max_delta, np.inf, seed))


def random_contrast(image: Any, lower: float, upper: float, seed: int | None = None) -> Tensor:
    """adjust_contrast by a factor drawn evenly from [lower, upper), a new one every run; a batch gets one factor.

    Raises:
        InvalidArgumentError: not 0 <= lower < upper.
    """
    return adjust_contrast(image, _drawn("random_contrast", lower, upper, 0, seed))


def random_saturation(image: Any, lower: float, upper: float, seed: int | None = None) -> Tensor:
    """adjust_saturation by a factor drawn evenly from [lower, upper), a new one every run.

    Raises:
        InvalidArgumentError: not 0 <= lower < upper.
    """
    return adjust_saturation(image, _drawn("random_saturation", lower, upper, 0, seed))


def random_hue(image: Any, max_delta: float, seed: int | None = None) -> Tensor:
    """adjust_hue by a share of the circle drawn evenly from -max_delta to max_delta, a new one every run; a batch gets one.

    Raises:
        InvalidArgumentError: max_delta is not above 0 and at most 0.5.
    """
    return adjust_hue(image, _drawn_around("random_hue", max_delta, 0.5, seed))


@scoped("per_image_standardization")
def per_image_standardization(image: Any, name: str | None = None) -> Tensor:
    """(x - mean) / max(deviation, 1 / sqrt(N)), with the mean and deviation of the N numbers of each image.

    Args:
        image: shape (height, width, channels) or (batch, height, width, channels); whole numbers become float32.
    """
    x = image_tensor(image)
    x = x if x.dtype.is_floating else cast(x, dt.float32)
    axes = (-3, -2, -1)
    centered = x - reduce_mean(x, axes, keepdims=True)
    deviation = sqrt(reduce_mean(centered * centered, axes, keepdims=True))
    least = sqrt(apply("InverseCount", [x], {"axes": axes}))
    return apply("RealDiv", [centered, maximum(deviation, least)], name=name)
