"""CSVLogger: a table of the epochs."""

from __future__ import annotations

import csv
import io
import os
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from labkit.callbacks.base import Callback, Logs
from labkit.errors import DataError, InvalidArgumentError
from labkit.io import make_folder
from labkit.io.lines import LineFile


class CSVLogger(Callback):
    """Writes a table of text: a header, and a line for each epoch as soon as it has ended.

    The columns are "epoch", counted from 0, the loss, the metrics, those of the validation, and what callbacks before this
    one add in the first epoch. Numbers are written with all their digits, what an epoch lacks as NA, which pandas reads as
    NaN. The file holds whole lines at any time. A disk that cannot be written costs lines and one warning, never the
    training: the lines are tried again after the next epoch.

    Args:
        filename: the file; its folder is made when it is missing.
        separator: between columns, one character.
        append: whether to go on in a file that is there, which must have the same columns; False begins it afresh.

    Raises:
        InvalidArgumentError: the separator is no single character.
        DataError: at the end of the first epoch: the file to go on in has other columns.
    """

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        if not isinstance(separator, str) or len(separator) != 1 or separator in '\r\n"':
            raise InvalidArgumentError(
                "CSVLogger cannot use this separator",
                rule="It is one character, no quotation mark",
                received=repr(separator),
            )
        self.filename, self.separator, self.append = os.fspath(filename), separator, bool(append)
        self.reset()

    def reset(self) -> None:
        self._file: LineFile | None = None
        self._columns: list[str] = []
        self._waiting = ""  # lines that are not in the file yet
        self._warned = False

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        if not self._columns:
            self._columns = list(dict.fromkeys(["epoch", *self.params["metrics"], *logs]))
            self._begin()
        self._warn_if([name for name in logs if name not in self._columns], "it has no column for")
        self._waiting += self._line(_text({"epoch": epoch, **logs}.get(name)) for name in self._columns)
        self._write()

    def close(self) -> None:
        if self._file is not None:
            self._write()
            self._file.close()
            self._file = None

    def _begin(self) -> None:
        header = self._line(self._columns)
        path = Path(self.filename)
        there = path.read_bytes().decode(errors="replace") if self.append and path.is_file() else ""
        first = there[: there.find("\n") + 1]
        if first and next(csv.reader([first], delimiter=self.separator)) != self._columns:
            raise DataError(
                f"CSVLogger cannot go on in {path}",
                rule=f"The file has the columns {header.strip()}",
                received=first.strip(),
                fix="Give another file name, or append=False to begin it afresh.",
            )
        self._waiting = "" if first else header

    def _write(self) -> None:
        try:
            if self._file is None:
                make_folder(Path(self.filename).parent)
                self._file = LineFile(self.filename, append=self.append)
            self._file.write(self._waiting)
            self._waiting = ""
        except OSError as error:
            self._warn_if([str(error)], "it cannot be written:")

    def _warn_if(self, what: list[str], problem: str) -> None:
        if what and not self._warned:
            self._warned = True
            warnings.warn(
                f"{self.filename} is not complete: {problem} {', '.join(what)}.", RuntimeWarning, stacklevel=2
            )

    def _line(self, cells: Iterable[Any]) -> str:
        line = io.StringIO()
        csv.writer(line, delimiter=self.separator, lineterminator="\n").writerow(cells)
        return line.getvalue()


def _text(value: Any) -> Any:
    if value is None:
        return "NA"
    return value.tolist() if hasattr(value, "tolist") else value
