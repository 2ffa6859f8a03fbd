"""Removing sweeps and trials, so that whenever it is cut off there is all of them, or the next command removes the rest.

One commit takes the rows away and writes down which folders are to go; then the folders go; then that is crossed out. All
of it under the lock of the sweep's folder, so that nothing runs meanwhile, and no new sweep of the same identity writes
where files are being removed.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path

from labkit.errors import StoreError
from labkit.io import remove_folder, sync_folder
from labkit.lab.ownership import owned
from labkit.lab.rows import SweepRow, TrialRow
from labkit.lab.store import Store

PATIENCE = 5.0
"""Seconds to wait for another process that removes the same."""


def remove(store: Store, logs: Path, sweep: SweepRow, trials: Sequence[TrialRow] | None = None) -> None:
    """Removes trials of a sweep, or (None) all of it: rows and files. When it returns they are gone for good.

    Raises:
        StoreError: a runner works on the sweep; the store cannot be written; or the rows are gone, the files cannot be
            removed, and the next command tries again.
    """
    with owned(logs / sweep.folder):
        gone = [sweep.folder] if trials is None else [f"{sweep.folder}/{trial.folder}" for trial in trials]
        store.forget(sweep.id, None if trials is None else [trial.number for trial in trials], gone)
        for folder in gone:
            _clear(store, logs, folder)


def finish_removals(store: Store, logs: Path, insist: bool = True) -> None:
    """Removes what an interrupted removal has left. Whoever only looks does not `insist`: the next one may.

    Raises:
        StoreError: the files cannot be removed, or another process removes them and takes too long. Only who insists.
    """
    with contextlib.nullcontext() if insist else contextlib.suppress(StoreError):
        for folder in store.removals():
            deadline = time.monotonic() + (PATIENCE if insist else 0.0)
            sweep = "/".join(folder.split("/")[:2])
            while folder in store.removals():
                try:
                    with owned(logs / sweep):
                        if folder in store.removals():
                            _clear(store, logs, folder)
                    break
                except StoreError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.05)


def _clear(store: Store, logs: Path, folder: str) -> None:
    """Removes a folder whose rows are gone. For the holder of the sweep's lock."""
    path = logs / folder
    try:
        remove_folder(path)
        sync_folder(path.parent)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be removed ({error.strerror or error})",
            rule="its rows are gone from the store, and the next command tries to remove its files again",
            fix="Make the folder writable.",
        ) from error
    store.removed(folder)
