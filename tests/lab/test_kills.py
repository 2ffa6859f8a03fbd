"""kill -9 of anything at any moment: the same command ends with the same bits, and nothing completed runs again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .runs import ENVIRONMENT, alive, descendants, figures, left_behind, run, start, table, trials

OPTIONS = ("--sweep", "rate=0.1,0.01", "--seeds", "2", "--jobs", "2", "--set", "pause=0.01", "--set", "steps=30")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    logs = tmp_path_factory.mktemp("undisturbed")
    assert run("walk", logs, *OPTIONS).returncode == 0
    return logs


def kill_one(runner: int, who: str, random_: random.Random) -> list[int]:
    """Kill the runner, its zygote, or a worker; the processes that must be gone soon."""
    family = descendants(runner)
    zygotes = [pid for pid, parent in family if parent == runner]
    workers = [pid for pid, parent in family if parent in zygotes]
    targets = {"runner": [runner], "zygote": zygotes, "worker": workers}[who]
    if targets:
        target = random_.choice(targets)
        os.kill(target, signal.SIGKILL)
        return {"runner": zygotes + workers, "zygote": workers, "worker": []}[who]
    return []


def disturb(
    logs: Path, undisturbed: Path, seed: int, kills: int, program: str = "walk", options: tuple[str, ...] = OPTIONS
) -> None:
    random_ = random.Random(seed)
    for attempt in range(30):
        process = start(program, logs, *options)
        orphans: list[int] = []
        if attempt < kills:
            time.sleep(random_.uniform(0.3, 1.6))
            completed = (
                {trial.number for trial in trials(logs) if trial.state == "COMPLETED"} if logs.exists() else set()
            )
            attempts = {trial.number: trial.attempt for trial in trials(logs)} if completed else {}
            orphans = kill_one(process.pid, random_.choice(["runner", "runner", "zygote", "worker"]), random_)
        process.communicate(timeout=60)
        deadline = time.monotonic() + 2
        while any(map(alive, orphans)) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not any(map(alive, orphans)), "a worker or zygote outlived its parent"
        if attempt < kills and completed:
            now = {trial.number: trial for trial in trials(logs)}
            assert all(now[n].state == "COMPLETED" and now[n].attempt == attempts[n] for n in completed)
        if process.returncode == 0:
            break
    assert process.returncode == 0
    assert table(logs) == table(undisturbed)
    assert figures(logs) == figures(undisturbed)
    assert left_behind(logs) == left_behind(undisturbed)


def test_a_killed_sweep_ends_as_if_nothing_had_happened(tmp_path: Path, undisturbed: Path) -> None:
    disturb(tmp_path, undisturbed, seed=1, kills=2)


@pytest.mark.ci
@pytest.mark.parametrize("seed", range(2, 7))
def test_killed_sweeps_end_as_if_nothing_had_happened(tmp_path: Path, undisturbed: Path, seed: int) -> None:
    disturb(tmp_path, undisturbed, seed=seed, kills=2)


@pytest.mark.ci
def test_killed_networks_end_as_if_nothing_had_happened(tmp_path: Path) -> None:
    """The same through trial.fit and trial.evaluate, down to predictions and weights."""
    options = ("--sweep", "learning_rate=0.01,0.001", "--seeds", "2", "--jobs", "2", "--set", "steps=300")
    options += ("--set", "checkpoint_every=20")
    assert run("digits", tmp_path / "undisturbed", *options).returncode == 0
    for seed in range(3):
        disturb(tmp_path / str(seed), tmp_path / "undisturbed", seed, kills=3, program="digits", options=options)


@pytest.mark.campaign
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("seed", range(100, 200))
def test_five_hundred_kills(tmp_path: Path, undisturbed: Path, seed: int) -> None:
    disturb(tmp_path, undisturbed, seed=seed, kills=5)


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
    kill_one(process.pid, who, random.Random(0))
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
