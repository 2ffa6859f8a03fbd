"""`lk.image`: operations on images (height, width, channels) and batches of them (batch, height, width, channels)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labkit.missing_names import missing_in
from labkit.ops.image.adjust import (
    adjust_brightness,
    adjust_contrast,
    adjust_hue,
    adjust_saturation,
    per_image_standardization,
    random_brightness,
    random_contrast,
    random_hue,
    random_saturation,
)
from labkit.ops.image.color import grayscale_to_rgb, hsv_to_rgb, rgb_to_grayscale, rgb_to_hsv
from labkit.ops.image.dtype import convert_image_dtype
from labkit.ops.image.flip import (
    flip_left_right,
    flip_up_down,
    random_flip_left_right,
    random_flip_up_down,
    rot90,
    transpose_image,
)
from labkit.ops.image.random_crop import random_crop
from labkit.ops.image.resize import resize, resize_bilinear, resize_images, resize_nearest_neighbor
from labkit.ops.image.rotate import rotate
from labkit.ops.image.warp import projective_transform
from labkit.ops.image.window import (
    central_crop,
    crop_to_bounding_box,
    pad_to_bounding_box,
    resize_image_with_crop_or_pad,
    resize_with_crop_or_pad,
)

__all__ = [
    "adjust_brightness",
    "adjust_contrast",
    "adjust_hue",
    "adjust_saturation",
    "central_crop",
    "convert_image_dtype",
    "crop_to_bounding_box",
    "flip_left_right",
    "flip_up_down",
    "grayscale_to_rgb",
    "hsv_to_rgb",
    "pad_to_bounding_box",
    "per_image_standardization",
    "projective_transform",
    "random_brightness",
    "random_contrast",
    "random_crop",
    "random_flip_left_right",
    "random_flip_up_down",
    "random_hue",
    "random_saturation",
    "resize",
    "resize_bilinear",
    "resize_image_with_crop_or_pad",
    "resize_images",
    "resize_nearest_neighbor",
    "resize_with_crop_or_pad",
    "rgb_to_grayscale",
    "rgb_to_hsv",
    "rot90",
    "rotate",
    "transpose_image",
]


def __dir__() -> list[str]:
    return __all__


if not TYPE_CHECKING:  # to a type checker a module with __getattr__ has every name
    __getattr__ = missing_in("image", __all__)
