"""Images with a square cut out."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.data.transforms.arguments import real, whole_pair
from labkit.data.transforms.base import RandomTransform, run
from labkit.data.transforms.leaves import On
from labkit.data.transforms.windows import fitting_fill


class Cutout(RandomTransform):
    """A rectangle of each image filled with one number (T. DeVries, G. Taylor, "Improved Regularization of Convolutional Neural
    Networks with Cutout", 2017). Its middle is drawn evenly from all pixels, so that a part of it may lie outside.

    Args:
        size: (rows, columns), or one number for both.
        fill: that number; the paper takes the mean of the data, which is 0 after standardization.
        seed, on: see `RandomTransform`.

    Raises:
        InvalidArgumentError: a setting is none of these; (when images come) `fill` is no byte, and images are bytes.
    """

    in_place = True

    def __init__(self, size: Any, fill: float = 0.0, seed: int | None = None, on: On = None) -> None:
        super().__init__(seed, on)
        self.size, self.fill = whole_pair(size, "Cutout's size"), real(fill, "Cutout's fill")

    def settings(self) -> dict[str, Any]:
        return {"size": self.size, "fill": self.fill}

    def changed(self, images: np.ndarray, indices: np.ndarray, epoch: int) -> np.ndarray:
        first = ((-(n // 2), side) for n, side in zip(self.size, images.shape[1:3], strict=True))
        boxes = self.draw_integers(indices, epoch, *first, (0, 1), (0, 1))
        boxes[:, 2:] = boxes[:, :2] + self.size
        return run("erase", [boxes], images, reals=[fitting_fill(images, self.fill, "Cutout")])
