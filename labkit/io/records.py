"""TFRecord, the framing of event files and of TensorFlow's data files (tensorflow.org/tutorials/load_data/tfrecord, "TFRecords
format details").

A record is its length (uint64), the masked CRC-32C of the length (uint32), the data, and their masked CRC-32C (uint32),
all little-endian. Data files may be compressed as a whole.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

from labkit.errors import DataError, InvalidArgumentError
from labkit.native import crc32c

_HEAD = struct.Struct("<QI")
_LENGTH = struct.Struct("<Q")
_CRC = struct.Struct("<I")

_CHUNK = 1 << 20
LARGEST = 1 << 30
"""Bytes of the largest record in a compressed file, which may unpack to a thousand times its size."""

WINDOW_BITS = {"": 0, "GZIP": 31, "ZLIB": 15}
"""What zlib calls the containers."""


def masked_crc(data: bytes) -> int:
    """The CRC-32C, rotated and shifted so that a CRC of data that hold CRCs stays a good one."""
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def frame(data: bytes) -> bytes:
    """The record that holds `data`."""
    size = len(data)
    return _HEAD.pack(size, masked_crc(_LENGTH.pack(size))) + data + _CRC.pack(masked_crc(data))


def unframed(path: str | os.PathLike[str]) -> Iterator[bytes]:
    """What the records of a file hold, one after the other; a last one that is cut off, as one that is being written is, is
    left out.

    Raises:
        DataError: a record is damaged.
        OSError: the file cannot be read.
    """
    with open(path, "rb") as file:
        reader = RecordReader(file, os.fspath(path), growing=True)
        while (data := reader.read()) is not None:
            yield data


def checked_compression(compression_type: Any) -> str:
    """The name of a compression: "", "GZIP" or "ZLIB"; None is "".

    Raises:
        InvalidArgumentError: it is none.
    """
    name = "" if compression_type is None else compression_type
    if name not in WINDOW_BITS:
        raise InvalidArgumentError(
            "There is no such compression of TFRecord files",
            rule='compression_type is "", "GZIP" or "ZLIB"',
            received=repr(compression_type),
        )
    return name


class RecordReader:
    """Reads the records of a file in order.

    Args:
        file: a binary file that stands at its beginning.
        name: what errors call it.
        compression: "", "GZIP" or "ZLIB".
        growing: whether the last record may be cut off: it is left out then.

    Attributes:
        offset: the byte, of the unpacked data, at which the next record begins.
        number: how many records are before it.
    """

    def __init__(self, file: BinaryIO, name: str, compression: str = "", growing: bool = False) -> None:
        self._raw, self._name, self._compression, self._growing = file, name, compression, growing
        self._file: Any = io.BufferedReader(_Unpacking(file, compression), _CHUNK) if compression else file
        self.offset, self.number = 0, 0

    def skip(self, offset: int, number: int) -> bool:
        """Goes to a byte at which a record begins: at once, in a compressed file by unpacking what is before it.

        Returns:
            Whether the file has so many bytes.

        Raises:
            DataError: what is before it cannot be unpacked.
        """
        self.offset, self.number = offset, number
        if not self._compression:
            self._file.seek(offset)
            return offset <= os.fstat(self._file.fileno()).st_size
        while offset and (chunk := self._take(min(offset, _CHUNK))):
            offset -= len(chunk)
        return not offset

    def read(self) -> bytes | None:
        """What the next record holds; None at the end.

        Raises:
            DataError: the record is damaged or cut off.
        """
        head = self._take(_HEAD.size)
        if not head:
            return None
        if len(head) < _HEAD.size:
            return self._cut_off(f"{len(head)} of the {_HEAD.size} bytes before the data")
        length, crc = _HEAD.unpack(head)
        if crc != masked_crc(head[: _LENGTH.size]):
            packed = self.offset == 0 and (head[:2] == b"\x1f\x8b" or head[:1] == b"\x78")
            raise self._wrong(
                "other checksums in the length of the record", "Is the file compressed?" if packed else ""
            )
        body = self._body(length + _CRC.size)
        if len(body) < length + _CRC.size:
            return self._cut_off(f"{len(body):,} bytes of a record of {length:,} and its checksum")
        data = body[:length]
        if body[length:] != _CRC.pack(masked_crc(data)):
            raise self._wrong(f"other checksums in the data of the record, {length:,} bytes")
        self.offset += _HEAD.size + len(body)
        self.number += 1
        return data

    def _body(self, size: int) -> bytes:
        """So many bytes, or those that are there: nothing is reserved for a length before."""
        if size <= _CHUNK:
            return self._take(size)
        if self._compression and size > LARGEST:
            raise self._wrong(f"{size:,} bytes, and in a compressed file a record has {LARGEST:,} at most")
        if not self._compression and size > os.fstat(self._file.fileno()).st_size - self.offset - _HEAD.size:
            return b""
        parts, left = [], size
        while left and (part := self._take(min(left, _CHUNK))):
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def _take(self, size: int) -> bytes:
        try:
            return self._file.read(size)
        except (zlib.error, EOFError) as error:
            raise self._wrong(f"no whole {self._compression} container: {error}") from error
        except OSError as error:
            raise self._wrong(f"{error.strerror or error}") from error

    def _cut_off(self, received: str) -> bytes | None:
        if not self._growing:
            raise self._wrong(f"the file ends in it: {received}")
        return None

    def _wrong(self, received: str, fix: str = "") -> DataError:
        return DataError(
            f"{self._name} is damaged at record {self.number}, which begins at byte {self.offset}",
            rule="A record is a length and data, whose checksums fit",
            received=received,
            fix=fix or "Write or fetch the file again.",
        )


class _Unpacking(io.RawIOBase):
    """The unpacked bytes of a file of gzip or zlib containers.

    Raises:
        zlib.error, EOFError: (while reading) one is damaged, or cut off.
    """

    def __init__(self, file: BinaryIO, compression: str) -> None:
        self._file, self._bits = file, WINDOW_BITS[compression]
        self._unpacker, self._packed = zlib.decompressobj(self._bits), b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        while True:
            if self._unpacker.eof and (self._packed or self._more()):  # one container may follow another
                self._unpacker = zlib.decompressobj(self._bits)
            if self._unpacker.eof:
                return 0
            if not self._packed and not self._more():
                raise EOFError("it is cut off")
            data = self._unpacker.decompress(self._packed, len(buffer))
            self._packed = self._unpacker.unconsumed_tail or self._unpacker.unused_data
            if data:
                buffer[: len(data)] = data
                return len(data)

    def _more(self) -> bytes:
        self._packed = self._file.read(_CHUNK)
        return self._packed
