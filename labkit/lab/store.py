"""The store of sweeps and trials: one SQLite file, the truth of which event files and tables are views.

Several runners may share it: transactions are short and immediate, the journal is a rollback journal (WAL databases
have corrupted under several writers), every commit reaches the disk before it is acknowledged. A trial's state changes
only if it still is what the writer believes, in the attempt the writer means, so a late message of a dead attempt
changes nothing.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import sqlite3
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from labkit.errors import StoreError
from labkit.io import make_folder
from labkit.lab import plain
from labkit.lab.rows import SCHEMA, VERSION, State, SweepRow, TrialRow

_SWEEP = tuple(field.name for field in dataclasses.fields(SweepRow))
_TRIAL = tuple(field.name for field in dataclasses.fields(TrialRow))
_JSON = {"settings", "space", "config", "data", "made", "artefacts"}


class Store:
    """The store in a folder of logs. Raises StoreError whenever it cannot be read or written."""

    def __init__(self, logs: Path) -> None:
        self.path = logs / "labkit.sqlite"
        with self._errors("opened"):
            try:
                make_folder(logs)
            except OSError as error:
                raise StoreError(
                    f"The log folder {logs} cannot be made ({error.strerror})",
                    fix="Free some space or choose another folder: --logs DIR",
                ) from error
            self._db = sqlite3.connect(self.path, timeout=10.0, isolation_level=None)
            self._db.execute("PRAGMA journal_mode = DELETE")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA foreign_keys = ON")
            with self._transaction():  # also shows here and now whether the folder can be written
                version = self._db.execute("PRAGMA user_version").fetchone()[0]
                if version == 0:
                    for statement in SCHEMA.split(";\n"):
                        self._db.execute(statement)
                    self._db.execute(f"PRAGMA user_version = {VERSION}")
                elif version != VERSION:
                    raise StoreError(
                        f"{self.path} was written by another version of labkit",
                        received=f"layout {version}; this one reads {VERSION}",
                        fix="Use another folder: --logs DIR",
                    )
                self._db.execute("DELETE FROM events WHERE 0")

    def close(self) -> None:
        self._db.close()

    # Sweeps

    def sweeps(self, **equal: Any) -> list[SweepRow]:
        """Sweeps whose columns have the given values, oldest first."""
        return [SweepRow(**row) for row in self._rows("sweeps", _SWEEP, equal, "rowid")]

    def add_sweep(self, row: SweepRow) -> None:
        values = [_encode(name, getattr(row, name)) for name in _SWEEP]
        with self._errors("written"), self._transaction():
            marks = ", ".join("?" * len(_SWEEP))
            self._db.execute(f"INSERT OR IGNORE INTO sweeps ({', '.join(_SWEEP)}) VALUES ({marks})", values)

    # Trials

    def trials(self, sweep: str) -> list[TrialRow]:
        return [TrialRow(**row) for row in self._rows("trials", _TRIAL, {"sweep": sweep}, "number")]

    def trial(self, sweep: str, number: int) -> TrialRow:
        """One trial of a sweep. Raises StoreError when there is none of that number."""
        found = [TrialRow(**row) for row in self._rows("trials", _TRIAL, {"sweep": sweep, "number": number}, "number")]
        if not found:
            raise StoreError(f"Sweep {sweep} has no trial {number}", fix="`labkit ls SWEEP` lists its trials.")
        return found[0]

    def add_trials(self, sweep: str, planned: list[tuple[str, dict[str, Any], int]]) -> list[TrialRow]:
        """Plan the trials (key, config, seed) that the sweep does not have yet; those that are new."""
        with self._errors("written"), self._transaction():
            found = self._db.execute("SELECT COALESCE(MAX(number), 0) FROM trials WHERE sweep = ?", [sweep])
            last = found.fetchone()[0]
            known = {row[0] for row in self._db.execute("SELECT key FROM trials WHERE sweep = ?", [sweep])}
            new = [unit for unit in planned if unit[0] not in known]
            rows = [
                TrialRow(
                    number=number, sweep=sweep, key=key, id=None, config=config, seed=seed, state="PENDING", attempt=0,
                    kind=None, reason=None, data=[], made={}, artefacts={}, seconds=0.0,
                )
                for number, (key, config, seed) in enumerate(new, start=last + 1)
            ]  # fmt: skip
            self._db.executemany(
                f"INSERT INTO trials ({', '.join(_TRIAL)}) VALUES ({', '.join('?' * len(_TRIAL))})",
                [[_encode(name, getattr(row, name)) for name in _TRIAL] for row in rows],
            )
        return rows

    def recover(self, sweep: str) -> int:
        """Trials that still are RUNNING become PENDING; how many. Only for the holder of the sweep's lock, who thereby
        knows that their runner is dead."""
        with self._errors("written"), self._transaction():
            return self._db.execute(
                "UPDATE trials SET state = 'PENDING' WHERE sweep = ? AND state = 'RUNNING'", [sweep]
            ).rowcount

    def start(self, trial: TrialRow) -> int:
        """A trial starts; the number of its new attempt."""
        with self._errors("written"), self._transaction():
            change = "state = 'RUNNING', attempt = attempt + 1, kind = NULL, reason = NULL"
            self._fenced(trial, trial.attempt, trial.state, change, [])
        return trial.attempt + 1

    def set_data(self, trial: TrialRow, attempt: int, identity: str, data: list[dict[str, str]]) -> None:
        """The data sets a running trial uses, and with them its identity."""
        with self._errors("written"), self._transaction():
            self._fenced(trial, attempt, "RUNNING", "id = ?, data = ?", [identity, plain.dumps(data)])

    def finish(
        self,
        trial: TrialRow,
        attempt: int,
        state: State,
        *,
        seconds: float,
        kind: str | None = None,
        reason: str | None = None,
        metrics: Mapping[str, float] | None = None,
        made: Mapping[str, str] | None = None,
        artefacts: Mapping[str, str] | None = None,
    ) -> None:
        """A running trial ends, or goes back to PENDING. For COMPLETED this commit is the moment it counts from."""
        with self._errors("written"), self._transaction():
            self._fenced(
                trial,
                attempt,
                "RUNNING",
                "state = ?, kind = ?, reason = ?, made = ?, artefacts = ?, seconds = seconds + ?",
                [state, kind, reason, plain.dumps(made or {}), plain.dumps(artefacts or {}), seconds],
            )
            self._add_metrics(trial, None, metrics or {})

    def add_metrics(self, trial: TrialRow, step: int, metrics: Mapping[str, float]) -> None:
        """Figures at a step (validation points). A resumed trial replaces what it reports again."""
        with self._errors("written"), self._transaction():
            self._add_metrics(trial, step, metrics)

    def metrics(self, sweep: str) -> dict[int, dict[str, float]]:
        """The final figures of every trial of a sweep: number -> name -> value."""
        with self._errors("read"):
            rows = self._db.execute(
                "SELECT trial, name, value FROM metrics WHERE sweep = ? AND step IS NULL ORDER BY rowid", [sweep]
            ).fetchall()
        found: dict[int, dict[str, float]] = {}
        for number, name, value in rows:
            found.setdefault(number, {})[name] = plain.loads(value)
        return found

    def final(self, trial: TrialRow) -> dict[str, float]:
        """The final figures of one trial."""
        with self._errors("read"):
            rows = self._db.execute(
                "SELECT name, value FROM metrics WHERE sweep = ? AND trial = ? AND step IS NULL ORDER BY rowid",
                [trial.sweep, trial.number],
            ).fetchall()
        return {name: plain.loads(value) for name, value in rows}

    def history(self, sweep: str) -> list[tuple[int, int | None, dict[str, float]]]:
        """All figures of a sweep in the order in which they were written: (trial, step, figures); step None: final ones."""
        with self._errors("read"):
            rows = self._db.execute(
                "SELECT trial, step, name, value FROM metrics WHERE sweep = ? ORDER BY rowid", [sweep]
            ).fetchall()
        found = itertools.groupby(rows, key=lambda row: row[:2])
        return [(*place, {name: plain.loads(value) for _, _, name, value in group}) for place, group in found]

    def series(self, sweep: str, number: int, name: str) -> list[tuple[int, float]]:
        """One figure of one trial over its steps, as (step, value)."""
        with self._errors("read"):
            rows = self._db.execute(
                "SELECT step, value FROM metrics WHERE sweep = ? AND trial = ? AND name = ? AND step IS NOT NULL"
                " ORDER BY step",
                [sweep, number, name],
            ).fetchall()
        return [(step, plain.loads(value)) for step, value in rows]

    def add_event(self, sweep: str, number: int | None, text: str) -> None:
        with self._errors("written"), self._transaction():
            self._db.execute("INSERT INTO events VALUES (?, ?, ?, ?)", [sweep, number, time.time(), text])

    def events(self, sweep: str) -> list[tuple[int | None, str]]:
        with self._errors("read"):
            return self._db.execute("SELECT trial, text FROM events WHERE sweep = ? ORDER BY rowid", [sweep]).fetchall()

    # Machinery

    def _fenced(self, trial: TrialRow, attempt: int, state: str, change: str, values: list[Any]) -> None:
        changed = self._db.execute(
            f"UPDATE trials SET {change} WHERE sweep = ? AND number = ? AND attempt = ? AND state = ?",
            [*values, trial.sweep, trial.number, attempt, state],
        ).rowcount
        if changed != 1:
            raise StoreError(
                f"Trial {trial.folder} of sweep {trial.sweep} is no longer {state} in attempt {attempt}",
                rule="one runner at a time changes a trial",
                fix="Run the command again: it continues from what the store says.",
            )

    def _add_metrics(self, trial: TrialRow, step: int | None, metrics: Mapping[str, float]) -> None:
        self._db.execute(
            "DELETE FROM metrics WHERE sweep = ? AND trial = ? AND step IS ?", [trial.sweep, trial.number, step]
        )
        self._db.executemany(
            "INSERT INTO metrics VALUES (?, ?, ?, ?, ?)",
            [(trial.sweep, trial.number, step, name, plain.dumps(float(value))) for name, value in metrics.items()],
        )

    def _rows(
        self, table: str, columns: tuple[str, ...], equal: Mapping[str, Any], order: str
    ) -> Iterator[dict[str, Any]]:
        where = " AND ".join(f"{name} = ?" for name in equal) or "1"
        values = [_encode(name, value) for name, value in equal.items()]
        with self._errors("read"):
            query = f"SELECT {', '.join(columns)} FROM {table} WHERE {where} ORDER BY {order}"
            rows = self._db.execute(query, values).fetchall()
            for row in rows:
                yield {name: _decode(name, value) for name, value in zip(columns, row, strict=True)}

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    @contextlib.contextmanager
    def _errors(self, verb: str) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, ValueError) as error:
            if isinstance(error, StoreError):
                raise
            raise StoreError(
                f"The store {self.path} cannot be {verb}: {error}", fix=_ADVICE.get(str(error), "")
            ) from error


_ADVICE = {
    "database or disk is full": "Free some space and run the same command again: it continues.",
    "disk I/O error": "The disk may be full or failing: free some space and run the same command again.",
    "attempt to write a readonly database": "Make the folder writable or choose another: --logs DIR",
    "unable to open database file": "Make the folder writable or choose another: --logs DIR",
    "database is locked": "Another program holds the store; stop it and run the same command again.",
    "file is not a database": "Move that file away or choose another folder: --logs DIR",
    "database disk image is malformed": "Move that file away; the trials' own files are still in their folders.",
}


def _encode(name: str, value: Any) -> Any:
    return plain.dumps(value) if name in _JSON else value


def _decode(name: str, value: Any) -> Any:
    return plain.loads(value) if name in _JSON else value
