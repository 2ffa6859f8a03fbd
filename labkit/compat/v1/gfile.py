"""tf.gfile: files and folders of this machine."""

from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Iterator
from typing import Any, NamedTuple

from labkit.compat.lookup import names_of
from labkit.compat.v1.errors import AlreadyExistsError
from labkit.errors import NotFoundError


class GFile:
    """A file that is opened when it is first used, and closed at the end of its `with` block.

    Args:
        name: its path.
        mode: as `open` has it: "r", "rb", "w", "wb", "a" ...
    """

    def __init__(self, name: str | os.PathLike[str], mode: str = "r") -> None:
        self._file: Any = None
        self._name, self._mode = os.fspath(name), mode

    @property
    def name(self) -> str:
        return self._name

    @property
    def mode(self) -> str:
        return self._mode

    def _open(self) -> Any:
        if self._file is None:
            try:
                self._file = open(self._name, self._mode)  # noqa: SIM115  # the program's own file, closed by close()
            except FileNotFoundError as error:
                raise _not_found(self._name) from error
        return self._file

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._open(), name)  # read, readline, write, seek, tell, flush ...

    def size(self) -> int:
        """The file's length in bytes."""
        return os.path.getsize(self._name)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._open())

    def __enter__(self) -> GFile:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()  # programs write GFile(name).read()

    def close(self) -> None:
        """Closes the file, if it was opened."""
        if self._file is not None:
            self._file.close()
            self._file = None


Open = FastGFile = GFile


class FileStatistics(NamedTuple):
    """What tf.gfile.Stat gives."""

    length: int
    mtime_nsec: int
    is_directory: bool


def _not_found(name: str) -> NotFoundError:
    return NotFoundError(f"{name}; No such file or directory", received=f"folder {os.getcwd()}")


def Exists(filename: str) -> bool:
    """Whether there is a file or folder."""
    return os.path.exists(filename)


def IsDirectory(dirname: str) -> bool:
    """Whether there is a folder."""
    return os.path.isdir(dirname)


def ListDirectory(dirname: str) -> list[str]:
    """The names of what the folder holds.

    Raises:
        NotFoundError: there is no such folder.
    """
    if not os.path.isdir(dirname):
        raise _not_found(dirname)
    return os.listdir(dirname)


def MakeDirs(dirname: str) -> None:
    """Makes the folder and those above it, where they do not exist."""
    os.makedirs(dirname, exist_ok=True)


def MkDir(dirname: str) -> None:
    """Makes the folder.

    Raises:
        NotFoundError: the folder above it does not exist.
    """
    try:
        os.mkdir(dirname)
    except FileNotFoundError as error:
        raise _not_found(dirname) from error


def Remove(filename: str) -> None:
    """Removes a file.

    Raises:
        NotFoundError: there is none.
    """
    try:
        os.remove(filename)
    except FileNotFoundError as error:
        raise _not_found(filename) from error


def DeleteRecursively(dirname: str) -> None:
    """Removes a folder and all it holds.

    Raises:
        NotFoundError: there is none.
    """
    if not os.path.exists(dirname):
        raise _not_found(dirname)
    shutil.rmtree(dirname)


def _free(newpath: str, overwrite: bool) -> None:
    if not overwrite and os.path.exists(newpath):
        raise AlreadyExistsError(f"{newpath} exists", fix="Give overwrite=True.")


def Copy(oldpath: str, newpath: str, overwrite: bool = False) -> None:
    """Copies a file.

    Raises:
        AlreadyExistsError: the new path exists.
        NotFoundError: the old one does not.
    """
    _free(newpath, overwrite)
    if not os.path.isfile(oldpath):
        raise _not_found(oldpath)
    shutil.copyfile(oldpath, newpath)


def Rename(oldname: str, newname: str, overwrite: bool = False) -> None:
    """Moves a file or folder.

    Raises:
        AlreadyExistsError: the new name exists.
        NotFoundError: the old one does not.
    """
    _free(newname, overwrite)
    if not os.path.exists(oldname):
        raise _not_found(oldname)
    os.replace(oldname, newname)


def Glob(filename: str | list[str]) -> list[str]:
    """The paths that match a pattern, or one of several."""
    patterns = [filename] if isinstance(filename, str) else filename
    return [path for pattern in patterns for path in sorted(glob.glob(pattern))]


def Stat(filename: str) -> FileStatistics:
    """The length, time of change and kind of a file.

    Raises:
        NotFoundError: there is none.
    """
    try:
        found = os.stat(filename)
    except FileNotFoundError as error:
        raise _not_found(filename) from error
    return FileStatistics(found.st_size, found.st_mtime_ns, os.path.isdir(filename))


def Walk(top: str, in_order: bool = True) -> Iterator[tuple[str, list[str], list[str]]]:
    """Each folder below `top` with the names of its folders and files, as os.walk."""
    return os.walk(top, topdown=in_order)


__getattr__, __dir__ = names_of(__name__)
