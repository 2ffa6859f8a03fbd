"""Trials that another machine runs: staged, run one by one, taken in."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .runs import ENVIRONMENT, PROGRAMS, left_behind, run, start, table, trials

OPTIONS = ("--sweep", "rate=0.1,0.01", "--seeds", "2", "--set", "steps=20", "--set", "pause=0.01")


def labkit(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "labkit.cli.main", *arguments]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=120, check=False)


def stage(logs: Path, file: Path = PROGRAMS / "walk.py") -> list[Path]:
    done = labkit("stage", str(file), *OPTIONS, "--logs", str(logs))
    assert done.returncode == 0, done.stderr
    return sorted(path.parent for path in logs.glob("walk/*/t*/staged.json"))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    logs = tmp_path_factory.mktemp("undisturbed")
    assert run("walk", logs, *OPTIONS).returncode == 0
    return logs


def test_staged_trials_give_the_table_that_a_run_gives(tmp_path: Path, undisturbed: Path) -> None:
    folders = stage(tmp_path)
    assert [folder.name for folder in folders] == ["t0001", "t0002", "t0003", "t0004"]
    for folder in reversed(folders[1:]):
        assert labkit("run-trial", str(folder)).returncode == 0
    some = run("walk", tmp_path, *OPTIONS)  # takes three in and leaves the fourth alone
    assert "3 staged trials came to an end and are taken in" in some.stderr
    assert "1 trial of this sweep is staged for another machine" in some.stderr
    assert [trial.state for trial in trials(tmp_path)] == ["PENDING"] + ["COMPLETED"] * 3
    assert stage(tmp_path) == folders[:1]
    assert labkit("run-trial", str(folders[0])).returncode == 0
    assert run("walk", tmp_path, *OPTIONS).returncode == 0
    assert table(tmp_path) == table(undisturbed)
    assert left_behind(tmp_path) == left_behind(undisturbed)
    assert [trial.attempt for trial in trials(tmp_path)] == [1] * 4
    assert not list(tmp_path.rglob("staged*"))
    assert (
        "Nothing is left to do" in labkit("stage", str(PROGRAMS / "walk.py"), *OPTIONS, "--logs", str(tmp_path)).stdout
    )


def test_a_staged_trial_that_is_stopped_continues(tmp_path: Path, undisturbed: Path) -> None:
    folders = stage(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "labkit.cli.main", "run-trial", str(folders[0])], env=ENVIRONMENT
    )
    while not list(folders[0].glob("staged/walk/*/t0001/checkpoints/state/step-5.index")):
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 130
    for folder in folders:
        assert labkit("run-trial", str(folder)).returncode == 0
    assert run("walk", tmp_path, *OPTIONS).returncode == 0
    assert left_behind(tmp_path) == left_behind(undisturbed)


@pytest.mark.parametrize("point", ["", pytest.param("replace:5:kill", marks=pytest.mark.ci)])
def test_a_trial_that_was_interrupted_here_can_be_run_elsewhere(tmp_path: Path, undisturbed: Path, point: str) -> None:
    started = start("walk", tmp_path, *OPTIONS[:4], "--set", "steps=20", "--set", "pause=0.01")
    while not list(tmp_path.glob("walk/*/t0001/checkpoints/state/step-5.index")):
        time.sleep(0.01)
    started.kill()
    started.communicate()
    for folder in stage(tmp_path):
        assert labkit("run-trial", str(folder)).returncode == 0
    if point:
        run("walk", tmp_path, *OPTIONS, LABKIT_FAIL=point)
    taken = run("walk", tmp_path, *OPTIONS)
    assert taken.returncode == 0, taken.stderr
    assert table(tmp_path) == table(undisturbed)
    assert left_behind(tmp_path) == left_behind(undisturbed)
    assert not list(tmp_path.rglob("staged*"))
    assert all(len(list(folder.glob("events.*"))) == 1 for folder in tmp_path.glob("walk/*/t*"))


@pytest.mark.ci
@pytest.mark.parametrize("point", ["replace:1", "replace:3", "remove:1", "remove:4", "fsync:1", "fsync:3"])
def test_taking_in_can_be_cut_off_anywhere(tmp_path: Path, undisturbed: Path, point: str) -> None:
    for folder in stage(tmp_path):
        assert labkit("run-trial", str(folder)).returncode == 0
    run("walk", tmp_path, *OPTIONS, LABKIT_FAIL=f"{point}:kill")
    assert run("walk", tmp_path, *OPTIONS).returncode == 0
    assert table(tmp_path) == table(undisturbed)
    assert left_behind(tmp_path) == left_behind(undisturbed)
    assert not list(tmp_path.rglob("staged*"))


def test_what_cannot_be_staged_or_run(tmp_path: Path) -> None:
    program = tmp_path / "walk.py"
    shutil.copy(PROGRAMS / "walk.py", program)
    folders = stage(tmp_path / "logs", program)
    program.write_text(program.read_text().replace("w - 3", "w - 4"))
    changed = labkit("run-trial", str(folders[0]))
    assert changed.returncode != 0
    assert "is not what it was when the trial was staged" in changed.stderr
    assert "No trial is staged" in labkit("run-trial", str(tmp_path)).stderr
    (folders[0] / "staged.json").write_text("{")
    assert "is damaged" in labkit("run-trial", str(folders[0])).stderr
