"""Sizes beyond the memory that the machine has left are refused before anything is written. Each run here would be given up
after a moment, so that a size which is not refused does no harm."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
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


# --- limits of a process ---

START = """
import os, resource, sys
import numpy as np
import labkit as lk
from labkit.errors import ConfigError, ResourceExhaustedError
"""
SLOPE = """
n = lk.placeholder(lk.int32, [])
x = lk.placeholder(lk.float32, [1 << 20])
_, z = lk.while_loop(lambda i, a: i < n, lambda i, a: (i + 1, lk.sin(a)), [0, x])
slope = lk.reduce_max(lk.gradients(z, x)[0])  # keeps 4 MB of each iteration
session = lk.Session()

def told(count):
    try:
        return str(session.run(slope, {x: np.zeros(1 << 20, np.float32), n: count}))
    except ResourceExhaustedError as error:
        return str(error)
"""


def printed(*code: str, **environment: str) -> list[str]:
    """The lines that a fresh Python prints."""
    done = subprocess.run(
        [sys.executable, "-c", START + "".join(map(textwrap.dedent, code))],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_loops_gradient_stays_below_the_limit_or_is_refused() -> None:
    small, large, again, peak = printed(
        SLOPE,
        """
        print(told(5))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(told(200))
        print(told(5))
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
        """,
        LABKIT_MEMORY_LIMIT="100M",
    )
    assert small == again == "1.0"
    assert "not enough memory" in large
    assert "of which LABKIT_MEMORY_LIMIT has" in large
    assert int(peak) < 100_000  # kilobytes: nothing was written of the 800 MB


def test_results_that_a_loop_in_python_collects_are_limited_too() -> None:
    small, large = printed(
        """
        n = lk.placeholder(lk.int32, [])
        rows = lk.map_fn(lambda i: lk.py_func(lambda k: np.full(1 << 18, k, np.float32), [i], lk.float32), lk.range(n),
                         dtype=lk.float32)
        session = lk.Session()
        print(session.run(rows, {n: 3}).shape)
        try:
            session.run(rows, {n: 500})
        except ResourceExhaustedError as error:
            print(error)
        """,
        LABKIT_MEMORY_LIMIT="100M",
    )
    assert small == "(3, 262144)"
    assert "goes through 500 elements" in large


def test_the_limit_is_for_all_sessions_together() -> None:
    made, after = printed(
        """
        v = lk.Variable(lk.zeros([1 << 20]))
        sessions = [lk.Session() for _ in range(20)]
        def start(session):
            try:
                session.run(v.initializer)
                return 1
            except ResourceExhaustedError:
                return 0
        print(sum(map(start, sessions)))
        for session in sessions:
            session.close()
        print(start(lk.Session()))
        """,
        LABKIT_MEMORY_LIMIT="32M",
    )
    assert 3 <= int(made) <= 8  # a variable is 4 MB, and the plan may keep its first value
    assert after == "1"


@pytest.mark.parametrize("text", ["-1", "many", "1.5G", "2T", "G", "99999999999G"])
def test_a_limit_that_is_no_number_of_bytes(text: str) -> None:
    code = """
        try:
            lk.Session()
        except ConfigError as error:
            print(error)
        """
    assert f"Received: '{text}'" in printed(code, LABKIT_MEMORY_LIMIT=text)[0]


@pytest.fixture
def group() -> Iterator[Path]:
    """A control group of our own with 400 MB, where this process may make one."""
    roots = [Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")]
    root = next((r for r in roots if (r / "cgroup.procs").exists()), roots[0])
    folder = root / f"labkit_test_{os.getpid()}"
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("no control group can be made here")
    try:
        limit = next((f for f in ("memory.limit_in_bytes", "memory.max") if (folder / f).exists()), None)
        if limit is None:
            pytest.skip("no control group with a limit of memory can be made here")
        (folder / limit).write_text(str(400 << 20))
        yield folder
    finally:
        folder.rmdir()


def test_a_control_groups_limit_is_kept(group: Path) -> None:
    enter = f"open({str(group / 'cgroup.procs')!r}, 'w').write(str(os.getpid()))"
    small, large, again = printed(enter, SLOPE, "for count in (10, 300, 10): print(told(count))")
    assert small == again == "1.0"
    assert "of which the control group of this process has" in large
