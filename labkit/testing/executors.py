"""check_executor."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from labkit.errors import LabkitError
from labkit.io import read_log, sha256_file, write_text
from labkit.lab import plain
from labkit.lab.executor import Event, Executor, Unit
from labkit.testing.numeric import require

JOBS, LONG = 2, 100_000
"""Trials at a time; steps of those that do not come to their end."""

SAID = ("notice", "progress", "data", "metrics")
LAST = ("completed", "failed", "interrupted")

PROGRAM = '''\
import dataclasses, os, subprocess, sys, time
import numpy as np
import labkit as lk
from walk_parts import step_size

@dataclasses.dataclass
class Config:
    steps: int = 6
    pause: float = 0.0
    fault: str = ""

@lk.experiment(metric="loss")
def walk(config: Config, trial: lk.Trial):
    """What an executor is checked with."""
    state = trial.restore() or {"weight": np.zeros(2), "step": 0}
    weight, begin = state["weight"], state["step"]
    print(f"begins after step {begin}")
    if config.fault == "child":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        (trial.folder / "child").write_text(str(child.pid))
    for step in range(begin + 1, config.steps + 1):
        weight = weight - step_size * (weight - 3 + 0.1 * np.random.randn(2))
        trial.report(step, loss=float(((weight - 3) ** 2).sum()))
        trial.save({"weight": weight, "step": step})
        if step == 2 and config.fault == "raises":
            raise ValueError("there is no third step")
        if step == 2 and config.fault == "leaves":
            os._exit(3)
        time.sleep(config.pause)
'''


def check_executor(make: Callable[..., Executor], patience: float = 60.0) -> None:
    """Checks that an executor keeps its contract, by trials of a small experiment.

    What its trials say arrives, in their order, and "ended" comes once for each, last. The files of a trial are in its folder
    when "completed" or "ended" is told. A second attempt continues from the checkpoints in the folder, to the bits
    of a trial that was never interrupted. Stopping and killing reach trials that run, and those that have only just been
    started; of one that has ended they do nothing. A trial that waits for a verdict goes on when it is told to. Exceptions,
    exit codes and broken limits are told. No ticket comes twice; `close` leaves no process behind.

    Takes about ten seconds with trials of this machine.

    Args:
        make: the executor's class, or a function with the argument `jobs`.
        patience: how many seconds anything that a trial does may take.

    Raises:
        AssertionError: it does not.
    """
    before = _children()
    with tempfile.TemporaryDirectory(prefix="labkit executor ") as folder:
        kit = _Kit(make, Path(folder), patience)
        try:
            kit.check_ends()
            kit.check_continuing()
            kit.check_killing()
            kit.check_limits()
            running = kit.start("closed", steps=LONG, pause=0.01, fault="child")
            kit.until(lambda: kit.said(running, "progress"), "the first progress of a trial")
            child = kit.child("closed")
        finally:
            kit.executor.close()
        kit.within(lambda: not _alive(child), "close leaves a process behind that a trial had started")
        kit.within(lambda: not _children() - before, "close leaves processes behind")


class _Kit:
    """One executor, and what it said."""

    def __init__(self, make: Callable[..., Executor], folder: Path, patience: float) -> None:
        self.folder, self.patience = folder, patience
        self.events: dict[int, list[Event]] = {}
        self.folders: dict[int, Path] = {}
        self.file = folder / "walk.py"
        write_text(self.file, PROGRAM)
        write_text(folder / "walk_parts.py", "step_size = 0.1\n")
        self.executor = make(jobs=JOBS)
        self.name = type(self.executor).__name__

    def start(self, name: str, attempt: int = 1, memory: int | None = None, **config: Any) -> int:
        folder = self.folder / "trials" / name
        unit = Unit(
            file=str(self.file),
            experiment="walk",
            sweep="kit",
            number=len(self.events) + 1,
            folder=str(folder),
            config={"steps": 6, "pause": 0.0, "fault": "", **config},
            seed=5,
            quick=False,
            attempt=attempt,
            key=f"key of {name}",
            memory=memory,
            rungs=(2, 4),
        )
        ticket = self.executor.start(unit)
        require(ticket not in self.events, f"{self.name} gives ticket {ticket} twice")
        require(folder.is_dir(), f"{self.name} does not make the folder of a trial that it starts")
        self.events[ticket], self.folders[ticket] = [], folder
        return ticket

    def until(self, condition: Callable[[], Any], what: str) -> None:
        """Hears events until a condition holds."""
        deadline = time.monotonic() + self.patience
        while not condition():
            require(time.monotonic() < deadline, f"{self.name}: {what} did not come within {self.patience:.0f} s")
            began = time.monotonic()
            found = self.executor.events(timeout=0.1)
            took = time.monotonic() - began
            require(took < self.patience, f"{self.name}: events(timeout=0.1) took {took:.0f} s")
            for event in found:
                self._hear(event)

    def within(self, condition: Callable[[], bool], problem: str, seconds: float = 10.0) -> None:
        deadline = time.monotonic() + min(seconds, self.patience)
        while not condition():
            require(time.monotonic() < deadline, f"{self.name}: {problem}")
            time.sleep(0.02)

    def end(self, *tickets: int) -> None:
        self.until(
            lambda: all(self.said(ticket, "ended") for ticket in tickets), f"the 'ended' of {len(tickets)} trials"
        )

    def said(self, ticket: int, *kinds: str) -> list[dict[str, Any]]:
        return [event.values for event in self.events[ticket] if event.kind in kinds]

    def child(self, name: str) -> int:
        """The process that a trial started; it said so before its first step."""
        path = self.folder / "trials" / name / "child"
        with contextlib.suppress(OSError, ValueError):
            return int(path.read_text())
        return 0  # the folder is filled in later, and the machine may be another

    def _hear(self, event: Event) -> None:
        require(event.ticket in self.events, f"{self.name} tells of ticket {event.ticket}, which it never gave")
        known, kind, values = self.events[event.ticket], event.kind, event.values
        require(kind in (*SAID, *LAST, "ended"), f"{self.name} tells of an unknown event {kind!r}")
        require(not self.said(event.ticket, "ended"), f"{self.name} tells {kind!r} after 'ended'")
        if kind != "ended":
            require(not self.said(event.ticket, *LAST), f"{self.name} tells {kind!r} after how the trial came out")
        try:
            plain.dumps(values)
        except TypeError as error:
            raise AssertionError(f"{self.name}: the values of {kind!r} are no JSON: {error}") from None
        if kind in ("progress", "metrics"):
            earlier = [other["step"] for other in self.said(event.ticket, kind)]
            require(not earlier or earlier[-1] < values["step"], f"{self.name}: {kind!r} comes out of order")
        if kind == "completed":
            self._check_files(self.folders[event.ticket], values)
        known.append(event)
        if kind == "metrics" and values.get("waits"):
            self.executor.go_on(event.ticket)

    def _check_files(self, folder: Path, values: dict[str, Any]) -> None:
        what = f"{self.name}: when 'completed' comes"
        for name in ("metrics.jsonl", "trial.json", "stdout.log", "stderr.log", "checkpoints/state/step-6.index"):
            require((folder / name).is_file(), f"{what}, {name} is not in the trial's folder")
        records = list(read_log(folder / "metrics.jsonl"))
        require([record["step"] for record in records] == [*range(1, 7)], f"{what}, metrics.jsonl is not whole")
        require(records[-1]["loss"] == values["metrics"]["loss"], f"{what}, its figures are not those of metrics.jsonl")
        for name, checksum in values["artefacts"].items():
            require(sha256_file(folder / name) == checksum, f"{what}, {name} has another checksum than it says")

    def check_ends(self) -> None:
        """Two side by side: one that comes to its end, one that raises; then one whose process leaves."""
        whole, raising = self.start("whole"), self.start("raising", fault="raises")
        self.end(whole, raising)
        require(self.said(whole, "completed"), f"{self.name} does not tell that a trial completed")
        require(self.said(whole, "progress"), f"{self.name} tells no progress")
        steps = [values["step"] for values in self.said(whole, "metrics")]
        require(steps == [2, 4], f"{self.name} tells figures of steps {steps} where the rungs are at 2 and 4")
        require(self.said(whole, "ended")[0]["status"] == 0, f"{self.name}: a trial that completed has no exit code 0")
        failed = self.said(raising, "failed")
        require(failed and not self.said(raising, "completed"), f"{self.name} does not tell that a trial failed")
        require(
            failed[0]["failure"] == "exception" and "there is no third step" in failed[0]["reason"],
            f"{self.name} does not tell why a trial failed: {failed[0]}",
        )
        leaving = self.start("leaving", fault="leaves")
        self.end(leaving)
        require(not self.said(leaving, *LAST), f"{self.name} makes up how a trial came out whose process left")
        status = self.said(leaving, "ended")[0]["status"]
        require(status == 3, f"{self.name} tells status {status} of a process that left with exit code 3")
        log = self.folders[raising] / "stderr.log"
        require(log.is_file() and "Traceback" in log.read_text(), f"{self.name}: stderr.log lacks the traceback")

    def check_continuing(self) -> None:
        """One is stopped on its way, one right after it was started; the first goes on to the bits of `whole`."""
        reason = "the kit asks for it"
        stopped = self.start("stopped", steps=6, pause=0.3)
        self.until(lambda: self.said(stopped, "metrics"), "the figures of a trial's second step")
        waiting = self.start("waiting", steps=LONG, pause=0.01)
        for ticket in (stopped, waiting):
            self.executor.stop(ticket, reason)
        self.end(stopped, waiting)
        for ticket, when in ((stopped, "that runs"), (waiting, "that was only just started")):
            found = self.said(ticket, "interrupted")
            require(found, f"{self.name}: stopping a trial {when} does not interrupt it")
            require(found[0]["reason"] == reason, f"{self.name}: a trial is stopped for {found[0]['reason']!r}")
        again = self.start("stopped", attempt=2, steps=6)
        self.end(again)
        require(self.said(again, "completed"), f"{self.name}: the second attempt does not complete")
        begins = [line for line in (self.folders[again] / "stdout.log").read_text().splitlines() if "begins" in line]
        require(
            len(begins) == 2 and begins[1] != "begins after step 0",
            f"{self.name}: a second attempt does not continue from the checkpoints in the folder: {begins}",
        )
        one, other = ((self.folder / "trials" / name / "metrics.jsonl").read_bytes() for name in ("whole", "stopped"))
        require(one == other, f"{self.name}: a trial that was interrupted ends with other bits")

    def check_killing(self) -> None:
        """Killing ends one with its processes, one that was only just started too, and another goes on."""
        killed = self.start("killed", steps=LONG, pause=0.01, fault="child")
        self.until(lambda: self.said(killed, "progress"), "the first progress of a trial")
        child, other = self.child("killed"), self.start("other", pause=0.1)
        self.executor.kill(killed)
        self.end(killed)
        self.within(lambda: not _alive(child), "killing a trial leaves a process behind that it had started")
        waiting = self.start("killed early", steps=LONG, pause=0.01)
        self.executor.kill(waiting)
        self.end(waiting)
        for ticket in (killed, waiting):
            require(not self.said(ticket, *LAST), f"{self.name}: a trial that is killed tells how it came out")
            status = self.said(ticket, "ended")[0]["status"]
            require(
                isinstance(status, int) and status != 0,
                f"{self.name} tells status {status} of a trial that it killed; it is minus the signal",
            )
        for ticket in (killed, *self.events):
            if self.said(ticket, "ended"):
                try:
                    self.executor.stop(ticket, "late")
                    self.executor.go_on(ticket)
                    self.executor.kill(ticket)
                except (LabkitError, LookupError, OSError, ValueError) as error:
                    raise AssertionError(f"{self.name} cannot stop and kill what has ended: {error!r}") from error
        self.end(other)
        require(self.said(other, "completed"), f"{self.name}: killing one trial disturbs another")

    def check_limits(self) -> None:
        fat = self.start("fat", memory=1, steps=LONG, pause=0.01)
        self.end(fat)
        limit = self.said(fat, "ended")[0].get("limit")
        require(limit and "memory" in limit, f"{self.name} does not end a trial that uses more memory than it may")


def _children() -> set[int]:
    """The processes that descend from this one and run."""
    import psutil

    found = set()
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE:
                found.add(process.pid)
    return found


def _alive(pid: int) -> bool:
    import psutil

    try:
        return pid > 0 and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
