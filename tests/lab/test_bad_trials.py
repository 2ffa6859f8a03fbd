"""Trials that go wrong in every way cost themselves alone, with their reason; limits are kept."""

from __future__ import annotations

from pathlib import Path

import pytest

import labkit as lk
from labkit.errors import ConfigError
from labkit.lab import loop, policy
from labkit.lab.experiments import load
from labkit.lab.policy import Policy
from labkit.lab.progress import PlainProgress
from labkit.lab.runner import Outcome, run_sweep
from labkit.lab.sweep import plan

from .runs import PROGRAMS, folders, left_behind, run, trials

BAD = {
    "raise": ("exception", "no such luck"),
    "exit": ("crash", "exit code 3"),
    "segfault": ("crash", "SIGSEGV"),
    "kill": ("crash", "SIGKILL"),
    "leave": ("exception", "leaving early"),
    "nan": ("diverged", "loss is nan at step 2"),
    "loop": ("time", "longer than a trial may, 4.0 s"),
    "memory": ("memory", "MB of memory, more than the 500 MB"),
    "child": ("memory", "MB of memory, more than the 500 MB"),
    "close": ("crash", "Bad file descriptor"),
    "report": ("exception", "could not convert string to float"),
}
HARMLESS = ("flood", "junk", "thread")


def sweep(logs: Path, hows: list[str], **options) -> Outcome:
    planned = plan(load(PROGRAMS / "ends.py"), sweeps={"how": hows, "rate": [1.0, 2.0]})
    return run_sweep(planned, logs=logs, **options)


@pytest.mark.ci
@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_bad_trials_cost_themselves_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    monkeypatch.setattr(loop, "GRACE", 1.0)
    bad = [*BAD, *HARMLESS]
    order = {"first": [*bad, "well"], "middle": [*bad[:6], "well", *bad[6:]], "last": ["well", *bad]}[place]
    limits = Policy(trial_seconds=4.0, trial_memory=500_000_000)
    outcome = sweep(tmp_path / "all", order, jobs=2, policy=limits)
    well = sweep(tmp_path / "well", ["well"])
    found = {trial.config["how"]: trial for trial in outcome.trials}
    for how, (kind, reason) in BAD.items():
        assert (found[how].state, found[how].kind) == ("FAILED", kind), found[how]
        assert reason in (found[how].reason or ""), found[how]
    assert all(found[how].state == "COMPLETED" for how in ("well", *HARMLESS))
    files = {
        trial.config["rate"]: outcome.logs / outcome.sweep.folder / trial.folder / "metrics.jsonl"
        for trial in outcome.trials
        if trial.config["how"] == "well"
    }
    for trial in well.trials:
        alone = well.logs / well.sweep.folder / trial.folder / "metrics.jsonl"
        assert alone.read_bytes() == files[trial.config["rate"]].read_bytes()


def test_a_trial_that_takes_too_long_leaves_in_order_or_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "GRACE", 0.5)
    outcome = sweep(tmp_path, ["wait", "loop"], jobs=4, policy=Policy(trial_seconds=1.5))
    assert [(trial.state, trial.kind) for trial in outcome.trials] == [("FAILED", "time")] * 4
    assert all("longer than a trial may, 1.5 s" in (trial.reason or "") for trial in outcome.trials)
    assert all(trial.seconds < 5 for trial in outcome.trials)
    assert outcome.stopped is None


@pytest.mark.parametrize("how", ["memory", "child"])
def test_a_trial_that_uses_too_much_memory_is_ended(tmp_path: Path, how: str) -> None:
    outcome = sweep(tmp_path, [how], jobs=2, policy=Policy(trial_memory=400_000_000))
    assert [(trial.state, trial.kind) for trial in outcome.trials] == [("FAILED", "memory")] * 2
    assert "more than the 400 MB that a trial may" in (outcome.trials[0].reason or "")


def test_a_flood_of_errors_is_cut(tmp_path: Path) -> None:
    outcome = lk.run(PROGRAMS / "ends.py", set={"how": "flood"}, logs=tmp_path).outcome
    assert [trial.state for trial in outcome.trials] == ["COMPLETED"]
    (log,) = tmp_path.glob("*/*/t0001/stderr.log")
    assert log.stat().st_size < 200_000_000
    assert b"were cut out here" in log.read_bytes()


