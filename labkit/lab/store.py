"""The store of sweeps and trials: one SQLite file, the truth of which event files and tables are views.

Several runners may share it: transactions are short and immediate, and every commit reaches the disk before it is
acknowledged. A trial's state changes only if it still is what the writer believes, in the attempt the writer means, so
a late message of a dead attempt changes nothing.
"""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from labkit.errors import StoreError
from labkit.io import is_safe_name
from labkit.lab import identity, plain
from labkit.lab.database import Database
from labkit.lab.rows import AttemptRow, State, SweepRow, TrialRow, kinds

_SWEEP = tuple(field.name for field in dataclasses.fields(SweepRow))
_TRIAL = tuple(field.name for field in dataclasses.fields(TrialRow))
_ATTEMPT = tuple(field.name for field in dataclasses.fields(AttemptRow))
_KINDS = {"sweeps": kinds(SweepRow), "trials": kinds(TrialRow), "attempts": kinds(AttemptRow)}
_STATES = {*get_args(State), "LOST"}
_JSON = {"settings", "space", "config", "data", "made", "artefacts"}


class Store(Database):
    """The store in a folder of logs. Raises StoreError whenever it cannot be read or written."""

    # Sweeps

    def sweeps(self, **equal: Any) -> list[SweepRow]:
        """Sweeps whose columns have the given values, oldest first."""
        return [SweepRow(**row) for row in self._rows("sweeps", _SWEEP, equal, "rowid")]

    def add_sweep(self, row: SweepRow) -> None:
        """Adds a sweep, unless the store has it.

        Raises:
            StoreError: it cannot be written; files of a removed sweep are where this one's are to be.
        """
        values = [_encode(name, getattr(row, name)) for name in _SWEEP]
        with self.transaction():
            if row.folder in self.removals():
                raise StoreError(
                    f"The folder {row.folder} is being removed", fix="Wait a moment, then run the same command again."
                )
            marks = ", ".join("?" * len(_SWEEP))
            self._db.execute(f"INSERT OR IGNORE INTO sweeps ({', '.join(_SWEEP)}) VALUES ({marks})", values)

    def counts(self) -> dict[str, dict[str, int]]:
        """How many trials are in each state: sweep -> state -> trials."""
        found: dict[str, dict[str, int]] = {}
        for sweep, state, count in self._query("SELECT sweep, state, COUNT(*) FROM trials GROUP BY sweep, state"):
            if not isinstance(sweep, str) or state not in _STATES:
                raise self._damaged(f"{state!r} as state in trials")
            found.setdefault(sweep, {})[state] = count
        return found

    # Trials

    def trials(self, sweep: str, **equal: Any) -> list[TrialRow]:
        """The trials of a sweep whose columns have the given values, by number."""
        return [TrialRow(**row) for row in self._rows("trials", _TRIAL, {"sweep": sweep, **equal}, "number")]

    def trial(self, sweep: str, number: int) -> TrialRow:
        """One trial of a sweep. Raises StoreError when there is none of that number."""
        found = self.trials(sweep, number=number)
        if not found:
            raise StoreError(f"Sweep {sweep} has no trial {number}", fix="`labkit ls SWEEP` lists its trials.")
        return found[0]

    def named(self, prefix: str) -> list[tuple[str, int, str]]:
        """(sweep, number, id) of the trials whose id or key begins so."""
        query = (
            "SELECT sweep, number, COALESCE(id, key) FROM trials WHERE substr(id, 1, ?) = ? OR substr(key, 1, ?) = ?"
        )
        return self._query(query, [len(prefix), prefix] * 2)

    def attempts(self, sweep: str, number: int) -> list[AttemptRow]:
        """What became of each attempt at a trial, oldest first."""
        where = {"sweep": sweep, "trial": number}
        return [AttemptRow(**row) for row in self._rows("attempts", _ATTEMPT, where, "attempt")]

    def add_trials(self, sweep: str, planned: list[tuple[str, dict[str, Any], int]]) -> list[TrialRow]:
        """Plan the trials (key, config, seed) that the sweep does not have yet; those that are new."""
        with self.transaction():
            found = self._db.execute("SELECT COALESCE(MAX(number), 0) FROM trials WHERE sweep = ?", [sweep])
            last = found.fetchone()[0]
            known = "SELECT 1 FROM trials WHERE sweep = ? AND key = ?"
            new = [unit for unit in planned if self._db.execute(known, [sweep, unit[0]]).fetchone() is None]
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
        with self.transaction():
            self._db.execute("UPDATE attempts SET state = 'LOST' WHERE sweep = ? AND state = 'RUNNING'", [sweep])
            return self._db.execute(
                "UPDATE trials SET state = 'PENDING' WHERE sweep = ? AND state = 'RUNNING'", [sweep]
            ).rowcount

    def start(self, trial: TrialRow) -> int:
        """A trial starts; the number of its new attempt."""
        with self.transaction():
            change = "state = 'RUNNING', attempt = attempt + 1, kind = NULL, reason = NULL"
            self._fenced(trial, trial.attempt, trial.state, change, [])
            row = AttemptRow(trial.attempt + 1, "RUNNING", time.time(), None, None)
            self._db.execute(
                "INSERT INTO attempts VALUES (?, ?, ?, ?, ?, ?, ?)",
                [trial.sweep, trial.number, *(getattr(row, name) for name in _ATTEMPT)],
            )
        return row.attempt

    def set_data(self, trial: TrialRow, attempt: int, identity: str, data: list[dict[str, str]]) -> None:
        """The data sets a running trial uses, and with them its identity."""
        with self.transaction():
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
        with self.transaction():
            self._fenced(
                trial,
                attempt,
                "RUNNING",
                "state = ?, kind = ?, reason = ?, made = ?, artefacts = ?, seconds = seconds + ?, id = COALESCE(id, ?)",
                [
                    state, kind, reason, plain.dumps(made or {}), plain.dumps(artefacts or {}), seconds,
                    identity.trial_id(trial.key, {}) if state == "COMPLETED" else None,
                ],
            )  # fmt: skip
            self._db.execute(
                "UPDATE attempts SET state = ?, seconds = ?, reason = ? WHERE sweep = ? AND trial = ? AND attempt = ?",
                ["LOST" if state == "PENDING" else state, seconds, reason, trial.sweep, trial.number, attempt],
            )
            self._db.execute(
                "DELETE FROM metrics WHERE sweep = ? AND trial = ? AND step IS NULL", [trial.sweep, trial.number]
            )
            self._add_metrics(trial, None, metrics or {})

    def add_metrics(self, trial: TrialRow, step: int, metrics: Mapping[str, float]) -> None:
        """Figures at a step (validation points). A resumed trial replaces what it reports again."""
        with self.transaction():
            self._add_metrics(trial, step, metrics)

    def metrics(self, sweep: str) -> dict[int, dict[str, float]]:
        """The final figures of every trial of a sweep: number -> name -> value."""
        rows = self._query(
            "SELECT trial, name, value FROM metrics WHERE sweep = ? AND step IS NULL ORDER BY rowid", [sweep]
        )
        found: dict[int, dict[str, float]] = {}
        for number, name, value in rows:
            found.setdefault(number, {})[name] = self._loads(value)
        return found

    def final(self, trial: TrialRow) -> dict[str, float]:
        """The final figures of one trial."""
        rows = self._query(
            "SELECT name, value FROM metrics WHERE sweep = ? AND trial = ? AND step IS NULL ORDER BY rowid",
            [trial.sweep, trial.number],
        )
        return {name: self._loads(value) for name, value in rows}

    def history(self, sweep: str) -> list[tuple[int, int | None, dict[str, float]]]:
        """All figures of a sweep in the order in which they came first: (trial, step, figures); step None: final ones."""
        rows = self._query("SELECT trial, step, name, value FROM metrics WHERE sweep = ? ORDER BY rowid", [sweep])
        found = itertools.groupby(rows, key=lambda row: row[:2])
        return [
            (place[0], place[1], {name: self._loads(value) for _, _, name, value in group}) for place, group in found
        ]

    def series(self, sweep: str, number: int, name: str) -> list[tuple[int, float]]:
        """One figure of one trial over its steps, as (step, value)."""
        rows = self._query(
            "SELECT step, value FROM metrics WHERE sweep = ? AND trial = ? AND name = ? AND step IS NOT NULL"
            " ORDER BY step",
            [sweep, number, name],
        )
        return [(step, self._loads(value)) for step, value in rows]

    def add_event(self, sweep: str, number: int | None, text: str) -> None:
        with self.transaction():
            self._db.execute("INSERT INTO events VALUES (?, ?, ?, ?)", [sweep, number, time.time(), text])

    def events(self, sweep: str) -> list[tuple[int | None, str]]:
        return self._query("SELECT trial, text FROM events WHERE sweep = ? ORDER BY rowid", [sweep])

    # Removal: see labkit.lab.removal

    def forget(self, sweep: str, numbers: Iterable[int] | None, folders: Iterable[str]) -> None:
        """Removes trials of a sweep (None: the sweep and all it has), and writes down that these folders are to go too."""
        with self.transaction():
            for folder in folders:
                self._db.execute("INSERT OR IGNORE INTO removals VALUES (?)", [folder])
            for table, column in (
                ("metrics", "trial"),
                ("events", "trial"),
                ("attempts", "trial"),
                ("trials", "number"),
            ):
                if numbers is None:
                    self._db.execute(f"DELETE FROM {table} WHERE sweep = ?", [sweep])
                for number in numbers or ():
                    self._db.execute(f"DELETE FROM {table} WHERE sweep = ? AND {column} = ?", [sweep, number])
            if numbers is None:
                self._db.execute("DELETE FROM sweeps WHERE id = ?", [sweep])

    def removals(self) -> list[str]:
        """The folders of removed sweeps and trials that are not known to be gone yet, relative to the store's."""
        return [self._safe_folder(row[0]) for row in self._query("SELECT folder FROM removals ORDER BY rowid")]

    def removed(self, folder: str) -> None:
        """The folder of a removed sweep or trial is gone."""
        with self.transaction():
            self._db.execute("DELETE FROM removals WHERE folder = ?", [folder])

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
        # What comes again, of a trial that goes on after an interruption, keeps its place in the order.
        self._db.executemany(
            "INSERT INTO metrics VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            [(trial.sweep, trial.number, step, name, plain.dumps(float(value))) for name, value in metrics.items()],
        )

    def _rows(
        self, table: str, columns: tuple[str, ...], equal: Mapping[str, Any], order: str
    ) -> Iterable[dict[str, Any]]:
        where = " AND ".join(f"{name} = ?" for name in equal) or "1"
        values = [_encode(name, value) for name, value in equal.items()]
        for row in self._query(f"SELECT {', '.join(columns)} FROM {table} WHERE {where} ORDER BY {order}", values):
            found = {name: self._decode(name, value) for name, value in zip(columns, row, strict=True)}
            for name, value in found.items():
                if not isinstance(value, _KINDS[table][name]) or (name == "state" and value not in _STATES):
                    raise self._damaged(f"{value!r} as {name} in {table}")
            yield found

    def _decode(self, name: str, value: Any) -> Any:
        if name == "folder":
            return self._safe_folder(value)
        return self._loads(value) if name in _JSON else value

    def _loads(self, text: Any) -> Any:
        try:
            return plain.loads(text)
        except (TypeError, ValueError, RecursionError) as error:
            raise self._damaged(str(error)) from error

    def _safe_folder(self, folder: Any) -> str:
        """A folder's place is made into a path: a store from elsewhere must not lead out of its own folder."""
        parts = folder.split("/") if isinstance(folder, str) else []
        if not 2 <= len(parts) <= 3 or not all(map(is_safe_name, parts)):
            raise self._damaged(f"{folder!r} is no folder in that of the store")
        return folder

    def _damaged(self, received: str) -> StoreError:
        return StoreError(
            f"The store {self.path} is damaged",
            received=received,
            fix="Move that file away; the trials' own files are still in their folders.",
        )


def _encode(name: str, value: Any) -> Any:
    return plain.dumps(value, sort=False) if name in _JSON else value
