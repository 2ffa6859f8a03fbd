"""`lk.image`: operations on images (height, width, channels) and batches of them (batch, height, width, channels)."""

from __future__ import annotations

from labkit.ops.image.random_crop import random_crop
from labkit.ops.image.resize import resize, resize_bilinear, resize_images, resize_nearest_neighbor
from labkit.ops.image.rotate import rotate
from labkit.ops.image.window import (
    central_crop,
    crop_to_bounding_box,
    pad_to_bounding_box,
    resize_image_with_crop_or_pad,
    resize_with_crop_or_pad,
)

__all__ = [
    "central_crop",
    "crop_to_bounding_box",
    "pad_to_bounding_box",
    "random_crop",
    "resize",
    "resize_bilinear",
    "resize_image_with_crop_or_pad",
    "resize_images",
    "resize_nearest_neighbor",
    "resize_with_crop_or_pad",
    "rotate",
]
