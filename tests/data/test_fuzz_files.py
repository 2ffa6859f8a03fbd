"""Damaged files: readers refuse them by typed errors, or give what is in them; memory and time are bounded."""

from __future__ import annotations

import time
import tracemalloc
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labkit.errors import DataError
from tests.data.readers import READERS, Reader

SECONDS = 2.0
"""What reading a file of some kilobytes never takes, also on a machine that does other things."""


def allowed(size: int) -> int:
    """Bytes that may be reserved for a file: buffers, and some times what it holds."""
    return (6 << 20) + 200 * size


def fuzz(reader: Reader, folder: Path, seeds: range) -> Counter[str]:
    """Reads so many damaged files; returns how many were refused and read."""
    outcomes: Counter[str] = Counter()
    path = folder / "damaged"
    for seed in seeds:
        data = reader.damaged(np.random.default_rng(seed))
        path.write_bytes(data)
        tracemalloc.reset_peak()
        begin = time.perf_counter()
        found, error = read(reader, path)
        taken, peak = time.perf_counter() - begin, tracemalloc.get_traced_memory()[1]
        assert taken < SECONDS, f"seed {seed} took {taken:.1f} s"
        assert peak < allowed(len(data)), f"seed {seed}: {peak:,} bytes for {len(data):,}"
        if error is None:
            assert reader.right(data, found), f"seed {seed}: read wrongly"
        else:
            assert reader.refused is None or reader.refused(data), f"seed {seed}: refused wrongly: {error}"
            assert len(str(error)) < 2000, f"seed {seed}: {error}"
        outcomes["read" if error is None else "refused"] += 1
    assert all(
        x.name in ("damaged", "damaged-shm", "damaged-wal") for x in folder.iterdir()
    )  # SQLite's own are the latter
    return outcomes


def read(reader: Reader, path: Path) -> tuple[Any, DataError | None]:
    """What the reader gives, or why it gives nothing; other errors are none it may raise."""
    try:
        return reader.read(path), None
    except DataError as error:
        return None, error


@pytest.mark.parametrize("name", READERS)
def test_damaged_files(name: str, tmp_path: Path) -> None:
    first = zlib.crc32(name.encode())
    tracemalloc.start()
    try:
        outcomes = fuzz(READERS[name], tmp_path, range(first, first + 100))
    finally:
        tracemalloc.stop()
    assert outcomes["read"]
    assert outcomes["refused"] or name == "text"


@pytest.mark.campaign
@pytest.mark.parametrize("name", READERS)
def test_ten_thousand_damaged_files(name: str, tmp_path: Path) -> None:
    tracemalloc.start()
    try:
        outcomes = fuzz(READERS[name], tmp_path, range(10_000))
    finally:
        tracemalloc.stop()
    print(f"{name}: {dict(outcomes)}")
