"""Who runs a sweep: a lock on its folder, which the system frees when its holder dies, however it dies."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from labkit.errors import StoreError
from labkit.io import FileLock, make_folder
from labkit.lab.rows import SweepRow
from labkit.lab.store import Store

LOCK = "runner.lock"


@contextlib.contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Hold the sweep's folder. Raises StoreError at once when another runner does, naming it."""
    make_folder(folder)
    lock = FileLock(folder / LOCK)
    if not lock.try_acquire():
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


def settle(store: Store, logs: Path, sweep: SweepRow) -> None:
    """Trials that still are RUNNING though their runner died become PENDING: the lock is free only then."""
    folder = logs / sweep.folder
    if folder.is_dir() and any(trial.state == "RUNNING" for trial in store.trials(sweep.id)):
        with contextlib.suppress(StoreError), owned(folder):
            store.recover(sweep.id)
