"""Damaging files: what disks, networks and enemies do to bytes."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence

import numpy as np

_NUMBERS = [
    0,
    1,
    2,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0xFFFF,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**33,
    2**62,
    2**63 - 1,
    2**63,
    2**64 - 1,
]
_DIGITS = re.compile(rb"\d+")


def mutated(rng: np.random.Generator, seeds: Sequence[bytes]) -> bytes:
    """One of the seeds after one to four damages."""
    data = bytearray(seeds[rng.integers(len(seeds))])
    for _ in range(rng.integers(1, 5)):
        data = _DAMAGES[rng.integers(len(_DAMAGES))](rng, data, seeds)
    return bytes(data)


def _place(rng: np.random.Generator, data: bytearray) -> int:
    """Somewhere, more often at the beginning, where headers are, or at the end."""
    near = int(rng.integers(min(len(data), 64) + 1))
    return [near, max(len(data) - near, 0), int(rng.integers(len(data) + 1))][rng.integers(3)]


def _slice(rng: np.random.Generator, data: bytearray) -> slice:
    begin = _place(rng, data)
    return slice(begin, begin + int(rng.choice([1, 2, 4, 8, 30, 300])))


def _flip(rng: np.random.Generator, data: bytearray, seeds: Sequence[bytes]) -> bytearray:
    for _ in range(rng.integers(1, 9)):
        if data:
            data[min(_place(rng, data), len(data) - 1)] ^= 1 << int(rng.integers(8))
    return data


def _set(rng: np.random.Generator, data: bytearray, seeds: Sequence[bytes]) -> bytearray:
    where = _slice(rng, data)
    data[where] = bytes([int(rng.choice([0, 1, 10, 34, 44, 0x7F, 0x80, 0xFF]))]) * len(data[where])
    return data


def _truncate(rng: np.random.Generator, data: bytearray, seeds: Sequence[bytes]) -> bytearray:
    return data[: _place(rng, data)]


def _insert(rng: np.random.Generator, data: bytearray, seeds: Sequence[bytes]) -> bytearray:
    place = _place(rng, data)
    data[place:place] = rng.bytes(int(rng.choice([1, 2, 4, 8, 100])))
    return data


def _delete(rng: np.random.Generator, data: bytearray, seeds: Sequence[bytes]) -> bytearray:
    del data[_slice(rng, data)]
    return data


def _repeat(rng: np.random.Generator, data: bytearray, seeds: Sequence[bytes]) -> bytearray:
    part, place = data[_slice(rng, data)], _place(rng, data)
    data[place:place] = part * int(rng.integers(1, 4))
    return data


def _splice(rng: np.random.Generator, data: bytearray, seeds: Sequence[bytes]) -> bytearray:
    other = bytearray(seeds[rng.integers(len(seeds))])
    return data[: _place(rng, data)] + other[_place(rng, other) :]


def _number(rng: np.random.Generator, data: bytearray, seeds: Sequence[bytes]) -> bytearray:
    """A whole number of some width, one that is large or near the data's own length, over what is there."""
    value = [_NUMBERS[rng.integers(len(_NUMBERS))], max(len(data) + int(rng.integers(-40, 41)), 0)][rng.integers(2)]
    form = ["<Q", ">Q", "<I", ">I", "<H", ">H"][rng.integers(6)]
    packed = struct.pack(form, value % 256 ** struct.calcsize(form))
    place = _place(rng, data)
    data[place : place + len(packed)] = packed
    return data


def _digits(rng: np.random.Generator, data: bytearray, seeds: Sequence[bytes]) -> bytearray:
    """Another number where one stands as text."""
    if not (found := list(_DIGITS.finditer(data, 0, 400))):
        return data
    match = found[rng.integers(len(found))]
    data[match.start() : match.end()] = b"%d" % _NUMBERS[rng.integers(len(_NUMBERS))]
    return data


_DAMAGES = (_flip, _set, _truncate, _insert, _delete, _repeat, _splice, _number, _digits)
