"""Where trials run. An executor starts units of work and tells what became of them; `local` is built in.

* `start(unit) -> ticket` runs a trial;
* `events(timeout) -> [Event]` tells what happened since, waiting up to `timeout` seconds for the first;
* `stop(ticket, reason)` asks a trial to save and leave;
* `kill(ticket)` ends it at once;
* `close()` ends everything.
"""

from __future__ import annotations

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Unit:
    """One attempt at one trial: all that a worker needs to know.

    Attributes:
        file: the experiment's file.
        folder: the trial's own folder, made by the executor.
        config: value by key.
        attempt: 1 for the first; a later one continues from the checkpoints in the folder.
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


@dataclasses.dataclass(frozen=True)
class Event:
    """A message of a worker (`kind` "notice", "progress", "data", "metrics", "completed", "failed", "interrupted"), or
    the last event of its ticket: "ended", with how (`values["status"]`: exit code, or minus the signal; None when
    the executor itself lost the process)."""

    ticket: int
    kind: str
    values: dict[str, Any]
