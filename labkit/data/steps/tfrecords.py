"""Records of TFRecord files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from labkit.data.cursor import Cursor, State, entries, whole
from labkit.data.formats.example_parser import Parser
from labkit.data.node import Node
from labkit.data.paths import opened
from labkit.data.spec import Element, Spec, TensorSpec, show_spec
from labkit.data.steps.file_list import FileList
from labkit.data.workers import Workers
from labkit.errors import DataError, IteratorStateError
from labkit.io.records import RecordReader


class TFRecords(FileList):
    """The records of one file after another: bytes, or what a parser makes of them.

    The state is the file's number, the byte at which the next record begins, and how many records of the file are before it.
    """

    kind = "tfrecord"

    def __init__(self, paths: Sequence[Path], compression: str, parser: Parser | None) -> None:
        super().__init__(paths)
        self.compression, self.parser = compression, parser

    def settings(self) -> dict[str, Any]:
        return super().settings() | ({"compression_type": self.compression} if self.compression else {})

    def identity(self) -> Any:
        parser = self.parser
        defaults = sorted((name, repr(value)) for name, value in (parser.defaults if parser else {}).items())
        return [super().identity(), self.compression, show_spec(self.derived(lambda node: None)), defaults]

    def derived(self, of: Callable[[Node], Spec | None]) -> Spec:
        return TensorSpec((), "string") if self.parser is None else self.parser.features

    def cursor(self, epoch: int, workers: Workers, state: State) -> Cursor:
        file, offset, number = (0, 0, 0) if state is None else entries(state, 3)
        return _RecordCursor(self, whole(file, most=len(self.paths)), whole(offset), whole(number))


class _RecordCursor(Cursor):
    def __init__(self, node: TFRecords, file: int, offset: int, number: int) -> None:
        super().__init__()
        self._node, self._number = node, file
        self._begin = (offset, number)  # where to go on in a file that is not open yet
        self._file: BinaryIO | None = None
        self._reader: RecordReader | None = None

    def next(self) -> Element:
        while self._number < len(self._node.paths):
            path = self._node.paths[self._number]
            reader = self._reader or self._open(path)
            place = f"{path}, record {reader.number} (byte {reader.offset})"
            record = reader.read()
            if record is not None:
                return record if self._node.parser is None else self._parsed(self._node.parser, record, place)
            self.close()
            self._number, self._begin = self._number + 1, (0, 0)
        raise StopIteration

    def _open(self, path: Path) -> RecordReader:
        offset, number = self._begin
        self._file = opened(path, 0 if self._node.compression else offset)
        self._reader = RecordReader(self._file, str(path), self._node.compression)
        if offset and not self._reader.skip(offset, number):
            raise IteratorStateError(f"{path} is shorter than it was", rule=f"The state is at byte {offset}")
        return self._reader

    def _parsed(self, parser: Parser, record: bytes, place: str) -> Element:
        try:
            return parser(record)
        except DataError as error:
            raise DataError(
                f"{place}: {error.what}", rule=error.rule, received=error.received, fix=error.fix
            ) from error

    def state(self) -> State:
        begin = self._begin if self._reader is None else (self._reader.offset, self._reader.number)
        return [self._number, *begin]

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = self._reader = None
