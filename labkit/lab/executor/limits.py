"""Limits of the processes of a trial, looked at several times a second: the memory they use, the logs they write."""

from __future__ import annotations

import os
import time
from pathlib import Path

from labkit.lab.executor import Unit

EVERY = 0.1
"""Seconds between two looks at a trial."""

LOG_BYTES, KEPT_BYTES = 64 * 2**20, 2**20
"""How large stdout.log and stderr.log may become, and how much of their beginning stays when they are cut."""


class Watch:
    """Looks after one trial."""

    def __init__(self, unit: Unit) -> None:
        self._memory = unit.memory
        self._logs = [Path(unit.folder) / name for name in ("stdout.log", "stderr.log")]
        self._next = 0.0

    def broken(self, pid: int) -> str | None:
        """The limit that the trial whose first process is `pid` has broken, in words; else None.

        A log that has become too large is cut: its beginning stays, and what is written from now on.
        """
        now = time.monotonic()
        if now < self._next:
            return None
        self._next = now + EVERY
        for log in self._logs:
            _cut(log)
        if self._memory is None:
            return None
        used = memory_of(pid)
        if used <= self._memory:
            return None
        return f"it used {used / 1e6:,.0f} MB of memory, more than the {self._memory / 1e6:,.0f} MB that a trial may"


def memory_of(pid: int) -> int:
    """Bytes of memory in use by a process and all that descend from it; 0 when it has ended."""
    import psutil

    try:
        first = psutil.Process(pid)
        family = [first, *first.children(recursive=True)]
    except psutil.Error:
        return 0
    used = 0
    for process in family:
        try:
            used += process.memory_info().rss
        except psutil.Error:
            continue  # it has just ended
    return used


def _cut(log: Path) -> None:
    try:
        size = os.stat(log).st_size
        if size > LOG_BYTES:
            os.truncate(log, KEPT_BYTES)  # its writers append, so they go on behind the cut
            with log.open("ab") as file:
                file.write(
                    f"\n... {size - KEPT_BYTES:,} bytes were cut out here: the log had become too large.\n".encode()
                )
    except OSError:
        pass  # it does not exist yet, or the disk is full: the trial itself meets that
