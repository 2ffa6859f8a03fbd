"""Append-only logs: one JSON value a line."""

from __future__ import annotations

import json
import math
import os
import warnings
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

from labkit.errors import DataError, InvalidArgumentError
from labkit.io.files import open_append

_FLUSH_AT = 1 << 16
_FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


class AppendLog:
    """A log of JSON values that survives being cut off anywhere.

    What a killed writer left unfinished at the end is dropped when the log is opened; a failed write is undone, so that
    a line is whole or not there. One writer at a time. Floats that JSON has no name for are written as {"$float":
    "nan"}, "inf" or "-inf"; NumPy's scalars and arrays as numbers and lists.

    Args:
        path: the file; made when it is not there.
        count: how many records to keep, when a run goes back to an earlier point; the default keeps all.

    Raises:
        DataError: fewer records than `count` are there.
        OSError: it cannot be opened.
    """

    def __init__(self, path: str | os.PathLike[str], count: int | None = None) -> None:
        self.path = Path(path)
        self._buffer: list[bytes] = []
        self._buffered = 0
        self._file = open_append(self.path)
        try:
            data = self.path.read_bytes()
            self._count, self._size = _scan(data, self.path)
            self._torn = self._size < len(data)
            self._mend()
            if count is not None:
                self.truncate(count)
        except BaseException:
            self._file.close()
            raise

    @property
    def count(self) -> int:
        """The number of records, those not yet flushed included."""
        return self._count

    def append(self, record: Any) -> None:
        """Adds a record; it reaches the file with the next `flush`, or when 64 KiB have gathered."""
        self.extend([record])

    def extend(self, records: Iterable[Any]) -> None:
        """Adds records.

        Raises:
            InvalidArgumentError: JSON cannot hold one of them; none is added.
            OSError: they did not fit on the disk; they are kept and the next flush tries again.
        """
        lines = [encode(record) for record in records]
        self._buffer += lines
        self._count += len(lines)
        self._buffered += sum(map(len, lines))
        if self._buffered >= _FLUSH_AT:
            self.flush()

    def flush(self) -> None:
        """Hands all records to the system: they survive the end of this process, though not of the machine."""
        if not self._buffer:
            return
        self._mend()
        data = b"".join(self._buffer)
        self._torn = True
        self._file.write(data)
        self._torn = False
        self._size += len(data)
        self._buffer.clear()
        self._buffered = 0

    def sync(self) -> None:
        """Returns when all records are on the disk."""
        self.flush()
        self._file.sync()

    def truncate(self, count: int) -> None:
        """Drops all records but the first `count`.

        Raises:
            DataError: fewer are there.
        """
        self.flush()
        if not 0 <= count <= self._count:
            raise DataError(
                f"{self.path} has too few records",
                rule=f"The first {count} are to be kept",
                received=f"{self._count} records",
                fix="Start again from an earlier point.",
            )
        if count < self._count:
            with open(self.path, "rb") as file:
                size = sum(len(file.readline()) for _ in range(count))
            self._file.truncate(size)
            self._count, self._size = count, size

    def close(self) -> None:
        """Flushes and closes; further calls do nothing."""
        if not self._file.closed:
            try:
                self.flush()
            finally:
                self._file.close()

    def __enter__(self) -> AppendLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _mend(self) -> None:
        """Cuts off what a failed or killed write left behind the last whole line."""
        if self._torn:
            self._file.truncate(self._size)
            self._torn = False


def read_log(path: str | os.PathLike[str]) -> list[Any]:
    """The records of a log, without a torn tail; another process may be writing it.

    Raises:
        OSError: it cannot be read.
    """
    data = Path(path).read_bytes()
    _, size = _scan(data, Path(path))
    return [decode(line) for line in data[:size].splitlines()]


def encode(record: Any) -> bytes:
    """The line of a record.

    Raises:
        InvalidArgumentError: JSON cannot hold it.
    """
    try:
        try:
            text = json.dumps(record, allow_nan=False, separators=(",", ":"), default=_plain)
        except ValueError:  # floats without a name in JSON are rare: look for them only now
            text = json.dumps(_tag(record), allow_nan=False, separators=(",", ":"), default=_plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgumentError(
            "A record cannot be written to a log",
            rule="A record is made of numbers, text, booleans, None, lists and dictionaries with text as keys",
            received=str(error),
        ) from None
    return text.encode() + b"\n"


def decode(line: bytes) -> Any:
    """The record of a line.

    Raises:
        ValueError: it is none.
    """
    try:
        return json.loads(line, object_hook=_untag if b'"$float"' in line else None)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _scan(data: bytes, path: Path) -> tuple[int, int]:
    """The number of whole records from the beginning, and their size in bytes."""
    count = size = 0
    for line in data.splitlines(keepends=True):
        try:
            if not line.endswith(b"\n"):
                break
            decode(line)
        except ValueError:
            break
        count += 1
        size += len(line)
    lost = data.count(b"\n", size)
    if lost > 1:  # one line is what a cut-off write leaves; more is damage
        warnings.warn(
            f"{path} is damaged after record {count}: the {lost} lines that follow are not used.", stacklevel=4
        )
    return count, size


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):  # NumPy's scalars and arrays
        return _tag(value.tolist())
    raise TypeError(f"{type(value).__name__} is not JSON")


def _tag(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": str(value)}
    if isinstance(value, dict):
        return {key: _tag(x) for key, x in value.items()}
    if isinstance(value, list | tuple):
        return [_tag(x) for x in value]
    return value


def _untag(value: dict[str, Any]) -> Any:
    return _FLOATS[value["$float"]] if value.keys() == {"$float"} and value["$float"] in _FLOATS else value
