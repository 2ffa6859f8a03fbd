"""FileLock: one owner, who is known by name and whose death frees the lock."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from labkit.errors import FailedPreconditionError
from labkit.io import FileLock
from tests.io.forks import run_in_new_process

HOLD = """
import sys, time
from labkit.io import FileLock
lock = FileLock(sys.argv[1])
print(lock.try_acquire(), flush=True)
time.sleep(60)
"""


@contextmanager
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock."""
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "True\n"
            yield process
        finally:
            process.kill()


def test_the_second_process_is_told_the_owner_and_a_kill_frees_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    lock = FileLock(path)
    with holder(path) as process:
        start = time.monotonic()
        assert not lock.try_acquire()
        owner = lock.owner()
        assert owner is not None
        assert (owner.pid, owner.host) == (process.pid, socket.gethostname())
        assert time.monotonic() - start < 2
        with pytest.raises(FailedPreconditionError, match=f"held by process {process.pid} on "):
            lock.__enter__()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert lock.try_acquire()
    assert lock.held
    assert json.loads(path.read_bytes())["pid"] == os.getpid()
    lock.release()
    assert not lock.held
    assert path.read_bytes() == b""


def test_two_locks_of_one_process_exclude_each_other(tmp_path: Path) -> None:
    with FileLock(tmp_path / "lock") as first:
        assert first.try_acquire()  # again: it is held already
        second = FileLock(tmp_path / "lock")
        assert not second.try_acquire()
        owner = second.owner()
        assert owner is not None
        assert owner.pid == os.getpid()
    assert second.try_acquire()
    second.release()


@pytest.mark.parametrize(
    "text", [b"", b"{", b'{"pid": 1}\n', b'{"pid": "x", "host": "h", "command": "c"}\n', b"\xff\n"]
)
def test_an_owner_that_says_nothing_readable_is_none(tmp_path: Path, text: bytes) -> None:
    with FileLock(tmp_path / "lock"):
        (tmp_path / "lock").write_bytes(text)
        other = FileLock(tmp_path / "lock")
        assert not other.try_acquire()
        assert other._read_owner() is None


def test_what_a_dead_owner_left_is_not_believed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    text = json.dumps({"pid": process.pid, "host": socket.gethostname(), "command": "old"}) + "\n"
    (tmp_path / "lock").write_text(text)
    assert FileLock(tmp_path / "lock")._read_owner() is None


def test_a_forked_child_does_not_keep_its_parents_lock(tmp_path: Path) -> None:
    assert run_in_new_process(fork_and_release, str(tmp_path / "lock")).split() == ["False", "True"]


def fork_and_release(path: str) -> None:
    lock = FileLock(path)
    assert lock.try_acquire()
    ready, done = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(ready[1], b"x")
        os.close(done[1])
        os.read(done[0], 1)  # until the parent has looked
        os._exit(0)
    os.read(ready[0], 1)
    print(FileLock(path).try_acquire())
    lock.release()
    print(FileLock(path).try_acquire())  # though the child lives
    os.close(done[1])
    os.waitpid(pid, 0)
