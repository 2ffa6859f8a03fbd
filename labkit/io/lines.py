"""LineFile: a text file that grows by whole lines."""

from __future__ import annotations

import os
from pathlib import Path

from labkit.io.files import open_append


class LineFile:
    """A text file that ends with a whole line, wherever its writer was stopped.

    What a killed writer left unfinished at the end is cut off when the file is opened; a write that fails is undone.
    One writer at a time.

    Args:
        path: the file; made when it is not there.
        append: whether to keep the lines that it has.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, path: str | os.PathLike[str], *, append: bool = False) -> None:
        self.path = Path(path)
        self._file = open_append(self.path)
        try:
            data = self.path.read_bytes() if append else b""
            self._size = data.rfind(b"\n") + 1
            self._file.truncate(self._size)
        except BaseException:
            self._file.close()
            raise

    @property
    def is_empty(self) -> bool:
        return not self._size

    def write(self, lines: str) -> None:
        """Appends lines, each with its end, and hands them to the system.

        Raises:
            OSError: they did not fit on the disk; the file is as before.
        """
        data = lines.encode()
        try:
            self._file.write(data)
        except BaseException:
            self._file.truncate(self._size)
            raise
        self._size += len(data)

    def close(self) -> None:
        """Closes the file; further calls do nothing."""
        self._file.close()
