"""MNIST: 70,000 scanned handwritten digits."""

from __future__ import annotations

import functools
import hashlib

import numpy as np

from labkit.data.formats.idx import parse_idx
from labkit.datasets.base import DataSet, Split
from labkit.datasets.files import PinnedFile, fetch

VALIDATION = 5_000
MIRRORS = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/")


def _pinned(name: str, size: int, sha256: str) -> PinnedFile:
    return PinnedFile(name, size, sha256, tuple(f"{mirror}{name}.gz" for mirror in MIRRORS))


TRAIN_IMAGES = _pinned(
    "train-images-idx3-ubyte", 47_040_016, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
)
TRAIN_LABELS = _pinned(
    "train-labels-idx1-ubyte", 60_008, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
)
TEST_IMAGES = _pinned(
    "t10k-images-idx3-ubyte", 7_840_016, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
)
TEST_LABELS = _pinned(
    "t10k-labels-idx1-ubyte", 10_008, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
)


def mnist() -> DataSet:
    """Returns MNIST: grey images of 28x28, float32 [n, 28, 28, 1], 0.0 is paper and 1.0 is ink; labels 0 to 9.

    The splits are those of TensorFlow 1's `input_data.read_data_sets`, in the order of the files:

    * validation: the first 5,000 examples of the training files,
    * train: the remaining 55,000,
    * test: the 10,000 of the test files.

    All four files are read and verified here, about 0.4 s; a split becomes float32 when it is first asked for.

    Raises:
        MissingDataError: a file is in none of the places that `labkit.datasets.files` names.
        DataError: a file is damaged or another one.
    """
    train_images, folder = _read(TRAIN_IMAGES, rank=3)
    train_labels, _ = _read(TRAIN_LABELS, rank=1)
    test_images, _ = _read(TEST_IMAGES, rank=3)
    test_labels, _ = _read(TEST_LABELS, rank=1)
    # Copies of the two parts, or a view of one would keep the bytes of both in memory after the other was converted.
    parts = {
        "train": (train_images[VALIDATION:].copy(), train_labels[VALIDATION:]),
        "validation": (train_images[:VALIDATION].copy(), train_labels[:VALIDATION]),
        "test": (test_images, test_labels),
    }
    return DataSet(
        name="mnist",
        splits={name: functools.partial(_split, *part) for name, part in parts.items()},
        class_names=tuple("0123456789"),
        checksum=_identity(),
        licence="CC BY-SA 3.0",
        citation=(
            "Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, Gradient-based learning applied to document recognition, "
            "Proceedings of the IEEE 86(11), 1998"
        ),
        source=f"MNIST files in {folder}",
    )


def _read(pinned: PinnedFile, rank: int) -> tuple[np.ndarray, str]:
    payload, path = fetch("mnist", pinned)
    return parse_idx(payload, str(path), dtype="uint8", rank=rank), str(path.parent)


def _split(images: np.ndarray, labels: np.ndarray) -> Split:
    return Split(np.divide(images, 255, dtype=np.float32)[..., np.newaxis], labels.astype(np.int64))


def _identity() -> str:
    files = (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)
    text = " ".join(["mnist", *(file.sha256 for file in files), f"validation={VALIDATION}"])
    return hashlib.sha256(text.encode()).hexdigest()
