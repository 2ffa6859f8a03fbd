"""Campaigns of kill -9 and of signals over a sweep: what must hold after each, and what at the end."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import random
import re
import signal
import subprocess
import time
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from labkit.errors import NotFoundError
from labkit.lab.find import open_store
from labkit.lab.rows import TrialRow

from .runs import descendants, figures, left_behind, start, table

WHO = ("runner", "zygote", "worker", "group", "everything")
"""Who is killed: `group` is the process group of a worker, with what the trial has started."""


@dataclasses.dataclass
class Sweep:
    """A sweep that is killed again and again, and the one that was left alone.

    Args:
        options: of `labkit run`.
        exact: whether every trial ends as before. Of a search that ends trials by what others reported, a killed trial,
            which has failed, changes the course: then only the bits of what ran are the same.
        launch: makes the command of a run on a folder of logs.
    """

    program: str
    options: tuple[str, ...]
    launch: Callable[[Path], list[str]] | None = None
    exact: bool = True

    def start(self, logs: Path, mark: str = "", session: bool = False, **environment: str) -> subprocess.Popen[str]:
        made = self.launch(logs) if self.launch else None
        variables = {"LABKIT_TEST_MARK": mark, **environment}
        return start(self.program, logs, *self.options, made=made, session=session, **variables)

    def run(self, logs: Path) -> int:
        process = self.start(logs)
        process.communicate(timeout=120)
        return process.returncode


def rows(logs: Path) -> list[TrialRow]:
    """The trials of the newest sweep, as a command sees them that looks at the store; the store's soundness is checked."""
    try:
        store = open_store(logs)
    except NotFoundError:  # a run was killed before it had made one
        return []
    try:
        assert store._query("PRAGMA integrity_check") == [("ok",)]
        assert store._query("PRAGMA foreign_key_check") == []
        sweeps = store.sweeps()
        found = store.trials(sweeps[-1].id) if sweeps else []
        for trial in found:
            states = [attempt.state for attempt in store.attempts(trial.sweep, trial.number)]
            assert "COMPLETED" not in states[:-1], f"{trial.folder} was completed, and run again: {states}"
            assert len(states) == trial.attempt
            assert "RUNNING" not in states
        return found
    finally:
        store.close()


def said(err: str) -> set[int]:
    """The numbers of the trials of which a run has said that they are completed."""
    return {int(number) for number in re.findall(r"^t(\d+) .*: completed after ", err, re.MULTILINE)}


