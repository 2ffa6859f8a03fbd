"""NumPy's .npy files: a header that tells dtype and shape, then the numbers.

Format: numpy.org/doc/stable/reference/generated/numpy.lib.format.html. Headers are read here, so that what they claim is held
against the file before anything is reserved; Python objects in a file are pickles, which can run anything, and are refused.
"""

from __future__ import annotations

import ast
import math
import os
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from labkit.data.formats.payload import CHUNK
from labkit.data.paths import opened
from labkit.errors import DataError

MAGIC = b"\x93NUMPY"
_LONGEST_HEADER = 10_000
"""As NumPy has it: a header is a Python literal, and long ones could exhaust the parser."""

_LARGEST = 1 << 62
_SIMPLE = re.compile(r"[<>|=]?(b1|[iuf]\d{1,2}|[SU]\d{1,9})")


@dataclass(frozen=True)
class Header:
    """What a file says of itself.

    Args:
        dtype: of the elements, in the file's byte order.
        shape: of the array.
        fortran: whether the first dimension is the fastest.
        offset: the byte at which the elements begin.
    """

    dtype: np.dtype
    shape: tuple[int, ...]
    fortran: bool
    offset: int

    @property
    def size(self) -> int:
        """Bytes of the elements."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_npy(path: str | os.PathLike[str], mmap: bool = False) -> np.ndarray:
    """The array of a file that `numpy.save` wrote: numbers, bools or text; never Python objects.

    Args:
        path: the file.
        mmap: leaves the numbers in the file, from where the system brings what is used; the array is read-only then, and in
            the file's byte order. Text and bools are read in any case.

    Returns:
        The array, in the machine's byte order; dimensions that the file has in Fortran's order keep it in memory.

    Raises:
        DataError: the file cannot be read, is no such file, holds Python objects, dates, complex numbers or records, or has not
            exactly the size that its header says.
    """
    with opened(Path(path)) as file:
        header = read_header(file, os.fspath(path))
        held = os.fstat(file.fileno()).st_size
        if held != header.offset + header.size:
            raise other_size(os.fspath(path), header, held)
        if not mmap or not header.size or header.dtype.kind in "Ub":
            return read_array(file, os.fspath(path), header)
        order: Any = "F" if header.fortran else "C"
        return np.asarray(np.memmap(file, header.dtype, "r", header.offset, header.shape, order))


def read_array(file: Any, name: str, header: Header) -> np.ndarray:
    """The array, from a stream that stands at its first element.

    Raises:
        DataError: there are fewer or more bytes, or text that is none.
    """
    data = bytearray()
    while chunk := file.read(min(CHUNK, header.size + 1 - len(data))):
        data += chunk
        if len(data) > header.size:
            break
    if len(data) != header.size:
        raise other_size(name, header, header.offset + len(data))
    if header.dtype.kind == "U":
        letters = np.frombuffer(data, header.dtype.byteorder + "u4")
        if (strange := np.flatnonzero((letters > 0x10FFFF) | ((letters >= 0xD800) & (letters < 0xE000)))).size:
            raise DataError(
                f"{name} holds letters that there are not",
                rule="Text is Unicode's code points below 0x110000, without surrogates",
                received=f"0x{letters[strange[0]]:X} at byte {header.offset + 4 * strange[0]}",
            )
    if header.dtype.kind == "b":  # a byte that is neither 0 nor 1 would be a bool that is neither
        data = (np.frombuffer(data, np.uint8) != 0).data
    array = np.ndarray(header.shape, header.dtype, data, order="F" if header.fortran else "C")
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def other_size(name: str, header: Header, held: int) -> DataError:
    return DataError(
        f"{name} has not the size that its header says",
        rule=f"Header and elements of {header.dtype} {list(header.shape)} take {header.offset + header.size:,} bytes exactly",
        received=f"{held:,} bytes" + (" or more" if held > header.offset + header.size else ""),
        fix="Save it again with numpy.save, one array a file.",
    )


def read_header(file: Any, name: str) -> Header:
    """The header of a stream that stands at its beginning; afterwards it stands at the elements.

    Args:
        file: a binary stream.
        name: what errors call it.

    Raises:
        DataError: it is no header, or one of elements that are not read here.
    """
    start = file.read(len(MAGIC) + 2)
    if len(start) < len(MAGIC) + 2 or not start.startswith(MAGIC):
        raise DataError(
            f"{name} is no .npy file",
            rule=f"It begins with {MAGIC!r} and a version",
            received=f"{bytes(start)!r}",
            fix="Write it with numpy.save.",
        )
    version = start[-2]
    if version not in (1, 2, 3):
        raise DataError(f"{name} is of an unknown version", rule="Versions are 1, 2 and 3", received=str(version))
    form = struct.Struct("<H" if version == 1 else "<I")
    told = file.read(form.size)
    length = form.unpack(told)[0] if len(told) == form.size else 0
    text = file.read(length) if length <= _LONGEST_HEADER else b""
    if len(told) < form.size or len(text) < length:
        raise DataError(
            f"{name} ends within its header, or its header is none",
            rule=f"A header has {_LONGEST_HEADER:,} bytes at most, all of which are there",
            received=f"{length:,} bytes are announced at byte {len(start)}, {len(text):,} read",
        )
    offset = len(start) + len(told) + length
    return Header(*_told(text, name), offset)


def _told(text: bytes, name: str) -> tuple[np.dtype, tuple[int, ...], bool]:
    """Dtype, shape and order of a header's text."""
    try:
        if b"\\" in text or b"\0" in text:
            raise ValueError("escapes")
        fields = ast.literal_eval(text.decode().strip())
        descr, fortran, shape = fields["descr"], fields["fortran_order"], fields["shape"]
        sizes = type(shape) is tuple and len(shape) <= 64 and all(type(n) is int and 0 <= n < _LARGEST for n in shape)
        if len(fields) != 3 or type(fortran) is not bool or not sizes:
            raise ValueError("other fields")
    except (ValueError, SyntaxError, TypeError, KeyError, MemoryError, RecursionError):
        raise DataError(
            f"{name} has a damaged header",
            rule="It is a dict of descr, fortran_order and shape, as numpy.save writes it",
            received=repr(text[:80].decode(errors="replace")),
        ) from None
    try:
        dtype = np.dtype(descr) if isinstance(descr, str) and _SIMPLE.fullmatch(descr) else None
    except TypeError:
        dtype = None
    if dtype is None or not dtype.itemsize:
        raise DataError(
            f"{name} holds elements that are not read here",
            rule="They are whole numbers, floats, bools or text",
            received=f"descr {str(descr)[:60]!r}",
            fix=_advice(descr),
        )
    if math.prod(max(n, 1) for n in shape) * dtype.itemsize >= _LARGEST:
        raise DataError(f"{name} says that it is larger than any memory", received=f"{dtype} {list(shape)}"[:80])
    return dtype, shape, fortran


def _advice(descr: Any) -> str:
    if not isinstance(descr, str):
        return "Save the fields of a structured array one by one, with numpy.savez(path, **{name: array[name]})."
    kind = descr.lstrip("<>|=")[:1]
    return {
        "O": "Python objects are pickles, which can run anything: save an array of numbers or of text (dtype 'U' or 'S').",
        "M": "Save dates as numbers: array.astype('int64').",
        "m": "Save spans of time as numbers: array.astype('int64').",
        "c": "Save real and imaginary parts: array.view('float64').",
    }.get(kind, "Save it with array.astype('float32'), say.")
