"""The runner: plans the trials of a sweep, has an executor run them, and records in the store what becomes of them."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from labkit.errors import ConfigError, StoreError
from labkit.io import remove
from labkit.lab import identity
from labkit.lab.executor import Event, Unit
from labkit.lab.executor.local import LocalExecutor
from labkit.lab.fates import fate, last_words
from labkit.lab.ownership import owned
from labkit.lab.progress import Progress
from labkit.lab.rows import SweepRow, TrialRow
from labkit.lab.store import Store
from labkit.lab.sweep import Sweep, write_description

GRACE = 10.0
"""Seconds that trials get to save and leave when the run is interrupted."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a run left behind.

    Attributes:
        logs: the folder of the store.
        sweep: the sweep's row in it.
        trials: all trials of the sweep, those of earlier runs included.
        interrupted: the run was stopped before its trials were over.
        ran: how many trials this run started.
    """

    logs: Path
    sweep: SweepRow
    trials: list[TrialRow]
    interrupted: bool
    ran: int

    @property
    def failed(self) -> list[TrialRow]:
        return [trial for trial in self.trials if trial.state == "FAILED"]


def run_sweep(
    sweep: Sweep,
    *,
    seeds: int = 1,
    jobs: int = 1,
    logs: str | os.PathLike[str] = "logs",
    again: bool = False,
    progress: Progress | None = None,
) -> Outcome:
    """Run what the store says is still to do of a sweep.

    Trials that failed are tried again, except those whose numbers diverged: the same bits would diverge again.

    Args:
        seeds: repeats of each configuration, with seeds 0, 1, ...
        jobs: trials that run at the same time.
        again: repeat the sweep when it is finished.

    Raises:
        ConfigError: seeds or jobs below 1.
        StoreError: the store cannot be used, or another runner works on this sweep.
    """
    for name, value in (("seeds", seeds), ("jobs", jobs)):
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ConfigError(f"{name} is no count", rule=f"{name} is a whole number, 1 or more", received=repr(value))
    folder = Path(logs).resolve()
    store = Store(folder)
    progress = progress or Progress.silent()
    try:
        row = _open(store, sweep, seeds, again, progress)
        with owned(folder / row.folder):
            lost = store.recover(row.id)
            if lost:
                progress.say(f"{lost} trial{'s' * (lost > 1)} of a run that died continue{'s' * (lost == 1)}.")
            store.add_trials(row.id, sweep.trials(seeds))
            if not (folder / row.folder / "sweep.json").exists():
                write_description(folder / row.folder, sweep.description(row))
            todo = [trial for trial in store.trials(row.id) if trial.seed < seeds and not trial.finished]
            interrupted = bool(todo) and _Run(store, folder, sweep, row, todo, jobs, progress).loop()
        return Outcome(folder, row, store.trials(row.id), interrupted, len(todo))
    except OSError as error:
        raise StoreError(
            f"The logs in {folder} cannot be written ({error.strerror or error})",
            fix="Free some space or choose another folder with --logs DIR; the same command continues.",
        ) from error
    finally:
        progress.close()
        store.close()


def _open(store: Store, sweep: Sweep, seeds: int, again: bool, progress: Progress) -> SweepRow:
    """The sweep's row: the newest repeat of it that there is, or a new one."""
    known = store.sweeps(identity=sweep.id)
    if known:
        row = known[-1]
        wanted = {key for key, _, _ in sweep.trials(seeds)}
        done = {trial.key for trial in store.trials(row.id) if trial.finished}
        if not (again and wanted <= done):
            return row
        row = sweep.row(row.repeat + 1)
    else:
        row = sweep.row(0)
        for old in store.sweeps(experiment=row.experiment, settings=row.settings, space=row.space):
            trials = store.trials(old.id)
            left = sum(not trial.finished for trial in trials)
            if old.code != row.code and left:
                progress.say(
                    f"The code, or the version of labkit or a plugin, changed: this is a new sweep, {row.id}. "
                    f"Sweep {old.id} of the earlier code stays unfinished ({left} of {len(trials)} trials)."
                )
    store.add_sweep(row)
    return row


