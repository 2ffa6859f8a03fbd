"""The benchmark of sweeps: labkit's side runs one, a peer that fails is left out, and both rates are what they say."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from labkit.bench import sweeps
from labkit.bench.side import SideError, peers
from labkit.bench.sweeps import Swept, compare, lines, records, run, summary
from labkit.errors import ConfigError


def swept(side: str, seconds: float, ends: tuple[float, ...]) -> Swept:
    return Swept(side, "1", len(ends), 2, seconds, ends, 0.5)


def test_the_side_of_labkit_runs_a_sweep_whose_trials_learn(tmp_path: Path):
    found = run("labkit", sys.executable, trials=3, jobs=2, steps=60, folder=tmp_path)
    assert (found.side, found.trials, len(found.ends)) == ("labkit", 3, 3)
    assert found.ends[-1] - found.ends[0] < found.seconds
    assert 0 < found.loss < 1
    assert list(tmp_path.iterdir()) == []  # nothing stays


def test_rates_with_and_without_start_up():
    one = swept("labkit", 4.0, (10.0, 11.0, 11.5, 12.0))
    assert one.whole == 1.0
    assert one.steady == 2.0  # the two after the first two, in one second


def test_the_table_compares_with_the_best_peer_of_each_rate():
    ours = [swept("labkit", seconds, (1.0, 1.0, 1.1, 1.2)) for seconds in (2.0, 1.0, 1.0)]
    optuna, ray = swept("optuna", 8.0, (1.0, 2.0, 2.1, 4.0)), swept("ray", 16.0, (1.0, 2.0, 2.5, 3.0))
    everything = [*ours, optuna, ray]
    assert [(line.side, line.whole, line.sweeps) for line in lines(everything)] == [
        ("labkit", 4.0, 3), ("optuna", 0.5, 1), ("ray", 0.25, 1),
    ]  # fmt: skip
    text = summary(everything)
    assert "included: 8.0 times optuna (target 5; goal 10)" in text
    assert "excluded: 5.0 times ray" in text
    assert "**missed**" in summary([swept("labkit", 7.0, (1.0, 1.0, 2.0, 3.0)), optuna])
    assert "times" not in summary(ours)
    assert [record["trials_a_second"] for record in records(everything)] == [2.0, 4.0, 4.0, 0.5, 0.25]


def test_a_peer_that_cannot_take_part_is_left_out_and_told_of(monkeypatch: pytest.MonkeyPatch):
    asked, told = [], []

    def ask(command: list[str], name: str) -> tuple[float, dict]:
        asked.append(name)
        if name == "optuna":
            raise SideError("optuna cannot take part", received="no such thing")
        count = 3 if name == "labkit" else 2
        return 1.0, {"version": "1", "ends": [1.0] * count, "costs": [1.0] * count}

    monkeypatch.setattr(sweeps, "_ask", ask)
    sides = [("labkit", "python"), ("optuna", "python"), ("ray", "python")]
    assert [each.side for each in compare(sides, 3, 2, 10, 2, told.append)] == ["labkit", "labkit"]
    assert asked == ["labkit", "optuna", "ray", "labkit"]
    assert len(told) == 2
    assert "did not run all trials" in told[1]


def test_a_side_that_fails_says_why():
    with pytest.raises(SideError, match="cannot take part"):
        run("optuna", "/nowhere/python", trials=2, jobs=1, steps=5)
    with pytest.raises(SideError, match="nothing_sweep"):
        run("nothing", sys.executable, trials=2, jobs=1, steps=5)


def test_peers_of_sweeps_are_others():
    assert peers(["optuna=/x/python"], sweeps.PEERS) == [("optuna", "/x/python")]
    with pytest.raises(ConfigError, match="It has optuna, ray"):
        peers(["torch"], sweeps.PEERS)


@pytest.mark.ci
@pytest.mark.parametrize("name", sweeps.PEERS)
def test_the_side_of_a_peer_where_it_is_installed(name: str):
    pytest.importorskip("torch")
    pytest.importorskip(name)
    assert run(name, sys.executable, trials=3, jobs=2, steps=20).trials == 3
