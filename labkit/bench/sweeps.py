"""Sweeps of many short trials: how many trials a second a runner gets through, start-up included and excluded."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.bench.side import SideError
from labkit.bench.table import DISTURBED, table
from labkit.bench.works import SMALL

PEERS = ("optuna", "ray")
TITLE = "2-20-1 network, batch 10, Adam"
TARGET, GOAL = 5.0, 10.0
"""How many times the best peer's trials a second labkit means to run at least; and what it is after."""


@dataclass(frozen=True)
class Swept:
    """One sweep of one side.

    Attributes:
        side: the library; version: its version, and that of the library that computes.
        trials: how many it ran, `jobs` of them at a time.
        seconds: from the start of the process until all results were durable.
        ends: wall times at which trials were over, rising.
        loss: the median trial's last one, which tells that there was training.
    """

    side: str
    version: str
    trials: int
    jobs: int
    seconds: float
    ends: tuple[float, ...]
    loss: float

    @property
    def whole(self) -> float:
        """Trials a second, start-up included."""
        return self.trials / self.seconds

    @property
    def steady(self) -> float:
        """Trials a second after the first `jobs` of them, which start-up holds up."""
        took = self.ends[-1] - self.ends[self.jobs - 1]
        return (self.trials - self.jobs) / took if took > 0 else math.nan


def compare(
    sides: Sequence[tuple[str, str]],
    trials: int,
    jobs: int,
    steps: int,
    turns: int,
    tell: Callable[[str], None],
    folder: Path | None = None,
) -> Iterator[Swept]:
    """Each sweep as it was measured; the sides take turns.

    Args:
        sides: (name, interpreter) pairs, labkit's first. A peer that fails is told of, and left out from then on.
        folder: where each sweep has a folder of its own, which is removed; None: where temporary files go.

    Raises:
        SideError: labkit itself fails.
    """
    left = list(sides)
    for _ in range(turns):
        for name, python in list(left):
            try:
                yield run(name, python, trials, jobs, steps, folder)
            except SideError as error:
                if name == "labkit":
                    raise
                tell(f"left out: {error}")
                left.remove((name, python))


def run(name: str, python: str, trials: int, jobs: int, steps: int, folder: Path | None = None) -> Swept:
    """One sweep, in a folder that is removed afterwards.

    Raises:
        SideError: it failed, or did not run all of the trials.
    """
    network = dataclasses.replace(SMALL, optimizer=("adam", 0.001))
    with tempfile.TemporaryDirectory(prefix="labkit-bench-", dir=folder) as place:
        task = {
            "network": dataclasses.asdict(network), "steps": steps, "trials": trials, "jobs": jobs, "folder": place,
        }  # fmt: skip
        program = Path(__file__).parent / "sides" / f"{name}_sweep.py"
        seconds, told = _ask([python, str(program), json.dumps(task)], name)
    ends, costs = sorted(told["ends"]), told["costs"]
    if len(ends) != trials or len(costs) != trials:
        raise SideError(f"{name} did not run all trials", rule=f"{trials}", received=f"{len(ends)}, {len(costs)}")
    return Swept(name, told["version"], trials, jobs, seconds, tuple(ends), statistics.median(costs))


def _ask(command: list[str], name: str) -> tuple[float, dict[str, Any]]:
    """Seconds until a side had done its work, and what it told then."""
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    began = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        try:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, env=environment)
        except OSError as error:
            raise SideError(f"{name} cannot take part", received=f"{command[0]}: {error.strerror}") from error
        with process:
            assert process.stdout is not None
            process.stdout.readline()
            seconds = time.perf_counter() - began
            answer = process.stdout.read()
        if process.returncode or not answer:
            said.seek(0)
            lines = [line for line in said.read().decode(errors="replace").splitlines() if line.strip()]
            raise SideError(
                f"{name} cannot take part",
                received=lines[-1] if lines else f"exit code {process.returncode}",
                fix=f"Name the Python of an environment that has it: --against {name}=/path/to/python."
                if any("No module named" in line for line in lines[-1:])
                else "",
            )
    return seconds, json.loads(answer)


@dataclass(frozen=True)
class Line:
    """One side's sweeps together: the medians of both rates."""

    side: str
    version: str
    whole: float
    steady: float
    sweeps: int
    loss: float


def lines(swept: Sequence[Swept]) -> list[Line]:
    """A line for each side, in the order in which they ran."""
    found = []
    for side in dict.fromkeys(s.side for s in swept):
        own = [s for s in swept if s.side == side]
        whole, steady, loss = (statistics.median(getattr(s, name) for s in own) for name in ("whole", "steady", "loss"))
        found.append(Line(side, own[0].version, whole, steady, len(own), loss))
    return found


def summary(swept: Sequence[Swept], disturbed: bool = False) -> str:
    """Both rates of every side, and how labkit's compare with the best peer's, in Markdown."""
    made = lines(swept)
    first = swept[0]
    rows = [
        (f"{m.side} {m.version}", f"{m.whole:.1f}", f"{m.steady:.1f}", str(m.sweeps), f"{m.loss:.2g}") for m in made
    ]
    heads = ("runner", "trials/s, start-up included", "start-up excluded", "sweeps", "last loss, median")
    text = f"{first.trials} trials of the {TITLE}; {first.jobs} at a time; medians.\n\n{table(heads, rows)}"
    ours, peers = made[0], made[1:]
    if peers:
        text += "\n"
    for words, rate in (("included", "whole"), ("excluded", "steady")):
        if peers:
            best = max(peers, key=lambda m: getattr(m, rate))
            ratio = getattr(ours, rate) / getattr(best, rate)
            missed = ", **missed**" if ratio < TARGET else ""
            text += f"- Start-up {words}: {ratio:.1f} times {best.side} (target {TARGET:g}{missed}; goal {GOAL:g}).\n"
    return text + (f"\n{DISTURBED}\n" if disturbed else "")


def records(swept: Sequence[Swept]) -> list[dict[str, Any]]:
    """One flat record for each sweep, for a file of comma-separated values."""
    return [
        {
            "side": s.side,
            "version": s.version,
            "trials": s.trials,
            "jobs": s.jobs,
            "seconds": s.seconds,
            "trials_a_second": s.whole,
            "trials_a_second_without_startup": s.steady,
            "median_loss": s.loss,
        }
        for s in swept
    ]
