"""check_executor passes for `local`, and finds an executor with one defect."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import ClassVar

import pytest

from labkit.lab.executor import Event, Unit
from labkit.lab.executor.local import LocalExecutor
from labkit.testing import check_executor

pytestmark = pytest.mark.ci


class Broken(LocalExecutor):
    """An executor with one defect."""

    defect = ""
    made: ClassVar[list[Broken]] = []

    def __init__(self, jobs: int) -> None:
        super().__init__(jobs)
        self.made.append(self)
        self.folders: dict[int, Path] = {}
        self.over: set[int] = set()

    def start(self, unit: Unit) -> int:
        if self.defect == "afresh":
            shutil.rmtree(Path(unit.folder) / "checkpoints", ignore_errors=True)
        ticket = super().start(unit)
        self.folders[ticket] = Path(unit.folder)
        return 1 if self.defect == "one ticket" else ticket

    def events(self, timeout: float) -> list[Event]:
        found = []
        for event in super().events(timeout):
            self.over |= {event.ticket} if event.kind == "ended" else set()
            found += self.told(event)
        return found

    def told(self, event: Event) -> list[Event]:
        kind, values, defect = event.kind, event.values, self.defect
        if (kind, defect) in (("ended", "no end"), ("progress", "no progress"), ("metrics", "no metrics")):
            return []
        if (kind, defect) in (("ended", "two ends"), ("metrics", "repeats")):
            return [event, event]
        if (kind, defect) == ("failed", "early end"):
            return [Event(event.ticket, "ended", {"status": 0}), event]
        if kind == "completed" and defect.endswith((".json", ".jsonl")):
            (self.folders[event.ticket] / defect).unlink()
        if kind == "completed" and defect == "forged":
            (self.folders[event.ticket] / "trial.json").write_text("{}")
        if kind == "interrupted" and defect == "no reason":
            values["reason"] = ""
        if kind == "ended" and defect == "no status":
            values["status"] = None if values["status"] and values["status"] < 0 else values["status"]
        if kind == "ended" and defect == "no limit":
            values["limit"] = None
        return [event]

    def stop(self, ticket: int, reason: str) -> None:
        if self.defect == "exact" and ticket in self.over:
            raise KeyError(ticket)
        if self.defect != "deaf":
            super().stop(ticket, reason)

    def go_on(self, ticket: int) -> None:
        if self.defect != "mute":
            super().go_on(ticket)

    def kill(self, ticket: int) -> None:
        if self.defect != "gentle":
            super().kill(ticket)

    def close(self) -> None:
        if self.defect != "stays":
            super().close()


def test_local() -> None:
    check_executor(LocalExecutor)


@pytest.mark.parametrize(
    ("defect", "text"),
    [
        ("one ticket", "gives ticket 1 twice"),
        ("afresh", "does not continue from the checkpoints"),
        ("no end", "the 'ended' of 2 trials did not come within 8 s"),
        ("two ends", "tells 'ended' after 'ended'"),
        ("early end", "tells 'failed' after 'ended'"),
        ("no progress", "tells no progress"),
        ("no metrics", "the 'ended' of 2 trials did not come"),
        ("repeats", "'metrics' comes out of order"),
        ("trial.json", "trial.json is not in the trial's folder"),
        ("metrics.jsonl", "metrics.jsonl is not in the trial's folder"),
        ("forged", "trial.json has another checksum"),
        ("no reason", "is stopped for ''"),
        ("no status", "tells status None of a trial that it killed"),
        ("no limit", "does not end a trial that uses more memory"),
        ("deaf", "the 'ended' of 2 trials did not come"),
        ("mute", "the 'ended' of 2 trials did not come"),
        ("gentle", "the 'ended' of 1 trials did not come"),
        ("exact", "cannot stop and kill what has ended"),
        ("stays", "leaves a process behind"),
    ],
)
def test_a_broken_executor_is_found(defect: str, text: str) -> None:
    broken = type("Executor", (Broken,), {"defect": defect})
    try:
        with pytest.raises(AssertionError, match=text):
            check_executor(broken, patience=8)
    finally:
        if defect == "stays":
            LocalExecutor.close(broken.made[-1])