def test_what_an_experiment_returns_is_not_kept_and_that_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    lk.run(PROGRAMS / "ends.py", set={"how": "junk"}, logs=tmp_path, progress=PlainProgress(said.append))
    assert any("report figures with trial.report" in line for line in said)


def test_a_failure_can_stop_the_run(tmp_path: Path) -> None:
    outcome = sweep(tmp_path, ["wait", "raise", "well"], jobs=4, policy=Policy(on_error="stop"))
    assert "failed, and the run is to stop then" in (outcome.stopped or "")
    states = [trial.state for trial in outcome.trials]
    assert states[:2] == ["INTERRUPTED", "INTERRUPTED"]
    assert "FAILED" in states[2:4]
    assert states[4:] == ["PENDING", "PENDING"]
    rest = sweep(tmp_path, ["wait", "raise", "well"], jobs=4, policy=Policy(on_error="stop", max_seconds=2.0))
    assert rest.stopped is not None


def test_a_failed_trial_can_be_tried_again_in_the_same_run(tmp_path: Path) -> None:
    outcome = sweep(tmp_path, ["raise", "nan"], policy=Policy(retries=2))
    assert [trial.attempt for trial in outcome.trials] == [3, 3, 1, 1]  # the same bits would diverge again


def test_the_time_of_a_run_ends_it_and_the_same_command_continues(tmp_path: Path) -> None:
    options = ("--set", "pause=0.02", "--set", "steps=60", "--seeds", "2")
    done = run("walk", tmp_path / "logs", *options, "--max-time", "1.2s")
    assert (done.returncode, "the time is up" in done.stderr) == (124, True)
    assert "2 still to run" in done.stdout or "1 still to run" in done.stdout
    assert run("walk", tmp_path / "logs", *options).returncode == 0
    assert run("walk", tmp_path / "whole", *options).returncode == 0
    assert left_behind(tmp_path / "logs") == left_behind(tmp_path / "whole")
    assert {trial.state for trial in trials(tmp_path / "logs")} == {"COMPLETED"}
    assert len(folders(tmp_path / "logs")) == 2


@pytest.mark.parametrize(
    ("text", "value"), [("90", 90), ("90s", 90), ("1.5min", 90), ("2h", 7200), ("1d", 86400), ("5 m", 300)]
)
def test_times(text: str, value: float) -> None:
    assert policy.seconds(text, "--max-time") == value


@pytest.mark.parametrize(("text", "value"), [("500MB", 500_000_000), ("2GiB", 2**31), ("0.5gb", 500_000_000)])
def test_sizes(text: str, value: int) -> None:
    assert policy.size(text, "--trial-memory") == value


@pytest.mark.parametrize("text", ["", "0", "-3s", "soon", "3 weeks", "1e3s", "nan", "inf"])
def test_no_times(text: str) -> None:
    with pytest.raises(ConfigError, match="--max-time takes a time above 0"):
        policy.seconds(text, "--max-time")


@pytest.mark.parametrize("text", ["", "12", "0MB", "many", "3XB"])
def test_no_sizes(text: str) -> None:
    with pytest.raises(ConfigError, match="takes a number of bytes"):
        policy.size(text, "--trial-memory")


@pytest.mark.parametrize("text", ["", "go", "retry", "retry:0", "retry:-1", "retry:x"])
def test_no_rules_for_errors(text: str) -> None:
    with pytest.raises(ConfigError, match="retry:N"):
        policy.on_error(text)
    assert policy.on_error("retry:3") == ("continue", 3)


def test_programs_have_limits_too(tmp_path: Path) -> None:
    program = PROGRAMS / "walk.py"
    slow = {"steps": 1000, "pause": 0.01}
    stopped = lk.run(program, set=slow, max_time=0.5, logs=tmp_path)
    assert stopped.outcome.stopped == "the time is up"
    assert [trial.state for trial in stopped.outcome.trials] == ["INTERRUPTED"]
    late = lk.run(program, set=slow, trial_time="0.5s", on_error="retry:1", logs=tmp_path)
    assert [(trial.state, trial.kind, trial.attempt) for trial in late.outcome.trials] == [("FAILED", "time", 3)]
    for wrong in ({"max_time": 0}, {"trial_time": True}, {"trial_memory": "2 apples"}, {"on_error": "retry"}):
        with pytest.raises(ConfigError, match=r"takes|--on-error"):
            lk.run(program, logs=tmp_path, **wrong)
