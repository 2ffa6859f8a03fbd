"""A lock between processes that names its owner and dies with it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import sys
import time
import weakref
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

from labkit.errors import FailedPreconditionError
from labkit.io.files import File, open_append

_OWNER_TIMEOUT = 1.0


@dataclass(frozen=True)
class Owner:
    """The process that holds a lock."""

    pid: int
    host: str
    command: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} ({self.command})"


class FileLock:
    """A lock on a file. The system frees it when its process ends, however it ends; the file itself stays for ever.

    A forked child does not hold its parent's lock. Works on local file systems.

    Use as a context manager, or `try_acquire` and `release`.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._file: File | None = None

    @property
    def held(self) -> bool:
        return self._file is not None

    def try_acquire(self) -> bool:
        """Takes the lock if it is free; never waits.

        Raises:
            OSError: the file cannot be opened.
        """
        if self._file is not None:
            return True
        while True:
            file = open_append(self.path)
            try:
                fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
                current = self._is_current(file)
            except BlockingIOError:
                file.close()
                return False
            except BaseException:
                file.close()
                raise
            if current:
                break
            file.close()  # its holder removed it together with its folder, between our opening and locking
        with contextlib.suppress(OSError):  # on a full disk the lock holds all the same, without a name
            # The old owner's text goes first, so that a reader never sees a mixture.
            file.truncate(0)
            command = " ".join(sys.argv)[:500]
            file.write(json.dumps(asdict(Owner(os.getpid(), socket.gethostname(), command))).encode() + b"\n")
        self._file = file
        _held.add(self)
        return True

    def _is_current(self, file: File) -> bool:
        try:
            return os.path.samestat(os.fstat(file.fileno()), os.stat(self.path))
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Frees the lock, if it is held."""
        if self._file is not None:
            file, self._file = self._file, None
            _held.discard(self)
            with contextlib.suppress(OSError):  # a name that stays is one that no process answers to
                file.truncate(0)
            file.close()

    def owner(self) -> Owner | None:
        """Who holds the lock, after `try_acquire` returned false; None when no name is told within a second."""
        deadline = time.monotonic() + _OWNER_TIMEOUT
        while (owner := self._read_owner()) is None and time.monotonic() < deadline:
            time.sleep(0.01)
        return owner

    def _read_owner(self) -> Owner | None:
        try:
            text = self.path.read_bytes()
            owner = Owner(**json.loads(text)) if text.endswith(b"\n") else None
        except (OSError, ValueError, TypeError):
            return None
        if owner is None or not isinstance(owner.pid, int):
            return None
        if owner.host == socket.gethostname() and not _alive(owner.pid):
            return None  # what a killed owner left; the new one is about to replace it
        return owner

    def __enter__(self) -> FileLock:
        if not self.try_acquire():
            raise FailedPreconditionError(
                f"{self.path} is locked",
                rule="One process at a time works here",
                received=f"it is held by {self.owner() or 'another process'}",
                fix="Wait until it ends, or end it.",
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return True


_held: weakref.WeakSet[FileLock] = weakref.WeakSet()


def _forget_locks() -> None:
    # A child shares its parent's open file; left open, the lock would outlive the parent.
    for lock in list(_held):
        if lock._file is not None:
            lock._file.close()
            lock._file = None
    _held.clear()


os.register_at_fork(after_in_child=_forget_locks)
