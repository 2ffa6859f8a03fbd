"""Lines of text files."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

from labkit.data.cursor import Cursor, State, entries, whole
from labkit.data.node import Node
from labkit.data.paths import opened
from labkit.data.spec import Element, Spec, TensorSpec
from labkit.data.steps.file_list import FileList
from labkit.data.workers import Workers
from labkit.errors import DataError

_LONGEST = 1 << 26
"""Bytes of the longest line: a file without lines does not fill the memory."""


class TextLines(FileList):
    """The lines of one file after another. The state is the file's number and the byte at which the next line begins."""

    kind = "text_lines"

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
