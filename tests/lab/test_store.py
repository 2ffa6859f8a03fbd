"""The store: what was committed is there, and only who is entitled changes a trial."""

from __future__ import annotations

import dataclasses
import math
import sqlite3
from pathlib import Path

import pytest

from labkit.errors import StoreError
from labkit.lab.experiments import load
from labkit.lab.store import Store
from labkit.lab.sweep import plan

WALK = Path(__file__).parent / "programs" / "walk.py"


@pytest.fixture
def store(tmp_path: Path):
    made = Store(tmp_path / "logs")
    yield made
    made.close()


@pytest.fixture
def sweep(store: Store) -> str:
    made = plan(load(WALK))
    row = made.row(0)
    store.add_sweep(row)
    store.add_trials(row.id, planned(2))
    return row.id


def planned(seeds: int) -> list[tuple[str, dict, int]]:
    made = plan(load(WALK))
    return [made.trial(made.config({}), seed) for seed in range(seeds)]


def test_a_sweep_comes_back_as_it_was(store: Store, sweep: str) -> None:
    row = plan(load(WALK)).row(0)
    found = store.sweeps(id=sweep)
    assert [dataclasses.replace(other, created=row.created) for other in found] == [row]
    assert store.sweeps(settings=row.settings, space={}) == found
    assert store.sweeps(settings={}) == []


def test_trials_are_planned_once(store: Store, sweep: str) -> None:
    store.add_trials(sweep, planned(3))
    trials = store.trials(sweep)
    assert [(trial.number, trial.seed, trial.state, trial.folder) for trial in trials] == [
        (1, 0, "PENDING", "t0001"),
        (2, 1, "PENDING", "t0002"),
        (3, 2, "PENDING", "t0003"),
    ]
    assert trials[0].config["sizes"] == [1, 2]


def test_a_completed_trial_has_its_figures(store: Store, sweep: str) -> None:
    trial = store.trials(sweep)[0]
    attempt = store.start(trial)
    store.set_data(trial, attempt, "id", [{"requested": "mnist", "name": "drawn", "checksum": "c"}])
    store.add_metrics(trial, 5, {"loss": 2.0})
    store.add_metrics(trial, 5, {"loss": 1.0})
    figures = {"a": math.nan, "b": -math.inf, "c": 0.1 + 0.2}
    store.finish(trial, attempt, "COMPLETED", seconds=1.5, metrics=figures, artefacts={"f": "sha"})
    found = store.trials(sweep)[0]
    assert (found.state, found.attempt, found.id, found.seconds) == ("COMPLETED", 1, "id", 1.5)
    assert (found.finished, found.artefacts) == (True, {"f": "sha"})
    back = store.metrics(sweep)[1]
    assert math.isnan(back["a"])
    assert (back["b"], back["c"]) == (-math.inf, 0.1 + 0.2)
    assert store.series(sweep, 1, "loss") == [(5, 1.0)]


def test_changes_are_fenced_by_state_and_attempt(store: Store, sweep: str) -> None:
    trial = store.trials(sweep)[0]
    first = store.start(trial)
    with pytest.raises(StoreError, match="no longer PENDING"):
        store.start(trial)  # a second runner that saw the same row
    assert store.recover(sweep) == 1
    second = store.start(store.trials(sweep)[0])
    assert (first, second) == (1, 2)
    with pytest.raises(StoreError, match="attempt 1"):
        store.finish(trial, first, "COMPLETED", seconds=0, metrics={"loss": 1.0})
    assert store.metrics(sweep) == {}  # nothing of the refused transaction is there
    store.finish(trial, second, "COMPLETED", seconds=0)
    with pytest.raises(StoreError):
        store.finish(trial, second, "FAILED", seconds=0)
    assert store.trials(sweep)[0].state == "COMPLETED"
    assert store.recover(sweep) == 0


def test_only_diverged_failures_are_final(store: Store, sweep: str) -> None:
    for trial, kind in zip(store.trials(sweep), ("crash", "diverged"), strict=True):
        store.finish(trial, store.start(trial), "FAILED", seconds=0, kind=kind, reason="x")
    assert [trial.finished for trial in store.trials(sweep)] == [False, True]


def test_commits_reach_the_disk_and_there_is_no_wal(store: Store) -> None:
    assert store._db.execute("PRAGMA synchronous").fetchone() == (2,)
    assert store._db.execute("PRAGMA journal_mode").fetchone() == ("persist",)


def test_what_cannot_be_used_is_said(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(StoreError, match="--logs DIR"):
        Store(file / "logs")
    for name, content in (("text", b"not a database, but long enough to be looked at" * 50), ("new", b"")):
        (tmp_path / name).mkdir()
        path = tmp_path / name / "labkit.sqlite"
        path.write_bytes(content)
        if name == "new":
            with sqlite3.connect(path) as db:
                db.execute("PRAGMA user_version = 99")
            db.close()
        with pytest.raises(StoreError, match=r"cannot be opened|another version"):
            Store(tmp_path / name)


def test_a_busy_store_is_waited_for(store: Store, sweep: str, tmp_path: Path) -> None:
    other = Store(tmp_path / "logs")
    trials = store.trials(sweep)
    store.start(trials[0])
    other.start(trials[1])
    assert {trial.state for trial in store.trials(sweep)} == {"RUNNING"}
    other.close()
