"""Dropout: regularizers that silence elements, or whole channels, at random while training."""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.layers.arguments import IMAGES, SEQUENCES, real
from labkit.layers.base import Layer, Shape


class Dropout(Layer):
    """Sets elements to zero at random while training and scales the others by 1 / (1 - rate); at inference, nothing.

    A new mask is drawn at every step, from a stream of random numbers that belongs to the layer's name; nothing but
    training advances it. (Srivastava et al., Dropout: a simple way to prevent neural networks from overfitting, 2014;
    scaled at training time.)

    Args:
        rate: the probability that an element is dropped, 0 <= rate < 1.
        seed: fixes the stream whatever the layer's name; None derives it from the name and the model's seed.

    Raises:
        InvalidArgumentError: the rate is out of its range.
    """

    supports_masking = True

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = real(rate, f"{type(self).__name__}'s rate, the probability that an element is dropped,", 0, 1)
        self.seed = seed

    def call(self, inputs: lk.Tensor, training: bool = False) -> lk.Tensor:
        if not training or not self.rate:
            return inputs
        return lk.nn.dropout(inputs, rate=self.rate, noise_shape=self.noise_shape(inputs), seed=self.seed)

    def noise_shape(self, inputs: lk.Tensor) -> list[Any] | None:
        """The mask's shape; None for one of its own for each element."""
        return None

    def settings(self) -> dict[str, Any]:
        return {"rate": self.rate}


class SpatialDropout1D(Dropout):
    """Dropout of whole channels of sequences: one draw for all steps. Otherwise as `Dropout`.

    x: [batch, steps, channels]. Where neighbouring steps tell much the same, dropping single ones takes little away.
    (Tompson et al., Efficient object localization using convolutional networks, 2015.)

    Raises:
        ShapeError: when called, the input has another rank.
    """

    def check_input(self, input_shape: Shape) -> None:
        self.require_rank(input_shape, 3, SEQUENCES)

    def noise_shape(self, inputs: lk.Tensor) -> list[Any]:
        shape = lk.shape(inputs)
        return [shape[0], *[1] * (len(self.shape_of(inputs)) - 2), shape[-1]]


class SpatialDropout2D(SpatialDropout1D):
    """Dropout of whole channels of images [batch, height, width, channels]; otherwise as `SpatialDropout1D`."""

    def check_input(self, input_shape: Shape) -> None:
        self.require_rank(input_shape, 4, IMAGES)
