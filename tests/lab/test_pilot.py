"""Forecasts from a pilot."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

import labkit as lk
from labkit.lab import pilot, replay, verify
from labkit.lab.experiments import load
from labkit.lab.loop import Loop
from labkit.lab.runner import run_sweep
from labkit.lab.store import Store
from labkit.lab.sweep import plan

from .runs import PROGRAMS


def test_a_long_trial_is_told_from_its_beginning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pilot, "SECONDS", 3.0)
    sweep = plan(load(PROGRAMS / "digits.py"), sets=["steps=1000000", "checkpoint_every=1000000"])
    found = pilot.forecast(sweep, seeds=4, jobs=2, max_trials=None, logs=tmp_path)
    assert found.trials == 4
    assert found.trial_seconds is not None
    assert found.trial_seconds > 30
    assert found.trial_bytes is not None
    assert found.event_bytes is not None
    assert found.trial_bytes > found.event_bytes > 0
    assert " of 1000000 in " in found.seen
    assert found.lines()[-2].startswith("In all: about ")


def test_a_loop_that_does_not_say_how_long_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pilot, "SECONDS", 1.5)
    sweep = plan(load(PROGRAMS / "walk.py"), sets=["pause=0.05", "steps=1000"])
    found = pilot.forecast(sweep, seeds=1, jobs=1, max_trials=None, logs=tmp_path)
    assert (found.trial_seconds, found.trials) == (None, 1)
    assert found.lines()[-1].startswith("How many steps a trial has it does not say")


def test_a_pilot_that_fails_says_why(tmp_path: Path) -> None:
    sweep = plan(load(PROGRAMS / "ends.py"), sets=["how=raise"])
    found = pilot.forecast(sweep, seeds=1, jobs=1, max_trials=None, logs=tmp_path)
    assert "no such luck" in found.lines()[0]
    assert found.trial_seconds is None


def test_what_is_tried_before_or_after_a_run_can_be_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = plan(load(PROGRAMS / "walk.py"), sets=["pause=0.02"])
    done = run_sweep(sweep, logs=tmp_path)
    store = Store(done.logs)
    begin = Loop._start

    def begin_and_interrupt(loop: Loop, *trial: Any) -> None:
        begin(loop, *trial)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Loop, "_start", begin_and_interrupt)
    for tried in (
        lambda: pilot.forecast(sweep, seeds=1, jobs=1, max_trials=None, logs=tmp_path),
        lambda: verify.verify_resume(sweep),
        lambda: lk.run(PROGRAMS / "walk.py", set={"pause": 0.03}, logs=tmp_path),
        lambda: replay.replay(store, done.logs, done.sweep, done.trials[0]),
    ):
        with pytest.raises(KeyboardInterrupt):
            tried()
    monkeypatch.undo()
    again = lk.run(PROGRAMS / "walk.py", set={"pause": 0.03}, logs=tmp_path)
    assert [(trial.state, trial.attempt) for trial in again.outcome.trials] == [("COMPLETED", 2)]
    store.close()
