"""The framing of event files: TFRecord (tensorflow.org/tutorials/load_data/tfrecord, "TFRecords format details").

A record is its length (uint64), the masked CRC-32C of the length (uint32), the data, and their masked CRC-32C (uint32),
all little-endian.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator

from labkit.errors import DataError
from labkit.native import crc32c

_HEAD = struct.Struct("<QI")
_LENGTH = struct.Struct("<Q")
_CRC = struct.Struct("<I")


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
        size, place = os.fstat(file.fileno()).st_size, 0
        while len(head := file.read(_HEAD.size)) == _HEAD.size:
            length, crc = _HEAD.unpack(head)
            sound = crc == masked_crc(head[: _LENGTH.size])
            place += _HEAD.size + length + _CRC.size
            if sound and place > size:
                return
            data, end = (file.read(length), file.read(_CRC.size)) if sound else (b"", b"")
            if not sound or end != _CRC.pack(masked_crc(data)):
                raise DataError(
                    f"{os.fspath(path)} is damaged",
                    rule="The checksums of a record fit",
                    received=f"others in the record before byte {place}" if sound else "others in a record's length",
                )
            yield data
