"""Images: checking, grids, PNG."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np

from labkit.errors import ShapeError

MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def as_image(value: Any) -> np.ndarray:
    """An image as uint8 [height, width, channels], always a copy; a batch becomes a grid.

    Args:
        value: [height, width], [height, width, channels] or [number, height, width, channels] with 1, 3 or 4 channels;
            uint8, or numbers in [0, 1] (others are clipped, NaN is black).

    Raises:
        ShapeError: it has another shape or is empty.
    """
    array = np.asarray(value)
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim not in (3, 4) or array.shape[-1] not in MODES or array.size == 0 or array.dtype.kind not in "fiub":
        raise ShapeError(
            "This is no image",
            rule="It is [height, width, channels] or a batch [number, height, width, channels], of 1, 3 or 4 channels",
            received=f"{array.dtype} of shape {array.shape}",
        )
    if array.ndim == 4:
        array = grid(array)
    if array.dtype == np.uint8:
        return np.array(array, order="C")
    scaled = np.nan_to_num(np.array(array, np.float32), copy=False, nan=0.0, posinf=1.0, neginf=0.0)
    return np.rint(scaled.clip(0, 1) * 255).astype(np.uint8, order="C")


_BAD_COLOR = (255, 0, 0, 255)
_BLACK = 1e-6  # an image whose largest value is below this is black, or grey


def stretched(image: np.ndarray) -> np.ndarray:
    """An image of any numbers as uint8, as TensorFlow 1's image summaries show it: the image's own range is used to the full.

    Without negative values, its largest becomes 255 and 0 stays 0. With some, its largest magnitude becomes 127 steps from
    the middle, 128. Pixels that are not finite are red (white where there is one channel).

    Args:
        image: [height, width, channels], float32 or float64; uint8 stays as it is.
    """
    if image.dtype == np.uint8:
        return image
    finite = np.isfinite(image).all(axis=-1)
    seen = image[finite].astype(np.float32)
    low, high = seen.min(initial=0), seen.max(initial=0)
    middle, steps, reach = (128, 127, max(-low, high)) if low < 0 else (0, 255, high)
    scale = np.float32(steps) / reach if reach >= _BLACK else np.float32(0)
    # The order of roundings decides bytes: TensorFlow scales in float32, and multiplies in the image's own dtype.
    pixels = np.where(finite[..., None], image, 0) * image.dtype.type(scale) + image.dtype.type(middle)
    result = pixels.astype(np.uint8)
    result[~finite] = _BAD_COLOR[: image.shape[-1]]
    return result


def grid(images: np.ndarray, columns: int | None = None, gap: int = 1) -> np.ndarray:
    """One image of many, row by row.

    Args:
        images: [number, height, width, channels].
        columns: images in a row; the default makes the grid about as wide as high.
        gap: black pixels between neighbours.

    Returns:
        [rows * (height + gap) - gap, columns * (width + gap) - gap, channels], same dtype.
    """
    number, height, width, channels = images.shape
    columns = min(columns or math.ceil(math.sqrt(number)), number)
    rows = math.ceil(number / columns)
    result = np.zeros((rows, height + gap, columns, width + gap, channels), images.dtype)
    padded = np.zeros((rows * columns, height, width, channels), images.dtype)
    padded[:number] = images
    result[:, :height, :, :width] = padded.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    result = result.reshape(rows * (height + gap), columns * (width + gap), channels)
    return result[: result.shape[0] - gap, : result.shape[1] - gap]


def filters(weights: Any) -> np.ndarray:
    """The filters of a convolution as a batch of images, each scaled to [0, 1] by itself.

    Args:
        weights: [height, width, in, out] (HWIO). With 3 inputs a filter is one colour image, else one grey image an
            input.

    Returns:
        float32 [out, height, width, 3] or [in * out, height, width, 1]; a constant filter is 0.5, a filter with values
        that are not finite is 0 there.

    Raises:
        ShapeError: it has not four dimensions, or is empty.
    """
    array = np.asarray(weights, np.float32)
    if array.ndim != 4 or array.size == 0:
        raise ShapeError("The weights of a convolution are [height, width, in, out]", received=f"shape {array.shape}")
    images = array.transpose(3, 0, 1, 2)
    if images.shape[-1] != 3:
        images = array.transpose(2, 3, 0, 1).reshape(-1, *array.shape[:2], 1)
    finite = np.isfinite(images)
    low = np.where(finite, images, np.inf).min(axis=(1, 2, 3), keepdims=True)
    high = np.where(finite, images, -np.inf).max(axis=(1, 2, 3), keepdims=True)
    varied = high > low  # not so where nothing is finite, and low and high are infinite
    low, span = np.where(varied, low, 0), np.where(varied, high - low, 1)
    scaled = np.where(varied, (np.where(finite, images, 0) - low) / span, 0.5)
    return np.where(finite, scaled, 0).astype(np.float32)


def png(image: np.ndarray) -> bytes:
    """The PNG file of an image.

    Args:
        image: uint8 [height, width, 1, 3 or 4].
    """
    from PIL import Image

    output = io.BytesIO()
    # Level 1: a third of the time of the default for a few per cent more bytes.
    Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image).save(output, format="PNG", compress_level=1)
    return output.getvalue()
