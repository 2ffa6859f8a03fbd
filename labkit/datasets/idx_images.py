"""Data sets that come as MNIST does: four IDX files, images and labels to train and to test with."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np

from labkit.data.formats.idx import parse_idx
from labkit.datasets.base import DataSet, DataSetInfo, Split, identity
from labkit.datasets.files import PinnedFile, fetch
from labkit.datasets.pixels import as_pixels, images_of, pixels_said
from labkit.errors import DataError

HEADER = 16  # bytes of the header of an IDX file of images


def split_off_training(info: DataSetInfo, files: Sequence[PinnedFile], dtype: str) -> DataSet:
    """The data set in four files: images and labels to train with, images and labels to test with.

    The first examples of the training files are for validation, as many as the record says; the others are for training.

    Raises:
        InvalidArgumentError: there is no such dtype.
        MissingDataError: a file is in none of the places that `labkit.datasets.files` names.
        DataError: a file is damaged, or another one.
    """
    info = images_of(info, dtype)
    train_images, folder = _read(info, files[0], rank=3)
    train_labels, _ = _read(info, files[1], rank=1)
    test_images, _ = _read(info, files[2], rank=3)
    test_labels, _ = _read(info, files[3], rank=1)
    kept = info.examples["validation"]
    # Copies of the two parts, or a view of one would keep the bytes of both in memory after the other was converted.
    parts = {
        "train": (train_images[kept:].copy(), train_labels[kept:]),
        "validation": (train_images[:kept].copy(), train_labels[:kept]),
        "test": (test_images, test_labels),
    }
    for name, (images, labels) in parts.items():
        received = f"{len(images)} images and {len(labels)} labels for {name}"
        if not len(images) == len(labels) == info.examples[name]:
            raise DataError(f"The files of {info.name} do not belong together", received=received)
    return DataSet(
        info=info,
        splits={name: functools.partial(_split, info, *part) for name, part in parts.items()},
        checksum=identity(info.name, *(f.sha256 or f.md5 for f in files), f"validation={kept}", *pixels_said(dtype)),
        source=f"{info.name} files in {folder}",
    )


def _read(info: DataSetInfo, pinned: PinnedFile, rank: int) -> tuple[np.ndarray, str]:
    cap = HEADER + sum(info.examples.values()) * math.prod(info.x.dims)  # for files whose payload is not pinned
    payload, path = fetch(info.name, pinned, cap)
    return parse_idx(payload, str(path), dtype="uint8", rank=rank), str(path.parent)


def _split(info: DataSetInfo, images: np.ndarray, labels: np.ndarray) -> Split:
    return Split(as_pixels(images[..., np.newaxis], info), labels.astype(np.int64))
