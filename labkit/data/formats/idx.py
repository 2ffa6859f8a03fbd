"""IDX, the file format of MNIST: a magic number, the dimensions, then the numbers themselves, all big-endian.

Format: "The IDX file format", Y. LeCun, C. Cortes, C. Burges, *The MNIST database of handwritten digits*.

    byte 0-1   zero
    byte 2     element type (`ELEMENT_TYPES`)
    byte 3     number of dimensions
    4 each     the dimensions, unsigned 32-bit
    then       the elements, last dimension fastest
"""

from __future__ import annotations

import math
import os
import struct

import numpy as np

from labkit.data.formats.payload import MAX_BYTES, read_payload
from labkit.errors import DataError

ELEMENT_TYPES: dict[int, np.dtype] = {
    0x08: np.dtype(">u1"),
    0x09: np.dtype(">i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
MAX_RANK = 8


def read_idx(path: str | os.PathLike[str], max_bytes: int = MAX_BYTES) -> np.ndarray:
    """The array of an IDX file, such as MNIST's train-images-idx3-ubyte; the file may be in a gzip container.

    Args:
        path: the file.
        max_bytes: the most bytes that it may have, unpacked.

    Returns:
        An array of 1 to 8 dimensions of uint8, int8, int16, int32, float32 or float64; read-only.

    Raises:
        DataError: the file cannot be read, or is not exactly one IDX array.
    """
    return parse_idx(read_payload(path, max_bytes), os.fspath(path))


def parse_idx(
    payload: bytes | bytearray, name: str, *, dtype: str | None = None, rank: int | None = None
) -> np.ndarray:
    """Returns the array in an IDX payload, as a read-only view of it where the machine's byte order allows.

    Args:
        payload: the unpacked bytes of an IDX file.
        name: what to call the file in errors.
        dtype: the element type that is expected, a NumPy name such as "uint8"; None allows all six of the format.
        rank: the number of dimensions that is expected; None allows 1 to 8.

    Raises:
        DataError: the payload is not exactly one IDX array of that kind.
    """

    def wrong(what: str, rule: str, received: str) -> DataError:
        return DataError(f"{name} {what}", rule=rule, received=received, fix="Replace the file by the official one")

    if len(payload) < 4:
        raise wrong("is too short for an IDX file", "The header has at least 4 bytes", f"{len(payload)} bytes")
    zero, code, dims = struct.unpack_from(">HBB", payload)
    if zero != 0 or code not in ELEMENT_TYPES:
        codes = ", ".join(f"0x{code:02x}" for code in ELEMENT_TYPES)
        rule = f"It starts with two zero bytes and an element type, one of {codes}"
        raise wrong("is not an IDX file", rule, f"the first bytes {bytes(payload[:4]).hex(' ')}")
    element = ELEMENT_TYPES[code]
    native = element.newbyteorder("=")
    if dtype is not None and native != np.dtype(dtype):
        raise wrong("holds another element type", f"Elements of {dtype} are expected", str(native))
    if not 1 <= dims <= MAX_RANK or (rank is not None and dims != rank):
        raise wrong("has another number of dimensions", f"{rank or f'1 to {MAX_RANK}'} are expected", str(dims))
    start = 4 + 4 * dims
    if len(payload) < start:
        rule = f"An IDX header of {dims} dimensions has {start} bytes"
        raise wrong("ends within its header", rule, f"{len(payload)} bytes")
    shape = struct.unpack_from(f">{dims}I", payload, 4)
    size = math.prod(shape) * element.itemsize  # Python's integers do not wrap
    if start + size != len(payload):
        rule = f"Header and elements of shape {list(shape)} take {start + size:,} bytes exactly"
        raise wrong("has not the size that its header says", rule, f"{len(payload):,} bytes")
    array = np.frombuffer(payload, element, offset=start).reshape(shape).astype(native, copy=False)
    array.flags.writeable = False
    return array
