"""What README shows is what labkit does."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text()
LABKIT = Path(sys.executable).with_name("labkit")


def block(marker: str) -> str:
    """The code block that follows an HTML comment."""
    found = re.search(rf"<!-- {re.escape(marker)} -->\n```\w*\n(.*?)```", README, re.DOTALL)
    assert found, f"README has no block marked {marker!r}"
    return found.group(1)


def labkit(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LABKIT, *arguments],
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, "COLUMNS": "200", **environment},
    )


def test_the_help_text_is_the_programs() -> None:
    done = labkit("run", "--help", COLUMNS="80")
    assert done.stdout.strip() == block("labkit run --help").strip()


def test_the_experiment_runs(tmp_path: Path) -> None:
    (tmp_path / "digits.py").write_text(block("experiment: digits.py"))
    logs = str(tmp_path / "logs")
    done = labkit(
        "run", str(tmp_path / "digits.py"), "--quick", "--sweep", "units=4,8", "--logs", logs, LABKIT_OFFLINE="1"
    )
    assert done.returncode == 0, done.stderr
    for heading in ("units", "train accuracy", "validation accuracy", "test accuracy", "bias", "variance", "seconds"):
        assert heading in done.stdout


@pytest.mark.ci
def test_the_search_runs(tmp_path: Path) -> None:
    (tmp_path / "digits.py").write_text(block("experiment: digits.py"))
    command = shlex.split(block("search").replace("\\\n", " ").replace("--max-trials 30", "--max-trials 4"))[1:]
    command[1] = str(tmp_path / command[1])
    done = labkit(*command, "--quick", "--logs", str(tmp_path / "logs"), LABKIT_OFFLINE="1")
    assert done.returncode == 0, done.stderr
    assert "learning_rate" in done.stdout


def test_the_sweep_of_a_program_runs(tmp_path: Path) -> None:
    (tmp_path / "digits.py").write_text(block("experiment: digits.py"))
    (tmp_path / "program.py").write_text(block("sweep"))
    environment = {**os.environ, "LABKIT_OFFLINE": "1"}
    command = [sys.executable, "program.py"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split()[0] == "units"
    assert [line.split()[1] for line in lines if line.split()[1:2] == ["t0004"]] == ["t0004"]
    assert lines[-1].split() == ["16", "500"]


def test_each_command_is_told_of() -> None:
    from labkit.cli.main import COMMANDS

    for name in COMMANDS:
        assert f"labkit {name}" in README, name


def test_the_program_runs() -> None:
    done = subprocess.run([sys.executable, "-c", block("program")], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    w, b = (float(number) for number in re.findall(r"-?\d+\.\d+", done.stdout))
    assert (round(w, 2), round(b, 2)) == (-1.0, 1.0)


def test_the_model_learns_and_comes_back(tmp_path: Path) -> None:
    code = block("model")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    *table, last = done.stdout.splitlines()
    assert table[0].split() == ["loss", "mae", "r2_score", "val_loss", "val_mae", "val_r2_score"]
    assert float(table[-1].split()[-1]) > 0.99
    assert 440 < float(last.strip("[]")) < 460


def test_the_table_is_learned() -> None:
    done = subprocess.run([sys.executable, "-c", block("table")], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    loss, score, price, network = (float(number) for number in re.findall(r"\d+\.\d+", done.stdout))
    assert 15 < loss < 40
    assert score > 0.99
    assert 330 < price < 350
    assert 15 < network < 50


def test_the_pipeline_goes_on() -> None:
    done = subprocess.run([sys.executable, "-c", block("data")], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    chain, same, accuracy = done.stdout.splitlines()
    assert chain.startswith("<Dataset of 20 elements, ")
    assert same == "True"
    assert float(accuracy) > 0.9


def test_images_are_changed_on_their_way() -> None:
    done = subprocess.run([sys.executable, "-c", block("images")], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    accuracy, shape = done.stdout.splitlines()
    assert float(accuracy) > 0.75
    assert shape == "(3, 14, 14, 1)"


def test_data_sets_come_by_name() -> None:
    code = block("data sets")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    examples, moons, accuracy, *frame = done.stdout.splitlines()
    assert examples == "{'train': 45000, 'validation': 5000, 'test': 10000}"
    assert moons.startswith("DataSet('two_moons': train 1,000, validation 200, test 200, 2 classes; made by labkit")
    assert float(accuracy) > 0.97
    assert frame[0].split() == ["rooms", "price", "High"]


def test_newtons_method_finds_the_minimum() -> None:
    done = subprocess.run([sys.executable, "-c", block("newton")], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[1. 1.]", done.stderr


def test_the_tensorflow_program_runs(tmp_path: Path) -> None:
    script = tmp_path / "xor.py"
    script.write_text(block("TensorFlow 1 program: xor.py"))
    done = subprocess.run(
        [sys.executable, "-m", "labkit.compat.v1", str(script)],
        capture_output=True, text=True, timeout=120, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[[0], [1], [1], [0]]\n"


def comparable(text: str) -> list[str]:
    """Lines without what differs between machines and with every edit: other targets' kernels, numbers of lines."""
    kept = [line.replace("computed by", " " * 11) for line in text.strip().splitlines()]
    return [
        re.sub(r"(labkit[\w.]+):\d+.*", r"\1", line) for line in kept if " on " not in line or " on portable" in line
    ]


def test_explain_prints_what_is_shown() -> None:
    done = labkit("explain", "op:Softplus")
    assert comparable(done.stdout) == comparable(block("labkit explain op:Softplus"))


def test_the_plan_is_the_one_shown() -> None:
    done = subprocess.run(
        [sys.executable, "-c", block("plan")],
        capture_output=True, text=True, timeout=60, env={**os.environ, "LABKIT_TARGET": "portable"},
    )  # fmt: skip
    assert done.stdout.strip() == block("plan as text").strip(), done.stderr


def test_the_commands_name_things_that_exist() -> None:
    run, test = block("run command").strip(), block("test command").strip()
    assert run.startswith("python3 -m pip install . && labkit run ")
    assert (Path(__file__).parents[1] / run.split()[-2]).is_file()
    assert test == "python3 -m pip install -e '.[test]' && python3 -m pytest -n 2"


@pytest.mark.ci
def test_the_run_command_works_as_installed(tmp_path: Path) -> None:
    command = block("run command").strip().partition("&& labkit ")[2].split()
    command[1] = str(Path(__file__).parents[1] / command[1])
    done = labkit(*command, "--logs", str(tmp_path / "logs"), LABKIT_OFFLINE="1")
    assert done.returncode == 0, done.stderr
    assert "test accuracy" in done.stdout
