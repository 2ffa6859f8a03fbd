"""CSV files piece by piece: whole records, as columns of text."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path

from labkit.data.paths import opened
from labkit.errors import DataError

_PIECE = 1 << 18
_LARGEST = 1 << 26
"""Bytes that are read at once, and of the largest record: a quotation mark that nobody closed does not fill the memory."""

_BOM = b"\xef\xbb\xbf"
_PACKED = (b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ")


class Pieces:
    """One open file.

    Attributes:
        offset: the byte at which the next piece begins.
        line: how many lines are before it.
        lines: of the rows of the last piece, the line on which each ends.
        error: what is wrong with the record after these rows; None: nothing.
    """

    def __init__(self, path: Path, delimiter: str) -> None:
        self.path, self.delimiter = path, delimiter
        self.offset, self.line = 0, 0
        self.lines: list[int] = []
        self.error: DataError | None = None
        self._record, self._many = _patterns(delimiter)
        self._file = opened(path, 0)

    def close(self) -> None:
        self._file.close()

    def seek(self, offset: int, line: int) -> None:
        """Goes to where a piece begins.

        Raises:
            IteratorStateError: the file ends before.
        """
        self._file.close()
        self._file = opened(self.path, offset)
        self.offset, self.line = offset, line

    def header(self) -> list[str]:
        """The fields of the first record.

        Raises:
            DataError: there is none, or two are the same.
        """
        rows: list[list[str]] = []
        while not rows and self._more():
            rows = self._rows(first=True)
        if not rows:
            raise DataError(f"{self.path} is empty", rule="A CSV file begins with a record of the columns' names")
        names = [name.strip() for name in rows[0]]
        if twice := [name for name in names if names.count(name) > 1]:
            raise DataError(
                f"{self.path}, line {self.line}: two columns are called {twice[0]!r}",
                received=", ".join(map(repr, names[:20])),
            )
        return names

    def columns(self, names: Sequence[str]) -> list[Sequence[str]] | None:
        """The fields of the next piece by column, up to where `error` says; None at the end. Empty lines are left out.

        Raises:
            DataError: the first record has more or fewer fields than there are names, or is none.
        """
        while self._more():
            rows = self._rows(first=False)
            if (odd := next((i for i, row in enumerate(rows) if len(row) != len(names)), None)) is not None:
                self.stop(odd, self._ragged(rows[odd], names, self.lines[odd]))
                rows = rows[:odd]
            if rows:
                return list(zip(*rows, strict=True))
        return None

    def stop(self, row: int, error: DataError) -> None:
        """Keeps an error until the rows before are given."""
        if not row:
            raise error
        self.error = error

    def _ragged(self, row: Sequence[str], names: Sequence[str], line: int) -> DataError:
        missing = f"none for column {names[len(row)]!r}: " if len(row) < len(names) else ""
        return DataError(
            f"{self.path}, line {line}: a row has another number of fields than the others",
            rule=f"There are {len(names)} columns",
            received=f"{len(row)} fields, {missing}{', '.join(map(repr, row[:6]))}"[:100],
            fix="A field that holds the delimiter stands in quotation marks.",
        )

    def _more(self) -> bool:
        self._file.seek(self.offset)
        return bool(self._file.read(1))

    def _rows(self, first: bool) -> list[list[str]]:
        data = self._records(first)
        begin, mark = self.line, len(_BOM) if not self.offset and data.startswith(_BOM) else 0
        self.offset += len(data)
        self.line += _line_ends(data)
        try:
            text = data[mark:].decode()
        except UnicodeDecodeError as error:
            line = begin + 1 + _line_ends(data[: mark + error.start])
            raise DataError(
                f"{self.path}, line {line}: no UTF-8",
                received=f"bytes {error.object[error.start : error.end].hex(' ')}",
                fix="It is packed: unpack it, or read it with pandas.read_csv and Dataset.from_tensor_slices."
                if data.startswith(_PACKED)
                else "Write it as UTF-8, e.g. by iconv -f LATIN1 -t UTF-8.",
            ) from error
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=self.delimiter, strict=True)
        found, ended = [], 0
        try:
            for row in reader:
                ended = reader.line_num
                if row:
                    found.append((row, begin + ended))
        except csv.Error as error:
            wrong = DataError(
                f"{self.path}, line {begin + ended + 1}: no CSV: {error}",
                received="a record that begins there",
                fix="Is the delimiter right, and is every quotation mark closed?",
            )
            wrong.__cause__ = error
            self.stop(len(found), wrong)
        self.lines = [line for _, line in found]
        return [row for row, _ in found]

    def _records(self, first: bool) -> bytes:
        """Bytes of whole records: many, or the first one."""
        size = _PIECE
        while True:
            self._file.seek(self.offset)
            data = self._file.read(size)
            if (end := self._end_of_records(data, first)) > 0:
                return data[:end]
            if len(data) < size:  # the last record may end with the file
                return data
            if size >= _LARGEST:
                raise DataError(
                    f"{self.path} holds a record of {_LARGEST} bytes or more",
                    received=f"that after line {self.line}",
                    fix="Is every quotation mark closed?",
                )
            size *= 4

    def _end_of_records(self, data: bytes, first: bool) -> int:
        """Where the last record (or the first) that ends in the data ends; 0 where none does."""
        begin = len(_BOM) if not self.offset and data.startswith(_BOM) else 0
        if first or b'"' in data:
            match = (self._record if first else self._many).match(data, begin)
            return match.end() if match and match.end() > begin else 0
        return max(data.rfind(b"\n"), data.rfind(b"\r", 0, max(len(data) - 1, 0))) + 1


def _line_ends(data: bytes) -> int:
    return data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")


def _patterns(delimiter: str) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """A record, and as many as there are: fields, each within quotation marks or without, between delimiters, and an end of the
    line. A carriage return with which the data end may be half of one."""
    mark = re.escape(delimiter.encode())
    other = rb"[^%s\r\n]" % mark if delimiter.isascii() else rb"(?:(?!%s)[^\r\n])" % mark
    field = rb'(?:"[^"]*+(?:""[^"]*+)*+"%s*+|(?!")%s*+)' % (other, other)
    record = rb"%s(?:%s%s)*+(?:\r\n|\n|\r(?!\Z))" % (field, mark, field)
    return re.compile(record), re.compile(rb"(?:%s)*+" % record)
