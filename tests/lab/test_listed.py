"""Configurations that somebody wrote down, in a program or a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import labkit as lk
from labkit.errors import ConfigError
from labkit.lab.experiments import load
from labkit.lab.space.files import read_file
from labkit.lab.sweep import plan

from .runs import PROGRAMS

WALK = PROGRAMS / "walk.py"


def test_a_list_of_configurations_is_all_that_is_tried(tmp_path: Path) -> None:
    listed = [{"rate": 0.1, "steps": 3}, {"rate": 0.01}, {"sizes": [8]}]
    results = lk.run(WALK, sweep=listed, set={"steps": 5}, logs=tmp_path)
    assert [trial.config["steps"] for trial in results.outcome.trials] == [3, 5, 5]
    assert [trial.config["rate"] for trial in results.outcome.trials] == [0.1, 0.01, 0.1]
    assert [trial.config["sizes"] for trial in results.outcome.trials] == [[1, 2], [1, 2], [8]]
    assert list(results.table.columns[:3]) == ["rate", "steps", "sizes"]
    again = lk.run(WALK, sweep=listed, set={"steps": 5}, seeds=2, logs=tmp_path)
    assert (again.outcome.ran, len(again.outcome.trials)) == (3, 6)


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        ([{"rate": 0.1}, {"rat": 0.1}], "configuration 2 of the list names the key 'rat'"),
        ([{"rate": 0.1}, {"rate": 0.1}], "Configuration 2 of the list is there twice"),
        ([{"rate": "fast"}], "rate takes a number"),
        ([{"rate": 0.1}, 3], "Configuration 2 of the list is no mapping"),
    ],
)
def test_lists_that_are_none(listed: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        plan(load(WALK), sweeps=listed)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("c.json", '[{"rate": 0.1, "steps": 3}, {"rate": 0.01, "kind": "other"}]'),
        ("c.csv", "rate,steps,kind\n0.1,3,\n0.01,,other\n"),
    ],
)
def test_configurations_in_a_file(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    found = plan(load(WALK), sweeps=read_file(tmp_path / name))
    assert [found.config(config) for config in found.search["configs"]] == [
        {"rate": 0.1, "steps": 3, "pause": 0.0, "kind": "plain", "sizes": [1, 2]},
        {"rate": 0.01, "steps": 20, "pause": 0.0, "kind": "other", "sizes": [1, 2]},
    ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("c.json", b"[{", "is no JSON"),
        ("c.json", b"{}", "holds no list of configurations"),
        ("c.json", b"\xff", "no text in UTF-8"),
        ("c.csv", b"rate,steps\n0.1\n", "Row 2 of .* has 1 fields"),
        ("c.csv", b"", "is no table of configurations"),
    ],
)
def test_files_that_hold_no_configurations(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        read_file(tmp_path / name)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_file(tmp_path / "nothing.json")
