"""The processes that take turns: who takes part, who is left out, and how many turns each has."""

from __future__ import annotations

import dataclasses
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from labkit.bench import match
from labkit.bench.side import Side, SideError, known, peers
from labkit.bench.works import WORKS
from labkit.errors import ConfigError

HERE = ("labkit", sys.executable)


class Scripted:
    """A side that does no work: `took` is what its turns take; at None it fails."""

    def __init__(self, name: str, took: list[float | None]) -> None:
        self.name, self.variant, self.took = name, "", took
        self.turns: list[float] = []
        self.closed = False

    def turn(self) -> None:
        seconds = self.took[min(len(self.turns), len(self.took) - 1)]
        if seconds is None:
            raise SideError(f"{self.name} is tired")
        self.turns.append(seconds)

    median = Side.median

    def measured(self) -> Any:
        return self.name, len(self.turns)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Any:
    def run(sides: list[Scripted], turns: int, limit: float = 1e9) -> tuple[list[Any], list[str]]:
        told: list[str] = []
        monkeypatch.setattr(match, "PAUSE", 0.0)
        monkeypatch.setattr(match, "_prepared", lambda work, name, *_: [s for s in sides if s.name == name])
        names = [(s.name, "") for s in sides]
        return match.play(WORKS["line"], names, 1, turns, told.append, limit), told

    return run


def test_peers_are_known_and_can_have_an_interpreter_of_their_own():
    assert peers(["torch", "jax=/x/python"]) == [("torch", sys.executable), ("jax", "/x/python")]
    with pytest.raises(ConfigError, match=r"It has torch, tensorflow, jax. Did you mean torch\?"):
        peers(["tourch"])


def test_of_many_names_only_the_near_ones_are_told():
    with pytest.raises(ConfigError) as error:
        known("kernel", ["name-77x"], [f"name-{i}" for i in range(99)])
    assert "name-77" in str(error.value)
    assert "name-2," not in str(error.value)


@pytest.mark.parametrize(
    ("peer", "said"),
    [(("nothing", sys.executable), "No module named 'nothing_side'"), (("jax", "/no/python"), "No such file")],
)
def test_a_peer_that_cannot_be_started_is_told_of_and_left_out(peer: tuple[str, str], said: str):
    told: list[str] = []
    (only,) = match.play(WORKS["line"], [HERE, peer], 1, 2, told.append)
    assert (only.side, len(only.seconds)) == ("labkit", 2)
    assert len(told) == 1
    assert said in told[0]


def test_a_way_that_fails_is_left_out_and_the_library_s_others_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "odd_side.py").write_text(
        "def version(): return '7'\n"
        "def variants(work): return ['breaks', 'works', 'dies']\n"
        "def prepare(work, variant, threads):\n"
        "    if variant == 'dies': raise SystemExit(3)\n"
        "    return {'works': lambda: None}[variant], 1\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    told: list[str] = []
    found = match.play(WORKS["line"], [HERE, ("odd", sys.executable)], 1, 1, told.append)
    assert [(m.side, m.variant, m.version) for m in found[1:]] == [("odd", "works", "7")]
    assert len(told) == 2
    assert "odd breaks cannot take part" in told[0]
    assert "odd dies cannot take part. Received: the process ended: " in told[1]


def test_only_the_first_ways_may_be_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "many_side.py").write_text(
        "def version(): return '7'\n"
        "def variants(work): return ['first', 'second']\n"
        "def prepare(work, variant, threads): return lambda: None, 1\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    found = match.play(WORKS["line"], [HERE, ("many", sys.executable)], 1, 1, print, ways=1)
    assert [m.variant for m in found] == ["session.run", "first"]


def test_labkits_own_failure_is_an_error():
    broken = dataclasses.replace(WORKS["line"], feeding="by mouth")
    with pytest.raises(SideError, match="labkit cannot take part"):
        match.play(broken, [HERE], 1, 1, print)


def test_a_side_that_dies_is_an_error_with_its_last_words():
    with Side("labkit", sys.executable, 1) as side:
        side._process.kill()
        with pytest.raises(SideError, match="labkit cannot take part"):
            side.ask(about=True)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system does not bind processes to cores")
def test_a_side_has_as_many_cores_as_threads():
    with Side("labkit", sys.executable, 1) as side:
        side.ask(about=True)
        assert len(os.sched_getaffinity(side._process.pid)) == 1


def test_slow_ways_of_peers_rest_after_some_turns(played: Any):
    sides = [Scripted("labkit", [9.0]), Scripted("torch", [1.0]), Scripted("jax", [1.4]), Scripted("tensorflow", [1.6])]
    assert played(sides, 8)[0] == [("labkit", 8), ("torch", 8), ("jax", 8), ("tensorflow", match.FEWEST)]


def test_labkit_alone_has_all_turns(played: Any):
    assert played([Scripted("labkit", [1.0])], 8)[0] == [("labkit", 8)]


def test_time_that_is_up_leaves_some_turns_to_all(played: Any):
    sides = [Scripted("labkit", [1.0]), Scripted("torch", [1.0])]
    assert played(sides, 8, limit=0.0)[0] == [("labkit", match.FEWEST), ("torch", match.FEWEST)]


def test_a_peer_that_fails_in_a_turn_is_left_out(played: Any):
    tired = Scripted("torch", [1.0, 1.0, None])
    found, told = played([Scripted("labkit", [1.0]), tired, Scripted("jax", [1.0])], 7)
    assert found == [("labkit", 7), ("jax", 7)]
    assert told == ["torch is tired."]
    assert tired.closed
    with pytest.raises(SideError, match="labkit is tired"):
        played([Scripted("labkit", [None])], 7)
