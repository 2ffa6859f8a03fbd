"""Files that appear complete or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import io
import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from labkit.io.files import File, create, remove, replace, sync_folder

PREFIX = ".labkit-tmp-"
"""How the names of temporary files begin."""

_counter = itertools.count(1)


def _read_umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


_MODE = 0o666 & ~_read_umask()  # read once, at import: setting it to read it is not safe between threads


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[io.BufferedWriter]:
    """A binary file that replaces `path` when the block ends, and leaves it as it was when the block raises.

    The temporary file stands in the same folder and is private; it is written, synced and renamed, then the folder is
    synced. A process killed in between leaves a temporary file for `collect_temporaries`.

    Raises:
        OSError: something failed; unless it was the very last step, `path` is as before.
    """
    path = Path(path)
    file = _temporary(path.parent)
    try:
        buffered: Any = io.BufferedWriter(file, 1 << 16)
        yield buffered
        buffered.flush()
        os.fchmod(file.fileno(), _MODE)
        file.sync()
        replace(file.path, path)
    except BaseException:
        with contextlib.suppress(OSError):  # the first error is the one to report
            file.path.unlink(missing_ok=True)
        raise
    finally:
        file.close()  # the raw file: closing the buffer would write once more
    sync_folder(path.parent)


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Replaces the file's content in one step."""
    with atomic_write(path) as file:
        file.write(data)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Replaces the file's content in one step, in UTF-8."""
    write_bytes(path, text.encode())


def collect_temporaries(folder: str | os.PathLike[str]) -> list[Path]:
    """Removes temporary files whose writers died, and returns their paths.

    A writer holds a lock on its temporary file, which the system drops when the process ends however it ends. So no
    file in use is taken for a leftover, even when process ids come round again.
    """
    removed = []
    for path in sorted(Path(folder).glob(PREFIX + "*")):
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:  # it is gone, or none of ours
            continue
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove(path)
            removed.append(path)
        except BlockingIOError:  # being written
            pass
        finally:
            os.close(fd)
    return removed


def _temporary(folder: Path) -> File:
    """A new locked temporary file. Between its making and its locking a collector may take it: then it is made anew."""
    while True:
        file = create(folder / f"{PREFIX}{os.getpid()}-{next(_counter)}-{os.urandom(4).hex()}")
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(file.fileno()).st_nlink:
                return file
        except BlockingIOError:
            pass
        except BaseException:
            file.close()
            file.path.unlink(missing_ok=True)
            raise
        file.close()
