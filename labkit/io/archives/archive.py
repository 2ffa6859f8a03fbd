"""One class for all kinds of archives."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, Self

from labkit.errors import NotFoundError
from labkit.io.archives.members import Bytes, Limits, Member, Wrong, shown
from labkit.io.archives.streams import MAGICS, PackedSource, PlainSource, Source, unpacked
from labkit.io.archives.tar import BLOCK, is_header, walk
from labkit.io.archives.zip import MAGICS as ZIP_MAGICS, content, listed


class Archive:
    """An open tar (plain, or packed with gzip, bzip2 or xz) or zip archive. Its content tells which, not its name.

        with Archive("flowers.tar.xz") as archive:
            for member, data in archive.each(lambda member: member.name.endswith(".jpg")):
                ...

    Args:
        path: of the archive.
        limits: how much it may hold.

    Attributes:
        kind: "tar", "tar.gz", "tar.bz2", "tar.xz" or "zip".
        seekable: whether members are read in any order at no further cost; of packed tars they are not.

    Raises:
        ArchiveError: the file cannot be read, or is no such archive.
    """

    def __init__(self, path: str | os.PathLike[str], limits: Limits | None = None) -> None:
        self.path = os.fspath(path)
        self._wrong = Wrong(self.path, limits or Limits())
        self._file = Bytes(self.path, self._wrong)
        try:
            self.kind = _kind(self._file, self._wrong)
        except BaseException:
            self.close()
            raise
        self.seekable = self.kind in ("tar", "zip")

    @cached_property
    def members(self) -> tuple[Member, ...]:
        """The files, in the archive's order. Of a packed tar this unpacks all of it once.

        Raises:
            ArchiveError: the archive is hostile or damaged, or larger than its limits.
        """
        if self.kind == "zip":
            return tuple(listed(self._file, self._wrong))
        return tuple(member for member, _ in self._walk(lambda member: False))

    def each(self, wanted: Callable[[Member], bool] | None = None) -> Iterator[tuple[Member, bytes]]:
        """The files and their contents in the archive's order, in one pass that holds one at a time.

        What is wrong further on shows only when the pass comes there: so use nothing for good before its end.

        Args:
            wanted: whether a file is to be read; None: all.

        Raises:
            ArchiveError: as of `members` and `read`.
        """
        if self.kind == "zip":
            for member in self.members:
                if wanted is None or wanted(member):
                    yield member, content(self._file, member, self._wrong)
            return
        for member, data in self._walk(wanted or (lambda member: True)):
            if data is not None:
                yield member, data

    def read(self, member: Member | str) -> bytes:
        """The content of a file. Threads may call it at once. Of a packed tar it is a pass up to there.

        Args:
            member: one of `members`, or its name.

        Raises:
            NotFoundError: there is none of that name.
            ArchiveError: it is damaged, encrypted, or packed in an unknown way.
        """
        if isinstance(member, str):
            member = self.find(member)
        if self.kind == "zip":
            return content(self._file, member, self._wrong)
        if self.kind == "tar":
            data = self._file.at(member.start, member.size)
            if len(data) < member.size:
                raise self._wrong(
                    "is shorter than when it was opened", member=member.name, position=member.start + len(data)
                )
            return data
        position = member.position
        return next(data for _, data in self.each(lambda other: other.position == position))

    def find(self, name: str) -> Member:
        """The file of a name.

        Raises:
            NotFoundError: there is none.
        """
        if name not in self._by_name:
            raise NotFoundError(
                f"{self.path} holds no file {shown(name)}",
                received=f"{len(self.members):,} files: " + ", ".join(shown(m.name) for m in self.members[:5]),
            )
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, Member]:
        return {member.name: member for member in self.members}

    def _walk(self, wanted: Callable[[Member], bool]) -> Iterator[tuple[Member, bytes | None]]:
        source: Source = PlainSource(self._file)
        if not self.seekable:
            source = PackedSource(unpacked(self._file, self.kind.removeprefix("tar."), self._wrong))
        return walk(source, self._wrong, wanted)

    def close(self) -> None:
        """Nothing can be read afterwards."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Archive {self.path}, {self.kind}>"


def _kind(file: Bytes, wrong: Wrong) -> str:
    start = file.at(0, BLOCK)
    if start.startswith(ZIP_MAGICS):
        return "zip"
    for kind, magic in MAGICS.items():
        if start.startswith(magic):
            return f"tar.{kind}"
    if is_header(start) or start[257:262] == b"ustar":
        return "tar"
    raise wrong(
        "is no archive that can be read here",
        rule="It begins as a tar, plain or packed with gzip, bzip2 or xz, or as a zip",
        received=f"{file.size:,} bytes, the first {start[:8]!a}",
    )
