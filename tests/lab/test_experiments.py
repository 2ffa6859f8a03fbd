"""Experiment files: the one experiment in them, or what is wrong with them, with the line."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.errors import ConfigError
from labkit.lab.experiments import load
from labkit.lab.sweep import plan

GOOD = """
import dataclasses, labkit as lk
@dataclasses.dataclass
class Config:
    steps: int = 1
@lk.experiment(quick={"steps": 2})
def good(config: Config, trial: lk.Trial):
    "One line."
"""


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name == "neighbour" or name.startswith("labkit_experiment_"):
            del sys.modules[name]


def write(folder: Path, text: str, name: str = "program.py") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_file_with_one_experiment(tmp_path: Path) -> None:
    found = load(write(tmp_path, GOOD))
    assert (found.name, found.doc, found.quick, found.metric) == ("good", "One line.", {"steps": 2}, "validation/error")
    assert found.path == tmp_path / "program.py"
    assert list(found.keys) == ["steps"]


def test_annotations_may_be_text(tmp_path: Path) -> None:
    assert load(write(tmp_path, "from __future__ import annotations\n" + GOOD)).config_class.__name__ == "Config"


def test_neighbours_can_be_imported_and_their_experiments_are_theirs(tmp_path: Path) -> None:
    write(tmp_path, GOOD, "neighbour.py")
    text = GOOD.replace("good", "mine").replace("import dataclasses", "from neighbour import good\nimport dataclasses")
    assert load(write(tmp_path, text)).name == "mine"


def test_what_a_run_does_that_is_not_told_otherwise(tmp_path: Path) -> None:
    text = GOOD.replace("quick=", 'space={"steps": [3, 4]}, seeds=2, direction="maximize", metric="accuracy", quick=')
    found = load(write(tmp_path, text))
    assert (found.space, found.seeds, found.direction) == ({"steps": [3, 4]}, 2, "maximize")
    assert (found.cost({"accuracy": 0.9}), found.cost({"accuracy": math.nan}), found.cost({})) == (-0.9, None, None)
    assert plan(found).space_spec == {"steps": [3, 4]}
    assert plan(found, sets={"steps": 5}).space_spec == {}
    assert plan(found, sweeps={"steps": [5, 6, 7]}).space_spec == {"steps": [5, 6, 7]}
    assert plan(found, quick=True).base == {"steps": 2}


def test_an_error_is_known_from_its_accuracy(tmp_path: Path) -> None:
    found = load(write(tmp_path, GOOD))
    assert found.cost({"validation/accuracy": 0.75}) == 0.25
    assert found.cost({"validation/accuracy": 0.75, "validation/error": 0.5}) == 0.5
    assert found.cost({"accuracy": 0.75}) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n", "defines no experiment"),
        (GOOD + GOOD.replace("good", "other"), "defines 2 experiments"),
        ("import labkit\nimport nosuchmodule\n", "program.py:2: import nosuchmodule"),
        ("x = 1\ny = x +\n", "program.py:2: y = x +"),
        ("import sys\nsys.exit(3)\n", "SystemExit"),
        (GOOD.replace("config: Config, trial: lk.Trial", "config: Config"), "(config: Config, trial: lk.Trial)"),
        (GOOD.replace("config: Config", "config"), "is no dataclass"),
        (GOOD.replace("@dataclasses.dataclass\n", ""), "is no dataclass"),
        (GOOD.replace("quick=", 'metric="validation/accuracy", quick='), 'metric="validation/error"'),
        (GOOD.replace("quick=", 'direction="up", quick='), "minimize or maximize"),
        (GOOD.replace("quick=", "seeds=0, quick="), "seeds is no count"),
        (GOOD.replace("quick=", 'space={"stps": [1]}, quick='), "Did you mean steps"),
        (GOOD + "raise ValueError(" + "1 + " * 40 + "1)\n", "raise ValueError(1 + 1 + 1 "),
        (GOOD.replace('{"steps": 2}', '{"stps": 2}'), "Did you mean steps?"),
        (GOOD.replace('{"steps": 2}', '{"steps": 2.5}'), "steps takes a whole number"),
        (GOOD.replace("quick", "reference_error=1.5, quick"), "reference_error"),
        (GOOD.replace("good", "größe"), "cannot be a folder's"),
        (GOOD + "lk.run(good)\n", 'if __name__ == "__main__":'),
    ],
)
def test_what_is_wrong_is_said_with_the_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, text))
    assert message in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_missing_file_names_near_ones(tmp_path: Path) -> None:
    write(tmp_path, GOOD, "vgg_mnist.py")
    with pytest.raises(ConfigError, match=r"Did you mean .*vgg_mnist\.py"):
        load(tmp_path / "vgg_minst.py")
    with pytest.raises(ConfigError, match="is a folder"):
        load(tmp_path)
    with pytest.raises(ConfigError, match="not a Python file"):
        load(write(tmp_path, "", "data.csv"))
