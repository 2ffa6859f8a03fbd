"""Lines of text files."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from labkit.data.cursor import Cursor, State, entries, whole
from labkit.data.node import Length, Node
from labkit.data.spec import Element, Spec, TensorSpec
from labkit.data.workers import Workers
from labkit.errors import DataError, InvalidArgumentError, IteratorStateError

_LONGEST = 1 << 26
"""Bytes of the longest line: a file without lines does not fill the memory."""


class TextLines(Node):
    """The lines of one file after another. The state is the file's number and the byte at which the next line begins."""

    kind = "text_lines"
    indexed = False
    length: Length = None

    def __init__(self, paths: Sequence[Path]) -> None:
        super().__init__()
        self.paths = list(paths)

    def settings(self) -> dict[str, Any]:
        return {"files": ", ".join(map(str, self.paths[:3])) + (", ..." if len(self.paths) > 3 else "")}

    def identity(self) -> Any:
        return [path.name for path in self.paths]

    def derived(self, of: Callable[[Node], Spec | None]) -> Spec:
        return TensorSpec((), "string")

    def cursor(self, epoch: int, workers: Workers, state: State) -> Cursor:
        file, offset = (0, 0) if state is None else entries(state, 2)
        return _TextCursor(self, whole(file, most=len(self.paths)), whole(offset))


class _TextCursor(Cursor):
    def __init__(self, node: TextLines, file: int, offset: int) -> None:
        super().__init__()
        self._node, self._number, self._offset = node, file, offset
        self._file: BinaryIO | None = None

    def next(self) -> Element:
        while self._number < len(self._node.paths):
            path = self._node.paths[self._number]
            if self._file is None:
                self._file = opened(path, self._offset)
            line = self._file.readline(_LONGEST)
            if line:
                if len(line) == _LONGEST:
                    raise DataError(
                        f"{path} holds a line of {_LONGEST} bytes or more",
                        received=f"that from byte {self._offset} on",
                        fix="Is it a text file?",
                    )
                self._offset += len(line)
                return line.removesuffix(b"\n").removesuffix(b"\r")
            self.close()
            self._number, self._offset = self._number + 1, 0
        raise StopIteration

    def state(self) -> State:
        return [self._number, self._offset]

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def opened(path: Path, offset: int) -> BinaryIO:
    """The file for reading from a byte on.

    Raises:
        DataError: it cannot be read.
        IteratorStateError: it is shorter.
    """
    try:
        file = path.open("rb")
        size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}", fix="Is the path right?") from error
    if offset > size:
        file.close()
        raise IteratorStateError(
            f"{path} is shorter than it was", rule=f"The state is at byte {offset}", received=f"{size} bytes"
        )
    file.seek(offset)
    return file


def as_paths(filenames: Any) -> list[Path]:
    """One or several paths: str, bytes or os.PathLike.

    Raises:
        InvalidArgumentError: there are none, or something is no path.
    """
    single = isinstance(filenames, str | bytes | os.PathLike)
    names = [filenames] if single else list(filenames)
    if not names or not all(isinstance(name, str | bytes | os.PathLike) for name in names):
        raise InvalidArgumentError(
            "These are no names of files",
            rule="One path, or a list of at least one",
            received=repr(filenames)[:60],
        )
    return [Path(os.fsdecode(name)) for name in names]
