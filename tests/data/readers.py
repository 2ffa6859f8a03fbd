"""The readers of files, each with files to damage and somebody else's opinion of what a file holds."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import sqlite3
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

import labkit as lk
from labkit.data import CsvDataset, FixedLengthRecordDataset, NumpyDataset, TextLineDataset, TFRecordDataset
from labkit.data.formats.example import read_example
from labkit.data.steps import csv_pieces
from labkit.errors import DataError, DTypeError, InvalidArgumentError
from labkit.io.records import frame
from tests.data import protos
from tests.data.mutations import mutated

MOST = 1 << 20
"""What readers may unpack."""

Bytes = Callable[[np.random.Generator], bytes]


@dataclass(frozen=True)
class Reader:
    """A format.

    Args:
        damaged: makes a file.
        read: what a file holds.
        right: whether that is what `data` hold, as somebody else reads them; an error of theirs says no.
        refused: whether a refusal is right; None: not known.
    """

    damaged: Bytes
    read: Callable[[Path], Any]
    right: Callable[[bytes, Any], bool]
    refused: Callable[[bytes], bool] | None = None


def damaging(seeds: Sequence[bytes], wrap: Callable[[bytes], bytes] | None = None) -> Bytes:
    """Damages files; where they wrap something, in half of the cases that before it is wrapped."""

    def make(rng: np.random.Generator) -> bytes:
        if wrap is not None and rng.integers(2):
            return wrap(mutated(rng, seeds))
        return mutated(rng, seeds if wrap is None else [wrap(seed) for seed in seeds])

    return make


# IDX

_IDX = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def idx_seeds() -> list[bytes]:
    arrays = {8: np.arange(120, dtype="u1").reshape(5, 4, 6), 12: np.arange(7, dtype=">i4"), 14: np.eye(3, dtype=">f8")}
    return [struct.pack(f">HBB{a.ndim}I", 0, c, a.ndim, *a.shape) + a.tobytes() for c, a in arrays.items()]


def idx_array(data: bytes) -> np.ndarray | None:
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in _IDX or not 1 <= data[3] <= 8:
        return None
    shape, begin = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(data[3])], 4 + 4 * data[3]
    count = int(np.prod(np.array(shape, object)))
    if begin > len(data) or len(data) - begin != count * np.dtype(_IDX[data[2]]).itemsize:
        return None
    return np.array(np.frombuffer(data[begin:], _IDX[data[2]])).reshape(shape)


def unpacked(data: bytes) -> bytes | None:
    try:
        return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    except (OSError, EOFError, zlib.error):
        return None


def same(found: Any, expected: Any) -> bool:
    if expected is None or found.shape != expected.shape or found.dtype != expected.dtype.newbyteorder("="):
        return False
    if found.dtype == bool:  # NumPy leaves damaged bytes in its bools
        expected = expected.view(np.uint8) != 0
    return bool(found.tobytes() == expected.astype(found.dtype).tobytes())


def idx_right(data: bytes, found: Any) -> bool:
    payload = unpacked(data)
    return payload is not None and same(found, idx_array(payload))


def idx_refused(data: bytes) -> bool:
    payload = unpacked(data)
    return payload is None or len(payload) > MOST or idx_array(payload) is None


# CIFAR


def cifar_seeds(labels: int) -> list[bytes]:
    rng = np.random.default_rng(0)
    return [
        b"".join(bytes([int(rng.integers(10))] * labels) + rng.bytes(3072) for _ in range(count)) for count in (1, 3)
    ]


def cifar_records(data: bytes, limits: tuple[int, ...]) -> list[Any] | None:
    size = 3072 + len(limits)
    records = [data[i : i + size] for i in range(0, len(data), size)]
    if not records or len(records[-1]) != size or any(r[i] >= n for r in records for i, n in enumerate(limits)):
        return None
    planes = [np.array(list(r[len(limits) :]), np.uint8).reshape(3, 1024) for r in records]
    images = np.stack([np.stack(p, -1).reshape(32, 32, 3) for p in planes])
    return [images, *(np.array([r[i] for r in records], np.int64) for i in range(len(limits)))]


def cifar(limits: tuple[int, ...], read: Callable[..., Any]) -> Reader:
    def right(data: bytes, found: Any) -> bool:
        payload = unpacked(data)
        expected = None if payload is None else cifar_records(payload, limits)
        return expected is not None and all(map(same, found, expected))

    def refused(data: bytes) -> bool:
        payload = unpacked(data)
        return payload is None or len(payload) > MOST or cifar_records(payload, limits) is None

    return Reader(damaging(cifar_seeds(len(limits))), lambda path: read(path, max_bytes=MOST), right, refused)


# NumPy


def npy_seeds() -> list[bytes]:
    found = []
    for array in (
        np.arange(12, dtype="f4").reshape(3, 4),
        np.asfortranarray(np.arange(6, dtype=">i2").reshape(2, 3)),
        np.array(["a", "ö"]),
        np.array([{}], object),
        np.zeros(2, [("a", "i4")]),
        np.array([True]),
    ):
        file = io.BytesIO()
        np.save(file, array, allow_pickle=True)
        found.append(file.getvalue())
    return found


def npy_files(rng: np.random.Generator) -> bytes:
    """Damaged files, or right headers of damaged numbers."""
    if rng.integers(2):
        return mutated(rng, npy_seeds())
    numbers = mutated(rng, [bytes(range(48))])
    descr, size = [("|u1", 1), ("<i4", 4), (">f8", 8), ("|b1", 1), ("<U3", 12), ("|S5", 5)][rng.integers(6)]
    order = [b"True", b"False"][rng.integers(2)]
    header = b"{'descr': '%s', 'fortran_order': %s, 'shape': (%d, 2)}" % (
        descr.encode(),
        order,
        len(numbers) // size // 2,
    )
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + numbers


def zipped(data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED if len(data) % 2 else zipfile.ZIP_STORED) as archive:
        archive.writestr("a.npy", data)
        archive.writestr("b.npy", npy_seeds()[0])
    return file.getvalue()


def npz_files(rng: np.random.Generator) -> bytes:
    return zipped(npy_files(rng)) if rng.integers(2) else mutated(rng, [zipped(seed) for seed in npy_seeds()[:3]])


def npy_right(data: bytes, found: Any) -> bool:
    return same(found, np.load(io.BytesIO(data), allow_pickle=False))


def npz_right(data: bytes, found: Any) -> bool:
    try:
        with np.lib.npyio.NpzFile(io.BytesIO(data), allow_pickle=False) as expected:
            return set(found) == set(expected) and all(same(found[name], expected[name]) for name in found)
    except NotImplementedError:  # versions and flags of which zipfile knows nothing; the checksums did fit
        return True


def rows(path: Path) -> Any:
    """Rows of a mapped array, and the array."""
    array = lk.data.read_npy(path, mmap=True)
    with contextlib.suppress(DTypeError, InvalidArgumentError):  # an array of no dimension, say
        list(NumpyDataset(path).take(3))
    return np.array(array, array.dtype.newbyteorder("="))


# Records

CONTENTS = [b"", b"a record", bytes(range(256)), b"last"]


def record_files(pack: Callable[[bytes], bytes]) -> Bytes:
    whole = [b"".join(map(frame, CONTENTS)), frame(CONTENTS[1])]

    def make(rng: np.random.Generator) -> bytes:
        kind = rng.integers(3)
        if kind == 0:
            return mutated(rng, [pack(seed) for seed in whole])
        if kind == 1:
            return pack(mutated(rng, whole))
        parts = [frame(mutated(rng, CONTENTS)) for _ in range(rng.integers(4))]  # other records, rightly framed
        return pack(b"".join(parts)) if rng.integers(2) else pack(mutated(rng, [b"".join(parts)]))

    return make


def plain_records_right(data: bytes, found: Any) -> bool:
    return b"".join(map(frame, found)) == data


def packed_records_right(data: bytes, found: Any) -> bool:
    return b"".join(map(frame, found)) == gzip.decompress(data)


# Examples

EXAMPLES = [
    lk.data.serialize_example({"image": bytes(40), "label": 3, "box": [0.5, 1.5], "name": "ö", "many": [1, 300, -1]}),
    lk.data.serialize_example({"many": list(range(200))}),
    lk.data.serialize_example({}),
]


def example_right(data: bytes, found: Any) -> bool:
    theirs = protos.read(data)
    return theirs is not None and protos.same(found, theirs)


# Text and tables

TABLES = [
    b'a,b,c\n1,0.5,"x, y"\n2,,"the ""old"" one"\n3,1e3,z\n',
    "\ufeffa,b,c\r\n1,2,ö\r\n\r\n-7,NaN,\r\n".encode(),
    b"a,b,c\n" + b"1,2.5,three\n" * 40,
]


def table(path: Path) -> Any:
    """Rows as text; pieces of some bytes, so that there are many."""
    with mock.patch.object(csv_pieces, "_PIECE", path.stat().st_size % 50 + 1):
        return table_in_pieces(path)


def table_in_pieces(path: Path) -> Any:
    for arguments in ({"dtypes": {"a": "int64", "b": "float32"}, "defaults": {"a": 0}, "label": "c"}, {}):
        with contextlib.suppress(DataError):
            list(CsvDataset(path, **arguments))
    return [list(row.values()) for row in CsvDataset(path, dtypes=dict.fromkeys("abc", "string"))]


def table_right(data: bytes, found: Any) -> bool:
    lines = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))
    return [[field.encode() for field in line] for line in lines if line][1:] == found


def lines_right(data: bytes, found: Any) -> bool:
    lines = data.split(b"\n")
    return [line.removesuffix(b"\r") for line in (lines if lines[-1] else lines[:-1])] == found


def databases() -> list[bytes]:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (a INTEGER, b TEXT)")
    connection.executemany("INSERT INTO t VALUES (?, ?)", [(i, f"text {i}") for i in range(200)])
    connection.commit()
    return [connection.serialize()]


READERS: dict[str, Reader] = {
    "idx": Reader(damaging(idx_seeds()), lambda path: lk.data.read_idx(path, MOST), idx_right, idx_refused),
    "idx in gzip": Reader(
        damaging(idx_seeds(), gzip.compress), lambda path: lk.data.read_idx(path, MOST), idx_right, idx_refused
    ),
    "cifar10": cifar((10,), lk.data.read_cifar10),
    "cifar100": cifar((20, 100), lk.data.read_cifar100),
    "npy": Reader(npy_files, lk.data.read_npy, npy_right),
    "npy mapped": Reader(npy_files, rows, npy_right),
    "npz": Reader(npz_files, lambda path: lk.data.read_npz(path, max_bytes=MOST), npz_right),
    "tfrecord": Reader(record_files(bytes), lambda path: list(TFRecordDataset(path)), plain_records_right),
    "tfrecord in gzip": Reader(
        record_files(gzip.compress), lambda path: list(TFRecordDataset(path, "GZIP")), packed_records_right
    ),
    "example": Reader(
        damaging(EXAMPLES),
        lambda path: read_example(path.read_bytes()),
        example_right,
        lambda data: protos.read(data) is None,
    ),
    "fixed length": Reader(
        damaging([bytes(range(256))]),
        lambda path: list(FixedLengthRecordDataset(path, 5, 1)),
        lambda data, found: len(data) % 5 == 1 and b"".join(found) == data[1:],
        lambda data: len(data) % 5 != 1,
    ),
    "csv": Reader(damaging(TABLES), table, table_right),
    "text": Reader(damaging(TABLES), lambda path: list(TextLineDataset(path)), lines_right, lambda data: False),
    "sqlite": Reader(
        damaging(databases()),
        lambda path: list(lk.data.SqlDataset("SELECT a, b FROM t", path, dtypes={"b": "string"}, defaults={"b": ""})),
        lambda data, found: True,
    ),
}
