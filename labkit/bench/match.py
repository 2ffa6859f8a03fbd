"""Sides that take turns at one piece of work, each way of each library in a process of its own."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence

from labkit.bench.side import Measured, Side, SideError
from labkit.bench.works import Work

PAUSE = 0.02
"""Seconds between two turns, in which the threads of the side that has just worked fall asleep."""
FEWEST = 5
"""Turns that every way of a work has, however long they take."""
FAR = 1.5
"""A peer's way that takes so many times as long as the best one's rests after FEWEST turns: it will not be the best."""


def play(
    work: Work,
    sides: Sequence[tuple[str, str]],
    threads: int,
    turns: int,
    tell: Callable[[str], None],
    limit: float = float("inf"),
    fewest: int = FEWEST,
    ways: int | None = None,
) -> list[Measured]:
    """What each way of each side takes for one piece of work; turns go round, one side working at a time.

    A peer that cannot be started, or fails, is told of and left out.

    Args:
        sides: (name, interpreter) pairs, labkit's first.
        turns: rounds that count, after some that do not.
        tell: is told what cannot take part.
        limit: seconds after which no round begins, but that each way has `fewest` turns.
        ways: of each library only so many, the first ones.

    Raises:
        SideError: labkit itself cannot.
    """
    with contextlib.ExitStack() as processes:
        ready = [
            side for name, python in sides for side in _prepared(work, name, python, threads, ways, tell, processes)
        ]
        began = time.monotonic()
        for done in range(turns):
            if done >= fewest and time.monotonic() - began > limit:
                break
            for side in _contenders(ready) if done >= fewest else list(ready):
                time.sleep(PAUSE)
                try:
                    side.turn()
                except SideError as error:
                    _refuse(side.name, error, tell)
                    side.close()
                    ready.remove(side)
        return [side.measured() for side in ready]


def _contenders(ready: Sequence[Side]) -> list[Side]:
    """labkit, and the peers' ways that may yet be the best of them."""
    best = min((side.median for side in ready if side.name != "labkit"), default=0.0)
    return [side for side in ready if side.name == "labkit" or side.median <= FAR * best]


def _prepared(
    work: Work,
    name: str,
    python: str,
    threads: int,
    ways: int | None,
    tell: Callable[[str], None],
    processes: contextlib.ExitStack,
) -> Iterator[Side]:
    """A process for each of a library's ways, warm; `processes` ends them."""
    asked = dataclasses.asdict(work)
    try:
        first = processes.enter_context(Side(name, python, threads, kernels=work.kernels))
        variants = first.ask(variants=asked)["variants"][:ways]
    except SideError as error:
        _refuse(name, error, tell)
        return
    for i, way in enumerate(variants):
        side = first if i == 0 else processes.enter_context(Side(name, python, threads, kernels=work.kernels))
        try:
            side.prepare(asked, way)
        except SideError as error:
            _refuse(name, error, tell)
            side.close()
        else:
            yield side


def _refuse(name: str, error: SideError, tell: Callable[[str], None]) -> None:
    """Tells of a peer that failed; labkit's failure is everybody's."""
    if name == "labkit":
        raise error
    tell(str(error))
