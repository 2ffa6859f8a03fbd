"""The data file: arrays in the safetensors format (its documentation, section "Format").

Eight bytes give the length of a JSON header, the header gives dtype, shape and place of each array, the arrays follow
without gaps. Reading and writing are ours, for two reasons. The library writes to a temporary file of its own that
nobody collects when it is killed, or else makes a second copy of all arrays (at 200 MB: twice the time of this module).
And what it reads again from the disk is no longer what the checksum was computed of.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
import numpy as np

from labkit.errors import CheckpointError

DTYPES = {
    "BOOL": "?", "U8": "u1", "U16": "<u2", "U32": "<u4", "U64": "<u8", "I8": "i1", "I16": "<i2", "I32": "<i4",
    "I64": "<i8", "F16": "<f2", "F32": "<f4", "F64": "<f8",
}  # fmt: skip
"""The format's name of each dtype, and NumPy's with the format's byte order."""

_NAMES = {np.dtype(code): name for name, code in DTYPES.items()}
MAX_HEADER = 100_000_000  # the format's own limit
MAX_RANK = 8
MAX_ELEMENTS = 1 << 48

_Size = Annotated[int, msgspec.Meta(ge=0)]


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    dtype: str
    shape: tuple[_Size, ...]
    data_offsets: tuple[_Size, _Size]


def prepare(name: str, value: Any) -> np.ndarray:
    """The array as it will stand in the file: C order, little-endian.

    Raises:
        CheckpointError: the format cannot hold it.
    """
    array = np.asarray(value)
    if not isinstance(name, str) or not name.isprintable() or name in ("", "__metadata__"):
        raise CheckpointError(
            "A tensor's name is not allowed",
            rule="Names are printable text, not empty and not '__metadata__'",
            received=repr(name),
        )
    if array.ndim > MAX_RANK or array.dtype.newbyteorder("<") not in _NAMES:
        raise CheckpointError(
            f"The tensor {name!r} cannot be saved",
            rule=f"Arrays have at most {MAX_RANK} dimensions and one of the dtypes bool, int8-64, uint8-64, float16-64",
            received=f"{array.dtype} of shape {array.shape}",
        )
    return np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")


def header(arrays: Mapping[str, np.ndarray]) -> tuple[bytes, list[np.ndarray]]:
    """The file's beginning for prepared arrays, and the arrays in the order in which they follow it."""
    order = sorted(arrays, key=lambda name: (-arrays[name].itemsize, name))  # so that each one is aligned
    entries: dict[str, dict[str, Any]] = {}
    offset = 0
    for name in order:
        array = arrays[name]
        end = offset + array.nbytes
        entries[name] = {"dtype": _NAMES[array.dtype], "shape": array.shape, "data_offsets": (offset, end)}
        offset = end
    text = msgspec.json.encode(entries)
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text, [arrays[name] for name in order]


def parse(data: np.ndarray, path: str) -> dict[str, np.ndarray]:
    """The arrays of a file's content.

    Args:
        data: uint8 [bytes in the file]. The arrays are views of it.
        path: where it comes from, for messages.

    Raises:
        CheckpointError: a length, offset, shape or dtype in it is impossible. Nothing is allocated by what it declares.
    """
    try:
        if data.size < 8:
            raise ValueError(f"it has {data.size} bytes")
        length = int.from_bytes(data[:8].tobytes(), "little")
        if length > min(MAX_HEADER, data.size - 8):
            raise ValueError(f"it declares a header of {length} bytes in a file of {data.size}")
        entries = msgspec.json.decode(data[8 : 8 + length].tobytes(), type=dict[str, msgspec.Raw])
        entries.pop("__metadata__", None)
        placed = {name: msgspec.json.decode(raw, type=_Entry) for name, raw in entries.items()}
        return _arrays(data[8 + length :], placed)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise CheckpointError(
            f"{path} is no valid safetensors file",
            rule="The header places every array inside the file, one after the other",
            received=str(error)[:300],
            fix="Use another checkpoint.",
        ) from None


def _arrays(body: np.ndarray, entries: dict[str, _Entry]) -> dict[str, np.ndarray]:
    result = {}
    offset = 0
    for name, entry in sorted(entries.items(), key=lambda item: item[1].data_offsets):
        begin, end = entry.data_offsets
        if entry.dtype not in DTYPES:
            raise ValueError(f"{name!r} has the dtype {entry.dtype!r}")
        dtype = np.dtype(DTYPES[entry.dtype])
        if len(entry.shape) > MAX_RANK:
            raise ValueError(f"{name!r} has {len(entry.shape)} dimensions")
        # Python's integers do not wrap; the cap is on the product without zeros, which NumPy computes too.
        if math.prod(filter(None, entry.shape)) > MAX_ELEMENTS:
            raise ValueError(f"{name!r} has the shape {list(entry.shape)}")
        if begin != offset or end - begin != math.prod(entry.shape) * dtype.itemsize or end > body.size:
            raise ValueError(f"{name!r} of shape {list(entry.shape)} lies at {begin} to {end} of {body.size} bytes")
        raw = body[begin:end]
        if dtype.kind == "b" and raw.size and raw.max() > 1:
            raise ValueError(f"{name!r} holds bytes that are neither true nor false")
        if (raw.ctypes.data % dtype.itemsize) != 0:
            raw = raw.copy()  # another program's file, which need not be aligned
        array = raw.view(dtype).reshape(entry.shape)
        result[name] = array if sys.byteorder == "little" else array.astype(dtype.newbyteorder("="))
        offset = end
    if offset != body.size:
        raise ValueError(f"{body.size - offset} bytes follow the last array")
    return result
