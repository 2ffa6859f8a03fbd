"""labkit replay: a trial once more, from the code kept with it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import labkit as lk

from .runs import ENVIRONMENT, PROGRAMS


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a program that is gone."""
    folder = tmp_path_factory.mktemp("replay")
    program = folder / "digits.py"
    shutil.copy(PROGRAMS / "digits.py", program)
    lk.run(program, sweep={"learning_rate": [0.01, 0.001]}, seeds=2, logs=folder / "logs")
    program.unlink()
    return folder / "logs"


def replay(logs: Path, trial: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "labkit.cli.main", "replay", trial, "--logs", str(logs)]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=100, check=False)


def test_a_trial_comes_out_the_same_without_its_file(logs: Path) -> None:
    done = replay(logs, "digits/t0004")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("The same to the bit: ")


def test_what_is_not_the_same_is_said(logs: Path, tmp_path: Path) -> None:
    shutil.copytree(logs, tmp_path / "logs")
    (path,) = (tmp_path / "logs").glob("digits/*/sweep.json")
    kept = json.loads(path.read_text())
    kept["packages"]["numpy"] = "0.1"
    kept["sources"]["digits.py"] = kept["sources"]["digits.py"].replace("Dropout(0.2)", "Dropout(0.3)")
    path.write_text(json.dumps(kept))
    (tmp_path / "logs").joinpath(path.parent, "t0001", "predictions.npz").write_bytes(b"")
    done = replay(tmp_path / "logs", "digits/t0001")
    assert done.returncode == 1
    assert "version of numpy: 0.1 then, " in done.stdout
    assert "predictions.npz in the trial's folder is not what the trial left there" in done.stdout
    assert "  train/loss: " in done.stdout
    assert "  checkpoints/final/weights.index differs" in done.stdout


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"omitted": ["big.py"]}, "The trial's code was not kept whole"),
        ({"sources": {"../escape.py": "x = 1", "digits.py": ""}}, "names a file outside its folder"),
        ({"sources": 3}, ""),
    ],
)
def test_code_that_is_not_there(logs: Path, tmp_path: Path, change: dict, message: str) -> None:
    shutil.copytree(logs, tmp_path / "logs")
    (path,) = (tmp_path / "logs").glob("digits/*/sweep.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    done = replay(tmp_path / "logs", "digits/t0001")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert message in done.stderr
    assert not (tmp_path / "escape.py").exists()


def test_what_is_not_completed_cannot_be_replayed(tmp_path: Path) -> None:
    lk.run(PROGRAMS / "ends.py", set={"how": "raise"}, logs=tmp_path)
    assert "a completed trial can be replayed" in replay(tmp_path, "ends/t0001").stderr
