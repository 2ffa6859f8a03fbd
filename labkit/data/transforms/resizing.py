"""Images at another size."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core.settings import one_of
from labkit.data.spec import TensorSpec
from labkit.data.transforms.arguments import whole_pair
from labkit.data.transforms.base import ImageTransform, pixels, run
from labkit.data.transforms.leaves import On


class Resize(ImageTransform):
    """Images at another size: [h, w, c] -> [height, width, c], the same dtype.

    Centers of pixels lie at half pixels, as in `tf.image.resize` and torchvision: pixel i of the result is the image at
    (i + 1/2) h / height - 1/2. There is no antialiasing: a much smaller image shows single pixels (or means of four), as
    `antialias=False` does there. Bytes are rounded, ties to even.

    Args:
        size: (height, width), or one number for both.
        interpolation: "bilinear", or "nearest", the pixel in which the center lies.
        on: see `ImageTransform`.

    Raises:
        InvalidArgumentError: a setting is none of these.
    """

    def __init__(self, size: Any, interpolation: str = "bilinear", on: On = None) -> None:
        super().__init__(on)
        self.size = whole_pair(size, "Resize's size")
        self.interpolation = one_of(interpolation, ("bilinear", "nearest"), "Resize's interpolation")

    def settings(self) -> dict[str, Any]:
        return {"size": self.size, "interpolation": self.interpolation}

    def image_spec(self, spec: TensorSpec) -> TensorSpec:
        return pixels(spec, *self.size)

    def changed(self, images: np.ndarray, indices: np.ndarray, epoch: int) -> np.ndarray:
        made = np.empty((len(images), *self.size, images.shape[3]), images.dtype)
        return run(f"resize_{self.interpolation}", [images], made, ints=[0, 1])
