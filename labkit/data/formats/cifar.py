"""CIFAR-10 and CIFAR-100, binary version: records of labels and a picture, nothing between them.

Format: A. Krizhevsky, *Learning Multiple Layers of Features from Tiny Images*, 2009, and cs.toronto.edu/~kriz/cifar.html.

    1 byte each    the labels: CIFAR-10 has one, CIFAR-100 the coarse and the fine one
    1024 each      red, green, blue: 32 rows of 32
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from labkit.data.formats.payload import MAX_BYTES, read_payload
from labkit.data.paths import as_paths
from labkit.errors import DataError

SIDE, CHANNELS = 32, 3
_PIXELS = SIDE * SIDE * CHANNELS


def read_cifar10(filenames: Any, max_bytes: int = MAX_BYTES) -> tuple[np.ndarray, np.ndarray]:
    """The pictures of files of CIFAR-10's binary version (data_batch_1.bin, ...), one file after another.

    Args:
        filenames: one path or several; a file may be in a gzip container.
        max_bytes: the most bytes that a file may have, unpacked.

    Returns:
        images: uint8 [n, 32, 32, 3], red, green, blue.
        labels: int64 [n], 0 to 9.

    Raises:
        DataError: a file cannot be read, is none of whole records, or has a label above 9.
    """
    images, labels = _read(filenames, max_bytes, {"label": 10})
    return images, labels


def read_cifar100(filenames: Any, max_bytes: int = MAX_BYTES) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same of CIFAR-100 (train.bin, test.bin).

    Returns:
        images: uint8 [n, 32, 32, 3].
        coarse labels, fine labels: int64 [n] each, 0 to 19 and 0 to 99.

    Raises:
        DataError: as for `read_cifar10`.
    """
    images, coarse, fine = _read(filenames, max_bytes, {"coarse label": 20, "fine label": 100})
    return images, coarse, fine


def parse_cifar10(payload: bytes | bytearray, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of the bytes of a file; see `read_cifar10`. `name` is what errors call it."""
    images, labels = _parse(payload, name, {"label": 10})
    return images, labels


def parse_cifar100(payload: bytes | bytearray, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images, coarse and fine labels of the bytes of a file; see `read_cifar100`."""
    images, coarse, fine = _parse(payload, name, {"coarse label": 20, "fine label": 100})
    return images, coarse, fine


def _read(filenames: Any, max_bytes: int, classes: dict[str, int]) -> list[np.ndarray]:
    parts = [_parse(read_payload(path, max_bytes), os.fspath(path), classes) for path in as_paths(filenames)]
    return parts[0] if len(parts) == 1 else [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]


def _parse(payload: bytes | bytearray, name: str, classes: dict[str, int]) -> list[np.ndarray]:
    """The images, and for each kind of label (its name, how many classes there are) the labels."""
    size = len(classes) + _PIXELS
    count, rest = divmod(len(payload), size)
    if rest or not count:
        raise DataError(
            f"{name} is no file of whole CIFAR records",
            rule=f"Each of its records has {size} bytes: {', '.join(classes)} and {_PIXELS} of a picture",
            received=f"{len(payload):,} bytes: {count:,} records, and {rest} bytes from byte {count * size} on",
            fix="Fetch the binary version again; the ones for Python and Matlab are other formats.",
        )
    records = np.frombuffer(payload, np.uint8).reshape(count, size)
    labels = []
    for place, (what, limit) in enumerate(classes.items()):
        values = records[:, place].astype(np.int64)
        if (wrong := np.flatnonzero(values >= limit)).size:
            first = int(wrong[0])
            raise DataError(
                f"{name}, record {first} (byte {first * size + place}): no {what}",
                rule=f"It is 0 to {limit - 1}",
                received=f"{values[first]}, and {wrong.size - 1} more such records",
                fix="Is this file of CIFAR-10 or of CIFAR-100, and is it whole?",
            )
        labels.append(values)
    planes = records[:, len(classes) :].reshape(count, CHANNELS, SIDE, SIDE)
    return [np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), *labels]
