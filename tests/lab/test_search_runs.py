"""Sweeps that search: what they run, what they end early, and what is left when they are killed and go on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import labkit as lk
from labkit.errors import ConfigError, PluginError
from labkit.lab.executor import Unit
from labkit.lab.experiments import load
from labkit.lab.schedule import Schedule
from labkit.lab.search.asha import AshaSearcher
from labkit.lab.search.base import Searcher
from labkit.lab.store import Store
from labkit.lab.sweep import plan
from labkit.lab.worker.trial import Trial

from .runs import ENVIRONMENT, PROGRAMS, folders, left_behind, run, start, table, trials
from .test_fit import Listener

WALK = PROGRAMS / "walk.py"
RANDOM = ("--sweep", "rate=log_uniform(1e-3,0.3)", "--sweep", "steps=integers(5,9)", "--max-trials", "6")
ASHA = (
    "--sweep",
    "rate=log_uniform(1e-4,0.3)",
    "--search",
    "asha(min_steps=4,reduction_factor=2)",
    "--max-trials",
    "8",
)


def test_a_random_search_from_command_to_list(tmp_path: Path) -> None:
    done = run("walk", tmp_path, *RANDOM, "--jobs", "2")
    assert done.returncode == 0, done.stderr
    assert "they are drawn, as by --search random" in done.stderr
    rows = table(tmp_path)
    assert len({(row["rate"], row["steps"]) for row in rows}) == 6
    assert all(1e-3 <= float(row["rate"]) <= 0.3 and 5 <= int(row["steps"]) <= 9 for row in rows)
    again = run("walk", tmp_path, *RANDOM[:-1], "8", "--search", "random")  # two more, of the same sweep
    assert again.returncode == 0
    assert [row["rate"] for row in table(tmp_path)][:6] == [row["rate"] for row in rows]
    assert [trial.attempt for trial in trials(tmp_path)] == [1] * 8
    command = [sys.executable, "-P", "-m", "labkit.cli.main", "ls", "--logs", str(tmp_path)]
    shown = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True).stdout
    assert "rate=log_uniform(0.001,0.3) steps=integers(5,9)" in shown
    assert "8/8 completed" in shown


def test_a_search_without_end_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"would have no end.*--max-trials"):
        lk.run(WALK, sweep={"rate": lk.space.uniform(0, 1)}, logs=tmp_path)
    assert not list(tmp_path.iterdir())
    results = lk.run(WALK, sweep={"steps": lk.space.integers(1, 3)}, logs=tmp_path)  # this one has an end
    assert sorted(results.table["steps"]) == [1, 2, 3]


def test_asha_ends_trials_that_are_worse_and_they_are_no_failures(tmp_path: Path) -> None:
    done = run("walk", tmp_path, *ASHA)
    assert done.returncode == 0, done.stderr
    found = trials(tmp_path)
    states = {trial.config["rate"]: trial.state for trial in found}
    assert set(states.values()) == {"COMPLETED", "PRUNED"}
    assert states[max(states)] == "COMPLETED"
    pruned = [trial for trial in found if trial.state == "PRUNED"]
    for trial in pruned:
        (folder,) = (f for f in folders(tmp_path) if f.name == trial.folder)
        assert len((folder / "metrics.jsonl").read_text().splitlines()) in (4, 8, 16)  # not a step more
        assert not list(folder.glob("checkpoints/state/*"))
    rows = {float(row["rate"]): row for row in table(tmp_path)}
    assert all(rows[trial.config["rate"]]["pruned"] == "1" for trial in pruned)
    assert all(rows[trial.config["rate"]]["n"] == "0" for trial in pruned)
    assert "failed" not in done.stdout
    store = Store(tmp_path)
    steps = {step for _, step, _ in store.history(found[0].sweep) if step is not None}
    store.close()
    assert steps <= {4, 8, 16}  # no more than what the search looks at
    again = run("walk", tmp_path, *ASHA)
    assert (again.returncode, "started" in again.stderr) == (0, False)


def test_other_seeds_only_where_the_first_was_worth_it(tmp_path: Path) -> None:
    results = lk.run(
        WALK, sweep={"rate": lk.space.log_uniform(1e-4, 0.3)}, seeds=2, max_trials=12, logs=tmp_path,
        search={"name": "asha", "min_steps": 4, "reduction_factor": 2},
    )  # fmt: skip
    frame = results.trials()
    assert len(frame) == 12  # what one spares that is not worth repeating goes to another
    groups = [group for _, group in frame.groupby("rate", sort=False)]
    assert len(groups) > 6
    for group in groups:
        worth = group[group["seed"] == 0]["state"].item() == "COMPLETED"
        assert set(group["state"]) == {"COMPLETED" if worth else "PRUNED"}
        assert len(group) == (2 if worth else 1) or group is groups[-1]  # where there was no room for its other seed


def test_a_search_that_hears_nothing_says_so(tmp_path: Path) -> None:
    done = run("walk", tmp_path, *ASHA[:2], "--search", "asha(min_steps=100)", "--max-trials", "2")
    assert "none reported loss on its way, from step 100 on" in done.stderr


def kill_when(logs: Path, completed: int, *options: str) -> None:
    process = start("walk", logs, *options)
    while process.poll() is None:
        if (logs / "labkit.sqlite").exists():
            done = [trial for trial in trials(logs) if trial.state in ("COMPLETED", "PRUNED")]
            if len(done) >= completed:
                break
        time.sleep(0.02)
    time.sleep(0.1)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()


@pytest.mark.parametrize(("options", "kills"), [(RANDOM, (2,)), pytest.param(ASHA, (1, 2, 3, 5), marks=pytest.mark.ci)])
def test_a_killed_search_goes_on_with_the_same_trials(
    tmp_path: Path, options: tuple[str, ...], kills: tuple[int, ...]
) -> None:
    options = (*options, "--set", "pause=0.03")
    whole, logs = tmp_path / "whole", tmp_path / "logs"
    assert run("walk", whole, *options).returncode == 0
    for completed in kills:
        kill_when(logs, completed, *options)
    assert run("walk", logs, *options).returncode == 0
    assert [trial.config for trial in trials(logs)] == [trial.config for trial in trials(whole)]
    states, before = ([trial.state for trial in trials(folder)] for folder in (logs, whole))
    assert states == before
    ours, theirs = left_behind(logs), left_behind(whole)
    for trial in trials(whole):
        if trial.state == "COMPLETED":
            name = f"{trial.folder}/metrics.jsonl"
            assert ours[name] == theirs[name]
    heard = [_history(folder) for folder in (logs, whole)]
    assert heard[0] == heard[1]


def _history(logs: Path) -> list:
    store = Store(logs)
    try:
        return [entry for entry in store.history(store.sweeps()[-1].id) if entry[1] is not None]
    finally:
        store.close()


def test_what_was_decided_when_the_runner_died_is_done_first(tmp_path: Path) -> None:
    """The figure that ends a trial is in the store, and the runner died before it said so."""
    sweep = plan(load(WALK), sweeps=["rate=0.1,0.2"], search="asha(min_steps=2,reduction_factor=2)")
    store = Store(tmp_path)
    store.add_sweep(sweep.row(0))
    made = Schedule(store, sweep, sweep.id, sweep.searcher(), [0])
    one, two = made.next(), made.next()
    assert one is not None
    assert two is not None
    for trial, loss in ((one, 1.0), (two, 2.0)):
        store.start(trial)
        store.add_metrics(trial, 2, {"loss": loss})
    store.recover(sweep.id)
    searcher = AshaSearcher(2, 2)
    again = Schedule(store, sweep, sweep.id, searcher, [0])
    assert [store.trial(sweep.id, trial.number).state for trial in (one, two)] == ["PENDING", "PRUNED"]
    assert again.next() == store.trial(sweep.id, one.number)
    assert again.next() is None
    store.close()


class Stubborn(Searcher):
    def __init__(self, choice: dict) -> None:
        self.choice = choice

    def begin(self, space: object) -> None: ...

    def ask(self) -> dict:
        return self.choice


@pytest.mark.parametrize(
    ("choice", "text"),
    [
        ({"rate": 0.1}, "asks for a configuration twice"),
        ({"rate": 0.5}, "left the space"),
        ({"rate": 0.1, "steps": 3}, "left the space"),
        ({}, "left the space"),
    ],
)
def test_a_searcher_that_breaks_its_contract_is_named(tmp_path: Path, choice: dict, text: str) -> None:
    sweep = plan(load(WALK), sweeps=["rate=0.1,0.2"])
    store = Store(tmp_path)
    store.add_sweep(sweep.row(0))
    made = Schedule(store, sweep, sweep.id, Stubborn(choice), [0])
    with pytest.raises(PluginError, match=text):
        list(iter(made.next, None))
    store.close()


def test_sweep_json_tells_the_search(tmp_path: Path) -> None:
    lk.run(WALK, sweep={"steps": lk.space.integers(1, 5)}, search="random(seed=3)", max_trials=2, logs=tmp_path)
    (path,) = tmp_path.glob("walk/*/sweep.json")
    facts = json.loads(path.read_text())
    assert facts["settings"]["search"] == {"name": "random", "seed": 3}
    assert facts["space"] == {"steps": {"integers": [1, 5]}}


class Runner(Listener):
    """A link to a runner that lets all go on; `figures` is what it was told."""

    @property
    def figures(self) -> list[tuple[int, dict, bool]]:
        return [(said["step"], said["metrics"], said["waits"]) for kind, said in self.said if kind == "metrics"]

    def wait(self) -> None:
        assert self.figures[-1][2]


def attempt_at(folder: Path, attempt: int) -> tuple[Trial, Runner]:
    link = Runner()
    unit = Unit(
        file="x.py", experiment="x", sweep="s", number=1, folder=str(folder), config={}, seed=0, quick=False,
        attempt=attempt, key="k", rungs=(4, 8, 16),
    )  # fmt: skip
    folder.mkdir(exist_ok=True)
    trial = Trial(unit, link)
    trial.cost = lambda figures: figures.get("loss")
    return trial, link


def test_what_a_loop_says_for_a_search_and_says_again_when_it_goes_on(tmp_path: Path) -> None:
    trial, link = attempt_at(tmp_path / "t", 1)
    for step in (1, 3, 5, 6):
        trial.report(step, loss=1.0 / step, other=2.0)
    assert link.figures == [(5, {"loss": 0.2, "other": 2.0}, True)]
    trial.report(9, other=1.0)  # not what the search looks at
    trial.save({"step": 9})
    trial.report(10, loss=0.1)
    trial.report(40, loss=0.025)
    trial.report(41, loss=0.024)
    assert [step for step, *_ in link.figures] == [5, 10, 40]
    again, link = attempt_at(tmp_path / "t", 2)
    assert again.restore() == {"step": 9}
    assert link.figures == [(5, {"loss": 0.2, "other": 2.0}, True)]  # the runner that was told first may have died
    again.report(10, loss=0.1)
    trial.close()
    again.close()
    assert [step for step, *_ in link.figures] == [5, 10]


def test_the_validation_of_a_fit_ends_trials(tmp_path: Path) -> None:
    results = lk.run(
        PROGRAMS / "digits.py", set={"steps": 60}, sweep={"learning_rate": [0.01, 1e-7, 1e-8]}, logs=tmp_path,
        search={"name": "asha", "min_steps": 18, "reduction_factor": 3},
    )  # fmt: skip
    assert list(results.trials()["learning_rate"]) == [
        1e-8,
        0.01,
        1e-7,
    ]  # the first one to come goes on, whatever it is
    assert list(results.trials()["state"]) == ["COMPLETED", "COMPLETED", "PRUNED"]
    series = results.series("validation/accuracy")
    assert list(series[series["learning_rate"] == 1e-7]["step"]) == [9, 18]
    assert results.best == {**results.best, "learning_rate": 0.01}
