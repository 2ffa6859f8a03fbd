"""MNIST and Fashion-MNIST: splits, values and identity from small stand-in files and, where they are, from the real ones."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import struct
import time
from pathlib import Path

import numpy as np
import pytest

import labkit as lk
from labkit.datasets.files import MissingDataError
from labkit.errors import DataError, InvalidArgumentError
from labkit.testing import check_dataset

FILES = ("TRAIN_IMAGES", "TRAIN_LABELS", "TEST_IMAGES", "TEST_LABELS")
SETS = ("mnist", "fashion_mnist")


@pytest.fixture(params=SETS)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def stand_in(name: str, places: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """Files in MNIST's format with 12 and 4 examples, pinned in place of the real ones; 5 are for validation."""
    maker = getattr(lk.datasets, name)
    rng = np.random.default_rng(0)
    arrays = {}
    for part, count in (("TRAIN", 12), ("TEST", 4)):
        arrays[f"{part}_IMAGES"] = rng.integers(0, 256, (count, 28, 28), np.uint8)
        arrays[f"{part}_LABELS"] = rng.integers(0, 10, count, np.uint8)
    (places["data"] / name).mkdir()
    files = []
    for file, real in zip(FILES, maker.info.files, strict=True):
        array = arrays[file]
        payload = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()
        container = gzip.compress(payload)
        sums = {"size": len(payload), "sha256": hashlib.sha256(payload).hexdigest()}
        if real.md5:
            sums = {"size": len(container), "md5": hashlib.md5(container).hexdigest()}
        files.append(dataclasses.replace(real, urls=(), **sums))
        (places["data"] / name / f"{real.name.removesuffix('.gz')}.gz").write_bytes(container)
    examples = {"train": 7, "validation": 5, "test": 4}
    monkeypatch.setattr(maker, "info", dataclasses.replace(maker.info, files=tuple(files), examples=examples))
    return arrays


def test_splits(name: str, stand_in: dict[str, np.ndarray]) -> None:
    data = lk.datasets.load(name)
    raw = lk.datasets.load(name, dtype="uint8")
    parts = {"validation": ("TRAIN", slice(0, 5)), "train": ("TRAIN", slice(5, 12)), "test": ("TEST", slice(0, 4))}
    for part, (file, rows) in parts.items():
        split = data.split(part)
        assert np.array_equal(raw.split(part).images[..., 0], stand_in[f"{file}_IMAGES"][rows])
        expected = stand_in[f"{file}_IMAGES"][rows, ..., np.newaxis] / 255
        np.testing.assert_array_equal(split.images, expected.astype(np.float32))
        np.testing.assert_array_equal(split.labels, stand_in[f"{file}_LABELS"][rows])
        assert split.images.dtype == np.float32
        assert split.labels.dtype == np.int64
    assert data.train is data.train
    assert data.checksum != raw.checksum
    with pytest.raises(InvalidArgumentError, match="dtype='float16'"):
        lk.datasets.load(name, dtype="float16")
    check_dataset(name)


@pytest.mark.parametrize("number", range(4))
def test_each_file_is_needed_and_verified_at_once(
    name: str, stand_in: dict[str, np.ndarray], places: dict[str, Path], number: int
) -> None:
    file = lk.datasets.info(name).files[number].name.removesuffix(".gz")
    path = places["data"] / name / f"{file}.gz"
    payload = bytearray(gzip.decompress(path.read_bytes()))
    payload[-1] ^= 1
    path.write_bytes(gzip.compress(bytes(payload)))
    with pytest.raises(DataError, match="damaged or another file"):
        lk.datasets.load(name)
    path.unlink()
    with pytest.raises(MissingDataError, match=file):
        lk.datasets.load(name)


def test_files_that_do_not_belong_together(
    name: str, stand_in: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    maker = getattr(lk.datasets, name)
    examples = {"train": 7, "validation": 5, "test": 5}
    monkeypatch.setattr(maker, "info", dataclasses.replace(maker.info, examples=examples))
    with pytest.raises(DataError, match=r"do not belong together.*4 images and 4 labels for test"):
        lk.datasets.load(name)


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
