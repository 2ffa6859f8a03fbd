"""The bytes of archives in their order: of a plain file, or unpacked block by block from gzip, bzip2 or xz."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Iterator
from typing import Any, Protocol

from labkit.io.archives.members import FREE, MIB, Bytes, Wrong

MAGICS = {"gz": b"\x1f\x8b", "bz2": b"BZh", "xz": b"\xfd7zXZ\x00"}
_READ, _OUT = MIB // 8, MIB
_DICTIONARY = 256 * MIB


class Source(Protocol):
    """The bytes of an archive in their order.

    Attributes:
        position: of the next one.
    """

    position: int

    def take(self, count: int) -> bytes:
        """The next bytes, fewer at the end."""

    def skip(self, count: int) -> None:
        """Leaves bytes out, as far as there are any."""


class PlainSource:
    """Of a file, of which the blocks that are skipped are not read."""

    def __init__(self, file: Bytes) -> None:
        self._file, self.position = file, 0
        self._window, self._from = b"", 0

    def take(self, count: int) -> bytes:
        begin = self.position - self._from
        if not 0 <= begin <= begin + count <= len(self._window):
            if count > MIB // 16:
                data = self._file.at(self.position, count)
                self.position += len(data)
                return data
            self._window, self._from, begin = self._file.at(self.position, MIB // 16), self.position, 0
        data = self._window[begin : begin + count]
        self.position += len(data)
        return data

    def skip(self, count: int) -> None:
        self.position = min(self.position + count, self._file.size)


class PackedSource:
    """Of what is unpacked on the way, block by block."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks, self.position = blocks, 0
        self._block, self._at = b"", 0

    def take(self, count: int) -> bytes:
        data = self._block[self._at : self._at + count]
        self._at += len(data)
        if len(data) < count:
            parts, missing = [data], count - len(data)
            while missing and (block := next(self._blocks, b"")):
                parts.append(block[:missing])
                self._block, self._at = block, len(parts[-1])
                missing -= self._at
            data = b"".join(parts)
        self.position += len(data)
        return data

    def skip(self, count: int) -> None:
        while count > 0 and (data := self.take(min(count, MIB))):
            count -= len(data)


class Gunzip:
    """zlib's object with the methods of bz2's and lzma's."""

    def __init__(self, window: int = 31) -> None:
        self._zlib, self._full = zlib.decompressobj(window), False

    def decompress(self, data: bytes, most: int) -> bytes:
        out = self._zlib.decompress(self._zlib.unconsumed_tail + data, most)
        self._full = len(out) == most
        return out

    @property
    def needs_input(self) -> bool:
        return not self._full and not self._zlib.unconsumed_tail

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data


def decompressor(kind: str) -> Any:
    """What unpacks one stream: `decompress(data, most)`, `eof`, `needs_input`, `unused_data`."""
    if kind == "gz":
        return Gunzip()
    return bz2.BZ2Decompressor() if kind == "bz2" else lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_DICTIONARY)


def unpacked(file: Bytes, kind: str, wrong: Wrong) -> Iterator[bytes]:
    """The bytes of a file of one or several streams of a kind of `MAGICS`, in blocks of 1 MiB at most.

    Raises:
        ArchiveError: a stream is damaged or cut short, something else follows, a limit is passed.
    """
    limits, magic = wrong.limits, MAGICS[kind]
    stream, pending, read, made = None, b"", 0, 0
    for block in file.blocks(size=_READ):
        pending, read = pending + block, read + len(block)
        while pending or (stream is not None and not stream.needs_input):
            if stream is None:
                pending = pending.lstrip(b"\0")  # streams may be padded
                if len(pending) < len(magic):
                    break
                if not pending.startswith(magic):
                    raise _garbage(wrong, read - len(pending))
                stream = decompressor(kind)
            try:
                out, pending = stream.decompress(pending, _OUT), b""
            except (zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, MemoryError) as error:
                raise wrong(
                    f"is a damaged {kind} stream",
                    received=f"after {made:,} bytes: {error}",
                    fix="Fetch it again",
                    position=read,
                ) from error
            made += len(out)
            if made > limits.total_bytes:
                raise wrong.too_much("total_bytes", "unpacks to too much", position=read)
            if made > FREE + limits.ratio * read:
                raise wrong.too_much(
                    "ratio", "unpacks to suspiciously much", f"{made:,} of {read:,} bytes", position=read
                )
            if out:
                yield out
            if stream.eof:
                pending, stream = stream.unused_data, None
            elif stream.needs_input:
                break
    if stream is not None:
        raise wrong(f"ends within its {kind} stream", position=read, received=f"{read:,} bytes", fix="Fetch it again")
    if pending:
        raise _garbage(wrong, read - len(pending))


def _garbage(wrong: Wrong, position: int) -> Exception:
    return wrong("goes on behind its end", position=position, rule="Nothing but zeros follows the packed stream")
