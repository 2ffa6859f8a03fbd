"""TPE chooses well, ends what is worse than the median, and goes on after a kill as it would have gone on."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import labkit as lk
from labkit.errors import ConfigError
from labkit.lab.search.random import RandomSearcher
from labkit.lab.store import Store
from labkit.plugins import resolve
from labkit.testing import check_plugin, check_searcher

pytestmark = pytest.mark.ci
optuna = pytest.importorskip("optuna", reason="Optuna is not installed: pip install ./plugins/labkit-optuna")
from labkit_optuna.tpe import TpeSearcher  # noqa: E402

SPACE = {
    "rate": lk.space.log_uniform(1e-5, 1),
    "kind": lk.space.choice(["adam", "sgd", "rmsprop"]),
    "width": lk.space.integers(1, 64, log=True),
    "momentum": lk.space.uniform(0, 1).when(kind="sgd"),
}

PROGRAM = '''
import dataclasses, time
import labkit as lk

@dataclasses.dataclass
class Config:
    rate: float = 0.1
    power: float = 1.0

@lk.experiment(metric="loss")
def slope(config: Config, trial: lk.Trial):
    """How low?"""
    for step in range(1, 31):
        time.sleep(0.004)
        trial.report(step, loss=abs(config.rate - 0.3) + config.power / step)
'''


def cost(config: dict[str, Any]) -> float:
    """Smallest for sgd with rate 0.01 and momentum 0.7."""
    kind = {"adam": 0.6, "sgd": 0.0, "rmsprop": 1.0}[config["kind"]]
    momentum = abs(config.get("momentum", 0.7) - 0.7)
    return kind + abs(math.log10(config["rate"]) + 2) + momentum + abs(math.log2(config["width"]) - 4) / 4


def last_ones(searcher: Any) -> float:
    """The mean cost of the last 20 of 50 configurations."""
    searcher.begin(SPACE)
    found = []
    for number in range(50):
        found.append(cost(searcher.ask()))
        searcher.tell(number, found[-1])
    return sum(found[-20:]) / 20


def test_the_plugin_registers_it() -> None:
    with check_plugin("labkit_optuna.plugin"):
        made = resolve("searchers", {"name": "tpe", "n_startup_trials": 3, "seed": 4, "min_steps": 10})
    assert (made.n_startup_trials, made.seed, list(made.rungs[:4])) == (3, 4, [10, 15, 22, 33])


@pytest.mark.parametrize(
    "settings",
    [
        {"n_startup_trials": 3},
        {"n_startup_trials": 2, "min_steps": 2},
        {"n_startup_trials": 2, "multivariate": False, "min_steps": 1, "seed": 7},
        {},
    ],
)
def test_it_keeps_the_contract(settings: dict) -> None:
    check_searcher(lambda: TpeSearcher(**settings))


def test_it_comes_to_choose_what_is_good() -> None:
    ours = [last_ones(TpeSearcher(seed=seed)) for seed in range(5)]
    chance = [last_ones(RandomSearcher(seed=seed)) for seed in range(5)]
    assert sum(ours) < 0.6 * sum(chance)


def test_a_long_study_is_recalled_to_the_bit() -> None:
    """Fifty results, some of them failures, told at once to a new searcher: the next ten configurations are the same."""
    whole = TpeSearcher()
    whole.begin(SPACE)
    asked = []
    for number in range(50):
        asked.append(whole.ask())
        whole.tell(number, None if number % 7 == 3 else cost(asked[-1]))
    later = TpeSearcher()
    later.begin(SPACE)
    for config in asked:
        later.recall(config)
    for number, config in enumerate(asked):
        later.tell(number, None if number % 7 == 3 else cost(config))
    assert [later.ask() for _ in range(10)] == [whole.ask() for _ in range(10)]


def test_the_median_ends_trials() -> None:
    searcher = TpeSearcher(n_startup_trials=3, min_steps=10)
    searcher.begin(SPACE)
    for number in range(3):
        searcher.ask()
        assert not searcher.report(number, 10, float(number))
        searcher.tell(number, float(number))
    searcher.ask()
    assert not searcher.report(3, 9, 100.0)  # before the first step that is looked at
    assert not searcher.report(3, 12, 0.9)
    assert searcher.report(3, 15, 5.0) is False  # nobody else was seen there
    searcher.ask()
    assert searcher.report(4, 10, 1.1)
    assert searcher.report(4, 30, 0.0)  # and that is that


@pytest.mark.parametrize("settings", [{"n_startup_trials": 0}, {"min_steps": 1.5}, {"n_ei_candidates": True}])
def test_counts_are_counts(settings: dict) -> None:
    with pytest.raises(ConfigError, match="is no count"):
        TpeSearcher(**settings)


def command(file: Path, logs: Path) -> list[str]:
    options = ["--sweep", "rate=uniform(0,1)", "--sweep", "power=uniform(0,2)", "--max-trials", "12"]
    options += ["--search", "tpe(n_startup_trials=4,min_steps=5)", "--logs", str(logs)]
    return [sys.executable, "-P", "-m", "labkit.cli.main", "run", str(file), *options]


def trials(logs: Path) -> list[Any]:
    if not (logs / "labkit.sqlite").exists():
        return []
    store = Store(logs)
    try:
        return [trial for sweep in store.sweeps() for trial in store.trials(sweep.id)]
    finally:
        store.close()


def test_a_sweep_killed_twice_chooses_the_same(tmp_path: Path, environment: dict[str, str]) -> None:
    file = tmp_path / "slope.py"
    file.write_text(PROGRAM)
    whole, logs = tmp_path / "whole", tmp_path / "logs"
    done = subprocess.run(command(file, whole), env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "A new study" not in done.stderr
    for over in (2, 7):
        process = subprocess.Popen(command(file, logs), env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
        while process.poll() is None and sum(trial.state in ("COMPLETED", "PRUNED") for trial in trials(logs)) < over:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    done = subprocess.run(command(file, logs), env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    ours, theirs = trials(logs), trials(whole)
    assert [trial.config for trial in ours] == [trial.config for trial in theirs]
    assert [trial.state for trial in ours] == [trial.state for trial in theirs]
    assert {trial.state for trial in theirs} == {"COMPLETED", "PRUNED"}
    for trial in theirs:
        if trial.state == "COMPLETED":
            one, other = (next(folder.glob(f"slope/*/{trial.folder}")) for folder in (logs, whole))
            assert (one / "metrics.jsonl").read_bytes() == (other / "metrics.jsonl").read_bytes()
