"""Names of files as users give them, and files as they are opened."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, BinaryIO

from labkit.errors import DataError, InvalidArgumentError, IteratorStateError


def as_paths(filenames: Any) -> list[Path]:
    """One or several paths: str, bytes or os.PathLike.

    Raises:
        InvalidArgumentError: there are none, or something is no path.
    """
    single = isinstance(filenames, str | bytes | os.PathLike)
    names = [filenames] if single else list(filenames) if hasattr(filenames, "__iter__") else []
    if not names or not all(isinstance(name, str | bytes | os.PathLike) for name in names):
        raise InvalidArgumentError(
            "These are no names of files",
            rule="One path, or a list of at least one",
            received=repr(filenames)[:60],
        )
    return [Path(os.fsdecode(name)) for name in names]


def opened(path: Path, offset: int = 0) -> BinaryIO:
    """The file for reading from a byte on.

    Raises:
        DataError: it cannot be read.
        IteratorStateError: it is shorter.
    """
    try:
        file = path.open("rb")
        size = os.fstat(file.fileno()).st_size
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path} cannot be read: {reason}", fix=_advice(path)) from error
    if offset > size:
        file.close()
        raise IteratorStateError(
            f"{path} is shorter than it was", rule=f"The state is at byte {offset}", received=f"{size} bytes"
        )
    file.seek(offset)
    return file


def _advice(path: Path) -> str:
    """What to do about a file that cannot be read."""
    if any(character in path.name for character in "*?["):
        return f"Patterns are for lk.data.Dataset.list_files, or sorted(glob.glob({str(path)!r}))."
    return (
        f"Is the path right? The current folder is {os.getcwd()}." if not path.is_absolute() else "Is the path right?"
    )
