"""Layers that move images at random while training: mirrored, turned, shifted, zoomed, cropped."""

from __future__ import annotations

import math
from typing import Any

import labkit as lk
from labkit.core.settings import one_of
from labkit.errors import InvalidArgumentError
from labkit.layers.arguments import positive, real, span
from labkit.layers.base import Shape
from labkit.layers.random_image import RandomImage
from labkit.ops.image.rotate import turned
from labkit.ops.image.warp import FILL_MODES, INTERPOLATIONS, about_centers

_FLIPS = ("horizontal", "vertical", "horizontal_and_vertical")


class RandomFlip(RandomImage):
    """Images mirrored at random, in each direction with probability 1/2. Shapes and draws as for `RandomImage`.

    `drawn`: [batch, 2], whether an image is mirrored left to right, and upside down: below 1/2 it is. In a mode that
    has one direction it has one column.

    Args:
        mode: "horizontal", left to right; "vertical", upside down; or "horizontal_and_vertical", each by itself.
        seed: as for `RandomImage`.

    Raises:
        InvalidArgumentError: there is no such mode.
        ShapeError: when called, the input is no batch of images.
    """

    def __init__(self, mode: str = "horizontal_and_vertical", seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        self.mode = one_of(mode, _FLIPS, "RandomFlip's mode")

    def changed(self, images: lk.Tensor) -> lk.Tensor:
        directions = self.mode.split("_and_")
        drawn = self.draw(images, *[(0.0, 1.0)] * len(directions))
        one, none = lk.ones_like(drawn[0]), lk.zeros_like(drawn[0])
        signs = {name: lk.where(values < 0.5, -one, one) for name, values in zip(directions, drawn, strict=True)}
        across, along = signs.get("horizontal", one), signs.get("vertical", one)
        return lk.image.projective_transform(images, about_centers(images, across, none, none, along))

    def settings(self) -> dict[str, Any]:
        return {"mode": self.mode}


class RandomWarp(RandomImage):
    """What the layers share that read images between their pixels, and beyond their borders.

    Args:
        fill_mode: what lies outside of an image a b c: "reflect", b a | a b c | c b; "wrap", b c | a b c | a b; "nearest",
            a a | a b c | c c; "constant", fill_value.
        interpolation: "bilinear", a mean of the four pixels around a place, or "nearest".
        seed: as for `RandomImage`.
        fill_value: see fill_mode.
    """

    def __init__(
        self,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.fill_mode = one_of(fill_mode, FILL_MODES, f"{type(self).__name__}'s fill_mode")
        self.interpolation = one_of(interpolation, INTERPOLATIONS, f"{type(self).__name__}'s interpolation")
        self.fill_value = real(fill_value, f"{type(self).__name__}'s fill_value")

    def changed(self, images: lk.Tensor) -> lk.Tensor:
        return lk.image.projective_transform(
            images, self.projections(images), None, self.interpolation, self.fill_mode, self.fill_value
        )

    def projections(self, images: lk.Tensor) -> lk.Tensor:
        """For each image the eight numbers of `lk.image.projective_transform`, newly drawn: [batch, 8]."""
        raise NotImplementedError(f"{type(self).__name__} must define projections(images)")


class RandomRotation(RandomWarp):
    """Images turned about their centers by an angle drawn evenly. Shapes and draws as for `RandomImage`.

    `drawn`: [batch, 1], the angles in radians, counter-clockwise as one looks at them.

    Args:
        factor: the angles in turns: (lower, upper), each from -1 to 1, or one number a for (-a, a). 0.1 turns by up to 36
            degrees either way.
        fill_mode, interpolation, seed, fill_value: as for `RandomWarp`.

    Raises:
        InvalidArgumentError: a setting is none of these.
        ShapeError: when called, the input is no batch of images.
    """

    def __init__(
        self,
        factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, **kwargs)
        span(factor, "RandomRotation's factor", -1, 1)
        self.factor = factor

    def projections(self, images: lk.Tensor) -> lk.Tensor:
        low, high = span(self.factor, "factor", -1, 1)
        (angles,) = self.draw(images, (2 * math.pi * low, 2 * math.pi * high))
        return turned(images, angles)

    def settings(self) -> dict[str, Any]:
        return {"factor": self.factor}


class RandomTranslation(RandomWarp):
    """Images shifted by a share of their height and width, drawn evenly. Shapes and draws as for `RandomImage`.

    `drawn`: [batch, 2], the shifts down and to the right as shares of height and width.

    Args:
        height_factor: the share of the height by which images move down, (lower, upper), each from -1 to 1, or one number a
            for (-a, a).
        width_factor: likewise to the right.
        fill_mode, interpolation, seed, fill_value: as for `RandomWarp`.

    Raises:
        InvalidArgumentError: a setting is none of these.
        ShapeError: when called, the input is no batch of images.
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, **kwargs)
        span(height_factor, "RandomTranslation's height_factor", -1, 1)
        span(width_factor, "RandomTranslation's width_factor", -1, 1)
        self.height_factor, self.width_factor = height_factor, width_factor

    def projections(self, images: lk.Tensor) -> lk.Tensor:
        factors = (self.height_factor, self.width_factor)
        down, right = self.draw(images, *(span(factor, "factor", -1, 1) for factor in factors))
        height, width = (lk.cast(lk.shape(images)[axis], images.dtype) for axis in (1, 2))
        one, none = lk.ones_like(down), lk.zeros_like(down)
        return lk.stack([one, none, -right * width, none, one, -down * height, none, none], axis=1)

    def settings(self) -> dict[str, Any]:
        return {"height_factor": self.height_factor, "width_factor": self.width_factor}


class RandomZoom(RandomWarp):
    """Images seen smaller or larger about their centers, by factors drawn evenly. Shapes and draws as for `RandomImage`.

    `drawn`: [batch, 2], the factors of height and width less 1; without width_factor [batch, 1], the one for both.

    Args:
        height_factor: how much more of the height is seen, as a share: 0.2 shows 1.2 times as much, so that things are
            smaller, -0.2 shows 0.8 of it. (lower, upper), each above -1 and up to 1, or one number a for (-a, a).
        width_factor: likewise of the width; None takes the number that was drawn for the height.
        fill_mode, interpolation, seed, fill_value: as for `RandomWarp`.

    Raises:
        InvalidArgumentError: a setting is none of these.
        ShapeError: when called, the input is no batch of images.
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any = None,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        for what, factor in (("height_factor", height_factor), ("width_factor", width_factor)):
            if factor is not None and span(factor, f"RandomZoom's {what}", -1, 1)[0] == -1:
                raise InvalidArgumentError(f"RandomZoom's {what} is above -1", received=repr(factor))

    def projections(self, images: lk.Tensor) -> lk.Tensor:
        factors = [factor for factor in (self.height_factor, self.width_factor) if factor is not None]
        drawn = self.draw(images, *(span(factor, "factor", -1, 1) for factor in factors))
        none = lk.zeros_like(drawn[0])
        return about_centers(images, 1 + drawn[-1], none, none, 1 + drawn[0])

    def settings(self) -> dict[str, Any]:
        return {"height_factor": self.height_factor, "width_factor": self.width_factor}


class RandomCrop(RandomImage):
    """A part of each image, of one size, drawn evenly from all that lie inside; at inference the part in the middle.

    x: [batch, h, w, channels] -> [batch, height, width, channels]. At inference it begins at row floor((h - height) / 2)
    and column floor((w - width) / 2). Keras draws one place for a whole batch, and leaves images as large as they are at
    inference, where the layers that follow could not take them.

    `drawn`: [batch, 2], the first rows and columns, whole numbers.

    Args:
        height, width: the size of the parts.
        seed: as for `RandomImage`.

    Raises:
        InvalidArgumentError: a size is no positive whole number.
        ShapeError: when called, the input is no batch of images of known size, or smaller.
    """

    def __init__(self, height: int, width: int, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        self.height = positive(height, "RandomCrop needs a positive whole number for its height")
        self.width = positive(width, "RandomCrop needs a positive whole number for its width")

    def check_input(self, input_shape: Shape) -> None:
        super().check_input(input_shape)
        self.require_known(input_shape, (1, 2), "height and width")
        self.require_room(input_shape, (self.height, self.width), "Pad the images first, e.g. with ZeroPadding2D.")

    def room(self, images: lk.Tensor) -> tuple[int, int]:
        """By how many rows and columns the images are larger."""
        height, width = self.require_known(self.shape_of(images), (1, 2), "height and width")
        return height - self.height, width - self.width

    def call(self, inputs: lk.Tensor, training: bool = False) -> lk.Tensor:
        images = super().call(inputs, training)
        if training:
            return images
        top, left = (rest // 2 for rest in self.room(images))
        return images[:, top : top + self.height, left : left + self.width]

    def changed(self, images: lk.Tensor) -> lk.Tensor:
        below = self.draw(images, *((0.0, rest + 1.0) for rest in self.room(images)))
        # a share just below 1 may round up to the end of its range
        top, left = (
            lk.minimum(lk.floor(share), float(rest)) for share, rest in zip(below, self.room(images), strict=True)
        )
        self.drawn = lk.stack([top, left], axis=1)
        one, none = lk.ones_like(top), lk.zeros_like(top)
        moves = lk.stack([one, none, left, none, one, top, none, none], axis=1)
        return lk.image.projective_transform(images, moves, [self.height, self.width])

    def settings(self) -> dict[str, Any]:
        return {"height": self.height, "width": self.width}
