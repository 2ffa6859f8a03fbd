"""The sub-commands: help, run, ls, plugins."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from labkit.cli.main import COMMANDS, main

from ..lab.runs import ENVIRONMENT, PROGRAMS, run

WALK = str(PROGRAMS / "walk.py")


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    output = capsys.readouterr()
    assert caught.value.code == 0, output.err
    return output.out


def labkit(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "labkit.cli.main", *arguments]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=120, check=False)


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    text = call(capsys, "--help")
    assert all(re.search(rf"^  {name} +\w", text, re.MULTILINE) for name in COMMANDS)
    assert "0." in call(capsys, "--version")


def test_help_of_an_experiment_shows_its_keys(capsys: pytest.CaptureFixture[str]) -> None:
    text = call(capsys, "run", WALK, "--help")
    assert "--sweep KEY=A,B,C" in text
    assert "Does w reach 3?" in text
    assert re.search(r"rate +float, default 0\.1 +step size", text)
    assert re.search(r"steps +int, default 20, quick 5\n", text)
    assert re.search(r"sizes +list\[int\], default \[1,2\]", text)
    assert "Experiment" not in call(capsys, "run", "--help")


def test_ls_shows_sweeps_and_trials(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logs = str(tmp_path)
    assert run("walk", tmp_path, "--quick", "--sweep", "rate=0.1,0.2", "--set", "kind=other").returncode == 0
    heading, line = call(capsys, "ls", "--logs", logs).splitlines()
    assert heading.split() == ["sweep", "experiment", "trials", "created", "space"]
    sweep = line.split()[0]
    assert [*line.split()[1:4], line.split()[-1]] == ["walk", "2/2", "completed", "rate=0.1,0.2"]
    shown = call(capsys, "ls", sweep[:4], "--logs", logs)
    assert re.search(r"t0002 rate=0\.2 seed=0 +COMPLETED +1 ", shown)
    with pytest.raises(SystemExit):
        main(["ls", "x", "--logs", logs])
    assert "No sweep's id begins with 'x'" in capsys.readouterr().err


def test_plugins_list_shows_origins(capsys: pytest.CaptureFixture[str]) -> None:
    text = call(capsys, "plugins", "list", "--kind", "layers")
    assert re.search(r"layers +Dense \(dense\) +layers +\S+ +\S+layers/plugin.py:\d+ +ok", text)
    assert "Adam" not in text


def test_plugins_doctor_says_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(capsys, "plugins", "doctor").endswith("All well.\n")


def test_a_terminal_gets_a_live_display(tmp_path: Path) -> None:
    """Through a pseudo terminal: lines that are redrawn, and the table at the end."""
    import pty

    parent, child = pty.openpty()
    command = [sys.executable, "-m", "labkit.cli.main", "run", WALK, "--logs", str(tmp_path), "--set", "pause=0.03"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    process = subprocess.Popen(command, stdout=child, stderr=child, env=environment, cwd=PROGRAMS.parents[2])
    os.close(child)
    seen = b""
    while True:
        try:
            data = os.read(parent, 65536)
        except OSError:  # the other end is closed
            break
        if not data:
            break
        seen += data
    os.close(parent)
    assert process.wait(30) == 0
    text = seen.decode()
    assert re.search(r"step \d+", text)
    assert "\x1b[2K" in text  # a line was redrawn
    assert "completed after" in text
    assert "(n=1)" in text


def test_commands_are_imported_when_used() -> None:
    code = "import sys, labkit.cli.main; print(*[m for m in sys.modules if m.startswith('labkit.') or m in ('rich', 'pandas')])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROGRAMS.parents[2]
    )
    loaded = set(done.stdout.split())
    assert not loaded & {"rich", "pandas", "labkit.lab", "labkit.cli.run", "labkit.plugins"}


@pytest.mark.parametrize("command", ["", "run", "stage", "resume", "compare", "export", "rm", "logs", "bench sweep"])
def test_help_is_told_without_what_the_command_needs(command: str) -> None:
    code = (
        "import sys\nfrom labkit.cli.main import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print('LOADED', *{name.split('.')[0] for name in sys.modules}, *sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *command.split(), "--help"],
        capture_output=True, text=True, check=True, cwd=PROGRAMS.parents[2],
    )  # fmt: skip
    told, _, loaded = done.stdout.partition("LOADED")
    assert "Usage:" in told
    heavy = {"numpy", "pandas", "scipy", "matplotlib", "sqlite3", "tensorboardX", "labkit.models", "labkit.lab.store"}
    assert not set(loaded.split()) & heavy


def test_a_new_experiment_runs_and_a_folder_runs_all_of_its_own(tmp_path: Path) -> None:
    made = labkit("new", str(tmp_path / "first.py"))
    assert (made.returncode, made.stdout.splitlines()[-1]) == (0, f"  labkit run {tmp_path / 'first.py'} --quick")
    again = labkit("new", str(tmp_path / "first.py"))
    assert again.returncode != 0
    assert "exists" in again.stderr
    (tmp_path / "broken.py").write_text("import nothing_of_that_name\n")
    (tmp_path / "helpers.py").write_text("x = 1\n")
    done = labkit("run", str(tmp_path), "--quick", "--set", "units=4", "--seeds", "1", "--logs", str(tmp_path / "logs"))
    assert done.returncode == 1
    assert "Experiment 1 of 2" in done.stderr
    assert "nothing_of_that_name" in done.stderr
    assert "1 of 2 experiments are well" in done.stderr
    assert "first  sweep" in done.stdout


@pytest.mark.parametrize("name", ["a.txt", "two words.py", "class.py", "none/a.py", "é.py"])
def test_files_that_no_experiment_can_have(tmp_path: Path, name: str) -> None:
    done = labkit("new", str(tmp_path / name))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not (tmp_path / name).exists()


def test_a_plan_says_what_a_run_will_take(tmp_path: Path) -> None:
    asked = ("run", WALK, "--sweep", "rate=0.1,0.01", "--seeds", "3", "--jobs", "2", "--logs", str(tmp_path), "--plan")
    done = labkit(*asked)
    assert done.returncode == 0, done.stderr
    first, count, trial, whole, _ = done.stdout.splitlines()
    assert re.fullmatch(r"Pilot: the first trial took [\d.]+ s\.", first)
    assert count == "To run: 6 trials, 2 at a time."
    assert re.fullmatch(r"A trial: about [\d.]+ s, [\d.]+ KB on disk\.", trial)
    assert re.fullmatch(r"In all: about [\d.]+ s, [\d.]+ KB on disk, [\d.]+ KB of it event files\.", whole)
    assert list(tmp_path.iterdir()) == []  # nothing has started
    assert labkit(*asked[:-1]).returncode == 0
    assert "To run: 0 trials" in labkit(*asked).stdout
