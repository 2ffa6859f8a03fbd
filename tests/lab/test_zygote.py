"""How the zygote hears of the end of its workers, on every system."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from labkit.lab.zygote import reap

WORKER = """
import subprocess, sys
child = subprocess.Popen(["sleep", "60"])
print(child.pid, flush=True)
sys.stdin.read()
sys.exit(3)
"""


@pytest.mark.parametrize("system", ["linux", "macos"])
def test_the_end_of_a_worker_ends_what_it_started(monkeypatch: pytest.MonkeyPatch, system: str) -> None:
    if system == "macos":
        monkeypatch.delattr(os, "waitid")
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0
    )
    assert worker.stdin is not None
    assert worker.stdout is not None
    child = int(worker.stdout.readline())
    assert reap(worker.pid) is None
    worker.stdin.close()
    deadline = time.monotonic() + 20
    while (code := reap(worker.pid)) is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert code == 3
    worker.returncode = code
    worker.stdout.close()
    while time.monotonic() < deadline and _runs(child):
        time.sleep(0.01)
    assert not _runs(child)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"  # adopted, and not waited for yet
    except (FileNotFoundError, ProcessLookupError):
        return False
