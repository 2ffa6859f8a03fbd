"""What a user names on the command line: a sweep by its id, a trial by its sweep and folder or by its own id."""

from __future__ import annotations

import re
from pathlib import Path

from labkit.errors import NotFoundError
from labkit.lab.ownership import settle
from labkit.lab.removal import finish_removals
from labkit.lab.rows import SweepRow, TrialRow
from labkit.lab.store import Store
from labkit.near import quoted_near_names

SHOWN = 5
"""Candidates that a message lists."""


def open_store(logs: str | Path) -> Store:
    """The store in a folder of logs, to look at: what died in the middle of something is put right first.

    Raises:
        NotFoundError: there is none.
        StoreError: it cannot be read.
    """
    folder = Path(logs).resolve()
    store = Store(folder, create=False)
    try:
        finish_removals(store, folder, insist=False)
        settle(store, folder)
    except BaseException:
        store.close()
        raise
    return store


def find_sweep(store: Store, text: str) -> SweepRow:
    """The sweep whose id is, or alone begins with, `text`; or the only sweep of the experiment of that name.

    Raises:
        NotFoundError: there is no such sweep, or more than one; the message lists near ones.
        StoreError: the store cannot be read.
    """
    sweeps = store.sweeps()
    exact = [row for row in sweeps if row.id == text]
    begins = [row for row in sweeps if text and row.id.startswith(text)]
    found = exact or begins or [row for row in sweeps if row.experiment == text]
    if len(found) == 1:
        return found[0]
    if found:
        raise NotFoundError(
            f"{text!r} may be any of {len(found)} sweeps",
            received=_few([f"{row.id} ({row.experiment})" for row in found]),
            fix="Write more of its id.",
        )
    near = quoted_near_names(text, [*(row.id for row in sweeps), *(row.experiment for row in sweeps)])
    raise NotFoundError(
        f"No sweep's id begins with {text!r}", fix=f"Did you mean {near}?" if near else "`labkit ls` lists them."
    )


def find(store: Store, text: str) -> tuple[SweepRow, TrialRow | None]:
    """A sweep, as of `find_sweep`, or one of its trials: SWEEP/t0003, SWEEP/3, or the only one whose id begins so.

    Raises:
        NotFoundError: there is no such sweep or trial, or more than one.
        StoreError: the store cannot be read.
    """
    sweep, slash, number = text.rpartition("/")
    if slash:
        row = find_sweep(store, sweep)
        return row, _numbered(store, row, number)
    trials = store.named(text) if re.fullmatch(r"[0-9a-f]{4,}", text) else []
    begins = [row.id for row in store.sweeps() if row.id.startswith(text)] if trials else []
    if not trials or text in begins:
        return find_sweep(store, text), None
    if len(trials) + len(begins) > 1:
        names = [*begins, *(f"{trial} ({_place(place, number)})" for place, number, trial in trials)]
        raise NotFoundError(
            f"{text!r} may be any of {len(names)} sweeps and trials", received=_few(names), fix="Write more of its id."
        )
    [(place, found, _)] = trials
    return store.sweeps(id=place)[0], store.trial(place, found)


def find_trial(store: Store, text: str) -> tuple[SweepRow, TrialRow]:
    """A trial, as of `find`; of a sweep with one trial the sweep's name will do.

    Raises:
        NotFoundError: there is no such trial, or more than one.
        StoreError: the store cannot be read.
    """
    row, trial = find(store, text)
    if trial is not None:
        return row, trial
    trials = store.trials(row.id)
    if len(trials) != 1:
        raise NotFoundError(
            f"{text!r} is a sweep of {len(trials)} trials",
            rule="a trial is SWEEP/t0003, or its own id",
            fix=f"`labkit ls {row.id}` lists them.",
        )
    return row, trials[0]


def _numbered(store: Store, row: SweepRow, text: str) -> TrialRow:
    number = re.fullmatch(r"t?0*(\d{1,9})", text, re.ASCII)
    found = store.trials(row.id, number=int(number[1])) if number else []
    if not found:
        trials = [trial.folder for trial in store.trials(row.id)]
        raise NotFoundError(
            f"Sweep {row.id} has no trial {text!r}",
            rule="a trial is SWEEP/t0003",
            received=f"{len(trials)} trials, {trials[0]} to {trials[-1]}" if trials else "a sweep without trials",
            fix=f"`labkit ls {row.id}` lists them.",
        )
    return found[0]


def _place(sweep: str, number: int) -> str:
    return f"{sweep}/t{number:04d}"


def _few(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
