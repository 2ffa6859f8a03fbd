"""NumPy's .npz files: a zip archive with a .npy file for each array."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence

import numpy as np

from labkit.data.formats.npy import other_size, read_array, read_header
from labkit.data.formats.payload import MAX_BYTES
from labkit.errors import DataError
from labkit.io.archives import Archive, Limits, Member
from labkit.near import quoted_near_names

_SUFFIX = ".npy"
_ANY = 1 << 62


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
    # What is read is what counts: zeros may pack a thousandfold, and of a large archive one may want a small array.
    limits = Limits(member_bytes=_ANY, total_bytes=_ANY, ratio=_ANY)
    found: dict[str, np.ndarray] = {}
    with Archive(path, limits) as archive:
        members = _members(archive)
        for name in members if names is None else names:
            if name not in members:
                raise _unknown(archive.path, name, list(members))
            if members[name].size > max_bytes:
                raise DataError(
                    f"{archive.path}, array {name!r} is too large",
                    rule="All arrays that are read have max_bytes together",
                    received=f"{members[name].size:,} bytes, where {max_bytes:,} are left",
                    fix="Allow more with max_bytes, or read fewer arrays with names.",
                )
            found[name] = _read(archive, members[name], f"{archive.path}, array {name!r}")
            max_bytes -= members[name].size
    return found


def _members(archive: Archive) -> dict[str, Member]:
    """The members by the names of their arrays."""
    is_zip = archive.kind == "zip"  # else there is no list to look at: a packed tar would be unpacked to its end
    strange = [member for member in archive.members if not member.name.endswith(_SUFFIX)] if is_zip else []
    if not is_zip or strange:
        raise DataError(
            f"{archive.path} is no archive of arrays",
            rule="It is a zip, and every member a .npy file",
            received=ascii(strange[0].name)[:60] if strange else archive.kind,
            fix="Write it with numpy.savez.",
        )
    return {member.name.removesuffix(_SUFFIX): member for member in archive.members}


def _read(archive: Archive, member: Member, name: str) -> np.ndarray:
    stream = io.BytesIO(archive.read(member))
    header = read_header(stream, name)
    if member.size != header.offset + header.size:
        raise other_size(name, header, member.size)
    return read_array(stream, name, header)


def _unknown(path: str, name: str, names: list[str]) -> DataError:
    near = quoted_near_names(name, names)
    return DataError(
        f"{path} has no array {name!r}" + (f"; did you mean {near}?" if near else ""),
        received=f"arrays {', '.join(map(repr, names[:20]))}"[:200],
    )
