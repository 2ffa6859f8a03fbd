"""The loop of a run: starts trials, hears what becomes of them, and records it in the store."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from labkit.lab import identity
from labkit.lab.executor import PRUNED, Event, Executor, Unit
from labkit.lab.fates import fate, last_words
from labkit.lab.leftovers import drop_checkpoints
from labkit.lab.policy import Policy
from labkit.lab.progress import Deferred, Progress, duration
from labkit.lab.rows import State, SweepRow, TrialRow
from labkit.lab.schedule import Schedule
from labkit.lab.store import Store
from labkit.lab.sweep import Sweep

LATER = 1.0
"""Seconds for which what a trial says on the way may wait for the commit of a trial's end. What is lost when the runner is
killed meanwhile the trial's next attempt says again."""

GRACE = 10.0
"""Seconds that trials get to save and leave when the run is stopped."""

INTERRUPTED, TIME = "interrupted", "time limit"
"""Why a trial is asked to leave, other than PRUNED: the run is stopped, by a signal or else; it takes too long."""


class Loop:
    """One pass over the trials to do.

    Attributes:
        started: how many attempts it began.
        stopping: why it is stopped, by a signal or by its policy, before all is done; else None.
    """

    def __init__(
        self,
        store: Store,
        logs: Path,
        sweep: Sweep,
        row: SweepRow,
        schedule: Schedule,
        policy: Policy,
        progress: Progress,
    ) -> None:
        self.store, self.sweep, self.row, self.schedule = store, sweep, row, schedule
        self.policy, self.progress = policy, Deferred(progress)
        self.folder = logs / row.folder
        self.running: dict[int, _Running] = {}
        self.retries: dict[int, int] = {}
        self.signals, self.started = 0, 0
        self.stopping: str | None = None
        self.began = self.written = time.monotonic()
        self.later: list[Callable[[], None]] = []
        self.over: list[tuple[Path, State]] = []  # folders whose checkpoints go once that state is committed
        self.waiting: list[int] = []  # for the word that they go on, which follows the commit of what it is based on

    def run(self, executor: Executor) -> None:
        """Runs the trials that the schedule hands out until there is none left, or the run is stopped."""
        self.executor = executor
        self.progress.begin(len(self.schedule), list(self.sweep.space))
        events: list[Event] = []
        with self._signals():
            while True:
                with self.store.batch():  # one commit for all that ended, and for what starts in its place
                    for event in events:
                        self._handle(self.running[event.ticket], event)
                    self._stop_where_due()
                    busy = sum(not running.leaving for running in self.running.values())
                    starting = list(self._next(executor.jobs - busy))
                    if self.waiting or time.monotonic() - self.written > LATER:
                        self._write()
                self.progress.release()
                while self.over:
                    drop_checkpoints(*self.over.pop())
                while self.waiting:
                    executor.go_on(self.waiting.pop())
                for trial, attempt in starting:
                    self._start(trial, attempt)
                if not self.running:
                    return
                events = executor.events(timeout=0.1)

    def _next(self, room: int) -> Iterator[tuple[TrialRow, int]]:
        """Trials that start now, with the number of the attempt."""
        while self.stopping is None and room > 0 and (trial := self.schedule.next()) is not None:
            yield trial, self.store.start(trial)
            room -= 1

    def _write(self) -> None:
        """What was said on the way goes to the store, in its order."""
        for write in self.later:
            write()
        self.later.clear()
        self.written = time.monotonic()

    def _start(self, trial: TrialRow, attempt: int) -> None:
        self.started += 1
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
            memory=self.policy.trial_memory,
            checkpoint_every=self.policy.checkpoint_every,
            checkpoint_seconds=self.policy.checkpoint_seconds,
            rungs=self.schedule.rungs(trial),
        )
        ticket = self.executor.start(unit)
        self.running[ticket] = _Running(ticket, trial, attempt, time.monotonic())
        self.progress.started(trial, attempt)

    def _handle(self, running: _Running, event: Event) -> None:
        trial, values = running.trial, event.values
        if event.kind == "progress":
            self.progress.update(trial, values)
        elif event.kind == "notice":
            self.later.append(partial(self.store.add_event, self.row.id, trial.number, values["text"]))
            self.progress.say(values["text"], trial)
        elif event.kind == "data":
            checksums = {data["name"]: data["checksum"] for data in values["data"]}
            trial_id = identity.trial_id(trial.key, checksums)
            self.later.append(partial(self.store.set_data, trial, running.attempt, trial_id, values["data"]))
        elif event.kind == "metrics":
            self.later.append(partial(self.store.add_metrics, trial, values["step"], values["metrics"]))
            over = self.schedule.report(trial, values["step"], values["metrics"])
            if over and running.asked is None:
                self._ask_to_leave(running, PRUNED)
            elif values.get("waits"):
                self.waiting.append(event.ticket)
        elif event.kind == "completed":
            self._finish(running, "COMPLETED", **{name: values[name] for name in ("metrics", "made", "artefacts")})
            self.over.append((self.folder / trial.folder, "COMPLETED"))
        elif event.kind == "failed":
            self._finish(running, "FAILED", kind=values["failure"], reason=values["reason"], metrics=values["metrics"])
        elif event.kind == "interrupted":
            self._left(running, values["reason"])
        elif event.kind == "ended":
            if not running.finished:
                self._ended(running, **values)
            del self.running[event.ticket]

    def _left(self, running: _Running, reason: str) -> None:
        """A trial left before its end."""
        if running.asked == PRUNED:
            self._finish(running, "PRUNED", reason=reason)
            self.over.append((self.folder / running.trial.folder, "PRUNED"))
        elif running.asked == TIME:
            limit = duration(self.policy.trial_seconds)
            self._finish(running, "FAILED", kind="time", reason=f"it took longer than a trial may, {limit}")
        else:
            self._finish(running, "INTERRUPTED", reason=reason)

    def _ended(self, running: _Running, status: int | None, limit: str | None = None, lost: str | None = None) -> None:
        """A process ended without having said what became of its trial."""
        if status is None:  # which is no fault of the trial
            self._write()
            self.store.finish(running.trial, running.attempt, "PENDING", seconds=running.seconds)
            lost = lost or "The process that trials start from died"
            self.progress.say(f"{lost}; its trials continue.", running.trial)
            self.progress.waits(running.trial)
            self.schedule.again(running.trial)
        elif limit is not None:
            self._finish(running, "FAILED", kind="memory", reason=limit)
        elif running.asked is not None:
            self._left(running, "ended before it had saved")
        else:
            words = last_words(self.folder / running.trial.folder / "stderr.log")
            reason = fate(status) + (f"\nIts last words:\n{words}" if words else "")
            self._finish(running, "FAILED", kind="crash", reason=reason)

    def _finish(self, running: _Running, state: State, **facts: Any) -> None:
        running.finished, running.leaving = True, state == "COMPLETED"
        trial = running.trial
        self._write()
        self.store.finish(trial, running.attempt, state, seconds=running.seconds, **facts)
        self.progress.finished(trial, state, running.seconds, facts.get("reason"), facts.get("metrics"))
        if state == "FAILED" and facts.get("kind") != "diverged" and self._may_retry(trial):
            self.schedule.again(trial)
        elif state != "INTERRUPTED":
            self.schedule.ended(trial)
            if state == "FAILED" and self.policy.on_error == "stop":
                self._stop(f"{trial.folder} failed, and the run is to stop then")

    def _may_retry(self, trial: TrialRow) -> bool:
        """Whether a trial that failed is tried once more in this run."""
        tried = self.retries.get(trial.number, 0)
        if self.stopping is not None or tried >= self.policy.retries:
            return False
        self.retries[trial.number] = tried + 1
        self.progress.say(f"is tried again ({tried + 1} of {self.policy.retries} more attempts).", trial)
        return True

    # Stopping

    def _stop_where_due(self) -> None:
        """A signal, or the end of the time, asks the trials to save and leave; a second signal, or the end of the grace, ends
        them."""
        now = time.monotonic()
        if self.stopping is None:
            if self.signals:
                self._stop(INTERRUPTED)
            elif now - self.began > self.policy.max_seconds:
                self._stop("the time is up")
        for running in self.running.values():
            if running.asked is None and running.seconds > self.policy.trial_seconds:
                self._ask_to_leave(running, TIME)
            elif self.signals > 1 or now > running.deadline:
                self.executor.kill(running.ticket)

    def _stop(self, reason: str) -> None:
        self.stopping = reason
        if self.running:
            self.progress.say(
                f"Stopping ({reason}): the trials save and leave (at most {GRACE:.0f} s; once more to stop at once)."
            )
        for running in self.running.values():
            if running.asked is None:
                self._ask_to_leave(running, INTERRUPTED)

    def _ask_to_leave(self, running: _Running, why: str) -> None:
        running.asked, running.deadline = why, time.monotonic() + GRACE
        self.executor.stop(running.ticket, why)

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
    leaving: bool = False  # completed: its process has nothing more to do, and another trial may start
    asked: str | None = None  # to leave, and why
    deadline: float = math.inf  # for doing so

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began
