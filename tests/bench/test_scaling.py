"""Batches and threads: the points, the spread, and that they are played."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from typing import Any

import pytest
from click.testing import CliRunner

from labkit.bench import scaling
from labkit.bench.scaling import Point, costs, records, scale, spread, summary
from labkit.cli.bench import bench
from tests.bench.measured import BEST, OURS, SLOW


def point(batch: int, least: float, threads: int = 1) -> Point:
    return Point("dense", threads, batch, (dataclasses.replace(OURS, seconds=(least, 2 * least)), SLOW, BEST))


def test_a_point_tells_what_an_example_costs():
    p = point(4, 0.008)
    assert (p.ours, p.best, p.memory) == (0.002, BEST, 2 * 10**8)
    assert dataclasses.replace(p, measured=(OURS,)).best is None


def test_the_spread_is_of_batches_from_eight_on():
    assert spread([point(1, 1.0), point(8, 0.8), point(100, 11.0)]) == 0.11 / 0.1 - 1
    assert spread([point(1, 1.0), point(2, 1.0), point(8, 1.0)]) is None
    assert spread([point(8, 1.0), point(8, 1.1)]) is None


def test_a_step_costs_something_beside_its_examples():
    found = costs([point(1, 9.0), point(8, 0.5 + 0.8), point(16, 7.0), point(32, 0.5 + 3.2)])
    assert found is not None
    step, example = found
    assert (round(step, 9), round(example, 9)) == (0.5, 0.1)


def test_one_batch_twice_has_no_line_of_costs():
    twice = [point(1, 9.0), point(8, 1.3), point(8, 1.4)]
    assert costs(twice) is None
    assert "Spread" not in summary(twice)


def test_what_is_asked_for_twice_is_measured_once(monkeypatch: pytest.MonkeyPatch):
    asked: list[Any] = []

    def scaled(names: Sequence[str], batches: Sequence[int], *_: Any) -> list[Point]:
        asked.extend((list(names), list(batches)))
        return [point(batch, 0.1 * batch) for batch in batches]

    monkeypatch.setattr(scaling, "scale", scaled)
    arguments = ["scaling", "dense", "dense", "--batch", "32", "--batch", "8", "--batch", "32", "--threads", "1"]
    result = CliRunner().invoke(bench, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    assert asked == [["dense"], [32, 8]]


def test_the_summary_flags_what_varies_too_much():
    text = summary([point(8, 0.8), point(32, 3.2), point(8, 0.8, threads=2), point(32, 4.8, threads=2)])
    assert "- 784-128-10 step, Adam, stepped, threads 1: 0% (100 ms an example, 0.0 ms a step beside)\n" in text
    assert "- 784-128-10 step, Adam, stepped, threads 2: 50%, **more than 15%** (" in text
    assert len([line for line in text.splitlines() if line.startswith("|")]) == 6
    assert "Spread" not in summary([point(8, 0.8)])
    assert len(records([point(8, 0.8)])) == 3


def test_labkits_side_does_every_work_at_its_batch():
    small = {name: name for name in scaling.WORKS if name.startswith("dense")}
    found = list(scale(list(small), [1, 8], [1], [("labkit", sys.executable)], 1, 1.0, print))
    assert [(p.name, p.batch) for p in found] == [(name, batch) for name in small for batch in (1, 8)]
    assert all(p.measured[0].seconds for p in found)
