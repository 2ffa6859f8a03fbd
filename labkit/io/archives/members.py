"""What all kinds of archives have in common: members, their names, limits, errors, and a file that is read from any byte."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from labkit.errors import ArchiveError

MIB = 1 << 20
FREE = 64 * MIB
"""Unpacked bytes to which the limit of the ratio does not apply: a small file of zeros is no bomb."""


@dataclass(frozen=True)
class Limits:
    """How much an archive may hold. What goes beyond is an ArchiveError before it is in memory.

    Args:
        members: files and folders.
        member_bytes: of one file, unpacked.
        total_bytes: of everything, unpacked.
        ratio: unpacked bytes to packed ones, of everything; the first 64 MiB are free.
        name_bytes: of a name.
    """

    members: int = 2_000_000
    member_bytes: int = 256 * MIB
    total_bytes: int = 1 << 36
    ratio: int = 250
    name_bytes: int = 1024


class Member(NamedTuple):
    """A file in an archive.

    Attributes:
        name: parts with / between, without "." and ".."; no two members have the same.
        size: bytes of its content.
        position: where it is noted: the byte of its header in the tar, unpacked, or of its entry in the list of a zip.
        start: where its content is found: the byte of it in the tar, or of the file's local header in a zip.
        packed: bytes that it takes there.
    """

    name: str
    size: int
    position: int
    start: int
    packed: int


class Wrong:
    """Makes the errors of one archive.

    Attributes:
        path: of the archive.
    """

    def __init__(self, path: str, limits: Limits) -> None:
        self.path, self.limits = path, limits

    def __call__(
        self, what: str, *, member: str | None = None, position: int | None = None, received: str = "", **more: str
    ) -> ArchiveError:
        place = "" if member is None else f", member {shown(member)}"
        at = "" if position is None else f" (byte {position:,})"
        return ArchiveError(
            f"{self.path}{place}{at} {what}",
            archive=self.path,
            member=member,
            position=position,
            received=received,
            **more,
        )

    def too_much(self, limit: str, what: str, received: str = "", **where: Any) -> ArchiveError:
        """A limit of `Limits` is passed."""
        return self(
            what,
            rule=f"At most {getattr(self.limits, limit):,} are allowed here ({limit})",
            received=received,
            fix=f"If you trust the archive: give larger Limits({limit}=...).",
            **where,
        )


def shown(name: str) -> str:
    """A name from a stranger, for a message: one line, not too long."""
    text = ascii(name)
    return text if len(text) <= 120 else f"{text[:80]}...{text[-35:]}"


_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_DRIVE = re.compile(r"[A-Za-z]:")


class Names:
    """What an archive's members are called and how large they are, one after the other: names made plain, none that is
    dangerous or there already, and within the limits.

    That names differ only in the case of letters is allowed: nothing is unpacked to a disk where they would be the same.

    Attributes:
        bytes: of all members up to here.
    """

    def __init__(self, wrong: Wrong) -> None:
        self._wrong, self._files, self._folders = wrong, set[str](), {""}
        self._count = self.bytes = 0

    def plain(self, name: str, position: int, folder: bool) -> str:
        """The name without empty parts and "."; "" for the root.

        Raises:
            ArchiveError: it is hostile, or another member has it.
        """
        self._count += 1
        limits = self._wrong.limits
        if self._count > limits.members:
            raise self._wrong.too_much("members", "holds too many members", position=position)
        if len(name) > limits.name_bytes or len(name.encode("utf-8", "replace")) > limits.name_bytes:
            raise self._wrong.too_much("name_bytes", "has too long a name", f"{len(name):,}", position=position)
        if wrong := _wrong_with(name):
            raise self._wrong(
                f"has a hostile name: {wrong}",
                member=name,
                position=position,
                rule="A member's name is a relative path with / between its parts, and stays below its root",
            )
        parts = [part for part in name.split("/") if part not in ("", ".")] if "//" in name or "." in name else None
        plain = name.rstrip("/") if parts is None else "/".join(parts)
        if not folder and not plain:
            raise self._wrong("is a file without a name", member=name, position=position)
        self._add(plain, position, folder)
        return plain

    def weigh(self, name: str, size: int, position: int) -> None:
        """Takes note of a file's size.

        Raises:
            ArchiveError: it is too large, or all together are.
        """
        self.bytes += size
        for limit, value in (("member_bytes", size), ("total_bytes", self.bytes)):
            if value > getattr(self._wrong.limits, limit):
                what = "is too large" if value == size else "comes where it is too much already"
                raise self._wrong.too_much(limit, what, f"{value:,}", member=name, position=position)

    def _add(self, name: str, position: int, folder: bool) -> None:
        if name in self._files or (not folder and name in self._folders):
            both = name in self._files and not folder
            what = "is there twice" if both else "is a file and a folder"
            raise self._wrong(
                what, member=name, position=position, rule="Names are different, and nothing stands below a file"
            )
        parent = name if folder else name.rpartition("/")[0]
        while parent not in self._folders:
            if parent in self._files:
                raise self._wrong("stands below a file", member=name, position=position, received=shown(parent))
            self._folders.add(parent)
            parent = parent.rpartition("/")[0]
        if not folder:
            self._files.add(name)


def _wrong_with(name: str) -> str:
    if not name:
        return "it is empty"
    if name[0] == "/":
        return "it is absolute"
    if "\\" in name:
        return "it has a backslash"
    if _DRIVE.match(name):
        return "it begins with a drive's letter"
    if _CONTROL.search(name):
        return "it has a control character, or is no Unicode"
    return "it leads upwards" if ".." in name and ".." in name.split("/") else ""


class Bytes:
    """The bytes of an open file, from any byte on; of several threads, too."""

    def __init__(self, path: str, wrong: Wrong) -> None:
        self._wrong, self._fd = wrong, -1
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a FIFO must not hold it up
            status = os.fstat(self._fd)
        except (OSError, ValueError) as error:
            self.close()
            reason = getattr(error, "strerror", None) or str(error)
            raise wrong("cannot be read", received=reason, fix="Check the path and its permissions") from error
        if not stat.S_ISREG(status.st_mode):
            self.close()
            raise wrong("is no file", fix="Give the path of a tar or zip archive")
        self.size = status.st_size

    def at(self, position: int, count: int) -> bytes:
        """So many bytes, fewer where the file ends.

        Raises:
            ArchiveError: the system cannot read them.
        """
        count = max(0, min(count, self.size - position))  # a size that lies reserves nothing
        try:
            data = os.pread(self._fd, count, position)
            while len(data) < count:
                more = os.pread(self._fd, count - len(data), position + len(data))
                if not more:
                    break
                data += more
            return data
        except OSError as error:
            raise self._wrong("cannot be read", position=position, received=error.strerror or str(error)) from error

    def blocks(self, position: int = 0, size: int = MIB) -> Iterator[bytes]:
        """All bytes from there on, a block at a time."""
        while block := self.at(position, size):
            yield block
            position += len(block)

    def close(self) -> None:
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)

    def __del__(self) -> None:
        self.close()
