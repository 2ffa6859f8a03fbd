"""kill -9 of anything at any moment: the same command ends with the same bits, and nothing completed runs again."""

from __future__ import annotations

import functools
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from . import killing
from .runs import ENVIRONMENT, PROGRAMS, left_behind, run, start, trials

OPTIONS = ("--sweep", "rate=0.1,0.01", "--seeds", "2", "--jobs", "2", "--set", "pause=0.01", "--set", "steps=30")
MIXED = ("--seeds", "3", "--jobs", "2", "--set", "steps=20")
RANDOM = ("--sweep", "rate=log_uniform(1e-3,0.3)", "--max-trials", "4", "--seeds", "3", "--set", "pause=0.01")
ASHA = ("--search", "asha(min_steps=4,reduction_factor=2)", "--max-trials", "12", "--set", "pause=0.01")
KILLED = {
    "walk": killing.Sweep("walk", OPTIONS),
    "mixed": killing.Sweep("mixed", (*MIXED, "--sweep", "kind=loop,arrays,pipeline,child")),
    "bad": killing.Sweep("mixed", (*MIXED[2:], "--sweep", "kind=raise,loop,segfault,arrays,nan,child,exit,pipeline")),
    "random": killing.Sweep("walk", (*RANDOM, "--search", "random", "--jobs", "2")),
    "asha": killing.Sweep("walk", ("--sweep", "rate=log_uniform(1e-4,0.3)", *ASHA, "--jobs", "2"), exact=False),
    "script": killing.Sweep(
        "script", (), launch=lambda logs: [sys.executable, "-P", str(PROGRAMS / "script.py"), str(logs)]
    ),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The logs of a sweep of KILLED that was left alone."""

    @functools.cache
    def made(name: str) -> Path:
        logs = tmp_path_factory.mktemp(name)
        assert KILLED[name].run(logs) == (1 if name == "bad" else 0)
        return logs

    return made


def test_a_killed_sweep_ends_as_if_nothing_had_happened(tmp_path: Path, whole: Callable[[str], Path]) -> None:
    killing.disturb(KILLED["walk"], tmp_path, whole("walk"), seed=1, kills=2)


@pytest.mark.ci
@pytest.mark.parametrize(("name", "kills"), [("mixed", 5), ("bad", 3), ("random", 2), ("asha", 3), ("script", 2)])
def test_killed_sweeps_end_as_if_nothing_had_happened(
    tmp_path: Path, whole: Callable[[str], Path], name: str, kills: int
) -> None:
    killing.disturb(KILLED[name], tmp_path, whole(name), seed=kills, kills=kills)


@pytest.mark.campaign
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("name", KILLED)
def test_five_hundred_kills(tmp_path: Path, whole: Callable[[str], Path], name: str) -> None:
    """Of `mixed` alone 500, of each of the others 50."""
    wanted, seed, killed = 500 if name == "mixed" else 50, 100, Counter[str]()
    while killed.total() < wanted:
        killed += killing.disturb(KILLED[name], tmp_path / str(seed), whole(name), seed, kills=14, reach=0.9)
        shutil.rmtree(tmp_path / str(seed))
        seed += 1
        print(name, killed.total(), dict(killed), flush=True)


@pytest.mark.ci
def test_ten_signals(tmp_path: Path, whole: Callable[[str], Path]) -> None:
    print(killing.interrupt(KILLED["walk"], tmp_path, whole("walk"), seed=0, signals=10))


@pytest.mark.campaign
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("name", ["walk", "mixed"])
def test_two_hundred_signals(tmp_path: Path, whole: Callable[[str], Path], name: str, seed: int) -> None:
    print(killing.interrupt(KILLED[name], tmp_path, whole(name), seed=seed, signals=5))


def test_what_a_trial_has_started_dies_with_the_runner(tmp_path: Path) -> None:
    """Also where the trial keeps its own process from looking: the zygote ends its group."""
    process = start("busy", tmp_path, LABKIT_TEST_MARK=str(tmp_path))
    while not any("begins" in path.read_text() for path in tmp_path.glob("busy/*/t0001/stdout.log")):
        time.sleep(0.01)
    assert len(killing.marked(str(tmp_path))) == 4  # runner, zygote, trial, and what it has started
    process.kill()
    process.communicate()
    assert killing.gone(str(tmp_path))


def test_nothing_stays_running_after_its_runner_died(tmp_path: Path) -> None:
    process = start("walk", tmp_path, "--set", "pause=1")
    assert process.stderr is not None
    process.stderr.readline()

    def shown() -> str:
        command = [sys.executable, "-P", "-m", "labkit.cli.main", "ls", "--logs", str(tmp_path)]
        return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True).stdout

    assert "0/1 completed, 1 running" in shown()
    process.kill()
    process.communicate()
    assert "0/1 completed, 1 pending" in shown()


@pytest.mark.parametrize("who", ["zygote", "worker"])
def test_what_the_death_of_a_process_costs(tmp_path: Path, who: str) -> None:
    """A worker's death is its trial's failure; the zygote's is nobody's fault, and its trials go on in the same run."""
    process = start("walk", tmp_path, "--set", "pause=0.05", "--set", "steps=30")
    assert process.stderr is not None
    process.stderr.readline()
    while not list(tmp_path.glob("walk/*/t0001/checkpoints/state/step-5.index")):
        time.sleep(0.01)
    assert killing.kill(process.pid, who, random.Random(0))
    _, err = process.communicate(timeout=60)
    (trial,) = trials(tmp_path)
    if who == "worker":
        assert (process.returncode, trial.state) == (1, "FAILED")
        assert "SIGKILL" in (trial.reason or "")
    else:
        assert (process.returncode, trial.state, trial.attempt) == (0, "COMPLETED", 2)
        assert "its trials continue" in err


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.ci)])
def test_a_signal_lets_trials_save_and_the_same_command_continues(tmp_path: Path, number: signal.Signals) -> None:
    whole = tmp_path / "whole"
    assert run("walk", whole, "--set", "pause=0.02").returncode == 0
    logs = tmp_path / "logs"
    process = start("walk", logs, "--set", "pause=0.02")
    assert process.stderr is not None
    process.stderr.readline()
    while not list(logs.glob("walk/*/t0001/checkpoints/state/step-5.index")):
        time.sleep(0.01)
    process.send_signal(number)
    began = time.monotonic()
    out, err = process.communicate(timeout=60)
    assert time.monotonic() - began < 5
    assert process.returncode == 130
    assert "Traceback" not in err
    (trial,) = trials(logs)
    assert (trial.state, trial.reason) == ("INTERRUPTED", "interrupted")
    assert "1 still to run" in out
    assert run("walk", logs, "--set", "pause=0.02").returncode == 0
    assert trials(logs)[0].attempt == 2
    assert left_behind(logs) == left_behind(whole)


def test_a_second_signal_ends_trials_that_do_not_listen(tmp_path: Path) -> None:
    process = start("walk", tmp_path, "--set", "pause=30")
    assert process.stderr is not None
    process.stderr.readline()
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    assert "Stopping" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    process.communicate(timeout=60)
    assert time.monotonic() - began < 3
    assert process.returncode == 130
    assert trials(tmp_path)[0].state == "INTERRUPTED"


def test_the_zygote_has_imported_everything_and_started_no_thread() -> None:
    code = (
        "import sys; from labkit.lab import zygote; zygote.preload(); print(zygote._threads(),"
        " all(name in sys.modules for name in ('labkit.models', 'labkit.layers.conv', 'labkit.summary.events')),"
        " 'labkit.lab.store' in sys.modules, 'sqlite3' in sys.modules)"
    )
    environment = {**ENVIRONMENT, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["1", "True", "False", "False"]
