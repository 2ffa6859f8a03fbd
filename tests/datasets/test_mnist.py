"""MNIST: splits, values and identity from small stand-in files and, where they are, from the real ones."""

from __future__ import annotations

import gzip
import hashlib
import struct
import time
from pathlib import Path

import numpy as np
import pytest

import labkit as lk
import labkit.datasets.mnist_digits as mnist_digits
from labkit.datasets.files import MissingDataError, PinnedFile
from labkit.errors import DataError

NAMES = {"TRAIN_IMAGES": "train-images-idx3-ubyte", "TRAIN_LABELS": "train-labels-idx1-ubyte"}
NAMES |= {"TEST_IMAGES": "t10k-images-idx3-ubyte", "TEST_LABELS": "t10k-labels-idx1-ubyte"}


@pytest.fixture
def stand_in(places: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """Files in MNIST's format with 12 and 4 examples, pinned in place of the real ones; 5 are for validation."""
    rng = np.random.default_rng(0)
    arrays = {}
    for name, count in (("TRAIN", 12), ("TEST", 4)):
        arrays[f"{name}_IMAGES"] = rng.integers(0, 256, (count, 28, 28), np.uint8)
        arrays[f"{name}_LABELS"] = rng.integers(0, 10, count, np.uint8)
    (places["data"] / "mnist").mkdir()
    for name, array in arrays.items():
        payload = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()
        pinned = PinnedFile(NAMES[name], len(payload), hashlib.sha256(payload).hexdigest())
        monkeypatch.setattr(mnist_digits, name, pinned)
        (places["data"] / "mnist" / f"{NAMES[name]}.gz").write_bytes(gzip.compress(payload))
    monkeypatch.setattr(mnist_digits, "VALIDATION", 5)
    return arrays


def test_splits(stand_in: dict[str, np.ndarray]) -> None:
    data = lk.datasets.load("mnist")
    parts = {"validation": ("TRAIN", slice(0, 5)), "train": ("TRAIN", slice(5, 12)), "test": ("TEST", slice(0, 4))}
    for name, (file, rows) in parts.items():
        split = data.split(name)
        expected = stand_in[f"{file}_IMAGES"][rows, ..., np.newaxis] / 255
        np.testing.assert_array_equal(split.images, expected.astype(np.float32))
        np.testing.assert_array_equal(split.labels, stand_in[f"{file}_LABELS"][rows])
        assert split.images.dtype == np.float32
        assert split.labels.dtype == np.int64
    assert data.train is data.train


@pytest.mark.parametrize("name", NAMES.values())
def test_each_file_is_needed_and_verified_at_once(
    stand_in: dict[str, np.ndarray], places: dict[str, Path], name: str
) -> None:
    path = places["data"] / "mnist" / f"{name}.gz"
    payload = bytearray(gzip.decompress(path.read_bytes()))
    payload[-1] ^= 1
    path.write_bytes(gzip.compress(bytes(payload)))
    with pytest.raises(DataError, match="damaged or another file"):
        lk.datasets.load("mnist")
    path.unlink()
    with pytest.raises(MissingDataError, match=name):
        lk.datasets.load("mnist")


def test_the_real_files(real_mnist: None) -> None:
    start = time.perf_counter()
    data = lk.datasets.load("mnist")
    seconds = time.perf_counter() - start
    assert [len(data.train), len(data.validation), len(data.test)] == [55_000, 5_000, 10_000]
    assert data.test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert data.validation.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert np.bincount(data.test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert data.test.images.shape == (10_000, 28, 28, 1)
    assert data.test.images.min() == 0
    assert data.test.images.max() == 1
    assert abs(float(data.test.images.mean()) - 0.1325) < 0.0005
    assert seconds < 5, "reading and verifying takes 0.4 s on an idle machine"
