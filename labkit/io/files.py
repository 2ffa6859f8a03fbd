"""The operations that change the file system, each with its fail point. All of labkit's own writing comes here."""

from __future__ import annotations

import errno
import fcntl
import io
import os
from pathlib import Path
from typing import Any

from labkit.io.failpoints import reach


class File(io.RawIOBase):
    """An open, unbuffered file for writing. `write` writes all it is given or raises.

    Attributes:
        path: where it was opened.
    """

    def __init__(self, path: Path, flags: int, mode: int) -> None:
        self.path = path
        self._fd = -1  # __del__ runs also when the next lines raise
        reach("open")
        self._fd = os.open(path, flags | os.O_CLOEXEC, mode)

    def fileno(self) -> int:
        return self._fd

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        reach("write", lambda: os.write(self._fd, view[: len(view) // 2]))
        done = 0
        while done < len(view):
            done += os.write(self._fd, view[done:])
        return done

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        return os.lseek(self._fd, offset, whence)

    def truncate(self, size: int | None = None, /) -> int:
        reach("truncate")
        length = self.tell() if size is None else size
        os.ftruncate(self._fd, length)
        return length

    def sync(self) -> None:
        """Returns when what was written is on the disk."""
        reach("fsync")
        _fsync(self._fd)

    def close(self) -> None:
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)
        super().close()


def create(path: str | os.PathLike[str], mode: int = 0o600) -> File:
    """A new file for writing.

    Raises:
        FileExistsError: something of that name is there, be it a dangling link.
        OSError: it cannot be made.
    """
    return File(Path(path), os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)


def open_append(path: str | os.PathLike[str]) -> File:
    """The file for writing at its end; made when it is not there."""
    return File(Path(path), os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)


def replace(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> None:
    """Renames `source` to `target`, replacing it in one step."""
    reach("replace")
    os.replace(source, target)


def remove(path: str | os.PathLike[str]) -> None:
    """Removes the file, if there is one."""
    reach("remove")
    Path(path).unlink(missing_ok=True)


def remove_folder(path: str | os.PathLike[str]) -> None:
    """Removes the folder and all that is in it, if there is one; of links, the links alone."""
    path = Path(path)
    if path.is_symlink() or not path.is_dir():
        remove(path)
        return
    waiting, folders = [path], []
    while waiting:
        folder = waiting.pop()
        folders.append(folder)
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(Path(entry.path))
                else:
                    remove(entry.path)
    for folder in reversed(folders):
        reach("remove")
        folder.rmdir()


def make_folder(path: str | os.PathLike[str], *, parents: bool = True) -> None:
    """Makes the folder durably, unless it is there.

    Raises:
        FileNotFoundError: its parent is missing and `parents` is false.
        OSError: it cannot be made.
    """
    path = Path(path)
    if path.is_dir():
        return
    if parents:
        make_folder(path.parent)
    reach("mkdir")
    path.mkdir(exist_ok=True)
    sync_folder(path.parent)


def sync_folder(path: str | os.PathLike[str]) -> None:
    """Returns when the names in the folder (new, renamed, removed) are on the disk."""
    reach("fsync")
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _fsync(fd)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network and FUSE file systems have no fsync for folders
            raise
    finally:
        os.close(fd)


def _fsync(fd: int) -> None:
    if hasattr(fcntl, "F_FULLFSYNC"):  # macOS: fsync alone stops at the drive's cache
        fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
    else:
        os.fsync(fd)
