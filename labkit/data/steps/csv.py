"""Rows of CSV files: typed columns, read piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from labkit.core.dtypes import DType
from labkit.data.cursor import Cursor, State, entries, whole
from labkit.data.elements import Elements
from labkit.data.node import Node
from labkit.data.spec import Element, Spec, TensorSpec
from labkit.data.steps.csv_pieces import Pieces
from labkit.data.steps.csv_types import BadValue, converted, guessed
from labkit.data.steps.file_list import FileList
from labkit.data.steps.typed_rows import TypedRows
from labkit.data.workers import Workers
from labkit.errors import DataError
from labkit.near import quoted_near_names


@dataclass(frozen=True, kw_only=True)
class Layout(TypedRows):
    """How the files are to be read.

    Args:
        names: of all columns; None: the first record of each file tells them.
        select: the columns to read; None for all.
        delimiter: between fields.
    """

    names: Sequence[str] | None = None
    select: Sequence[str] | None = None
    delimiter: str = ","

    def mentioned(self) -> list[str]:
        return [*(self.select or ()), *super().mentioned()]

    def identity(self) -> list[Any]:
        return [list(self.names or ()), list(self.select or ()), *super().identity(), self.delimiter]


class CsvRows(FileList):
    """The rows of one file after another.

    The state is the number of the file, the byte and the line at which the piece begins that is being read, and the row in it.
    """

    kind = "csv"

    def __init__(self, paths: Sequence[Path], layout: Layout) -> None:
        super().__init__(paths)
        self.layout = layout

    def identity(self) -> Any:
        return [super().identity(), *self.layout.identity()]

    def derived(self, of: Callable[[Node], Spec | None]) -> Spec | None:
        columns, dtypes = self.layout.select or self.layout.names, self.layout.dtypes
        if columns is None or any(name not in dtypes for name in columns):
            return None
        return self.layout.row({name: TensorSpec((), dtypes[name]) for name in columns})

    def _first_spec(self) -> Spec:
        return self.layout.row({name: TensorSpec((), dtype) for name, dtype in self.types.items()})

    @cached_property
    def types(self) -> dict[str, DType]:
        """The columns that are read, and their dtypes.

        Raises:
            DataError: the first file cannot be read, or has no such columns.
        """
        pieces = Pieces(self.paths[0], self.layout.delimiter)
        try:
            names = self.names(pieces)
            columns = pieces.columns(names) or [()] * len(names)
        finally:
            pieces.close()
        texts = dict(zip(names, columns, strict=True))
        given, defaults = self.layout.dtypes, self.layout.defaults
        return {
            name: given.get(name) or guessed(texts[name], has_default=name in defaults)
            for name in self.layout.select or names
        }

    def names(self, pieces: Pieces) -> list[str]:
        """The names of all columns of a file that was just opened; afterwards it is at its first row.

        Raises:
            DataError: a column that is to be read is missing.
        """
        names = pieces.header() if self.layout.names is None else list(self.layout.names)
        for name in self.layout.mentioned():
            if name not in names:
                near = quoted_near_names(name, names)
                raise DataError(
                    f"{pieces.path} has no column {name!r}" + (f"; did you mean {near}?" if near else ""),
                    rule="Every column that is to be read is in every file",
                    received=f"columns {', '.join(map(repr, names[:20]))}",
                    fix=f"Is another character between the fields? delimiter={found!r}"
                    if len(names) == 1 and (found := next((c for c in ";\t|" if c in names[0]), ""))
                    else "",
                )
        return names

    def read(self, pieces: Pieces, names: Sequence[str]) -> Elements | None:
        """The next rows of a file, up to where `pieces.error` says; None at its end.

        Raises:
            DataError: something in the first of them is no value of its column.
        """
        columns = pieces.columns(names)
        if columns is None:
            return None
        texts, values = dict(zip(names, columns, strict=True)), {}
        count = len(columns[0])
        for name, dtype in self.types.items():
            if name not in texts:
                raise DataError(f"{pieces.path} has no column {name!r}, which {self.paths[0]} has")
            default = self.layout.defaults.get(name)
            try:
                values[name] = converted(texts[name][:count], dtype, default)
            except BadValue as bad:
                where = f"{pieces.path}, line {pieces.lines[bad.row]}, column {name!r}"
                pieces.stop(bad.row, DataError(f"{where}: {bad.what}", fix=bad.fix))
                count = bad.row
                values[name] = converted(texts[name][:count], dtype, default)
        return Elements.from_nest(self.layout.row({name: found[:count] for name, found in values.items()}), count)

    def cursor(self, epoch: int, workers: Workers, state: State) -> Cursor:
        file, offset, line, row = (0, 0, 0, 0) if state is None else entries(state, 4)
        return _CsvCursor(self, whole(file, most=len(self.paths)), whole(offset), whole(line), whole(row))


class _CsvCursor(Cursor):
    def __init__(self, node: CsvRows, file: int, offset: int, line: int, row: int) -> None:
        super().__init__()
        self._node, self._number, self._row = node, file, row
        self._begin = (offset, line)  # of the piece whose rows are being given
        self._pieces: Pieces | None = None
        self._names: list[str] = []
        self._rows: Elements | None = None

    def next(self) -> Element:
        while self._rows is None or self._row >= self._rows.count:
            if self._number >= len(self._node.paths):
                raise StopIteration
            if self._pieces is None:
                self._open()
            elif self._pieces.error is not None:
                raise self._pieces.error
            elif self._rows is not None:
                self._rows, self._row = None, 0
            assert self._pieces is not None
            begin = (self._pieces.offset, self._pieces.line)
            self._rows = self._node.read(self._pieces, self._names)
            self._begin = begin
            if self._rows is None:
                self.close()
                self._number, self._begin, self._row = self._number + 1, (0, 0), 0
        self._row += 1
        return self._rows.element(self._row - 1)

    def _open(self) -> None:
        self._pieces = Pieces(self._node.paths[self._number], self._node.layout.delimiter)
        self._names = self._node.names(self._pieces)
        if self._begin[0]:
            self._pieces.seek(*self._begin)

    def state(self) -> State:
        return [self._number, *self._begin, self._row]

    def close(self) -> None:
        if self._pieces is not None:
            self._pieces.close()
        self._pieces = self._rows = None
