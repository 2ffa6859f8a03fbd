"""Images mirrored and turned by right angles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from labkit.core import dtypes as dt
from labkit.core.opdef import whole
from labkit.core.tensor import Tensor
from labkit.ops.build import scoped
from labkit.ops.compare import less
from labkit.ops.image.common import image_tensor, on_batch
from labkit.ops.logic import where
from labkit.ops.random import uniform
from labkit.ops.shape import identity, reshape, shape
from labkit.ops.transpose import transpose


@scoped("flip_left_right")
def flip_left_right(image: Any, name: str | None = None) -> Tensor:
    """Images with their columns in reverse; shape (height, width, channels) or (batch, height, width, channels)."""
    return identity(image_tensor(image)[..., ::-1, :], name)


@scoped("flip_up_down")
def flip_up_down(image: Any, name: str | None = None) -> Tensor:
    """Images with their rows in reverse; shape (height, width, channels) or (batch, height, width, channels)."""
    return identity(image_tensor(image)[..., ::-1, :, :], name)


def _sometimes(images: Any, flip: Callable[[Tensor], Tensor], seed: int | None, name: str) -> Tensor:
    def one(x: Tensor) -> Tensor:
        drawn = uniform(shape(x)[:1], dtype=dt.float32, seed=seed, name=name)
        return where(reshape(less(drawn, 0.5), [-1, 1, 1, 1]), flip(x), x)

    return on_batch(images, one)


def random_flip_left_right(image: Any, seed: int | None = None) -> Tensor:
    """Images of which each is mirrored left to right with probability 1/2, drawn anew every run."""
    return _sometimes(image, flip_left_right, seed, "random_flip_left_right")


def random_flip_up_down(image: Any, seed: int | None = None) -> Tensor:
    """Images of which each is mirrored upside down with probability 1/2, drawn anew every run."""
    return _sometimes(image, flip_up_down, seed, "random_flip_up_down")


@scoped("transpose")
def transpose_image(image: Any, name: str | None = None) -> Tensor:
    """Images with rows and columns exchanged; shape (height, width, channels) or (batch, height, width, channels)."""
    tensor = image_tensor(image)
    return transpose(tensor, [1, 0, 2] if len(tensor.shape) == 3 else [0, 2, 1, 3], name)


@scoped("rot90")
def rot90(image: Any, k: int = 1, name: str | None = None) -> Tensor:
    """Images turned counter-clockwise by k right angles; a negative k turns clockwise.

    Args:
        image: shape (height, width, channels) or (batch, height, width, channels), any dtype.
        k: a whole number.

    Raises:
        DTypeError: k is no whole number.
    """
    tensor = image_tensor(image)
    turns = whole(k) % 4
    if turns == 2:
        return identity(tensor[..., ::-1, ::-1, :], name)
    if turns == 1:
        return flip_up_down(transpose_image(tensor), name)
    return transpose_image(flip_up_down(tensor), name) if turns == 3 else identity(tensor, name)
