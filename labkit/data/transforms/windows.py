"""Parts of images, images with borders, mirrored images: windows on them, of one size and each at a place of its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core.settings import one_of
from labkit.core.shapes import show
from labkit.data.spec import TensorSpec
from labkit.data.transforms.arguments import real, whole_pair
from labkit.data.transforms.base import ImageTransform, RandomTransform, pixels, run
from labkit.data.transforms.leaves import On
from labkit.errors import InvalidArgumentError, ShapeError

NONE, EITHER = (0, 1), (0, 2)
"""Ranges of 0 alone, and of 0 and 1."""
FLIPS = ("horizontal", "vertical", "horizontal_and_vertical")


def seen(images: np.ndarray, size: tuple[int, int], places: Any, fill: float = 0.0) -> np.ndarray:
    """The windows of that size on images.

    Args:
        places: int64 [k, 4], or a list of 4 for all: first row and column, whether it is upside down, and left to right.
    """
    made = np.empty((len(images), *size, images.shape[3]), images.dtype)
    if not isinstance(places, np.ndarray):
        places = np.tile(np.array(places, np.int64), (len(images), 1))
    return run("windows", [images, places], made, reals=[fill])


def fitting_fill(images: np.ndarray, fill: float, name: str) -> float:
    """`fill`.

    Raises:
        InvalidArgumentError: the images are of bytes, and it is none.
    """
    if images.dtype == np.uint8 and (fill != int(fill) or not 0 <= fill <= 255):
        rule = "In images of bytes it is a whole number from 0 to 255"
        raise InvalidArgumentError(f"{name}'s fill is no pixel", rule=rule, received=f"{fill:g}")
    return fill


class ResizeWithCropOrPad(ImageTransform):
    """The middle of larger images, smaller ones in the middle of zeros: [h, w, c] -> [height, width, c].

    Where rows or columns cannot be shared evenly there is one less before than after, as in
    `tf.image.resize_with_crop_or_pad`.

    Args:
        size: (height, width), or one number for both.
        on: see `ImageTransform`.

    Raises:
        InvalidArgumentError: a setting is none of these.
    """

    def __init__(self, size: Any, on: On = None) -> None:
        super().__init__(on)
        self.size = whole_pair(size, f"{type(self).__name__}'s size")

    def settings(self) -> dict[str, Any]:
        return {"size": self.size}

    def image_spec(self, spec: TensorSpec) -> TensorSpec:
        return pixels(spec, *self.size)

    def changed(self, images: np.ndarray, indices: np.ndarray, epoch: int) -> np.ndarray:
        rests = [before - after for before, after in zip(images.shape[1:3], self.size, strict=True)]
        top, left = (rest // 2 if rest >= 0 else -(-rest // 2) for rest in rests)
        return seen(images, self.size, [top, left, 0, 0])


class CenterCrop(ResizeWithCropOrPad):
    """The middle of images that are no smaller: [h, w, c] -> [height, width, c], from row floor((h - height) / 2) and column
    floor((w - width) / 2) on.

    Args:
        size, on: as of `ResizeWithCropOrPad`.

    Raises:
        InvalidArgumentError: a setting is none of these.
        ShapeError: (when images come) one is smaller.
    """

    def changed(self, images: np.ndarray, indices: np.ndarray, epoch: int) -> np.ndarray:
        require_room(self, images.shape, self.size)
        return super().changed(images, indices, epoch)


class RandomCrop(RandomTransform):
    """A part of each image, drawn evenly from all that lie inside: [h, w, c] -> [height, width, c].

    With a padding these are the parts of the image with a border around: RandomCrop(32, padding=4) moves images of 32 x 32 by
    up to 4 pixels each way.

    Args:
        size: (height, width), or one number for both.
        padding: (rows above and below, columns left and right), or one number for both.
        fill: what the border consists of.
        seed, on: see `RandomTransform`.

    Raises:
        InvalidArgumentError: a setting is none of these; (when images come) `fill` is no byte, and images are bytes.
        ShapeError: (when images come) one with its border is smaller.
    """

    def __init__(self, size: Any, padding: Any = 0, fill: float = 0.0, seed: int | None = None, on: On = None) -> None:
        super().__init__(seed, on)
        self.size = whole_pair(size, "RandomCrop's size")
        self.padding = whole_pair(padding, "RandomCrop's padding", least=0)
        self.fill = real(fill, "RandomCrop's fill")

    def settings(self) -> dict[str, Any]:
        padded = {"padding": self.padding, "fill": self.fill} if any(self.padding) else {}
        return {"size": self.size, **padded}

    def image_spec(self, spec: TensorSpec) -> TensorSpec:
        return pixels(spec, *self.size)

    def changed(self, images: np.ndarray, indices: np.ndarray, epoch: int) -> np.ndarray:
        room = require_room(self, images.shape, self.size, self.padding)
        places = np.zeros((len(images), 4), np.int64)
        places[:, :2] = (
            self.draw(indices, epoch)[:, :2] * room
        )  # below 1 by 2**-32 at least, so the product stays below
        places[:, :2] -= self.padding
        return seen(images, self.size, places, fitting_fill(images, self.fill, "RandomCrop"))


class RandomFlip(RandomTransform):
    """Images mirrored at random, in each direction with probability 1/2.

    Args:
        mode: "horizontal", left to right; "vertical", upside down; or "horizontal_and_vertical", each by itself.
        seed, on: see `RandomTransform`.

    Raises:
        InvalidArgumentError: there is no such mode.
    """

    def __init__(self, mode: str = "horizontal", seed: int | None = None, on: On = None) -> None:
        super().__init__(seed, on)
        self.mode = one_of(mode, FLIPS, "RandomFlip's mode")

    def settings(self) -> dict[str, Any]:
        return {"mode": self.mode}

    def changed(self, images: np.ndarray, indices: np.ndarray, epoch: int) -> np.ndarray:
        down, across = (EITHER if way in self.mode else NONE for way in ("vertical", "horizontal"))
        places = self.draw_integers(indices, epoch, NONE, NONE, down, across)
        return seen(images, (images.shape[1], images.shape[2]), places)


def require_room(
    transform: ImageTransform, shape: Any, size: tuple[int, int], padding: tuple[int, int] = (0, 0)
) -> tuple[int, int]:
    """How many places there are for a part in rows and in columns.

    Raises:
        ShapeError: there is none.
    """
    rows, columns = (n + 2 * p - m + 1 for n, m, p in zip(shape[1:3], size, padding, strict=True))
    if rows < 1 or columns < 1:
        border = f" and a border of {padding[0]} and {padding[1]}" if any(padding) else ""
        raise ShapeError(
            f"{type(transform).__name__} cuts {size[0]} x {size[1]} out of a smaller image",
            rule="Images are no smaller than what is cut out of them",
            received=f"{show(shape[1:])}{border}",
            fix="Put the channels last: x.transpose(0, 2, 3, 1)."
            if shape[1] in (1, 3, 4) and shape[3] > 4
            else "Pad it (padding=, ResizeWithCropOrPad), or Resize it before.",
        )
    return rows, columns
