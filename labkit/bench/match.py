"""Sides that take turns at one piece of work, each in a process of its own."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from labkit.bench.works import Work
from labkit.errors import ConfigError, LabkitError

PEERS = ("torch", "tensorflow", "jax")
WARM_UPS = 5
TURN_SECONDS = 0.05
"""A turn is as many units as take about that long, one at least."""
PAUSE = 0.02
"""Seconds between two turns, in which the threads of the side that has just worked fall asleep."""


class SideError(LabkitError):
    """A side of the benchmark cannot do its work."""


@dataclass(frozen=True)
class Measured:
    """What one way to do a piece of work took.

    Attributes:
        side: the library; variant: its way; version: the library's.
        seconds: of a unit, the mean of each turn.
        peak: bytes of memory at the process's peak.
    """

    side: str
    variant: str
    version: str
    seconds: tuple[float, ...]
    peak: int

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def least(self) -> float:
        return min(self.seconds)


class Side:
    """The process of one library, for one way to do one piece of work.

    Args:
        name: "labkit" or one of PEERS.
        python: the interpreter of the environment that has the library.
        threads: that it may use.
    """

    def __init__(self, name: str, python: str, threads: int) -> None:
        self.name, self.threads, self.variant = name, threads, ""
        self.turns: list[float] = []
        serve = Path(__file__).parent / "sides" / "serve.py"
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONWARNINGS": "ignore"}
        self._process = subprocess.Popen(
            [python, str(serve), f"{name}_side"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        # Read all the time: a library that says much would wait for ever once the pipe is full.
        self._said: deque[str] = deque(maxlen=20)
        self._listener = threading.Thread(target=self._said.extend, args=(self._process.stderr,), daemon=True)
        self._listener.start()

    def ask(self, **question: Any) -> dict[str, Any]:
        """The answer to one line of the protocol in sides/serve.py.

        Raises:
            SideError: the process failed or ended.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        answer = json.loads(line) if line else {"error": "the process ended: " + self._last_words()}
        if "error" in answer:
            raise SideError(f"{f'{self.name} {self.variant}'.strip()} cannot take part", received=answer["error"])
        return answer

    def _last_words(self) -> str:
        code = self._process.wait()
        self._listener.join()
        lines = [line.strip() for line in self._said if line.strip()]
        return lines[-1] if lines else f"exit code {code}"

    def prepare(self, work: Work, variant: str) -> int:
        """Gets ready and warms up; the number of units in a turn."""
        self.variant = variant
        self.ask(prepare=dataclasses.asdict(work), variant=variant, threads=self.threads)
        took = [statistics.fmean(self.ask(run=1)["times"]) for _ in range(WARM_UPS)]
        return max(1, round(TURN_SECONDS / took[-1]))

    def turn(self, units: int) -> None:
        """Does that many units and notes their mean time."""
        self.turns.append(statistics.fmean(self.ask(run=units)["times"]))

    def measured(self) -> Measured:
        about = self.ask(about=True)
        return Measured(self.name, self.variant, about["version"], tuple(self.turns), about["peak"])

    def __enter__(self) -> Side:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._listener.join()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):  # what was not yet asked
                pipe.close()


def variants(work: Work, name: str, python: str, threads: int) -> list[str]:
    """The names of a library's ways to do a piece of work.

    Raises:
        SideError: the interpreter does not have the library.
    """
    with Side(name, python, threads) as side:
        return side.ask(variants=dataclasses.asdict(work))["variants"]


def play(
    work: Work, sides: Sequence[tuple[str, str]], threads: int, turns: int, tell: Callable[[str], None]
) -> list[Measured]:
    """What each way of each side takes for one piece of work; turns go round, one side working at a time.

    Args:
        sides: (name, interpreter) pairs, labkit's first.
        turns: rounds that count, after some that do not.
        tell: is told what cannot take part.

    Raises:
        SideError: labkit itself cannot.
    """
    ready: list[tuple[Side, int]] = []
    try:
        for name, python in sides:
            try:
                ways = variants(work, name, python, threads)
                for way in ways:
                    side = Side(name, python, threads)
                    ready.append((side, 0))
                    ready[-1] = side, side.prepare(work, way)
            except SideError as error:
                if name == "labkit":
                    raise
                tell(str(error))
                if ready and not ready[-1][1]:  # the way that failed
                    ready.pop()[0].close()
        for _ in range(turns):
            for side, units in ready:
                time.sleep(PAUSE)
                side.turn(units)
        return [side.measured() for side, _ in ready]
    finally:
        for side, _ in ready:
            side.close()


def peers(asked: Sequence[str]) -> list[tuple[str, str]]:
    """(name, interpreter) of each peer in `torch`, or `torch=/path/to/python` for an environment of its own.

    Raises:
        ConfigError: there is no such peer or interpreter.
    """
    found = []
    for text in asked:
        name, _, python = text.partition("=")
        if name not in PEERS:
            raise ConfigError("There is no such peer", rule="Peers are " + ", ".join(PEERS), received=repr(name))
        if python and not os.access(python, os.X_OK):
            raise ConfigError(f"The interpreter for {name} cannot be run", received=repr(python))
        found.append((name, python or sys.executable))
    return found