class _Run:
    """One pass over the trials to do. `loop()` returns whether it was interrupted."""

    def __init__(
        self, store: Store, logs: Path, sweep: Sweep, row: SweepRow, todo: list[TrialRow], jobs: int, progress: Progress
    ) -> None:
        self.store, self.sweep, self.row, self.progress = store, sweep, row, progress
        self.folder = logs / row.folder
        self.waiting = list(reversed(todo))
        self.jobs = min(jobs, len(todo))
        self.running: dict[int, _Running] = {}
        self.signals = 0
        self.deadline = float("inf")

    def loop(self) -> bool:
        self.executor = LocalExecutor(self.jobs)
        self.progress.begin(len(self.waiting), list(self.sweep.space))
        try:
            with self._signals():
                while self.running or (self.waiting and not self.signals):
                    while self.waiting and len(self.running) < self.jobs and not self.signals:
                        self._start(self.waiting.pop())
                    for event in self.executor.events(timeout=0.1):
                        self._handle(self.running[event.ticket], event)
                    if self.signals:
                        self._interrupt()
        finally:
            self.executor.close()
        return bool(self.signals)

    def _start(self, trial: TrialRow) -> None:
        attempt = self.store.start(trial)
        unit = Unit(
            file=str(self.sweep.experiment.path),
            experiment=self.row.experiment,
            sweep=self.row.id,
            number=trial.number,
            folder=str(self.folder / trial.folder),
            config=trial.config,
            seed=trial.seed,
            quick=self.sweep.quick,
            attempt=attempt,
            key=trial.key,
        )
        ticket = self.executor.start(unit)
        self.running[ticket] = _Running(ticket, trial, attempt, time.monotonic())
        self.progress.started(trial, attempt)

    def _handle(self, running: _Running, event: Event) -> None:
        trial, values = running.trial, event.values
        if event.kind == "progress":
            self.progress.update(trial, values)
        elif event.kind == "notice":
            self.store.add_event(self.row.id, trial.number, values["text"])
            self.progress.say(values["text"], trial)
        elif event.kind == "data":
            checksums = {data["name"]: data["checksum"] for data in values["data"]}
            self.store.set_data(trial, running.attempt, identity.trial_id(trial.key, checksums), values["data"])
        elif event.kind == "metrics":
            self.store.add_metrics(trial, values["step"], values["metrics"])
        elif event.kind == "completed":
            self._finish(running, "COMPLETED", **{name: values[name] for name in ("metrics", "made", "artefacts")})
            _prune(self.folder / trial.folder / "checkpoints")
        elif event.kind == "failed":
            self._finish(running, "FAILED", kind=values["failure"], reason=values["reason"], metrics=values["metrics"])
        elif event.kind == "interrupted":
            self._finish(running, "INTERRUPTED", reason=values["reason"])
        elif event.kind == "ended":
            if not running.finished:
                self._ended(running, values["status"])
            del self.running[event.ticket]

    def _ended(self, running: _Running, status: int | None) -> None:
        """A process ended without having said what became of its trial."""
        if status is None:  # the zygote died, which is no fault of the trial
            self.store.finish(running.trial, running.attempt, "PENDING", seconds=running.seconds)
            self.progress.say("The process that trials start from died; its trials continue.", running.trial)
            pending = [trial for trial in self.store.trials(self.row.id) if trial.number == running.trial.number]
            self.waiting += pending
            self.progress.waits(running.trial)
        elif self.signals:
            self._finish(running, "INTERRUPTED", reason="ended before it had saved")
        else:
            words = last_words(self.folder / running.trial.folder / "stderr.log")
            reason = fate(status) + (f"\nIts last words:\n{words}" if words else "")
            self._finish(running, "FAILED", kind="crash", reason=reason)

    def _finish(self, running: _Running, state: Any, **facts: Any) -> None:
        running.finished = True
        self.store.finish(running.trial, running.attempt, state, seconds=running.seconds, **facts)
        self.progress.finished(running.trial, state, running.seconds, facts.get("reason"), facts.get("metrics"))

    def _interrupt(self) -> None:
        """The first signal asks the trials to save and leave; the second, or the end of the grace, ends them."""
        if self.deadline == float("inf"):
            self.deadline = time.monotonic() + GRACE
            self.progress.say(
                f"Stopping: the trials save and leave (at most {GRACE:.0f} s; once more to stop at once)."
            )
            for ticket in self.running:
                self.executor.stop(ticket, "interrupted")
        if self.signals > 1 or time.monotonic() > self.deadline:
            for ticket in self.running:
                self.executor.kill(ticket)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread can listen to signals; others are stopped by their program
            return

        def count(*_: Any) -> None:
            self.signals += 1

        before = {number: signal.signal(number, count) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@dataclasses.dataclass
class _Running:
    ticket: int
    trial: TrialRow
    attempt: int
    began: float
    finished: bool = False

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began


def _prune(checkpoints: Path) -> None:
    """A completed trial keeps its final weights, and not what it could have been continued from."""
    if (checkpoints / "final").is_dir():
        with contextlib.suppress(OSError):  # they cost space, no more
            for path in [*checkpoints.glob("fit*/*"), *checkpoints.glob("state/*")]:
                remove(path)
