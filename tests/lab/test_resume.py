"""labkit resume: what is left of a sweep that is named by its id."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .runs import ENVIRONMENT, PROGRAMS, left_behind, run, start, table, trials

OPTIONS = ("--sweep", "rate=0.1,0.01", "--seeds", "2", "--set", "steps=20", "--set", "pause=0.02", "--set", "kind=x")


def labkit(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "labkit.cli.main", *arguments]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=120, check=False)


def interrupt(process: subprocess.Popen[str], logs: Path) -> None:
    while not list(logs.glob("walk/*/t0002/checkpoints/state/step-5.index")):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)


def test_a_sweep_goes_on_by_its_id(tmp_path: Path) -> None:
    assert run("walk", tmp_path / "whole", *OPTIONS).returncode == 0
    logs = tmp_path / "logs"
    interrupt(start("walk", logs, *OPTIONS), logs)
    assert [trial.state for trial in trials(logs)] == ["COMPLETED", "INTERRUPTED", "PENDING", "PENDING"]
    (sweep,) = (path.name for path in logs.glob("walk/*"))
    done = labkit("resume", sweep[:6], "--jobs", "2", "--logs", str(logs))
    assert done.returncode == 0, done.stderr
    assert table(logs) == table(tmp_path / "whole")
    assert left_behind(logs) == left_behind(tmp_path / "whole")
    more = labkit("resume", sweep, "--seeds", "3", "--logs", str(logs))
    assert more.returncode == 0
    assert [trial.seed for trial in trials(logs)] == [0, 0, 1, 1, 2, 2]
    assert "No sweep" in labkit("resume", "zzz", "--logs", str(logs)).stderr


@pytest.mark.parametrize("search", ["random", "asha(min_steps=5)"])
def test_random_draws_go_on_where_they_were(tmp_path: Path, search: str) -> None:
    options = ("--sweep", "rate=log_uniform(0.001,0.2)", "--search", search, "--max-trials", "4", "--set", "steps=15")
    assert run("walk", tmp_path / "whole", *options).returncode == 0
    assert run("walk", tmp_path / "logs", *options[:-3], "2", *options[-2:]).returncode == 0
    (sweep,) = (path.name for path in (tmp_path / "logs").glob("walk/*"))
    done = labkit("resume", sweep, "--max-trials", "4", "--logs", str(tmp_path / "logs"))
    assert done.returncode == 0, done.stderr
    assert table(tmp_path / "logs") == table(tmp_path / "whole")


def test_draws_without_an_end_go_on_by_the_id_alone(tmp_path: Path) -> None:
    options = ("--sweep", "rate=uniform(0.001,0.2)", "--max-trials", "3", "--set", "steps=15")
    assert run("walk", tmp_path / "whole", *options).returncode == 0
    process = start("walk", tmp_path / "logs", *options, "--set", "pause=0.02")
    while not any(trial.state == "COMPLETED" for trial in trials(tmp_path / "logs")):
        time.sleep(0.02)
    process.kill()
    process.communicate()
    (sweep,) = (path.name for path in (tmp_path / "logs").glob("walk/*"))
    done = labkit("resume", sweep, "--logs", str(tmp_path / "logs"))
    assert done.returncode == 0, done.stderr
    assert [trial.state for trial in trials(tmp_path / "logs")] == ["COMPLETED"] * 3
    assert [row["loss"] for row in table(tmp_path / "logs")] == [row["loss"] for row in table(tmp_path / "whole")]


def test_other_code_is_refused_unless_that_is_allowed(tmp_path: Path) -> None:
    program, logs = tmp_path / "walk.py", tmp_path / "logs"
    shutil.copy(PROGRAMS / "walk.py", program)
    text = program.read_text()
    options = ("run", str(program), "--seeds", "2", "--set", "pause=0.02", "--logs", str(logs))
    interrupt(
        subprocess.Popen([sys.executable, "-P", "-m", "labkit.cli.main", *options], env=ENVIRONMENT, text=True), logs
    )
    (sweep,) = (path.name for path in logs.glob("walk/*"))
    program.write_text(text.replace("w - 3", "w - 4"))
    refused = labkit("resume", sweep, "--logs", str(logs))
    assert refused.returncode != 0
    assert "was begun by other code" in refused.stderr
    assert "--allow-changed" in refused.stderr
    assert [trial.state for trial in trials(logs)] == ["COMPLETED", "INTERRUPTED"]
    done = labkit("resume", sweep, "--allow-changed", "--logs", str(logs))
    assert done.returncode == 0, done.stderr
    assert {trial.state for trial in trials(logs)} == {"COMPLETED"}
    assert len(list(logs.glob("walk/*"))) == 1
    program.unlink()
    assert "does not exist" in labkit("resume", sweep, "--logs", str(logs)).stderr
