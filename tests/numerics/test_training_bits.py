"""Whole training runs have the same bits for any number of threads, in any process, however their steps are made."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import labkit as lk
from tests.numerics.training import NETWORKS, STEPS, built, checksum

COUNTS = (1, 2, 3, 4)


@pytest.fixture
def threads() -> Iterator[None]:
    before = lk.get_num_threads()
    yield
    lk.set_num_threads(before)


@pytest.mark.parametrize("name", NETWORKS)
def test_losses_and_weights_have_the_same_bits_for_any_number_of_threads(name: str, threads: None) -> None:
    training = built(NETWORKS[name])
    lk.set_num_threads(1)
    expected = training.run(stepped=True)
    assert expected["losses"].shape == (STEPS,)
    assert np.isfinite(expected["losses"]).all()
    assert len(set(expected["losses"].tolist())) == STEPS  # it learns something
    for count in COUNTS:
        lk.set_num_threads(count)
        for stepped in (True, False):
            got = training.run(stepped=stepped)
            assert got.keys() == expected.keys()
            for key, want in expected.items():
                assert got[key].tobytes() == want.tobytes(), f"{key} with {count} threads, stepped {stepped}"


def test_fresh_processes_train_to_the_same_bits() -> None:
    expected = "".join(f"{name} {checksum(built(build).run(stepped=True))}\n" for name, build in NETWORKS.items())
    for count in COUNTS:
        done = subprocess.run(
            [sys.executable, "-m", "tests.numerics.training"],
            capture_output=True, text=True, timeout=100, cwd=Path(__file__).parents[2],
            env={**os.environ, "LABKIT_NUM_THREADS": str(count), "PYTHONHASHSEED": str(count)},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stdout == expected, f"with {count} threads"


@pytest.mark.parametrize("name", NETWORKS)
def test_a_naive_plan_trains_to_the_same_bits(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fusion, epilogues, sharing and folding change no bit of a training run."""
    training = built(NETWORKS[name])
    expected = training.run(stepped=True)
    monkeypatch.setattr(lk, "Session", lambda graph: Session(graph, optimize=False))
    got = training.run(stepped=True)
    for key, want in expected.items():
        assert got[key].tobytes() == want.tobytes(), key


Session = lk.Session
