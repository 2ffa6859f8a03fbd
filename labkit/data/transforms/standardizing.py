"""Images as float32 around zero: each by its own mean and deviation, or by those of the training set."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from labkit.core.shapes import show
from labkit.data.spec import TensorSpec
from labkit.data.transforms.base import ImageTransform, pixels, run
from labkit.data.transforms.leaves import On
from labkit.errors import InvalidArgumentError, ShapeError


class _Floats(ImageTransform):
    def image_spec(self, spec: TensorSpec) -> TensorSpec:
        return pixels(spec, dtype=np.float32)


class PerImageStandardization(_Floats):
    """y = (x - mean) / max(deviation, 1 / sqrt(n)), float32: mean and deviation of all n numbers of each image (as
    `tf.image.per_image_standardization`). An image of one color becomes zeros.

    Args:
        on: see `ImageTransform`.
    """

    def changed(self, images: np.ndarray, indices: np.ndarray, epoch: int) -> np.ndarray:
        return run("standardize_images", [images], np.empty(images.shape, np.float32))


class Standardization(_Floats):
    """y = (x - mean) / std, float32, by numbers of the training set (see `image_statistics`).

    Args:
        mean: one number, one for each channel [c], or a mean image [h, w, c], in the units of the images: of bytes 0 ... 255.
        std: likewise, above 0.
        on: see `ImageTransform`.

    Raises:
        InvalidArgumentError: a setting is none of these.
        ShapeError: (when images come) they have other sizes.
    """

    def __init__(self, mean: Any, std: Any = 1.0, on: On = None) -> None:
        super().__init__(on)
        self.mean, self.std = _numbers(mean, "mean"), _numbers(std, "std")
        if not (self.std > 0).all():
            raise InvalidArgumentError(
                "Standardization's std divides",
                rule="All its numbers are above 0",
                received=f"{self.std.min():g}",
                fix="Give a mean image with one std for each channel: pixels that never change have none.",
            )

    def settings(self) -> dict[str, Any]:
        return {"mean": _Shown(self.mean), "std": _Shown(self.std)}

    def changed(self, images: np.ndarray, indices: np.ndarray, epoch: int) -> np.ndarray:
        shape = images.shape[1:]
        for what, numbers in (("mean", self.mean), ("std", self.std)):
            if numbers.shape not in ((), (1,), shape[2:], shape):
                raise ShapeError(
                    f"Standardization's {what} is not for these images",
                    rule="It is one number, one for each channel, or an image of their size",
                    received=f"{show(numbers.shape)} for images {show(shape)}",
                )
        mean, std = (np.ascontiguousarray(np.broadcast_to(x, shape)) for x in (self.mean, self.std))
        return run("normalize_images", [images, mean, std], np.empty(images.shape, np.float32))


class ToFloat(_Floats):
    """Images of bytes as float32 from 0 to 1, x / 255; those of float32 stay as they are.

    Args:
        on: see `ImageTransform`.
    """

    def changed(self, images: np.ndarray, indices: np.ndarray, epoch: int) -> np.ndarray:
        if images.dtype == np.float32:
            return images
        none, white = np.zeros(images.shape[1:], np.float32), np.full(images.shape[1:], 255, np.float32)
        return run("normalize_images", [images, none, white], np.empty(images.shape, np.float32))


def _numbers(value: Any, what: str) -> np.ndarray:
    try:
        numbers = np.asarray(value, np.float32)
    except (TypeError, ValueError):
        numbers = np.full(4 * (1,), np.nan, np.float32)
    if numbers.ndim not in (0, 1, 3) or not numbers.size or not np.isfinite(numbers).all():
        raise InvalidArgumentError(
            f"Standardization's {what} is a finite number, one for each channel, or an image [h, w, c]",
            received=f"{np.asarray(value).dtype} {show(np.shape(value))}" if np.ndim(value) else repr(value),
        )
    return numbers


class _Shown:
    """An array as a pipeline's identity shows it: short, and another one for other numbers."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __repr__(self) -> str:
        if self.array.size <= 4:
            return repr(self.array.tolist())
        return f"<{show(self.array.shape)} {hashlib.blake2b(self.array.tobytes(), digest_size=4).hexdigest()}>"
