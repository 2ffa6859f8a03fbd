"""Records of a fixed length, which are found by their numbers."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from labkit.data.elements import Elements
from labkit.data.node import Node
from labkit.data.paths import opened
from labkit.data.spec import Spec, TensorSpec, at_once
from labkit.data.steps.file_list import FileList
from labkit.data.workers import Workers
from labkit.errors import DataError

_AT_ONCE = 256


class FixedRecords(FileList):
    """Bytes of files that are header, records and footer: record i begins at header + i size."""

    kind = "fixed_length_records"
    indexed = True

    def __init__(self, paths: Any, size: int, header: int, footer: int) -> None:
        super().__init__(paths)
        self.size, self.header, self.footer = size, header, footer

    def settings(self) -> dict[str, Any]:
        more = {"header_bytes": self.header, "footer_bytes": self.footer}
        return super().settings() | {"record_bytes": self.size} | {name: n for name, n in more.items() if n}

    def identity(self) -> Any:
        return [super().identity(), self.size, self.header, self.footer]

    def derived(self, of: Callable[[Node], Spec | None]) -> Spec:
        return TensorSpec((), "string")

    @cached_property
    def starts(self) -> np.ndarray:
        """The number of each file's first record, and of all records, int64 [files + 1].

        Raises:
            DataError: a file cannot be read, or does not consist of whole records.
        """
        counts = [0]
        for path in self.paths:
            with opened(path) as file:
                held = os.fstat(file.fileno()).st_size
            count, rest = divmod(held - self.header - self.footer, self.size)
            if rest or count < 0:
                raise DataError(
                    f"{path} does not consist of whole records",
                    rule=f"It has {self.header} bytes, records of {self.size} bytes, and {self.footer} bytes",
                    received=f"{held:,} bytes"
                    + (f": {rest} bytes too many from byte {held - self.footer - rest} on" if count >= 0 else ""),
                    fix="Is record_bytes right, and is the file whole?",
                )
            counts.append(count)
        return np.cumsum(counts)

    @cached_property
    def length(self) -> int:
        return int(self.starts[-1])

    @property
    def chunk(self) -> int:
        return at_once(self.size, _AT_ONCE)

    def fetch(self, indices: np.ndarray, epoch: int, workers: Workers) -> Elements:
        found = np.empty(len(indices), object)
        files = np.searchsorted(self.starts, indices, side="right") - 1
        for number in np.unique(files):
            places = np.flatnonzero(files == number)
            self._read(int(number), indices[places], places, found)
        return Elements(None, [found], len(indices))

    def _read(self, number: int, indices: np.ndarray, places: np.ndarray, found: np.ndarray) -> None:
        """Reads records of one file; those that follow one another at once."""
        runs = [0, *(np.flatnonzero(np.diff(indices) != 1) + 1).tolist(), len(indices)]
        try:
            with opened(self.paths[number]) as file:
                for first, last in pairwise(runs):
                    at = self.header + (int(indices[first]) - int(self.starts[number])) * self.size
                    data = _read_at(file.fileno(), at, (last - first) * self.size)
                    if len(data) < (last - first) * self.size:
                        raise DataError(
                            f"{self.paths[number]} is shorter than it was", received=f"the end at byte {at}"
                        )
                    for i in range(last - first):
                        found[places[first + i]] = data[i * self.size : (i + 1) * self.size]
        except (DataError, OSError) as error:
            self.fail(int(indices[0]), error)


def _read_at(descriptor: int, place: int, size: int) -> bytes:
    """The bytes from a place on; fewer only where the file ends."""
    data = os.pread(descriptor, size, place)
    while len(data) < size and (more := os.pread(descriptor, size - len(data), place + len(data))):
        data += more
    return data
