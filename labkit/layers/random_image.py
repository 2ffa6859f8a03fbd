"""What the layers share that change images at random while training."""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.layers.arguments import IMAGES
from labkit.layers.base import Layer, Shape
from labkit.layers.numbers import floats


class RandomImage(Layer):
    """What the layers share that change images at random: active while training only, each image by itself.

    x, y: [batch, height, width, channels]; whole numbers become float32. Every image of every batch draws numbers of its
    own, from a stream that belongs to the layer's name, as for `Dropout`; the same seed gives the same bits. Gradients flow
    to x and not to the numbers.

    Args:
        seed: fixes the stream whatever the layer's name; None derives it from the name and the model's seed.

    Attributes:
        drawn: the numbers drawn in the latest trace for training, a tensor; what they are each layer says. A run that
            fetches it together with the output shows what was done.

    Raises:
        ShapeError: when called, the input is no batch of images.
    """

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self.drawn: lk.Tensor | None = None

    def check_input(self, input_shape: Shape) -> None:
        self.require_rank(input_shape, 4, IMAGES)

    def call(self, inputs: lk.Tensor, training: bool = False) -> lk.Tensor:
        images = floats(inputs)
        return self.changed(images) if training else images

    def changed(self, images: lk.Tensor) -> lk.Tensor:
        """The images as training sees them."""
        raise NotImplementedError(f"{type(self).__name__} must define changed(images)")

    def draw(self, images: lk.Tensor, *ranges: tuple[float, float]) -> list[lk.Tensor]:
        """New numbers [batch] for each range, drawn evenly from low to high; `drawn` has them as columns."""
        count = lk.shape(images)[0]
        shares = lk.random.uniform([count, len(ranges)], dtype=images.dtype, seed=self.seed)
        columns = [low + (high - low) * shares[:, i] for i, (low, high) in enumerate(ranges)]
        self.drawn = lk.stack(columns, axis=1)
        return columns
