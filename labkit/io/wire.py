"""Protocol buffers' wire format (protobuf.dev/programming-guides/encoding), for the few messages that labkit reads and writes
without generated code.

A message is a sequence of fields, each a key (number and wire type in one varint) and a value: a varint, 8 or 4 bytes, or a
length and so many bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_GROUP, _END = 3, 4
_DEEPEST = 100
_LONGEST, _LONGEST_KEY = 10, 5
"""Bytes of a varint, and of one that is a key or a length."""

_U64 = (1 << 64) - 1

Field: TypeAlias = tuple[int, int, int, int]
"""Number, wire type, and of VARINT the value and 0, of all others where the value begins and ends."""


class WireError(ValueError):
    """Bytes that are no message; `place` is that of the first one that is wrong."""

    def __init__(self, what: str, place: int) -> None:
        super().__init__(f"{what} at byte {place}")
        self.place = place


def varint(value: int) -> bytes:
    """The varint of a whole number, of a negative one that of its 64 bits."""
    found, value = bytearray(), value & _U64
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def number_field(number: int, value: int) -> bytes:
    """A field of a whole number."""
    return varint(number << 3 | VARINT) + varint(value)


def bytes_field(number: int, data: bytes) -> bytes:
    """A field of bytes, of text or of a message."""
    return varint(number << 3 | BYTES) + varint(len(data)) + data


def read_varint(data: bytes, place: int, end: int, longest: int = _LONGEST) -> tuple[int, int]:
    """The value, below 2^64, and where the next byte is.

    Raises:
        WireError: it does not end there, or has more bytes.
    """
    if place < end and data[place] < 0x80:  # most are short
        return data[place], place + 1
    value = shift = 0
    for at in range(place, min(end, place + longest)):
        byte = data[at]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & _U64, at + 1
        shift += 7
    raise WireError("a number without an end", place)


def read_fields(data: bytes, place: int, end: int) -> Iterator[Field]:
    """The fields of the message in data[place:end]; groups, which no message here has, are left out.

    Raises:
        WireError: it is none.
    """
    while place < end:
        begin = place
        key, place = read_varint(data, place, end, _LONGEST_KEY)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, place = read_varint(data, place, end)
            found = (number, kind, value, 0)
        else:
            first, place = _extent(data, place, end, key, begin, 0)
            found = (number, kind, first, place)
        if not 0 < number < 1 << 29:
            raise WireError("a field that has no number", begin)
        if kind != _GROUP:
            yield found


def _extent(data: bytes, place: int, end: int, key: int, begin: int, depth: int) -> tuple[int, int]:
    """Where the value of a field, whose key begins at `begin`, begins and ends."""
    kind = key & 7
    if kind == BYTES:
        size, place = read_varint(data, place, end, _LONGEST_KEY)
    elif kind in (FIXED64, FIXED32):
        size = 8 if kind == FIXED64 else 4
    elif kind == _GROUP and depth < _DEEPEST:
        return place, _end_of_group(data, place, end, key >> 3, depth)
    else:
        raise WireError("a field of no kind", begin)
    if size > end - place:
        raise WireError("a field that is longer than what holds it", begin)
    return place, place + size


def _end_of_group(data: bytes, place: int, end: int, number: int, depth: int) -> int:
    while place < end:
        begin = place
        key, place = read_varint(data, place, end, _LONGEST_KEY)
        if not 0 < key >> 3 < 1 << 29:
            raise WireError("a field that has no number", begin)
        if key & 7 == _END:
            if key >> 3 != number:
                raise WireError("the end of another group", begin)
            return place
        if key & 7 == VARINT:
            _, place = read_varint(data, place, end)
        else:
            _, place = _extent(data, place, end, key, begin, depth + 1)
    raise WireError("a group without an end", place)


def packed_varints(data: bytes, place: int, end: int) -> np.ndarray:
    """The varints that stand in data[place:end] one after the other, as int64 [n].

    Raises:
        WireError: the last one does not end there, or one has more than ten bytes.
    """
    found = np.frombuffer(data, np.uint8, end - place, place)
    if data[place:end].isascii():  # a byte each
        return found.astype(np.int64)
    stops = np.flatnonzero(found < 0x80) + 1
    starts = np.concatenate([[0], stops])
    lengths = np.diff(starts, append=len(found))  # the last one is what is left
    if lengths[-1] or lengths.max() > _LONGEST:
        wrong = np.flatnonzero((lengths > _LONGEST) | (starts == starts[-1]))[0]
        raise WireError("a number without an end", place + int(starts[wrong]))
    places = np.arange(len(found)) - np.repeat(starts[:-1], lengths[:-1])
    parts = (found & 0x7F).astype(np.uint64) << (7 * places).astype(np.uint64)
    return np.bitwise_or.reduceat(parts, starts[:-1]).view(np.int64)


def packed_floats(data: bytes, place: int, end: int) -> np.ndarray:
    """The floats in data[place:end], as float32 [n].

    Raises:
        WireError: these are no whole floats.
    """
    if (end - place) % 4:
        raise WireError("floats of which the last is cut off", place)
    return np.frombuffer(data, "<f4", (end - place) // 4, place).astype(np.float32)
