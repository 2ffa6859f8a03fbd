"""Sizes beyond the memory that the machine has left are refused before anything is written. Each run here would be given up
after a moment, so that a size which is not refused does no harm."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import labkit as lk
from labkit import _native
from labkit.errors import ResourceExhaustedError

MEMINFO = Path("/proc/meminfo")
MOMENT = 1.0  # seconds

pytestmark = pytest.mark.skipif(not MEMINFO.exists(), reason="this system does not tell what memory is left")


def gigabytes_left() -> int:
    told = dict(line.split(":") for line in MEMINFO.read_text().splitlines())
    return sum(int(told[name].split()[0]) for name in ("MemAvailable", "SwapFree")) >> 20


def run_on(n: int, fetch: str) -> None:
    """A run on `n` GiB of float32 that are a result, a temporary, or half of each."""
    graph = lk.Graph()
    with graph.as_default():
        size = lk.placeholder(lk.int64, [])
        values = lk.ones([size]) * 2.0
        both = [values, lk.reduce_sum(lk.cumsum(values))]
    with lk.Session(graph) as session:
        fetches = {"result": values, "temporary": both[1], "both": both}[fetch]
        session.run(fetches, {size: (n << 28) // (2 if fetch == "both" else 1)}, timeout=MOMENT)


@pytest.mark.parametrize("fetch", ["result", "temporary", "both"])
def test_a_run_beyond_the_memory_that_is_left_is_refused(fetch: str) -> None:
    with pytest.raises(ResourceExhaustedError, match="not enough memory"):
        run_on(gigabytes_left() + 2, fetch)


def test_a_variable_beyond_the_memory_that_is_left_is_refused() -> None:
    with pytest.raises(MemoryError):
        _native.State().cell("f32", [gigabytes_left() + 2 << 28])


def test_a_small_run_goes_on_after_a_refusal() -> None:
    graph = lk.Graph()
    with graph.as_default():
        size = lk.placeholder(lk.int64, [])
        values = lk.ones([size])
    with lk.Session(graph) as session:
        with pytest.raises(ResourceExhaustedError):
            session.run(values, {size: gigabytes_left() + 2 << 28}, timeout=MOMENT)
        np.testing.assert_array_equal(session.run(values, {size: 3}), np.ones(3, np.float32))
