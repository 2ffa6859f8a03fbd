"""Where trials run: an executor starts units of work and tells what became of them. `local` is built in."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Protocol

PRUNED = "pruned"
"""The reason that a trial is stopped with whose configuration is not worth going on; it does not save before it leaves."""


@dataclasses.dataclass(frozen=True)
class Unit:
    """One attempt at one trial: all that a worker needs to know.

    Attributes:
        file: the experiment's file.
        folder: the trial's own folder, made by the executor.
        config: value by key.
        attempt: 1 for the first; a later one continues from the checkpoints in the folder.
        checkpoint_every, checkpoint_seconds: how often `trial.fit` saves, where that is not left to the experiment.
        memory: how many bytes the trial, with all processes that it starts, may have in use; None for any number.
        rungs: rising steps; with the first figures of the experiment's metric from each on the trial waits for a verdict.
    """

    file: str
    experiment: str
    sweep: str
    number: int
    folder: str
    config: dict[str, Any]
    seed: int
    quick: bool
    attempt: int
    key: str
    memory: int | None = None
    checkpoint_every: int | None = None
    checkpoint_seconds: float | None = None
    rungs: Sequence[int] = ()


@dataclasses.dataclass(frozen=True)
class Event:
    """A message of a worker (`kind` "notice", "progress", "data", "metrics", "completed", "failed", "interrupted"), or
    the last event of its ticket: "ended", with how (`values["status"]`: exit code, or minus the signal; None when
    the executor itself lost the process, `values["lost"]` may say how: the trial is then started again) and, where the
    executor ended it because it broke a limit, which (`values["limit"]`, in words)."""

    ticket: int
    kind: str
    values: dict[str, Any]


class Executor(Protocol):
    """What runs trials. Executors are made with the number of trials that run side by side, and their own settings.

    Attributes:
        jobs: that number; the runner keeps so many tickets open.
    """

    jobs: int

    def start(self, unit: Unit) -> int:
        """Runs a trial; its ticket, a number that no other attempt has.

        Raises:
            LabkitError: no trial can be started any more.
        """
        ...

    def events(self, timeout: float) -> list[Event]:
        """What happened since the last call, each ticket's in its order; waits up to `timeout` seconds for the first."""
        ...

    def stop(self, ticket: int, reason: str) -> None:
        """Asks a trial to save and leave; its "interrupted" event gives the reason back. Of one that has ended: nothing."""
        ...

    def go_on(self, ticket: int) -> None:
        """Tells a trial whose "metrics" event waits for a verdict (`values["waits"]`) that it goes on. Of others: nothing."""
        ...

    def kill(self, ticket: int) -> None:
        """Ends a trial at once; its "ended" event still comes."""
        ...

    def close(self) -> None:
        """Ends everything; no process is left behind."""
        ...
