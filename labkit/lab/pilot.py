"""What a run will take, told from a short pilot: its first trial, run for some seconds in a folder of its own."""

from __future__ import annotations

import dataclasses
import math
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labkit.lab.policy import Policy
from labkit.lab.progress import Progress, duration
from labkit.lab.rows import TrialRow
from labkit.lab.runner import run_apart
from labkit.lab.schedule import Schedule
from labkit.lab.space.conditions import count
from labkit.lab.store import Store
from labkit.lab.sweep import Sweep

SECONDS = 20.0
"""How long a pilot takes at most."""


@dataclasses.dataclass(frozen=True)
class Forecast:
    """What a run will take, if all trials are as the first one.

    Attributes:
        trials: how many there are to run; None where a search without a limit decides.
        jobs: how many run at a time.
        trial_seconds: of one trial; None where it did not come far enough to tell.
        trial_bytes: on disk, of one trial; likewise.
        event_bytes: the part of it that is event files.
        seen: what the pilot saw, in words.
    """

    trials: int | None
    jobs: int
    trial_seconds: float | None
    trial_bytes: float | None
    event_bytes: float | None
    seen: str

    def lines(self) -> list[str]:
        """The forecast for people."""
        count = (
            "as many trials as are asked for"
            if self.trials is None
            else f"{self.trials} trial{'s' * (self.trials != 1)}"
        )
        lines = [f"Pilot: {self.seen}.", f"To run: {count}, {self.jobs} at a time."]
        if self.trial_seconds is None or self.trial_bytes is None or self.event_bytes is None:
            return [*lines, "How many steps a trial has it does not say, so nothing more can be told."]
        lines.append(f"A trial: about {duration(self.trial_seconds)}, {_size(self.trial_bytes)} on disk.")
        if self.trials is not None:
            wall = math.ceil(self.trials / self.jobs) * self.trial_seconds
            disk, events = self.trials * self.trial_bytes, self.trials * self.event_bytes
            lines.append(f"In all: about {duration(wall)}, {_size(disk)} on disk, {_size(events)} of it event files.")
        return [*lines, "Other configurations may take more or less."]


def forecast(sweep: Sweep, *, seeds: int, jobs: int, max_trials: int | None, logs: str | Path) -> Forecast:
    """Runs the pilot.

    Raises:
        LabkitError: whatever `run_sweep` raises.
    """
    with tempfile.TemporaryDirectory(prefix="labkit-pilot-") as folder:
        watch = _Watch()
        policy = Policy(max_seconds=SECONDS)
        outcome = run_apart(sweep, jobs=jobs, max_trials=1, logs=folder, policy=policy, progress=watch)
        (trial,) = outcome.trials
        place = outcome.logs / outcome.sweep.folder / trial.folder
        events = _bytes(place, "events.*")
        series = events + _bytes(place, "metrics.jsonl")
        fixed = _bytes(place, "*") - series
    share = 1.0 if trial.state == "COMPLETED" else watch.share
    if trial.state == "FAILED":
        seen = f"the first trial failed after {duration(trial.seconds)}: {trial.reason}"
    elif trial.state == "COMPLETED":
        seen = f"the first trial took {duration(trial.seconds)}"
    else:
        seen = f"the first trial came to step {watch.step}" + (f" of {watch.steps}" if watch.steps else "")
        seen += f" in {duration(trial.seconds)}"
    known = share > 0 and trial.state != "FAILED"
    return Forecast(
        trials=_left(sweep, seeds, max_trials, Path(logs)),
        jobs=jobs,
        trial_seconds=(watch.seconds(trial) if known else None),
        trial_bytes=fixed + series / share if known else None,
        event_bytes=events / share if known else None,
        seen=seen,
    )


class _Watch(Progress):
    """Sees how far the trial comes, and how fast."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.first: tuple[float, int] | None = None
        self.last = self.began, 0
        self.steps: int | None = None

    def started(self, trial: TrialRow, attempt: int) -> None:
        self.began = time.monotonic()

    def update(self, trial: TrialRow, values: Mapping[str, Any]) -> None:
        if values.get("phase"):
            return  # an evaluation counts otherwise
        self.last = time.monotonic(), values["step"]
        self.first = self.first or self.last
        self.steps = values.get("steps") or self.steps

    @property
    def step(self) -> int:
        return self.last[1]

    @property
    def share(self) -> float:
        """Of the trial's steps, those that it came to; 0 where that is not known."""
        return min(1.0, self.step / self.steps) if self.steps else 0.0

    def seconds(self, trial: TrialRow) -> float:
        """How long the whole trial takes: the time to its first step, and its steps at the rate that was seen."""
        if trial.state == "COMPLETED" or self.first is None or self.steps is None or self.last[1] <= self.first[1]:
            return trial.seconds
        rate = (self.last[1] - self.first[1]) / (self.last[0] - self.first[0])
        return (self.first[0] - self.began) + (self.steps - self.first[1]) / rate


def _left(sweep: Sweep, seeds: int, max_trials: int | None, logs: Path) -> int | None:
    """How many trials of the sweep there are to run, less those that the store has finished."""
    searcher = sweep.searcher()
    if max_trials is None and (searcher.adaptive or count(sweep.space) == math.inf):
        return None
    done = 0
    if (logs / "labkit.sqlite").exists():
        store = Store(logs)
        try:
            known = store.sweeps(identity=sweep.id)
            done = sum(trial.finished for trial in store.trials(known[-1].id)) if known else 0
        finally:
            store.close()
    if searcher.adaptive:
        return max(0, (max_trials or 0) - done)
    with tempfile.TemporaryDirectory(prefix="labkit-pilot-") as folder:
        store = Store(Path(folder))
        try:
            store.add_sweep(sweep.row(0))
            return max(0, len(Schedule(store, sweep, sweep.id, searcher, range(seeds), max_trials)) - done)
        finally:
            store.close()


def _bytes(folder: Path, pattern: str) -> int:
    return sum(path.stat().st_size for path in folder.rglob(pattern) if path.is_file())


def _size(count: float) -> str:
    for unit in ("bytes", "KB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            break
        count /= 1000
    return f"{count:.3g} {unit}"