def marked(mark: str) -> list[int]:
    """The processes that were started under a mark, and what they have started: whoever their parents are now."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if f"LABKIT_TEST_MARK={mark}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                    state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                    found += [int(entry.name)] if state not in "ZX" else []
    return found


def gone(mark: str, seconds: float = 2.0) -> bool:
    """Whether no process of a mark is left, at once or soon."""
    deadline = time.monotonic() + seconds
    while left := marked(mark):
        if time.monotonic() > deadline:
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            return False
        time.sleep(0.01)
    return True


def kill(runner: int, who: str, random_: random.Random) -> bool:
    """Kills someone of a run; whether there was anyone to kill."""
    family = descendants(runner)
    zygotes = [pid for pid, parent in family if parent == runner]
    workers = [pid for pid, parent in family if parent in zygotes]
    targets = {"runner": [runner], "zygote": zygotes, "worker": workers, "group": workers, "everything": [runner]}[who]
    if not targets:
        return False
    target = random_.choice(targets)
    everybody = [runner, *[pid for pid, _ in family]]
    victims = random_.sample(everybody, len(everybody)) if who == "everything" else [target]
    for victim in victims:
        with contextlib.suppress(ProcessLookupError):
            (os.killpg if who == "group" else os.kill)(victim, signal.SIGKILL)
    return True


def disturb(sweep: Sweep, logs: Path, whole: Path, seed: int, kills: int, reach: float = 1.2) -> Counter[str]:
    """Runs a sweep, kills someone at a random moment, and goes on, until so many were killed; then to the end.

    Args:
        whole: the logs of the sweep that was left alone.
        reach: kills come at up to so many seconds after a run's beginning.

    Returns:
        How many of whom were killed.
    """
    random_ = random.Random(seed)
    killed: Counter[str] = Counter()
    for _ in range(kills):
        mark = uuid.uuid4().hex
        process = sweep.start(logs, mark)
        time.sleep(random_.uniform(0.0, reach))
        who = random_.choice(WHO)
        while process.poll() is None:
            if kill(process.pid, who, random_):
                killed[who] += 1
                break
            time.sleep(random_.uniform(0.0, 0.3))  # there is none yet
        _, err = process.communicate(timeout=120)
        assert gone(mark), f"after {who} was killed a process is left"
        completed = {trial.number for trial in rows(logs) if trial.state == "COMPLETED"}
        assert said(err) <= completed, f"after {who} was killed a completed trial is not"
    mark = uuid.uuid4().hex
    process = sweep.start(logs, mark)
    _, err = process.communicate(timeout=120)
    assert gone(mark), "a process is left after the end"
    (same if sweep.exact else same_bits)(logs, whole)
    return killed


def interrupt(sweep: Sweep, logs: Path, whole: Path, seed: int, signals: int, reach: float = 1.5) -> Counter[int]:
    """As `disturb`, with SIGINT or SIGTERM: to the runner or to its whole group, as a terminal does, and some a second time.

    Returns:
        How often each exit code came.
    """
    random_ = random.Random(seed)
    codes: Counter[int] = Counter()
    for _ in range(signals):
        mark = uuid.uuid4().hex
        process = sweep.start(logs, mark, session=True)
        time.sleep(random_.uniform(0.0, reach))
        number, send = random_.choice([signal.SIGINT, signal.SIGTERM]), random_.choice([os.kill, os.killpg])
        for _ in range(random_.choice([1, 1, 2])):
            if process.poll() is None:
                send(process.pid, number)
                time.sleep(random_.uniform(0.0, 0.2))
        _, err = process.communicate(timeout=30)
        codes[process.returncode] += 1
        # A run that has not begun its trials yet, or is done with them, ends as every process does.
        assert process.returncode in (0, 130, -number), f"left with {process.returncode} after {number.name}: {err}"
        assert "Traceback" not in err
        assert gone(mark)
        found = rows(logs)
        assert {trial.state for trial in found} <= {"PENDING", "INTERRUPTED", "COMPLETED"}
        assert said(err) <= {trial.number for trial in found if trial.state == "COMPLETED"}
    assert sweep.run(logs) == 0
    same(logs, whole)
    return codes


def same(logs: Path, whole: Path) -> None:
    """Whether a sweep that has come to its end is what the one left alone is."""
    ours, theirs = rows(logs), rows(whole)
    assert [(t.number, t.config, t.seed) for t in ours] == [(t.number, t.config, t.seed) for t in theirs]
    assert [(t.number, t.state, t.kind) for t in ours] == [(t.number, t.state, t.kind) for t in theirs]
    failed = {trial.folder for trial in theirs if trial.state == "FAILED"}
    assert not list(logs.rglob(".labkit-tmp-*"))
    assert bits(logs, failed) == bits(whole, failed)
    assert files(logs) == files(whole)
    assert table(logs) == table(whole)
    assert figures(logs) == figures(whole)


def same_bits(logs: Path, whole: Path) -> None:
    """Of a search that ends trials early: whether the trials are the same, and what they did as long as they ran in both."""
    ours, theirs = rows(logs), rows(whole)
    assert [(t.number, t.config, t.seed) for t in ours] == [(t.number, t.config, t.seed) for t in theirs]
    assert {trial.state for trial in ours} <= {"COMPLETED", "PRUNED"}
    assert not list(logs.rglob(".labkit-tmp-*"))
    before = left_behind(whole)
    for name, data in left_behind(logs).items():
        shorter, longer = sorted([data, before[name]], key=len)
        assert longer.startswith(shorter), name


def bits(logs: Path, failed: set[str]) -> dict[str, bytes]:
    """What is left behind, without the series of trials that failed: nobody says how much of these reaches a file."""
    return {name: data for name, data in left_behind(logs).items() if name.split("/")[0] not in failed}


def files(logs: Path) -> set[str]:
    """The names of all files in the folders of trials, event files aside: each attempt has its own."""
    return {
        "/".join(path.parts[-len(path.relative_to(logs).parts) + 2 :])
        for path in logs.glob("*/*/t*/**/*")
        if path.is_file() and "tfevents" not in path.name
    }
