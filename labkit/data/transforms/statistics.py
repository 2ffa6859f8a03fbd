"""Mean image, mean and deviation of a set of images."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from labkit.core.shapes import show
from labkit.data.dataset import Dataset
from labkit.data.node import INFINITE
from labkit.data.spec import at_once, element_bytes
from labkit.data.transforms.base import run
from labkit.data.transforms.leaves import On, checked_on, leaf
from labkit.errors import DTypeError, InvalidArgumentError, ShapeError, UnknownLengthError

_AT_ONCE, _BYTES_AT_ONCE = 256, 16 << 20


@dataclass(frozen=True)
class ImageStatistics:
    """What `image_statistics` found, in the units of the images: of bytes 0 ... 255.

    Attributes:
        mean_image: the mean of each pixel, float64 [h, w, c].
        mean: the mean of each channel, float64 [c].
        std: its standard deviation, sqrt(mean((x - mean)^2)), float64 [c].
        count: how many images there were.
    """

    mean_image: np.ndarray
    mean: np.ndarray
    std: np.ndarray
    count: int

    def __repr__(self) -> str:
        mean, std = (", ".join(f"{x:.6g}" for x in numbers) for numbers in (self.mean, self.std))
        return f"ImageStatistics(count={self.count}, images {show(self.mean_image.shape)}, mean=[{mean}], std=[{std}])"


def image_statistics(images: Any, on: On = None) -> ImageStatistics:
    """Mean image, and mean and deviation of each channel, in one pass over the images.

    Of bytes they are exact, rounded once; sums of float32 are compensated (A. Neumaier, 1974), so that deviations far smaller
    than the mean are right, too. They do not depend on the sizes of batches.

    Args:
        images: an array [n, h, w, c] of uint8 or float32, or a Dataset of images or of batches of them; its epoch 0 is read.
        on: where the images stand in the data set's elements: the key of a dict, the place in a tuple, or a tuple of these from
            the outside in; None: the first tensor.

    Raises:
        ShapeError: these are no images, or their sizes differ.
        DTypeError: they are neither uint8 nor float32.
        InvalidArgumentError: there are none.
        UnknownLengthError: the data set has no end.
        PipelineError: a step of the data set failed, or elements of another shape than the first were batched.
    """
    sums: np.ndarray | None = None
    shape, dtype, count = (), np.dtype(np.float32), 0
    for batch in _batches(images, checked_on(on)):
        if batch.dtype not in (np.uint8, np.float32):
            raise DTypeError("image_statistics takes images of uint8 or float32", received=str(batch.dtype))
        if batch.ndim != 4 or (sums is not None and (batch.shape[1:], batch.dtype) != (shape, dtype)):
            raise ShapeError(
                "image_statistics takes images of one size",
                rule="They are batches [n, height, width, channels]",
                received=show(batch.shape) + f" after {show(shape)}" * (sums is not None),
                fix="Make them alike before, e.g. with map(lk.data.transforms.Resize(size)).",
            )
        if sums is None:
            shape, dtype = batch.shape[1:], batch.dtype
            sums = np.zeros((2, *shape), np.int64) if dtype == np.uint8 else np.zeros((4, *shape))
        run("image_sums", [np.ascontiguousarray(batch)], sums)
        count += len(batch)
    if sums is None or not count or not sums.size:
        raise InvalidArgumentError("image_statistics needs images", received="none")
    return _of_bytes(sums, count) if sums.dtype == np.int64 else _of_floats(sums, count)


def _batches(images: Any, on: On) -> Iterator[np.ndarray]:
    if not isinstance(images, Dataset):
        array = np.asarray(images)
        yield from (array[i : i + _AT_ONCE] for i in range(0, len(array), _AT_ONCE)) if array.ndim else [array]
        return
    if images.node.length == INFINITE:
        raise UnknownLengthError(
            "The statistics of what has no end have none", fix="Leave repeat() out, or use take(count)."
        )
    spec = images.element_spec
    dims = leaf(spec, on).dims
    many = at_once(element_bytes(spec), _AT_ONCE, _BYTES_AT_ONCE)
    dataset = images.batch(many) if dims is not None and len(dims) == 3 else images
    with dataset.iterate(0) as iterator:
        for element in iterator:
            yield np.asarray(leaf(element, on))


def _of_bytes(sums: np.ndarray, count: int) -> ImageStatistics:
    each = count * math.prod(sums.shape[1:3])
    totals, squares = ([int(n) for n in part.sum(axis=(0, 1))] for part in sums)
    spreads = [each * square - total * total for total, square in zip(totals, squares, strict=True)]
    std = [
        math.sqrt(spread / (each * each)) for spread in spreads
    ]  # whole numbers of any size, divided and rounded once
    return ImageStatistics(sums[0] / count, np.array([total / each for total in totals]), np.array(std), count)


def _of_floats(sums: np.ndarray, count: int) -> ImageStatistics:
    each = count * math.prod(sums.shape[1:3])
    mean, std = [], []
    for channel in range(sums.shape[3]):
        parts = [sums[i : i + 2, :, :, channel].ravel() for i in (0, 2)]
        if not all(np.isfinite(part).all() for part in parts):
            mean.append(math.nan)
            std.append(math.nan)
            continue
        total, square = map(_sum, parts)
        mean.append(float(total / each))
        std.append(math.sqrt(max(square / each - (total / each) ** 2, Fraction(0))))
    return ImageStatistics((sums[0] + sums[1]) / count, np.array(mean), np.array(std), count)


def _sum(numbers: np.ndarray) -> Fraction:
    """The sum in twice the precision of a float."""
    total = math.fsum(numbers)
    return Fraction(total) + Fraction(math.fsum([*numbers.tolist(), -total]))
