"""TF1's image functions that take other things than labkit's."""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.errors import InvalidArgumentError


class ResizeMethod:
    """The methods of tf.image.resize_images; labkit has the first two."""

    BILINEAR, NEAREST_NEIGHBOR, BICUBIC, AREA = 0, 1, 2, 3


_METHODS = {0: "bilinear", 1: "nearest", "bilinear": "bilinear", "nearest": "nearest"}


def resize_images(
    images: Any, size: Any, method: Any = ResizeMethod.BILINEAR, align_corners: bool = False, name: str | None = None
) -> lk.Tensor:
    """`lk.image.resize_images`, whose method may be a number of tf.image.ResizeMethod.

    Raises:
        InvalidArgumentError: labkit has no such method.
    """
    if method not in _METHODS:
        raise InvalidArgumentError(
            "tf.image.resize_images cannot resize like this",
            rule="The method is ResizeMethod.BILINEAR (0) or ResizeMethod.NEAREST_NEIGHBOR (1)",
            received=repr(method),
        )
    return lk.image.resize_images(images, size, _METHODS[method], align_corners, name)


def resize_bilinear(
    images: Any, size: Any, align_corners: bool = False, half_pixel_centers: bool = False, name: str | None = None
) -> lk.Tensor:
    """`lk.image.resize_bilinear`; images of unknown rank are a batch."""
    return lk.image.resize_bilinear(_batch(images), size, align_corners, half_pixel_centers, name)


def resize_nearest_neighbor(
    images: Any, size: Any, align_corners: bool = False, half_pixel_centers: bool = False, name: str | None = None
) -> lk.Tensor:
    """`lk.image.resize_nearest_neighbor`; images of unknown rank are a batch."""
    return lk.image.resize_nearest_neighbor(_batch(images), size, align_corners, half_pixel_centers, name)


def _batch(images: Any) -> lk.Tensor:
    tensor = lk.convert_to_tensor(images)
    if tensor.shape.ndims is None:
        tensor = lk.identity(tensor)
        tensor.set_shape([None] * 4)
    return tensor


def total_variation(images: Any, name: str | None = None) -> lk.Tensor:
    """How much neighbouring pixels differ: the sum of |x[i+1] - x[i]| along height and width, for each image.

    Args:
        images: (height, width, channels), or a batch of them.
    """
    x = lk.convert_to_tensor(images)
    with x.graph.name_scope(name or "total_variation"):
        down, right = x[..., 1:, :, :] - x[..., :-1, :, :], x[..., :, 1:, :] - x[..., :, :-1, :]
        axes = [-3, -2, -1]
        return lk.reduce_sum(lk.abs(down), axes) + lk.reduce_sum(lk.abs(right), axes)


def resize_image_with_crop_or_pad(image: Any, target_height: int, target_width: int) -> lk.Tensor:
    """`lk.image.resize_image_with_crop_or_pad`, to a size of at least one pixel.

    Raises:
        InvalidArgumentError: a size is not positive.
    """
    for size in (target_height, target_width):
        if isinstance(size, int) and size <= 0:
            raise InvalidArgumentError("target_height and target_width must be > 0", received=repr(size))
    return lk.image.resize_image_with_crop_or_pad(image, target_height, target_width)
