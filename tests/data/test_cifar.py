"""CIFAR's binary versions: records made here, each byte where the format has it."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

import labkit as lk
from labkit.data.formats.cifar import parse_cifar10, parse_cifar100
from labkit.errors import DataError, InvalidArgumentError


def cifar10(count: int, seed: int = 0) -> tuple[bytes, np.ndarray, list[int]]:
    """A file's bytes, written pixel plane by pixel plane, and what is in it."""
    rng = np.random.default_rng(seed)
    images, labels = rng.integers(0, 256, (count, 32, 32, 3), np.uint8), rng.integers(0, 10, count).tolist()
    data = b""
    for image, label in zip(images, labels, strict=True):
        data += bytes([label]) + b"".join(image[:, :, channel].tobytes() for channel in range(3))
    return data, images, labels


def test_images_and_labels(tmp_path: Path) -> None:
    first, second = cifar10(3, 0), cifar10(2, 1)
    (tmp_path / "data_batch_1.bin").write_bytes(first[0])
    (tmp_path / "data_batch_2.bin").write_bytes(gzip.compress(second[0]))
    images, labels = lk.data.read_cifar10([tmp_path / "data_batch_1.bin", tmp_path / "data_batch_2.bin"])
    assert (images.dtype, images.shape, labels.dtype) == (np.uint8, (5, 32, 32, 3), np.int64)
    assert images.flags.c_contiguous
    np.testing.assert_array_equal(images, np.concatenate([first[1], second[1]]))
    assert labels.tolist() == first[2] + second[2]


def test_cifar100_has_two_labels(tmp_path: Path) -> None:
    picture = bytes(range(256)) * 12
    (tmp_path / "train.bin").write_bytes(bytes([19, 99]) + picture + bytes([0, 7]) + picture[::-1])
    images, coarse, fine = lk.data.read_cifar100(tmp_path / "train.bin")
    assert (coarse.tolist(), fine.tolist()) == ([19, 0], [99, 7])
    assert images[0, 0, :3].tolist() == [[0, 0, 0], [1, 1, 1], [2, 2, 2]]
    assert images[1, 31, 31].tolist() == [0, 0, 0]


def test_a_label_above_9_names_its_record() -> None:
    data = bytearray(cifar10(4)[0])
    data[2 * 3073] = data[3 * 3073] = 10
    with pytest.raises(DataError, match=r"batch.bin, record 2 \(byte 6146\): no label.*0 to 9.*10, and 1 more"):
        parse_cifar10(data, "batch.bin")
    with pytest.raises(DataError, match=r"record 0 \(byte 1\): no fine label.*0 to 99.*100"):
        parse_cifar100(bytes([19, 100]) + bytes(3072), "train.bin")


@pytest.mark.parametrize("size", [0, 1, 3072, 3074, 2 * 3073 - 1])
def test_a_file_of_no_whole_records_is_refused(size: int) -> None:
    with pytest.raises(
        DataError, match=f"x.bin is no file of whole CIFAR records.*3073 bytes.*Received: {size:,} bytes"
    ):
        parse_cifar10(bytes(size), "x.bin")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        lk.data.read_cifar10(tmp_path / "none.bin")
    with pytest.raises(InvalidArgumentError, match="names of files"):
        lk.data.read_cifar10([])
    (tmp_path / "large.bin").write_bytes(cifar10(2)[0])
    with pytest.raises(DataError, match="too large"):
        lk.data.read_cifar10(tmp_path / "large.bin", max_bytes=3073)
