"""Files that nobody needs any more: what a trial could have been continued from, what a runner that died was writing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path

from labkit.io import collect_temporaries, remove
from labkit.lab.rows import State, TrialRow

CONTINUED_FROM = ("fit*/*", "state/*")


def drop_checkpoints(folder: Path, state: State) -> None:
    """Of a trial that is over the final weights stay, where there are any, and not what it could have been continued from.

    Args:
        folder: the trial's.
        state: as it is committed; a trial that is not over, or has left no final weights, keeps all.
    """
    checkpoints = folder / "checkpoints"
    if state == "PRUNED" or (state == "COMPLETED" and (checkpoints / "final").is_dir()):
        with contextlib.suppress(OSError):  # they cost space, no more
            for path in [path for pattern in CONTINUED_FROM for path in checkpoints.glob(pattern)]:
                remove(path)


def drop_leftovers(folder: Path, trials: Callable[[], Iterable[TrialRow]]) -> None:
    """Removes from a sweep's folder what a runner that died had no time to remove.

    Args:
        folder: the sweep's, whose lock the caller holds.
        trials: gives the sweep's trials; it is asked only where something may be left of them.
    """
    for place in (folder, folder / "report"):
        collect_temporaries(place)
    left = {path.parents[2].name for pattern in CONTINUED_FROM for path in folder.glob(f"t*/checkpoints/{pattern}")}
    if left:
        for trial in trials():
            if trial.folder in left:
                drop_checkpoints(folder / trial.folder, trial.state)
