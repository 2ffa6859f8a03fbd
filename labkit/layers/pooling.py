"""Poolings: one number for each window, or for all of an example, channel by channel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import labkit as lk
from labkit.layers.arguments import MEANING, checked_padding, sizes
from labkit.layers.base import Layer, Shape


class Pooling(Layer):
    """A window that slides over one or two dimensions; subclasses say over how many, and what becomes of it.

    Its output has ceil(size / stride) places along each dimension with "same" padding, and
    ceil((size - window + 1) / stride) with "valid".

    Args:
        pool_size: the window: one int, or (height, width) for images.
        strides: likewise; None means pool_size: windows side by side.
        padding: "valid" (none) or "same" (all around; an odd one goes to the end). It is no part of the result.

    Raises:
        ShapeError: a size is no positive int; when called, the input has another rank, or the window does not fit.
        InvalidArgumentError: the padding is another.
    """

    spatial: ClassVar[int]
    """How many dimensions the window slides over."""
    operation: ClassVar[Callable[..., lk.Tensor]]
    """(x, ksize, strides, padding) -> Tensor."""

    def __init__(self, pool_size: Any = 2, strides: Any = None, padding: str = "valid", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pool_size = sizes(pool_size, self.spatial, "pool_size")
        self.strides = self.pool_size if strides is None else sizes(strides, self.spatial, "strides")
        self.padding = checked_padding(padding, type(self).__name__)

    def check_input(self, input_shape: Shape) -> None:
        self.require_rank(input_shape, self.spatial + 2, MEANING[self.spatial])
        if self.padding == "valid":
            self.require_room(input_shape, self.pool_size, 'Use a smaller pool_size, or padding="same".')

    def call(self, inputs: lk.Tensor, training: bool = False) -> lk.Tensor:
        return self.operation(inputs, self.pool_size, strides=self.strides, padding=self.padding.upper())

    def settings(self) -> dict[str, Any]:
        return {"pool_size": self.pool_size}


class MaxPool2D(Pooling):
    """The largest number of each window of images [batch, height, width, channels]. Arguments as for `Pooling`."""

    spatial, operation = 2, staticmethod(lk.nn.max_pool)


class AveragePooling2D(Pooling):
    """The mean of each window of images [batch, height, width, channels]. Arguments as for `Pooling`."""

    spatial, operation = 2, staticmethod(lk.nn.avg_pool)


class MaxPooling1D(Pooling):
    """The largest number of each window of sequences [batch, steps, channels]. Arguments as for `Pooling`."""

    spatial, operation = 1, staticmethod(lk.nn.max_pool1d)


class AveragePooling1D(Pooling):
    """The mean of each window of sequences [batch, steps, channels]. Arguments as for `Pooling`."""

    spatial, operation = 1, staticmethod(lk.nn.avg_pool1d)


class GlobalPooling(Layer):
    """One number for each example and channel; subclasses say from how many dimensions, and which.

    x: [batch, ..., channels] -> [batch, channels], or [batch, 1, ..., channels] with `keepdims`.

    Args:
        keepdims: whether the dimensions stay, with size 1.

    Raises:
        ShapeError: when called, the input has another rank.
    """

    spatial: ClassVar[int]
    operation: ClassVar[Callable[..., lk.Tensor]]
    """(x, axis, keepdims) -> Tensor."""

    def __init__(self, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.keepdims = bool(keepdims)

    def check_input(self, input_shape: Shape) -> None:
        self.require_rank(input_shape, self.spatial + 2, MEANING[self.spatial])
        self.require_room(input_shape, (1,) * self.spatial, "Give each example at least one step or pixel.")

    def call(self, inputs: lk.Tensor, training: bool = False) -> lk.Tensor:
        return self.operation(inputs, axis=list(range(1, self.spatial + 1)), keepdims=self.keepdims)


class GlobalMaxPooling2D(GlobalPooling):
    """The largest number of each channel of images [batch, height, width, channels]; `keepdims` as for `GlobalPooling`."""

    spatial, operation = 2, staticmethod(lk.reduce_max)


class GlobalAveragePooling2D(GlobalPooling):
    """The mean of each channel of images [batch, height, width, channels] (Lin et al., Network in network, 2013).

    `keepdims` as for `GlobalPooling`.
    """

    spatial, operation = 2, staticmethod(lk.reduce_mean)


class GlobalMaxPooling1D(GlobalPooling):
    """The largest number of each channel of sequences [batch, steps, channels]; `keepdims` as for `GlobalPooling`."""

    spatial, operation = 1, staticmethod(lk.reduce_max)


class GlobalAveragePooling1D(GlobalPooling):
    """The mean of each channel of sequences [batch, steps, channels]; `keepdims` as for `GlobalPooling`.

    Where the input has a mask, the mean is that of the steps that count; of none of them it is not a number.
    """

    spatial, operation = 1, staticmethod(lk.reduce_mean)

    def call(self, inputs: lk.Tensor, training: bool = False, mask: lk.Tensor | None = None) -> lk.Tensor:
        if mask is None:
            return super().call(inputs, training)
        counts = lk.expand_dims(mask, -1)
        sums = lk.reduce_sum(lk.where(counts, inputs, lk.zeros_like(inputs)), 1, keepdims=self.keepdims)
        return sums / lk.reduce_sum(lk.cast(counts, inputs.dtype), 1, keepdims=self.keepdims)
