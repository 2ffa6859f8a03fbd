"""The runner: what `labkit run` does with a sweep, from the store's lock to what is left behind."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from labkit.errors import ConfigError, StoreError
from labkit.lab import staged, values
from labkit.lab.executor import Executor
from labkit.lab.leftovers import drop_leftovers
from labkit.lab.loop import INTERRUPTED, Loop
from labkit.lab.ownership import owned
from labkit.lab.policy import Policy
from labkit.lab.progress import Progress
from labkit.lab.removal import finish_removals
from labkit.lab.rows import SweepRow, TrialRow
from labkit.lab.schedule import Schedule
from labkit.lab.space.conditions import count
from labkit.lab.space.reading import describe
from labkit.lab.store import Store
from labkit.lab.sweep import Sweep, write_description
from labkit.plugins import current_lab, resolve

PATIENCE = 0.3
"""Seconds to wait for a sweep's lock, which commands that look at the store may hold for a moment."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a run left behind.

    Attributes:
        logs: the folder of the store.
        sweep: the sweep's row in it.
        trials: all trials of the sweep, those of earlier runs included.
        stopped: why the run was stopped before its trials were over; None where it was not.
        ran: how many trials this run started.
    """

    logs: Path
    sweep: SweepRow
    trials: list[TrialRow]
    stopped: str | None
    ran: int

    @property
    def interrupted(self) -> bool:
        return self.stopped is not None

    @property
    def failed(self) -> list[TrialRow]:
        return [trial for trial in self.trials if trial.state == "FAILED"]


def run_sweep(
    sweep: Sweep,
    *,
    seeds: int | Sequence[int] = 1,
    jobs: int = 1,
    max_trials: int | None = None,
    logs: str | os.PathLike[str] = "logs",
    again: bool = False,
    policy: Policy | None = None,
    executor: str | Mapping[str, Any] | Executor = "local",
    progress: Progress | None = None,
    row: SweepRow | None = None,
) -> Outcome:
    """Run what the store says is still to do of a sweep.

    Trials that failed are tried again, except those whose numbers diverged: the same bits would diverge again.

    Args:
        seeds: repeats of each configuration, with seeds 0, 1, ...; or the seeds themselves.
        jobs: trials that run at the same time.
        max_trials: how many trials the sweep may have; None for as many as its search asks for.
        again: repeat the sweep when it is finished.
        policy: what failures cost, and how long all may take.
        executor: where trials run: a registered executor's name, with settings as in "ray(address=auto)", a mapping, an object.
        row: the sweep of the store to go on with, whatever its code was; None: the newest of the same identity, or a new one.

    Raises:
        ConfigError: seeds, jobs or max_trials below 1, a search that does not fit the space, or one without an end: then
            max_trials or the policy's max_seconds has to say where it ends.
        UnknownComponentError, InvalidArgumentError: there is no such executor, or it has no such settings.
        StoreError: the store cannot be used, or another runner works on this sweep.
    """
    _require_counts(jobs=jobs, max_trials=max_trials)
    policy = policy or Policy()
    _require_an_end(sweep, max_trials, policy.max_seconds)
    where: Any = executor
    if isinstance(executor, (str, Mapping)):
        where = values.named(executor, "An executor")
        current_lab().registry("executors").find(where.get("name", ""))
    progress = progress or Progress.silent()
    try:
        with opened(sweep, seeds, max_trials, logs, progress, again, row) as (store, row, schedule):
            folder = store.path.parent
            loop = Loop(store, folder, sweep, row, schedule, policy, progress)
            if not schedule.finished:
                made = resolve("executors", where, jobs=schedule.jobs(jobs))
                with contextlib.closing(made):
                    loop.run(made)
                schedule.say_what_was_unheard(progress)
            return Outcome(folder, row, store.trials(row.id), loop.stopping, loop.started)
    finally:
        progress.close()


def run_apart(sweep: Sweep, **how: Any) -> Outcome:
    """As `run_sweep`, for a run that is part of something else: when a signal stops it, that is stopped, too.

    Raises:
        KeyboardInterrupt: a signal stopped the run.
        LabkitError: whatever `run_sweep` raises.
    """
    outcome = run_sweep(sweep, **how)
    if outcome.stopped == INTERRUPTED:
        raise KeyboardInterrupt("The trials are saved; the same command continues.")
    return outcome


def stage_sweep(
    sweep: Sweep,
    *,
    seeds: int | Sequence[int] = 1,
    max_trials: int | None = None,
    logs: str | os.PathLike[str] = "logs",
    progress: Progress | None = None,
) -> tuple[Path, list[str]]:
    """Stage what is still to do of a sweep, for `labkit run-trial`.

    Returns:
        The sweep's folder, and the names of the folders in it whose trials are staged.

    Raises:
        ConfigError: the search needs results before it asks for more, or has no end.
        StoreError: as of `run_sweep`.
    """
    searcher = sweep.searcher()
    if searcher.adaptive or searcher.rungs:
        raise ConfigError(
            "Trials are staged all at once, and this search asks for one by the results of others",
            received=f"--search {sweep.search['name']}",
            fix="Stage a grid or random draws, or use --executor.",
        )
    _require_an_end(sweep, max_trials)
    with opened(sweep, seeds, max_trials, logs, progress or Progress.silent()) as (store, row, schedule):
        folder = store.path.parent / row.folder
        while (trial := schedule.next()) is not None:
            staged.write(folder / trial.folder, sweep, trial)
        return folder, sorted(path.parent.name for path in folder.glob(f"t*/{staged.STAGED}"))


@contextlib.contextmanager
def opened(
    sweep: Sweep,
    seeds: int | Sequence[int],
    max_trials: int | None,
    logs: str | os.PathLike[str],
    progress: Progress,
    again: bool = False,
    row: SweepRow | None = None,
) -> Iterator[tuple[Store, SweepRow, Schedule]]:
    """A sweep in its store, held by this process alone, with what is still to do; made where it is new.

    Results of trials that were run elsewhere are taken in first.

    Raises:
        ConfigError, StoreError: as of `run_sweep`.
    """
    each = _seeds(seeds)
    folder = Path(logs).resolve()
    store = Store(folder)
    try:
        with contextlib.ExitStack() as held:
            finish_removals(store, folder)
            known = [row] if row is not None else store.sweeps(identity=sweep.id)
            row = known[-1] if known else _new(store, sweep, progress)
            held.enter_context(owned(folder / row.folder, PATIENCE))
            drop_leftovers(folder / row.folder, partial(store.trials, row.id))
            if not store.sweeps(id=row.id):
                store.add_sweep(row)
            _recover(store, row, progress)
            elsewhere = staged.collect(store, folder / row.folder, row, progress)
            schedule = Schedule(store, sweep, row.id, sweep.searcher(), each, max_trials, elsewhere)
            if again and known and schedule.finished and not elsewhere:
                row = sweep.row(row.repeat + 1)
                store.add_sweep(row)
                held.enter_context(owned(folder / row.folder))
                schedule = Schedule(store, sweep, row.id, sweep.searcher(), each, max_trials)
            if not (folder / row.folder / "sweep.json").exists():
                write_description(folder / row.folder, sweep.description(row))
            yield store, row, schedule
    except OSError as error:
        raise StoreError(
            f"The logs in {folder} cannot be written ({error.strerror or error})",
            fix="Free some space or choose another folder with --logs DIR; the same command continues.",
        ) from error
    finally:
        store.close()


def _require_an_end(sweep: Sweep, max_trials: int | None, max_seconds: float = math.inf) -> None:
    if max_trials is None and max_seconds == math.inf and count(sweep.space) == math.inf:
        raise ConfigError(
            f"The search {sweep.search['name']} would have no end",
            rule="there is no end of configurations in this space",
            received=describe(sweep.space_spec),
            fix="Say how many trials: --max-trials N.",
        )


def _seeds(seeds: int | Sequence[int]) -> Sequence[int]:
    if not isinstance(seeds, Sequence) or isinstance(seeds, str):
        _require_counts(seeds=seeds)
        return range(seeds)
    whole = all(isinstance(seed, int) and not isinstance(seed, bool) and seed >= 0 for seed in seeds)
    if not seeds or not whole or len(set(seeds)) < len(seeds):
        raise ConfigError(
            "These are no seeds", rule="seeds are whole numbers, 0 or more, each once", received=repr(seeds)
        )
    return seeds


def _require_counts(**counts: Any) -> None:
    for name, value in counts.items():
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
            raise ConfigError(f"{name} is no count", rule=f"{name} is a whole number, 1 or more", received=repr(value))


def _new(store: Store, sweep: Sweep, progress: Progress) -> SweepRow:
    """The row of a sweep that the store has not seen; says which sweeps of an earlier code stay unfinished."""
    row = sweep.row(0)
    for old in store.sweeps(experiment=row.experiment):
        if old.code == row.code or old.settings != row.settings or old.space != row.space:
            continue
        trials = store.trials(old.id)
        left = sum(not trial.finished for trial in trials)
        if left:
            progress.say(
                f"The code, or the version of labkit or a plugin, changed: this is a new sweep, {row.id}. "
                f"Sweep {old.id} of the earlier code stays unfinished ({left} of {len(trials)} trials)."
            )
    return row


def _recover(store: Store, row: SweepRow, progress: Progress) -> None:
    """For the holder of the sweep's lock: what a run that died left RUNNING waits again."""
    lost = store.recover(row.id)
    if lost:
        progress.say(f"{lost} trial{'s' * (lost > 1)} of a run that died continue{'s' * (lost == 1)}.")
