"""The process of one library, which works when it is asked to."""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from labkit.errors import ConfigError, LabkitError
from labkit.near import near_names

PEERS = ("torch", "tensorflow", "jax")
WARM_UPS = 5
WARM_SECONDS = 5.0
"""There are that many warm-ups, or as many as take that long after the first, in which libraries compile."""
TURN_SECONDS = 0.05
"""A turn is as many units as take about that long, one at least."""


MANY = 20
"""More names than these are not all told where one is not known."""


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
    """A process of its own for one library. On Linux it has as many cores as it may have threads.

    Args:
        name: "labkit" or one of PEERS.
        python: the interpreter of the environment that has the library.
        threads: that it may use.
        part: what it knows to do: "side" (works) or "kernels".
        kernels: the kernel target of labkit's side, where it is not the active one.

    Attributes:
        variant: the way it was prepared for; turns: the mean seconds of a unit in each turn since.
    """

    def __init__(self, name: str, python: str, threads: int, part: str = "side", kernels: str | None = None) -> None:
        self.name, self.threads, self.variant = name, threads, ""
        self.turns: list[float] = []
        self._units = 1  # of a turn
        serve = Path(__file__).parent / "sides" / "serve.py"
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONWARNINGS": "ignore"}
        if kernels is not None:
            environment["LABKIT_TARGET"] = kernels
        try:
            self._process = subprocess.Popen(
                [python, str(serve), f"{name}_{part}", str(threads)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=environment,
            )
        except OSError as error:
            raise SideError(f"{name} cannot take part", received=f"{python}: {error.strerror}") from error
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
            raise SideError(
                f"{f'{self.name} {self.variant}'.strip()} cannot take part",
                received=answer["error"],
                fix=f"Name the Python of an environment that has it: --against {self.name}=/path/to/python."
                if "No module named" in answer["error"] and self.name in PEERS
                else "",
            )
        return answer

    def _last_words(self) -> str:
        code = self._process.wait()
        self._listener.join()
        lines = [line.strip() for line in self._said if line.strip()]
        return lines[-1] if lines else f"exit code {code}"

    def prepare(self, work: dict[str, Any], variant: str, warm_ups: int = WARM_UPS) -> None:
        """Gets ready for turns at that work and warms up; what was measured before is forgotten.

        Raises:
            SideError: it cannot do the work.
        """
        self.variant, self.turns = variant, []
        self.ask(prepare=work, variant=variant, threads=self.threads)
        took = [statistics.fmean(self.ask(run=1)["times"])]
        began = time.monotonic()
        while len(took) < warm_ups and time.monotonic() - began < WARM_SECONDS:
            took.append(statistics.fmean(self.ask(run=1)["times"]))
        self._units = max(1, round(TURN_SECONDS / took[-1]))

    def turn(self) -> None:
        """Works for a turn and notes the mean time of a unit."""
        self.turns.append(statistics.fmean(self.ask(run=self._units)["times"]))

    @property
    def median(self) -> float:
        """Seconds of a unit, of the turns so far."""
        return statistics.median(self.turns)

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


def peers(asked: Sequence[str], choices: Sequence[str] = PEERS) -> list[tuple[str, str]]:
    """(name, interpreter) of each peer in `torch`, or `torch=/path/to/python` for an environment of its own.

    Raises:
        ConfigError: there is no such peer.
    """
    found = []
    for text in asked:
        name, _, python = text.partition("=")
        known("peer", [name], choices)
        found.append((name, python or sys.executable))
    return list(dict.fromkeys(found))


def known(what: str, names: Sequence[str], choices: Sequence[str]) -> None:
    """Nothing, where all names are among the choices.

    Raises:
        ConfigError: one is not; it tells which are near, or all.
    """
    for name in names:
        if name not in choices:
            near = near_names(name, choices)
            raise ConfigError(
                f"The benchmark has no {what} named {name!r}",
                rule="" if len(choices) > MANY else f"It has {', '.join(choices)}",
                fix=f"Did you mean {' or '.join(near)}?"
                if near
                else "`labkit bench list` names them." * (len(choices) > MANY),
            )
