"""Looking at what runs left: ls, show, logs, compare, export."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import sys
from pathlib import Path

import pytest

from labkit.cli.main import main
from labkit.lab import plain
from labkit.lab.store import Store

from ..lab.fill import fill
from ..lab.runs import PROGRAMS, run, start


def call(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    output = capsys.readouterr()
    assert caught.value.code == code, output.err
    return output.out if code == 0 else output.err


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three sweeps: a grid, the same with another step count, and trials that fail."""
    logs = tmp_path_factory.mktemp("logs")
    options = ("--sweep", "rate=0.1,0.2", "--seeds", "3", "--jobs", "2")
    assert run("walk", logs, "--set", "steps=5", *options).returncode == 0
    assert run("walk", logs, "--set", "steps=6", *options).returncode == 0
    assert run("ends", logs, "--sweep", "how=well,raise,nan").returncode == 1
    return logs


@pytest.fixture(scope="module")
def sweeps(logs: Path) -> list[str]:
    store = Store(logs)
    found = [row.id for row in store.sweeps()]
    store.close()
    return found


def test_ls_filters(logs: Path, sweeps: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    def listed(*options: str) -> list[str]:
        return [line.split()[0] for line in call(capsys, "ls", "--logs", str(logs), *options).splitlines()[1:]]

    assert listed() == sweeps
    assert listed("--experiment", "walk") == sweeps[:2]
    assert listed("--state", "failed") == sweeps[2:]
    assert listed("--last", "1") == sweeps[2:]
    assert listed("--experiment", "walk", "--last", "1", "--state", "COMPLETED") == sweeps[1:2]
    assert listed(sweeps[2], "--state", "failed") == ["t0002", "t0003"]
    assert listed(sweeps[0], "--last", "2") == ["t0005", "t0006"]
    assert "Did you mean 'walk'?" in call(capsys, "ls", "--experiment", "wlk", "--logs", str(logs), code=1)
    assert "There is no store" in call(capsys, "ls", "--logs", str(logs / "none"), code=1)
    found = json.loads(call(capsys, "ls", "--json", "--logs", str(logs)))
    assert [entry["sweep"] for entry in found] == sweeps
    assert found[2]["states"] == {"COMPLETED": 1, "FAILED": 2}
    trials = json.loads(call(capsys, "ls", sweeps[2], "--json", "--logs", str(logs)))
    assert [trial["config"]["how"] for trial in trials] == ["well", "raise", "nan"]


def test_show_tells_all_of_a_trial(logs: Path, sweeps: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    text = call(capsys, "show", f"{sweeps[2]}/t0002", "--logs", str(logs))
    for pattern in (
        r"state +FAILED\n",
        r"kind +exception\n",
        r"reason +ValueError: no such luck \(at ends.py",
        r"config +how = raise\n",
        r"seed +0\n",
        r"attempts +1: failed, started \d{4}-",
        r"folder +/\S+t0002\n",
        r"stdout.log  18 bytes",
        r"machine +cores = ",
    ):
        assert re.search(pattern, text), pattern
    store = Store(logs)
    trial = store.trials(sweeps[0])[0]
    store.close()
    for name in (trial.id, trial.key[:8], f"{sweeps[0][:6]}/1", f"{sweeps[0]}/t0001"):
        found = plain.loads(call(capsys, "show", name or "", "--json", "--logs", str(logs)))
        assert (found["trial"], found["state"], found["figures"].keys()) == (
            f"{sweeps[0]}/t0001",
            "COMPLETED",
            {"loss"},
        )
        assert found["artefacts"].keys() == {"trial.json"}


def test_show_of_a_sweep_has_its_means(logs: Path, sweeps: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    text = call(capsys, "show", sweeps[0], "--logs", str(logs))
    assert re.search(r"question +Does w reach 3\?", text)
    assert re.search(r"rate +n +loss +data\n0.1 +3 +\S+ ± \S+ \(n=3\)\n0.2 +3 ", text)


def test_what_is_not_there_has_near_names(logs: Path, sweeps: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    near = "z" + sweeps[0][1:]
    assert f"Did you mean '{sweeps[0]}'" in call(capsys, "show", near, "--logs", str(logs), code=1)
    error = call(capsys, "show", f"{sweeps[0]}/t0099", "--logs", str(logs), code=1)
    assert "6 trials, t0001 to t0006" in error
    assert "may be any of 2 sweeps" in call(capsys, "show", "walk", "--logs", str(logs), code=1)
    assert "experiment" in call(capsys, "show", "ends", "--logs", str(logs))  # the only sweep of it
    assert "a sweep of 3 trials" in call(capsys, "logs", "ends", "--logs", str(logs), code=1)
    for hostile in ("", "/", "../../etc", "\x1b[2J", "%", "_", "'; DROP TABLE sweeps", "t0001", f"{sweeps[0]}/"):
        assert "Traceback" not in call(capsys, "show", hostile, "--logs", str(logs), code=1)


def test_logs_prints_what_a_trial_printed(
    logs: Path, sweeps: list[str], capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    def printed(*options: str) -> tuple[bytes, bytes]:
        with pytest.raises(SystemExit):
            main(["logs", f"{sweeps[2]}/t0002", "--logs", str(logs), *options])
        return tuple(capfdbinary.readouterr())

    assert printed() == (b"hello from seed 0\n", b"")
    assert printed("--stderr")[0].endswith(b"ValueError: no such luck\n")
    assert printed("--stderr", "-n", "1")[0] == b"ValueError: no such luck\n"
    assert printed("--tail", "0")[0] == b""
    log = next(logs.glob(f"ends/{sweeps[2]}/t0002/stdout.log"))
    kept = log.read_bytes()
    log.write_bytes(b"".join(b"%d\n" % n for n in range(30_000)) + b"\xff no end")
    assert printed("-n", "3")[0] == b"29998\n29999\n\xff no end"
    assert printed("-n", "50000")[0] == log.read_bytes()
    log.write_bytes(kept)


def test_logs_follows_a_trial_to_its_end(tmp_path: Path) -> None:
    program = tmp_path / "says.py"
    text = (PROGRAMS / "walk.py").read_text().replace("def walk(", "def says(")
    program.write_text(text.replace("step += 1\n", "step += 1\n        print('at', step)\n"))
    process = start(str(program.with_suffix("")), tmp_path / "logs", "--set", "pause=0.05")
    assert process.stderr is not None
    assert "started" in process.stderr.readline()
    import subprocess

    from ..lab.runs import ENVIRONMENT

    command = [
        sys.executable,
        "-P",
        "-m",
        "labkit.cli.main",
        "logs",
        "says",
        "--follow",
        "--logs",
        str(tmp_path / "logs"),
    ]
    followed = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=60)
    assert followed.stdout.splitlines() == [f"at {step}" for step in range(1, 21)]
    process.communicate()


def test_compare_of_trials(logs: Path, sweeps: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    one, two = f"{sweeps[0]}/t0001", f"{sweeps[1]}/t0002"
    lines = call(capsys, "compare", one, two, "--logs", str(logs)).splitlines()
    assert lines[0].split() == [one, two]
    cells = {line.split()[0]: line.split()[1:] for line in lines[1:]}
    assert (cells["rate"], cells["steps"], cells["state"]) == (["0.1", "0.2"], ["5", "6"], ["COMPLETED"] * 2)
    assert len(cells["loss"]) == 2
    assert "sizes" not in cells
    assert "A trial and a sweep" in call(capsys, "compare", one, sweeps[0], "--logs", str(logs), code=2)
    assert "nothing to compare with" in call(capsys, "compare", one, "--logs", str(logs), code=2)
    assert "Did you mean 'loss'?" in call(capsys, "compare", one, two, "--metric", "los", "--logs", str(logs), code=1)


def test_compare_of_sweeps_pairs_by_seed(logs: Path, sweeps: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    text = call(capsys, "compare", *sweeps[:2], "--logs", str(logs))
    assert re.search(r"steps +5 +6\n", text)
    rows = [line for line in text.splitlines() if re.match(r"0\.\d +loss ", line)]
    assert [row.split()[0] for row in rows] == ["0.1", "0.2"]
    assert all(row.endswith("lower") and row.count("±") == 3 for row in rows)
    assert "nothing to pair" in call(capsys, "compare", sweeps[0], sweeps[2], "--logs", str(logs))


def test_figures_that_are_no_numbers_come_out_of_every_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = fill(tmp_path, 3, figures=[{"loss": math.nan}, {"loss": math.inf}, {"loss": 0.1 + 0.2, "x": -math.inf}])
    logs = ("--logs", str(tmp_path))
    rows = list(csv.DictReader(io.StringIO(call(capsys, "export", sweep, *logs))))
    assert [row["figure.loss"] for row in rows] == ["nan", "inf", "0.30000000000000004"]
    assert [row["figure.x"] for row in rows] == ["", "", "-inf"]
    found = plain.loads(call(capsys, "export", sweep, "--format", "json", *logs))
    assert [str(row["figure.loss"]) for row in found] == ["nan", "inf", "0.30000000000000004"]
    assert "figure.x" not in found[0]
    steps = list(csv.DictReader(io.StringIO(call(capsys, "export", sweep, "--steps", *logs))))
    assert [(row["trial"], row["step"], row["name"], row["value"]) for row in steps[:2]] == [
        ("t0001", "1", "loss", "nan"),
        ("t0001", "2", "loss", "1.0"),
    ]
    assert re.search(r"loss += nan", call(capsys, "show", f"{sweep}/1", *logs))
    text = call(capsys, "compare", *(f"{sweep}/{n}" for n in (1, 2, 3)), *logs)
    assert re.search(r"loss +nan +inf +0\.3\n", text)
    found = plain.loads(call(capsys, "show", f"{sweep}/2", "--json", *logs))
    assert found["figures"] == {"loss": math.inf}


def test_parquet_needs_pyarrow(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = fill(tmp_path, 2, figures=[{"loss": math.nan}, {}])
    file = tmp_path / "a b\n.parquet"
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    error = call(capsys, "export", sweep, "-o", str(file), "--logs", str(tmp_path), code=2)
    assert "pip install pyarrow" in error
    assert not file.exists()
    monkeypatch.undo()
    pytest.importorskip("pyarrow")
    import pyarrow.parquet

    assert call(capsys, "export", sweep, "-o", str(file), "--logs", str(tmp_path)) == ""
    table = pyarrow.parquet.read_table(file).to_pydict()
    assert math.isnan(table["figure.loss"][0])
    assert table["figure.loss"][1] is None
    assert table["config.sizes"] == ["[1,2]"] * 2


def test_an_export_that_fails_leaves_the_old_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sweep = fill(tmp_path, 2)
    (tmp_path / "folder.csv").mkdir()
    error = call(capsys, "export", sweep, "-o", str(tmp_path / "folder.csv"), "--logs", str(tmp_path), code=1)
    assert "cannot be written" in error
    assert "-o FILE" in error


def test_hostile_text_cannot_write_to_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "\x1b[2J\x07 a\nb\rc \u202e \u2028 名前 \ud800"
    sweep = fill(tmp_path, 2, config={"kind": hostile.replace("\ud800", "")}, reason=hostile.replace("\ud800", ""))
    for command in (
        ["ls"],
        ["ls", sweep],
        ["show", sweep],
        ["show", f"{sweep}/1"],
        ["compare", f"{sweep}/1", f"{sweep}/2"],
    ):
        text = call(capsys, *command, "--logs", str(tmp_path))
        assert not set(text) & set("\x1b\x07\r\u202e\u2028")
        assert all(line.isprintable() for line in text.splitlines())
    assert "名前" in call(capsys, "show", f"{sweep}/1", "--logs", str(tmp_path))
    assert "\\x1b[2J" in call(capsys, "ls", sweep, "--logs", str(tmp_path))
    (row, _) = csv.DictReader(io.StringIO(call(capsys, "export", sweep, "--logs", str(tmp_path)), newline=""))
    assert row["config.kind"] == hostile.replace("\ud800", "")
