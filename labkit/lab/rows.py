"""The tables of the store, and their rows as Python sees them."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any, Literal

VERSION = 3
"""Of the layout; a store of another version is refused."""

State = Literal["PENDING", "RUNNING", "COMPLETED", "FAILED", "PRUNED", "INTERRUPTED"]

SCHEMA = """
CREATE TABLE sweeps (
    id TEXT PRIMARY KEY,
    identity TEXT NOT NULL,              -- hash(experiment, settings, space, code)
    repeat INTEGER NOT NULL,             -- how often the sweep was asked for --again
    experiment TEXT NOT NULL, file TEXT NOT NULL, doc TEXT NOT NULL, code TEXT NOT NULL,
    settings TEXT NOT NULL, space TEXT NOT NULL, metric TEXT NOT NULL, direction TEXT NOT NULL,
    reference_error REAL NOT NULL,
    folder TEXT NOT NULL,                -- relative to the folder of this file
    created REAL NOT NULL,               -- a label; order is by rowid
    UNIQUE (identity, repeat)
);
CREATE TABLE trials (
    number INTEGER NOT NULL,             -- 1, 2, ... inside its sweep; names its folder
    sweep TEXT NOT NULL REFERENCES sweeps(id),
    key TEXT NOT NULL,                   -- hash(experiment, config, seed, code)
    id TEXT,                             -- hash(key, data); NULL until the trial has reported its data
    config TEXT NOT NULL, seed INTEGER NOT NULL,
    state TEXT NOT NULL, attempt INTEGER NOT NULL, kind TEXT, reason TEXT,
    data TEXT NOT NULL,                  -- list of {name, checksum, requested}
    made TEXT NOT NULL,                  -- what completed it: {target, processor, labkit}
    artefacts TEXT NOT NULL,             -- file in the trial's folder -> SHA-256
    seconds REAL NOT NULL,               -- time spent running, over the attempts that were not killed with their runner
    PRIMARY KEY (sweep, number), UNIQUE (sweep, key)
) WITHOUT ROWID;
CREATE TABLE metrics (
    sweep TEXT NOT NULL, trial INTEGER NOT NULL,
    step INTEGER,                        -- NULL: the trial's final figure
    name TEXT NOT NULL, value TEXT NOT NULL,  -- JSON, as SQLite would turn NaN into NULL
    FOREIGN KEY (sweep, trial) REFERENCES trials(sweep, number)
);
CREATE UNIQUE INDEX metrics_of_trial ON metrics (sweep, trial, step, name);
CREATE TABLE attempts (
    sweep TEXT NOT NULL, trial INTEGER NOT NULL, attempt INTEGER NOT NULL,
    state TEXT NOT NULL,                 -- as a trial's, or LOST: its process was, with the runner or the zygote
    started REAL NOT NULL,               -- a label
    seconds REAL, reason TEXT,
    PRIMARY KEY (sweep, trial, attempt), FOREIGN KEY (sweep, trial) REFERENCES trials(sweep, number)
) WITHOUT ROWID;
CREATE TABLE events (sweep TEXT NOT NULL, trial INTEGER, time REAL NOT NULL, text TEXT NOT NULL);
CREATE INDEX events_of_sweep ON events (sweep);
CREATE TABLE removals (folder TEXT NOT NULL UNIQUE);  -- of sweeps and trials that are gone, and it not yet
"""


def kinds(row: type) -> dict[str, tuple[type, ...]]:
    """The types that the values of each column have, of a class of rows."""
    found = {}
    for name, hint in typing.get_type_hints(row).items():
        parts = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
        plain = [str if typing.get_origin(part) is Literal else typing.get_origin(part) or part for part in parts]
        found[name] = (*plain, int) if float in plain else tuple(plain)
    return found


@dataclasses.dataclass(frozen=True)
class SweepRow:
    id: str
    identity: str
    repeat: int
    experiment: str
    file: str
    doc: str
    code: str
    settings: dict[str, Any]
    space: dict[str, Any]
    metric: str
    direction: str
    reference_error: float
    folder: str
    created: float


@dataclasses.dataclass(frozen=True)
class TrialRow:
    number: int
    sweep: str
    key: str
    id: str | None
    config: dict[str, Any]
    seed: int
    state: State
    attempt: int
    kind: str | None
    reason: str | None
    data: list[dict[str, str]]
    made: dict[str, str]
    artefacts: dict[str, str]
    seconds: float

    @property
    def folder(self) -> str:
        """The name of its folder in that of its sweep."""
        return f"t{self.number:04d}"

    @property
    def finished(self) -> bool:
        """No rerun would change it: completed, pruned, or failed in a way that comes again with the same bits."""
        return self.state in ("COMPLETED", "PRUNED") or (self.state == "FAILED" and self.kind == "diverged")


@dataclasses.dataclass(frozen=True)
class AttemptRow:
    """One attempt at a trial.

    Attributes:
        state: how it ended, as a trial's; "LOST" when its process died with the runner or the zygote.
        started: wall time, a label.
        seconds: how long it took; None while it runs, and where nobody was left to say.
    """

    attempt: int
    state: str
    started: float
    seconds: float | None
    reason: str | None
