"""One event file: made with its first record, whole records only."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import socket
from pathlib import Path

from labkit.io import files
from labkit.io.clock import Clock
from labkit.io.records import frame

_NAME = re.compile(r"events\.out\.tfevents\.(\d+)\.")
_counter = itertools.count()


class EventFile:
    """A new event file in a folder.

    TensorBoard reads a folder's files in the order of their names, which begin with a time: this one's is later than
    those of all files there, whatever the clock says.

    Args:
        folder: where it is made.
        clock: gives the time in its name.
        head: its first records.
        suffix: the end of its name.

    Raises:
        OSError: it cannot be made.
    """

    def __init__(self, folder: Path, clock: Clock, head: list[bytes], suffix: str = "") -> None:
        times = [int(match[1]) for name in os.listdir(folder) if (match := _NAME.match(name))]
        seconds = max([int(clock.wall()), *(time + 1 for time in times)])
        host = re.sub(r"[^A-Za-z0-9.-]", "_", socket.gethostname()) or "localhost"
        name = f"events.out.tfevents.{seconds:010d}.{host}.{os.getpid()}.{next(_counter)}{suffix}"
        self._file = files.create(folder / name, 0o666)
        self._size = 0
        try:
            self.write(head)
        except OSError:
            self._file.close()
            with contextlib.suppress(OSError):
                files.remove(self.path)
            raise

    @property
    def path(self) -> Path:
        return self._file.path

    def write(self, events: list[bytes]) -> None:
        """Adds records, all or none.

        Raises:
            OSError: they could not be written, or the file has been removed.
        """
        data = b"".join(map(frame, events))
        try:
            self._file.write(data)
        except OSError:
            with contextlib.suppress(OSError):
                self._file.truncate(self._size)  # readers stop for ever at a record that is cut off
            raise
        self._size += len(data)
        if os.fstat(self._file.fileno()).st_nlink == 0:
            raise FileNotFoundError(f"the event file {self.path} has been removed")

    def close(self) -> None:
        self._file.close()
