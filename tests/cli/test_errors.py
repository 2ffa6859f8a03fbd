"""What users do wrong ends in one paragraph and an exit code, and with --debug in a traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ..lab.runs import ENVIRONMENT, PROGRAMS

WALK = str(PROGRAMS / "walk.py")


def labkit(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "labkit.cli.main", *arguments]
    return subprocess.run(
        command, env={**ENVIRONMENT, **environment}, cwd=folder, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["run", "nowhere.py"], 2, "The experiment file nowhere.py does not exist"),
        (["run"], 2, "Missing argument 'FILE'"),
        (["run", WALK, "--set", "stepz=3"], 2, "Did you mean steps?"),
        (["run", WALK, "--set", "steps=1.5"], 2, "steps takes a whole number. Received: 1.5."),
        (["run", WALK, "--set", "steps"], 2, "write --set key=value"),
        (["run", WALK, "--sweep", "rate=0.1,fast"], 2, "rate takes a number. Received: fast."),
        (["run", WALK, "--sweep", "rate=0.1,0.1"], 2, "twice"),
        (["run", WALK, "--seeds", "0"], 2, "--seeds"),
        (["run", WALK, "--jobs", "two"], 2, "--jobs"),
        (["walk"], 2, "No such command 'walk'"),
        (["ls", "--logs", "nowhere"], 1, "There is no store in"),
        (["run", WALK, "--logs", "/proc/nowhere"], 1, "/proc/nowhere cannot be made"),
        (["plugins", "list", "--kind", "layer"], 1, "Did you mean 'layers'?"),
    ],
)
def test_mistakes_end_in_one_paragraph(tmp_path: Path, arguments: list[str], code: int, message: str) -> None:
    done = labkit(*arguments, folder=tmp_path)
    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    error = done.stderr[done.stderr.index("Error: ") :].strip()
    assert "\n" not in error
    assert list(tmp_path.iterdir()) == []  # nothing was started


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    done = labkit("run", "nowhere.py", "--debug", folder=tmp_path)
    assert "Traceback" in done.stderr
    assert "Error: The experiment file" in done.stderr


def test_a_full_disk_is_one_paragraph(tmp_path: Path) -> None:
    """Writing beyond a file size limit fails as a full disk does."""
    code = (
        "import resource, signal; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096));"
        "from labkit.cli.main import main; main()"
    )
    command = [sys.executable, "-P", "-c", code, "run", WALK, "--logs", str(tmp_path / "logs")]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "labkit.sqlite cannot be " in done.stderr
    assert "Traceback" not in done.stderr


def test_an_error_nobody_expected_is_one_paragraph_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    from labkit.cli import main as module

    monkeypatch.setattr(module.cli, "main", lambda *_, **__: {}["key"])
    with pytest.raises(SystemExit) as caught:
        module.main(["ls"])
    assert caught.value.code == 1
    assert "did not expect, KeyError: 'key'" in capsys.readouterr().err
