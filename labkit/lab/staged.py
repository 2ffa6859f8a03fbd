"""Trials that a scheduler of other machines runs: staged in their folders, run one by one there, taken in afterwards.

A staged trial has `staged.json` in its folder, which says all that running it takes. Where it is run it has a store of its own,
`staged/` in that folder, so that no machine but the runner's opens the sweep's store. The next command on the sweep takes the
results in: first the files, then the rows, then the staged ones go, so that it can begin again after any interruption.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from labkit.errors import ConfigError, NotFoundError, StoreError
from labkit.io import collect_temporaries, make_folder, remove_folder, sync_folder, write_text
from labkit.io.files import remove, replace
from labkit.lab import identity, plain
from labkit.lab.experiments import load
from labkit.lab.progress import Progress
from labkit.lab.rows import SweepRow, TrialRow
from labkit.lab.store import Store
from labkit.lab.sweep import Sweep, plan

STAGED, PRIVATE = "staged.json", "staged"


@dataclasses.dataclass(frozen=True)
class StagedTrial:
    """What running a trial elsewhere takes.

    Attributes:
        file: the experiment's file, which the other machine must see, too.
        key: of the trial: the code there must be the same.
    """

    file: str
    config: dict[str, Any]
    seed: int
    quick: bool
    key: str


def write(folder: Path, sweep: Sweep, trial: TrialRow) -> None:
    """Stages a trial in its folder."""
    make_folder(folder)
    collect_temporaries(folder)
    staged = StagedTrial(str(sweep.experiment.path), trial.config, trial.seed, sweep.quick, trial.key)
    write_text(folder / STAGED, plain.dumps(dataclasses.asdict(staged)))


def read(folder: Path) -> tuple[Sweep, int]:
    """The sweep of one configuration that a staged trial is, and its seed.

    Raises:
        ConfigError: no trial is staged there, or the experiment's code is another now.
    """
    path = folder / STAGED
    try:
        staged = StagedTrial(**plain.loads(path.read_bytes()))
    except OSError as error:
        raise ConfigError(
            f"No trial is staged in {folder}", received=error.strerror or "", fix="`labkit stage FILE` stages trials."
        ) from error
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{path} is damaged", received=str(error), fix="Stage the sweep again.") from error
    sweep = plan(load(staged.file), sets=staged.config, quick=staged.quick)
    key, _, _ = sweep.trial(sweep.config({}), staged.seed)
    if key != staged.key:
        raise ConfigError(
            f"The experiment {staged.file} is not what it was when the trial was staged",
            rule="its code, the versions of labkit and plugins, and the configuration are the same",
            received=f"key {key}, staged {staged.key}",
            fix="Stage the sweep again: it is another one.",
        )
    return sweep, staged.seed


def collect(store: Store, folder: Path, row: SweepRow, progress: Progress) -> set[int]:
    """Takes in the results of staged trials that have come to an end; the numbers of those that have not.

    Args:
        folder: the sweep's, whose lock the caller holds.

    Raises:
        StoreError: a result cannot be read or written.
    """
    left, taken = set[int](), 0
    for path in sorted(folder.glob(f"t*/{STAGED}")):
        found = [trial for trial in store.trials(row.id) if trial.folder == path.parent.name]
        if not found or found[0].finished:
            _clear(path.parent)
        elif _take_in(store, path.parent, found[0]):
            taken += 1
        else:
            left.add(found[0].number)
    if taken:
        progress.say(
            f"{taken} staged trial{'s' * (taken > 1)} came to an end and {'are' if taken > 1 else 'is'} taken in."
        )
    if left:
        progress.say(
            f"{len(left)} trial{'s' * (len(left) > 1)} of this sweep {'are' if len(left) > 1 else 'is'} staged for another "
            f"machine, and left alone here; to run one here remove its {STAGED}."
        )
    return left


def _take_in(store: Store, folder: Path, trial: TrialRow) -> bool:
    """Takes in one result; False where there is none yet."""
    try:
        private = Store(folder / PRIVATE, create=False)
    except NotFoundError:
        return False
    try:
        pairs = [
            (sweep, each) for sweep in private.sweeps() for each in private.trials(sweep.id) if each.key == trial.key
        ]
        if not pairs or pairs[-1][1].state not in ("COMPLETED", "FAILED"):
            return False
        sweep, done = pairs[-1]
        place = folder / PRIVATE / sweep.folder / done.folder
        _set_aside(folder)
        for entry in sorted(place.iterdir()) if place.is_dir() else []:
            replace(entry, folder / entry.name)
        sync_folder(folder)
        attempt = store.start(trial)
        running = store.trial(trial.sweep, trial.number)
        checksums = {data["name"]: data["checksum"] for data in done.data}
        if done.data:
            store.set_data(running, attempt, identity.trial_id(trial.key, checksums), done.data)
        for _, step, metrics in private.history(sweep.id):
            if step is not None:
                store.add_metrics(running, step, metrics)
        for _, text in private.events(sweep.id):
            store.add_event(trial.sweep, trial.number, text)
        store.finish(
            running, attempt, done.state, seconds=done.seconds, kind=done.kind, reason=done.reason,
            metrics=private.final(done), made=done.made, artefacts=done.artefacts,
        )  # fmt: skip
    finally:
        private.close()
    _clear(folder)
    return True


def _set_aside(folder: Path) -> None:
    """What attempts before the staging left in a trial's folder makes way for the files to be taken in."""
    before, moving = folder / PRIVATE / "before", folder / PRIVATE / "moving"
    if before.is_dir():  # done by a run that died: what is in the folder now was taken in
        return
    make_folder(moving)
    for entry in sorted(folder.iterdir()):
        if entry.name not in (STAGED, PRIVATE):
            replace(entry, moving / entry.name)
    replace(moving, before)


def _clear(folder: Path) -> None:
    """Removes what staging a trial has put into its folder."""
    try:
        if (folder / PRIVATE).exists():
            remove_folder(folder / PRIVATE)
        remove(folder / STAGED)
    except OSError as error:
        raise StoreError(
            f"The staged files in {folder} cannot be removed ({error.strerror})",
            fix="Make the folder writable, and run the same command again: the results are in the store.",
        ) from error
