"""Who runs a sweep: a lock on its folder, which the system frees when its holder dies, however it dies."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from labkit.errors import StoreError
from labkit.io import FileLock, make_folder
from labkit.lab.store import Store

LOCK = "runner.lock"


@contextlib.contextmanager
def owned(folder: Path, patience: float = 0.0) -> Iterator[None]:
    """Hold the sweep's folder.

    Args:
        patience: seconds to wait for another process that only looks after what a dead runner left.

    Raises:
        StoreError: another process holds it, which is named; or it cannot be made.
    """
    lock = FileLock(folder / LOCK)
    try:
        make_folder(folder)
        deadline = time.monotonic() + patience
        while not (acquired := lock.try_acquire()) and time.monotonic() < deadline:
            time.sleep(0.02)
    except OSError as error:
        raise StoreError(
            f"The folder {folder} cannot be used ({error.strerror or error})",
            fix="Make it writable or choose another folder of logs: --logs DIR",
        ) from error
    if not acquired:
        raise StoreError(
            f"Another runner works on this sweep: {lock.owner() or 'a process that has not said its name'}",
            rule="one runner at a time runs a sweep",
            received=str(folder),
            fix="Wait for it, or stop it and run the same command again.",
        )
    try:
        yield
    finally:
        lock.release()


def settle(store: Store, logs: Path) -> None:
    """Trials that still are RUNNING though their runner died become PENDING: the lock is free only then."""
    running = [sweep for sweep, states in store.counts().items() if "RUNNING" in states]
    for sweep in store.sweeps() if running else ():
        if sweep.id in running:
            with contextlib.suppress(StoreError), owned(logs / sweep.folder):
                store.recover(sweep.id)
