"""The IDX parser and the reading of payloads: right arrays from good files, a DataError from every bad one."""

from __future__ import annotations

import gzip
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import labkit as lk
from labkit.data.formats.idx import ELEMENT_TYPES, parse_idx
from labkit.data.formats.payload import read_payload
from labkit.errors import DataError


def idx(array: np.ndarray, code: int) -> bytes:
    element = ELEMENT_TYPES[code]
    return struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape) + array.astype(element).tobytes()


@pytest.mark.parametrize("code", ELEMENT_TYPES)
@pytest.mark.parametrize("shape", [(5,), (2, 3), (2, 3, 4), (1,) * 8, (0,), (3, 0, 2)])
def test_every_element_type_and_rank_comes_back(code: int, shape: tuple[int, ...]) -> None:
    native = ELEMENT_TYPES[code].newbyteorder("=")
    array = (np.arange(np.prod(shape)).reshape(shape) * 3 - (0 if native.kind == "u" else 7)).astype(native)
    parsed = parse_idx(idx(array, code), "file", dtype=native.name, rank=len(shape))
    assert parsed.dtype == native
    assert parsed.dtype.isnative
    np.testing.assert_array_equal(parsed, array)
    assert not parsed.flags.writeable


GOOD = idx(np.arange(6, dtype=np.uint8).reshape(2, 3), 0x08)

BAD = {
    "empty": (b"", "too short"),
    "three bytes": (GOOD[:3], "too short"),
    "not zero": (b"\x01" + GOOD[1:], "not an IDX file"),
    "unknown element": (b"\0\0\x0a\x02" + GOOD[4:], "not an IDX file"),
    "text": (b"<!DOCTYPE html><html>", "not an IDX file"),
    "no dimension": (b"\0\0\x08\0", "number of dimensions"),
    "nine dimensions": (b"\0\0\x08\x09" + b"\0\0\0\1" * 9 + b"x", "number of dimensions"),
    "cut header": (GOOD[:9], "within its header"),
    "cut data": (GOOD[:-1], "size that its header says"),
    "trailing byte": (GOOD + b"\0", "size that its header says"),
    "dimensions swapped for larger": (GOOD[:11] + b"\x04" + GOOD[12:], "size that its header says"),
    # 4 (2^31 - 2^16 + 1) (2^31 + 2^16 + 1) = 2^64 + 4, the size in 64 bits that wrap
    "product wraps to the size": (
        struct.pack(">HBB3I", 0, 8, 3, 4, 2**31 - 2**16 + 1, 2**31 + 2**16 + 1) + b"1234",
        "size that its header says",
    ),
    "product is 2**64": (struct.pack(">HBB4I", 0, 8, 4, *[2**16] * 4), "size that its header says"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_malformed_payload_is_refused(name: str) -> None:
    payload, message = BAD[name]
    with pytest.raises(DataError, match=message) as caught:
        parse_idx(payload, "digits.idx")
    assert str(caught.value).startswith("digits.idx ")
    assert caught.value.rule
    assert caught.value.received
    assert caught.value.fix


@pytest.mark.parametrize(("expected", "message"), [({"dtype": "float32"}, "element type"), ({"rank": 3}, "dimensions")])
def test_another_array_than_expected_is_refused(expected: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        parse_idx(GOOD, "file", **expected)


def test_every_truncation_is_refused() -> None:
    for length in range(len(GOOD)):
        with pytest.raises(DataError):
            parse_idx(GOOD[:length], "file")


def test_a_huge_header_reserves_nothing() -> None:
    payload = struct.pack(">HBB3I", 0, 8, 3, 60_000, 2_800, 2_800) + bytes(100)
    tracemalloc.start()
    with pytest.raises(DataError):
        parse_idx(payload, "file")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("size", [0, 1, 2, 1000, (1 << 20) + 1])
def test_payloads_are_read_plain_and_packed(tmp_path: Path, packed: bool, size: int) -> None:
    payload = np.random.default_rng(size).bytes(size)
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(payload) if packed else payload)
    assert read_payload(path, cap=size) == payload
    if size:
        with pytest.raises(DataError, match="too large"):
            read_payload(path, cap=size - 1)


def test_every_truncation_of_a_container_is_refused(tmp_path: Path) -> None:
    path, container = tmp_path / "file.gz", gzip.compress(GOOD)
    for length in range(2, len(container)):
        path.write_bytes(container[:length])
        with pytest.raises(DataError, match="damaged gzip"):
            read_payload(path, cap=1000)


def test_a_damaged_container_is_refused(tmp_path: Path) -> None:
    path, container = tmp_path / "file.gz", bytearray(gzip.compress(np.random.default_rng(0).bytes(300)))
    container[-6] ^= 1  # the check sum
    path.write_bytes(container)
    with pytest.raises(DataError, match="damaged gzip"):
        read_payload(path, cap=1000)
    path.write_bytes(gzip.compress(GOOD) + b"garbage")
    with pytest.raises(DataError, match="damaged gzip"):
        read_payload(path, cap=1000)


def test_a_gzip_bomb_is_given_up_at_the_cap(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(bytes(100_000_000), 1))
    tracemalloc.start()
    with pytest.raises(DataError, match="too large"):
        read_payload(path, cap=1_000_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6_000_000


def test_a_folder_or_missing_file_is_a_data_error(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(DataError, match="cannot be read"):
            read_payload(path, cap=10)


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "digits.gz").write_bytes(gzip.compress(GOOD))
    assert lk.data.read_idx(tmp_path / "digits.gz").tolist() == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(DataError, match=r"digits.gz is too large"):
        lk.data.read_idx(tmp_path / "digits.gz", max_bytes=17)
    (tmp_path / "text").write_bytes(b"no digits")
    with pytest.raises(DataError, match="text is not an IDX file"):
        lk.data.read_idx(str(tmp_path / "text"))
