"""CIFAR-10 in both forms, from small stand-in archives and, where it is, from the real one of JPEG files."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import labkit as lk
from labkit.datasets.cifar import CLASS_NAMES
from labkit.datasets.files import MissingDataError, PinnedFile
from labkit.errors import ArchiveError, DataError
from labkit.testing import check_dataset

from .conftest import MACHINE_DATA

BATCH, VALIDATION, TEST = 8, 10, 20
EXAMPLES = {"train": 5 * BATCH - VALIDATION, "validation": VALIDATION, "test": TEST}


def install(
    monkeypatch: pytest.MonkeyPatch, folder: Path, name: str, members: dict[str, bytes], examples: dict[str, int]
) -> Path:
    """Writes an archive of these members where the data set looks for its own, and pins it in its place."""
    maker = getattr(lk.datasets, name)
    real = maker.info.files[0]
    path = folder / real.name
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w:xz") as archive:
        for member, data in members.items():
            entry = tarfile.TarInfo(member)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    content = path.read_bytes()
    sums = {"md5": hashlib.md5(content).hexdigest()} if real.md5 else {"sha256": hashlib.sha256(content).hexdigest()}
    pinned = dataclasses.replace(real, size=len(content), urls=(), **sums)
    monkeypatch.setattr(maker, "info", dataclasses.replace(maker.info, files=(pinned,), examples=examples))
    return path


@pytest.fixture
def records() -> dict[str, bytes]:
    """The members of a small cifar-10-binary.tar.gz, not in their order, and others beside them as in the real one."""
    rng = np.random.default_rng(0)
    found = {"cifar-10-batches-bin/readme.html": b"<html>", "cifar-10-batches-bin/batches.meta.txt": b"airplane\n"}
    for name, count in {"test_batch": TEST, **{f"data_batch_{i}": BATCH for i in (3, 1, 2, 5, 4)}}.items():
        rows = rng.integers(0, 256, (count, 3073), np.uint8)
        rows[:, 0] = np.arange(count) % 10
        found[f"cifar-10-batches-bin/{name}.bin"] = rows.tobytes()
    return found


def rows_of(records: dict[str, bytes], *names: str) -> np.ndarray:
    data = b"".join(records[f"cifar-10-batches-bin/{name}.bin"] for name in names)
    return np.frombuffer(data, np.uint8).reshape(-1, 3073)


def test_the_binary_archive(
    records: dict[str, bytes], places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = install(monkeypatch, places["data"], "cifar10", records, EXAMPLES)
    data = lk.datasets.load("cifar10", dtype="uint8")
    training = rows_of(records, *(f"data_batch_{i}" for i in range(1, 6)))
    expected = {
        "validation": training[:VALIDATION],
        "train": training[VALIDATION:],
        "test": rows_of(records, "test_batch"),
    }
    for name, rows in expected.items():
        split = data.split(name)
        assert np.array_equal(split.labels, rows[:, 0])
        for channel in range(3):
            plane = rows[:, 1 + 1024 * channel : 1025 + 1024 * channel].reshape(-1, 32, 32)
            assert np.array_equal(split.images[..., channel], plane)
    check_dataset("cifar10")
    path.write_bytes(path.read_bytes() + b"!")
    with pytest.raises(DataError, match=r"cifar-10-binary.*damaged or another file"):
        lk.datasets.load("cifar10")
    path.unlink()
    with pytest.raises(MissingDataError, match=r"cifar-10-binary\.tar\.gz"):
        lk.datasets.load("cifar10")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"cifar-10-batches-bin/data_batch_4.bin": None}, "does not hold all of cifar10.*train 22, "),
        ({"cifar-10-batches-bin/data_batch_4.bin": bytes(3073)}, "does not hold all of cifar10.*train 23, "),
        ({"cifar-10-batches-bin/data_batch_4.bin": bytes(3072)}, "data_batch_4.bin is no file of whole CIFAR records"),
        ({"cifar-10-batches-bin/test_batch.bin": b"\x0a" + bytes(3072)}, "test_batch.bin, record 0"),
        ({"../elsewhere.bin": bytes(3073)}, "hostile name"),
    ],
)
def test_archives_that_are_pinned_and_wrong(
    records: dict[str, bytes],
    places: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, bytes | None],
    text: str,
) -> None:
    members = {name: data for name, data in {**records, **change}.items() if data is not None}
    install(monkeypatch, places["data"], "cifar10", members, EXAMPLES)
    with pytest.raises(DataError, match=text):
        lk.datasets.load("cifar10")


def jpeg(grey: int, side: int = 32) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (side, side), (grey, grey // 2, 255 - grey)).save(file, "jpeg", quality=95)
    return file.getvalue()


def test_the_archive_of_jpeg_files(places: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    members = {"train/notes.txt": b"no image"}
    for c, name in enumerate(CLASS_NAMES):
        members |= {f"train/{name}/{i:04}.jpg": jpeg(10 * c + 3 * i) for i in (2, 0, 1)}
        members |= {f"test/{name}/{i:04}.jpg": jpeg(150 + 10 * c + 5 * i) for i in (1, 0)}
    examples = {"train": 20, "validation": 10, "test": 20}
    install(monkeypatch, places["data"], "cifar10_jpeg", members, examples)
    data = lk.datasets.load("cifar10_jpeg", dtype="uint8")
    for name in examples:
        assert np.array_equal(data.split(name).labels, np.arange(examples[name]) % 10)
    for i in range(10):
        for split, place, grey in (
            ("validation", i, 10 * i),
            ("train", 10 + i, 10 * i + 6),
            ("test", 10 + i, 155 + 10 * i),
        ):
            image = data.split(split).images[place].astype(int)
            np.testing.assert_allclose(image, np.broadcast_to([grey, grey // 2, 255 - grey], (32, 32, 3)), atol=4)
    check_dataset("cifar10_jpeg")

    install(monkeypatch, places["data"], "cifar10_jpeg", {**members, "train/ship/0001.jpg": b"no image"}, examples)
    with pytest.raises(DataError, match=r"train/ship/0001.jpg is no image"):
        lk.datasets.load("cifar10_jpeg")
    install(monkeypatch, places["data"], "cifar10_jpeg", {**members, "train/ship/0001.jpg": jpeg(1, 16)}, examples)
    with pytest.raises(DataError, match="another size"):
        lk.datasets.load("cifar10_jpeg")
    del members["test/dog/0000.jpg"]
    install(monkeypatch, places["data"], "cifar10_jpeg", members, examples)
    with pytest.raises(DataError, match=r"does not hold all of cifar10_jpeg.*test 10"):
        lk.datasets.load("cifar10_jpeg")


def test_a_pinned_file_that_is_no_archive(places: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    maker = lk.datasets.cifar10_jpeg
    pinned = PinnedFile("cifar10-jpeg.tar.xz", 4, hashlib.sha256(b"text").hexdigest())
    monkeypatch.setattr(maker, "info", dataclasses.replace(maker.info, files=(pinned,)))
    (places["data"] / pinned.name).write_bytes(b"text")
    with pytest.raises(ArchiveError, match="no archive"):
        lk.datasets.load("cifar10_jpeg")


@pytest.mark.ci
def test_the_real_archive_of_jpeg_files(monkeypatch: pytest.MonkeyPatch) -> None:
    if not MACHINE_DATA or not os.path.exists(os.path.join(MACHINE_DATA, "cifar10-jpeg.tar.xz")):
        pytest.skip(f"CIFAR-10 (JPEG) is not on this machine: LABKIT_DATA is {MACHINE_DATA or 'not set'}")
    monkeypatch.setenv("LABKIT_DATA", MACHINE_DATA)
    check_dataset("cifar10_jpeg", dtype="uint8")
    data = lk.datasets.load("cifar10_jpeg")
    for name, count in (("train", 4500), ("validation", 500), ("test", 1000)):
        assert np.bincount(data.split(name).labels).tolist() == [count] * 10
    mean = data.train.images.mean(axis=(0, 1, 2), dtype=np.float64)
    np.testing.assert_allclose(mean, [0.4914, 0.4822, 0.4465], atol=0.001)  # that of the official training images
