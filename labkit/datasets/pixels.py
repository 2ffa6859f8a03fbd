"""The two forms in which data sets give their pixels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from labkit.data.spec import TensorSpec
from labkit.datasets.base import DataSetInfo
from labkit.errors import InvalidArgumentError

DTYPES = ("float32", "uint8")


def images_of(info: DataSetInfo, dtype: str) -> DataSetInfo:
    """The record of a data set of images whose pixels are float32 from 0 to 1, or uint8 from 0 to 255.

    Raises:
        InvalidArgumentError: dtype is another one.
    """
    if dtype not in DTYPES:
        raise InvalidArgumentError(
            f"{info.name} cannot be made with dtype={dtype!r}",
            rule='It is "float32", pixels from 0 to 1, or "uint8", from 0 to 255',
            fix='Pass dtype="uint8", or leave it out.',
        )
    return replace(info, x=TensorSpec(info.x.dims, dtype))


def pixels_said(dtype: str) -> tuple[str, ...]:
    """What the form of the pixels adds to a data set's identity: nothing where it is the usual one."""
    return () if dtype == DTYPES[0] else (dtype,)


def as_pixels(images: np.ndarray, info: DataSetInfo) -> np.ndarray:
    """uint8 images [n, ...] in the form of a record that `images_of` gave."""
    return np.divide(images, 255, dtype=np.float32) if info.x.dtype.numpy == np.float32 else images
