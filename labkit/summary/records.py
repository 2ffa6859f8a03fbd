"""The framing of event files: TFRecord (tensorflow.org/tutorials/load_data/tfrecord, "TFRecords format details").

A record is its length (uint64), the masked CRC-32C of the length (uint32), the data, and their masked CRC-32C (uint32),
all little-endian.
"""

from __future__ import annotations

import struct

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
