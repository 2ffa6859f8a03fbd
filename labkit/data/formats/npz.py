"""NumPy's .npz files: a zip archive with a .npy file for each array."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from labkit.data.formats.npy import other_size, read_array, read_header
from labkit.data.formats.payload import MAX_BYTES
from labkit.data.paths import opened
from labkit.errors import DataError
from labkit.near import quoted_near_names

_SUFFIX = ".npy"
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    ValueError,
    OverflowError,
    OSError,
    NotImplementedError,
    RuntimeError,
)
"""What zipfile raises at damaged, encrypted and strange archives."""


def read_npz(
    path: str | os.PathLike[str], names: Sequence[str] | None = None, max_bytes: int = MAX_BYTES
) -> dict[str, np.ndarray]:
    """The arrays of a file that `numpy.savez` or `numpy.savez_compressed` wrote; never Python objects.

    Args:
        path: the file.
        names: of the arrays to read; None for all.
        max_bytes: the most bytes that they may have together, unpacked.

    Returns:
        The arrays by name, in the order of `names` or of the file, as `read_npy` gives them.

    Raises:
        DataError: the file cannot be read, is no such archive or damaged, has no such array, or holds more; and where
            `read_npy` raises one, naming the array.
    """
    with opened(Path(path)) as file:
        try:
            archive = zipfile.ZipFile(file)
            members = _members(archive, os.fspath(path))
            found = {}
            for name in members if names is None else names:
                if name not in members:
                    raise _unknown(os.fspath(path), name, list(members))
                found[name] = _read(archive, members[name], f"{os.fspath(path)}, array {name!r}", max_bytes)
                max_bytes -= found[name].nbytes
        except _DAMAGED as error:
            raise DataError(
                f"{os.fspath(path)} is a damaged .npz archive",
                rule="It is a zip archive, stored or deflated, without a password",
                received=f"{type(error).__name__}: {error}"[:100],
                fix="Write it again with numpy.savez.",
            ) from error
    return found


def _members(archive: zipfile.ZipFile, path: str) -> dict[str, zipfile.ZipInfo]:
    """The members by the names of their arrays."""
    found: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        name = info.filename.removesuffix(_SUFFIX)
        if name == info.filename or name in found:
            raise DataError(
                f"{path} is no archive of arrays",
                rule="Every member is a .npy file with a name of its own",
                received=f"{info.filename[:60]!r}" + (" twice" if name in found else ""),
                fix="Write it with numpy.savez.",
            )
        found[name] = info
    return found


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, cap: int) -> np.ndarray:
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise NotImplementedError(f"compression {info.compress_type} of {info.filename[:60]!r}")
    with archive.open(info) as stream:
        header = read_header(stream, name)
        if info.file_size != header.offset + header.size:
            raise other_size(name, header, info.file_size)
        if header.size > cap:
            raise DataError(
                f"{name} is too large",
                rule="All arrays that are read have max_bytes together",
                received=f"{header.size:,} bytes, where {cap:,} are left",
                fix="Allow more with max_bytes, or read fewer arrays with names.",
            )
        return read_array(stream, name, header)


def _unknown(path: str, name: str, names: list[str]) -> DataError:
    near = quoted_near_names(name, names)
    return DataError(
        f"{path} has no array {name!r}" + (f"; did you mean {near}?" if near else ""),
        received=f"arrays {', '.join(map(repr, names[:20]))}"[:200],
    )
