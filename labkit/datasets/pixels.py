"""Data sets of images that come as bytes: uint8 arrays for each split become float32 when a split is first asked for."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from labkit.data.spec import TensorSpec
from labkit.datasets.base import DataSet, DataSetInfo, Split, identity
from labkit.errors import DataError, InvalidArgumentError

DTYPES = ("float32", "uint8")

Part: TypeAlias = tuple[np.ndarray, np.ndarray]
"""Images, uint8 [n, height, width, channels], and their labels, [n]."""


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


def image_data_set(info: DataSetInfo, parts: Mapping[str, Part], source: str) -> DataSet:
    """The data set of these images.

    Args:
        info: the record, as `images_of` gave it.
        parts: the images and labels of "train", "validation" and "test"; each is freed when its split was made.
        source: where they came from.

    Raises:
        DataError: these are not as many as the record says.
    """
    for name, (images, labels) in parts.items():
        if not len(images) == len(labels) == info.examples[name]:
            raise DataError(
                f"The files of {info.name} do not belong together",
                rule=f"There are {info.examples[name]:,} examples for {name}",
                received=f"{len(images):,} images and {len(labels):,} labels for {name}",
                fix="Delete them; then they are looked for elsewhere or downloaded again",
            )
    sums = [file.sha256 or file.md5 for file in info.files]
    kept = info.examples["validation"]
    return DataSet(
        info=info,
        splits={name: functools.partial(_split, info, *part) for name, part in parts.items()},
        checksum=identity(info.name, *sums, f"validation={kept}", *pixels_said(info)),
        source=source,
    )


def pixels_said(info: DataSetInfo) -> tuple[str, ...]:
    """What the form of the pixels adds to a data set's identity: nothing where it is the usual one."""
    return () if info.x.dtype.name == DTYPES[0] else (info.x.dtype.name,)


def as_pixels(images: np.ndarray, info: DataSetInfo) -> np.ndarray:
    """uint8 images [n, ...] in the form of a record that `images_of` gave."""
    return np.divide(images, 255, dtype=np.float32) if info.x.dtype.numpy == np.float32 else images


def _split(info: DataSetInfo, images: np.ndarray, labels: np.ndarray) -> Split:
    return Split(as_pixels(images, info), labels.astype(np.int64, copy=False))
