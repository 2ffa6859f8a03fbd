"""A folder's files in pieces: what changed since the last look is sent, and written down elsewhere in the same order."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from labkit.errors import DataError
from labkit.io import make_folder, remove, sync_folder, write_bytes
from labkit.io.atomic import PREFIX
from labkit.io.files import File, create, open_append, replace

SIZE = 4 * 2**20
"""Bytes of a piece, at most."""

TAIL = 4096
"""So many bytes before the end of what was sent must still be there, or the file is sent anew."""


@dataclasses.dataclass(frozen=True)
class Piece:
    """`data` stand at `offset` of the file `name`; after the `last` one the file is whole. `data` None: it is gone."""

    name: str
    offset: int = 0
    data: bytes | None = None
    last: bool = True


@dataclasses.dataclass(frozen=True)
class _Sent:
    stamp: tuple[int, int, int]
    size: int
    tail: bytes


class Sender:
    """Looks at the files below a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._sent: dict[str, _Sent] = {}

    def changes(self) -> Iterator[Piece]:
        """What changed since the last call, in pieces.

        A checkpoint's index comes after its data, and both after the series as they are when the checkpoint is already there:
        wherever this is cut off, what has arrived can be continued from.
        """
        paths = [path for path in self.folder.rglob("*") if path.is_file() and not path.name.startswith(PREFIX)]
        names = {path.relative_to(self.folder).as_posix() for path in paths}
        for name in sorted(names, key=lambda name: (name.startswith("checkpoints/"), name.endswith(".index"), name)):
            try:
                yield from self._changes(name)
            except FileNotFoundError:
                continue  # an old checkpoint, removed just now
        for name in self._sent.keys() - names:
            del self._sent[name]
            yield Piece(name)

    def _changes(self, name: str) -> Iterator[Piece]:
        path, before = self.folder / name, self._sent.get(name)
        facts = path.stat()
        stamp = (facts.st_ino, facts.st_size, facts.st_mtime_ns)
        if before is not None and before.stamp == stamp:
            return
        with path.open("rb") as file:
            place = 0
            if before is not None and before.size < facts.st_size:
                file.seek(before.size - len(before.tail))
                place = before.size if file.read(len(before.tail)) == before.tail else 0
            file.seek(place)
            last, tail = False, before.tail if before is not None and place else b""
            while not last:
                data = file.read(min(SIZE, facts.st_size - place))
                last = place + len(data) >= facts.st_size or not data
                yield Piece(name, place, data, last)
                place, tail = place + len(data), (tail + data)[-TAIL:]
        self._sent[name] = _Sent(stamp, place, tail)


class Receiver:
    """Writes pieces below a folder, durably: a whole file appears at once, what is added to one is synced."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open: dict[str, File] = {}

    def write(self, piece: Piece) -> None:
        """Raises DataError when the name leads out of the folder, OSError when the file cannot be written."""
        name = PurePosixPath(piece.name)
        if name.is_absolute() or ".." in name.parts:
            raise DataError("A file of a trial lies outside of its folder", received=piece.name)
        path = self.folder / name
        if piece.data is None:
            remove(path)
            return
        make_folder(path.parent)
        if piece.offset == 0 and piece.last:
            write_bytes(path, piece.data)
            return
        if piece.offset == 0:
            temporary = path.with_name(f"{PREFIX}ray-{path.name}")
            remove(temporary)
            self._open[piece.name] = create(temporary, 0o666)
        file = self._open.get(piece.name)
        if file is not None:
            file.write(piece.data)
            if piece.last:
                file.sync()
                replace(file.path, path)
                sync_folder(path.parent)
                self._open.pop(piece.name).close()
            return
        with open_append(path) as added:
            added.truncate(piece.offset)
            added.write(piece.data)
            added.sync()

    def close(self) -> None:
        for file in self._open.values():
            file.close()
            remove(file.path)
        self._open.clear()
