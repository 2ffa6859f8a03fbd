"""The experiments in experiments/: each runs in its quick form, and finds what it says it finds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import labkit as lk

from ..lab.runs import ENVIRONMENT, ROOT
from ..summary.reading import accumulate

EXPERIMENTS = sorted((ROOT / "experiments").glob("*.py"))


def _quick(name: str, logs: Path, **options: Any) -> Any:
    return lk.run(ROOT / "experiments" / f"{name}.py", quick=True, logs=logs, **options).table


@pytest.mark.ci
@pytest.mark.parametrize("file", EXPERIMENTS, ids=lambda file: file.stem)
def test_each_experiment_runs_in_its_quick_form(file: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-m", "labkit", "run", str(file), "--quick", "--logs", str(tmp_path)]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert "completed" in done.stderr


def test_the_explicit_scheme_follows_the_heat_equation_up_to_its_limit(tmp_path: Path) -> None:
    table = _quick("heat_equation", tmp_path, sweep={"ratio": [0.2, 0.25, 0.26]})
    inside, at, beyond = table["error"]
    assert inside < 1e-3
    assert at < 1e-3
    assert beyond > 5e-3  # and growing by the factor 8 * 0.26 - 1 with each step


def test_the_heat_equation_leaves_pictures_of_each_time(tmp_path: Path) -> None:
    _quick("heat_equation", tmp_path)
    (folder,) = tmp_path.glob("*/*/t0001")
    events = accumulate(folder)
    assert {tag: len(events.Images(tag)) for tag in events.Tags()["images"]} == {"temperature": 5, "distance": 5}


def test_halving_the_cells_quarters_the_error(tmp_path: Path) -> None:
    coarse, fine = _quick("heat_equation", tmp_path, sweep={"cells": [16, 32]})["error"]
    assert coarse / fine == pytest.approx(4, rel=0.05)


def test_the_pendulum_is_found_from_noisy_angles(tmp_path: Path) -> None:
    table = lk.run(ROOT / "experiments" / "pendulum.py", seeds=3, logs=tmp_path).table
    assert table["parameter_error"][0] < 0.02


def test_zero_centring_makes_a_classifier_read_another_city(tmp_path: Path) -> None:
    table = _quick("two_cities", tmp_path, seeds=2)
    assert list(table["boston_error"]) == [0, 0]
    assert table["new_york_error"][0] > 0.4
    assert table["new_york_error"][1] < 0.02


def test_one_neuron_finds_the_formula_of_celsius_and_fahrenheit(tmp_path: Path) -> None:
    sweep = {"exact": [False, True], "epochs": [500, 5000]}
    table = lk.run(ROOT / "experiments" / "celsius.py", sweep=sweep, logs=tmp_path).table
    found = {(row.exact, row.epochs): row for row in table.itertuples()}
    assert found[False, 500].boiling == pytest.approx(211.3, abs=0.2)
    assert found[False, 5000].boiling == pytest.approx(211.747, abs=0.01)  # by least squares
    assert (found[True, 5000].w, found[True, 5000].b) == (pytest.approx(1.8, abs=0.01), pytest.approx(32, abs=0.01))


def test_each_cure_narrows_the_gap_between_training_and_validation_error(tmp_path: Path) -> None:
    cures = ["none", "l2", "dropout", "early_stopping", "augmentation"]
    gap = _quick("overfitting", tmp_path, seeds=2, sweep={"cure": cures}).set_index("cure")["variance"]
    assert gap["none"] > 0.15
    assert (gap[cures[1:]] < gap["none"]).all(), gap


def test_wide_and_deep_together_beat_either(tmp_path: Path) -> None:
    sweep = {"part": ["wide", "deep", "both"]}
    error = lk.run(ROOT / "experiments" / "wide_and_deep.py", sweep=sweep, logs=tmp_path).table.set_index("part")[
        "error"
    ]
    assert error["both"] < min(error["wide"], error["deep"]) - 0.02
    assert max(error) < 0.3
