"""Data sets that come as MNIST does: four IDX files, images and labels to train and to test with."""

from __future__ import annotations

import math

import numpy as np

from labkit.data.formats.idx import parse_idx
from labkit.datasets.base import DataSet, DataSetInfo
from labkit.datasets.files import PinnedFile, fetch
from labkit.datasets.pixels import image_data_set, images_of

HEADER = 16  # bytes of the header of an IDX file of images


def from_idx_files(info: DataSetInfo, dtype: str) -> DataSet:
    """The data set in four files: images and labels to train with, images and labels to test with.

    The first examples of the training files are for validation, as many as the record says; the others are for training.

    Raises:
        InvalidArgumentError: there is no such dtype.
        MissingDataError: a file is in none of the places that `labkit.datasets.files` names.
        DataError: a file is damaged, or another one.
    """
    info = images_of(info, dtype)
    found = [_read(info, file, rank) for file, rank in zip(info.files, (3, 1, 3, 1), strict=True)]
    (train_images, folder), (train_labels, _), (test_images, _), (test_labels, _) = found
    kept = info.examples["validation"]
    # Copies of the two parts, or a view of one would keep the bytes of both in memory after the other was converted.
    parts = {
        "train": (train_images[kept:].copy(), train_labels[kept:]),
        "validation": (train_images[:kept].copy(), train_labels[:kept]),
        "test": (test_images, test_labels),
    }
    return image_data_set(info, parts, f"{info.name} files in {folder}")


def _read(info: DataSetInfo, pinned: PinnedFile, rank: int) -> tuple[np.ndarray, str]:
    cap = HEADER + sum(info.examples.values()) * math.prod(info.x.dims)  # for files whose payload is not pinned
    payload, path = fetch(info.name, pinned, cap)
    array = parse_idx(payload, str(path), dtype="uint8", rank=rank)
    return (array[..., np.newaxis] if rank == 3 else array), str(path.parent)
