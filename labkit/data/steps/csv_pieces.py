"""CSV files piece by piece: whole records, as columns of text."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from labkit.data.paths import opened
from labkit.errors import DataError

_PIECE = 1 << 18
_LARGEST = 1 << 26
"""Bytes that are read at once, and of the largest record: a quotation mark that nobody closed does not fill the memory."""

_BOM = b"\xef\xbb\xbf"


class Pieces:
    """One open file.

    Attributes:
        offset: the byte at which the next piece begins.
        line: how many lines are before it.
        lines: of the rows of the last piece, the line on which each ends.
    """

    def __init__(self, path: Path, delimiter: str) -> None:
        self.path, self.delimiter = path, delimiter
        self.offset, self.line = 0, 0
        self.lines: list[int] = []
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
        rows = self._rows(first=True)
        if not rows:
            raise DataError(f"{self.path} is empty", rule="A CSV file begins with a record of the columns' names")
        names = [name.strip() for name in rows[0]]
        if twice := [name for name in names if names.count(name) > 1]:
            raise DataError(f"{self.path} has two columns {twice[0]!r}", received=", ".join(map(repr, names[:20])))
        return names

    def columns(self, count: int) -> list[Sequence[str]] | None:
        """The fields of the next piece by column; None at the end. Empty lines are left out.

        Raises:
            DataError: a record has not `count` fields, or is none.
        """
        while self._more():
            rows = self._rows(first=False)
            for row, line in zip(rows, self.lines, strict=True):
                if len(row) != count:
                    raise DataError(
                        f"{self.path}, line {line}: a row has another number of fields than the others",
                        rule=f"There are {count} columns",
                        received=f"{len(row)} fields: {', '.join(map(repr, row[:6]))}"[:100],
                        fix="A field that holds the delimiter stands in quotation marks.",
                    )
            if rows:
                return list(zip(*rows, strict=True))
        return None

    def _more(self) -> bool:
        self._file.seek(self.offset)
        return bool(self._file.read(1))

    def _rows(self, first: bool) -> list[list[str]]:
        data = self._records(first)
        self._file.seek(self.offset)
        self.offset += len(data)
        begin, self.line = self.line, self.line + data.count(b"\n")
        try:
            text = data.removeprefix(_BOM).decode() if self.offset == len(data) else data.decode()
            reader = csv.reader(io.StringIO(text, newline=""), delimiter=self.delimiter, strict=True)
            found = [(row, begin + reader.line_num) for row in reader if row]
        except UnicodeDecodeError as error:
            raise DataError(
                f"{self.path} is not in UTF-8", received=f"a piece that begins on line {begin + 1}"
            ) from error
        except csv.Error as error:
            raise DataError(
                f"{self.path}, line {begin + reader.line_num}: no CSV: {error}",
                fix="Is the delimiter right, and is every quotation mark closed?",
            ) from error
        self.lines = [line for _, line in found]
        return [row for row, _ in found]

    def _records(self, first: bool) -> bytes:
        """Bytes of whole records: many, or the first one."""
        size = _PIECE
        while True:
            self._file.seek(self.offset)
            data = self._file.read(size)
            if (end := _end_of_records(data, first)) > 0:
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


def _end_of_records(data: bytes, first: bool) -> int:
    """Where the last record (or the first) that ends in the data ends: at a line's end outside of quotation marks, before which
    there is an even number of these; 0 where none does."""
    place = data.find(b"\n") if first else data.rfind(b"\n")
    marks = data.count(b'"', 0, max(place, 0))
    while place >= 0 and marks % 2:
        if first:
            following = data.find(b"\n", place + 1)
            marks += data.count(b'"', place, max(following, place))
        else:
            following = data.rfind(b"\n", 0, place)
            marks -= data.count(b'"', max(following, 0), place)
        place = following
    return place + 1
