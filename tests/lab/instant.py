"""An executor whose trials take no time and no process: for tests of what a runner does with its store."""

from __future__ import annotations

import time
from collections.abc import Callable

from labkit.lab.executor import Event, Unit


class Instant:
    """Every trial completes at once with the figure loss = its number, having said one figure on the way.

    Args:
        jobs: trials side by side.
        gate: called before the first trial ends; may wait.
    """

    def __init__(self, jobs: int = 1, gate: Callable[[], None] = lambda: None) -> None:
        self.jobs, self._gate = jobs, gate
        self._tickets = 0
        self._events: list[Event] = []
        self.started: list[int] = []

    def start(self, unit: Unit) -> int:
        self._tickets += 1
        self.started.append(unit.number)
        figures = {"loss": float(unit.number)}
        for kind, values in (
            ("metrics", {"step": 1, "metrics": figures}),
            ("completed", {"metrics": figures, "made": {"target": "none"}, "artefacts": {}}),
            ("ended", {"status": 0}),
        ):
            self._events.append(Event(self._tickets, kind, values))
        return self._tickets

    def events(self, timeout: float) -> list[Event]:
        self._gate()
        if not self._events:
            time.sleep(min(timeout, 0.001))
        found, self._events = self._events, []
        return found

    def stop(self, ticket: int, reason: str) -> None: ...

    def kill(self, ticket: int) -> None: ...

    def close(self) -> None: ...
