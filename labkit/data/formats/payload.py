"""The bytes of a file, unpacked when it is a gzip container, and never more of them than the caller allows."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from labkit.data.paths import opened
from labkit.errors import DataError

GZIP_MAGIC = b"\x1f\x8b"
CHUNK = 1 << 20
MAX_BYTES = 1 << 32
"""What is unpacked at most where a caller names no limit: a small hostile file does not fill the memory."""


def read_payload(path: str | os.PathLike[str], cap: int) -> bytearray:
    """Returns the bytes of a file, unpacked when it is a gzip container (which is told by its first bytes).

    Args:
        path: the file.
        cap: the most bytes the payload may have. A container that unpacks to more is given up at this point, so a
            small hostile file cannot fill the memory.

    Raises:
        DataError: the file cannot be read, is a damaged container, or holds more than `cap` bytes.
    """
    with opened(Path(path)) as file:
        try:
            return unpack(file, str(path), cap)
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror or error}") from error


def unpack(file: BinaryIO, name: str, cap: int) -> bytearray:
    """Returns all bytes of a binary stream, unpacked when they are a gzip container; see `read_payload`.

    Args:
        file: a seekable stream.
        name: what to call the stream in errors.
        cap: the most bytes the payload may have.

    Raises:
        DataError: the container is damaged, or holds more than `cap` bytes.
    """
    payload = bytearray()
    for piece in pieces(file, name, cap):
        payload += piece
    return payload


def pieces(file: BinaryIO, name: str, cap: int) -> Iterator[bytes]:
    """Yields what `unpack` returns in pieces of at most 1 MiB, for what need not stand in memory as a whole."""
    packed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    file.seek(0)
    source = gzip.GzipFile(fileobj=file) if packed else file
    size = 0
    while True:
        try:
            piece = source.read(min(CHUNK, cap + 1 - size))
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise DataError(
                f"{name} is a damaged gzip container",
                rule="It must unpack completely, with the right check sum",
                received=f"after {size:,} bytes: {error}",
                fix="Delete the file and fetch it again",
            ) from error
        if not piece:
            return
        size += len(piece)
        if size > cap:
            raise DataError(
                f"{name} is too large",
                rule=f"Its payload may have at most {cap:,} bytes",
                received="more than that, and reading stopped there",
                fix="Replace the file by the official one, or allow more bytes",
            )
        yield piece
