"""The table of works: its rows, and that labkit's side does every work."""

from __future__ import annotations

import dataclasses
import sys

import pytest

from labkit.bench.match import play
from labkit.bench.side import Side
from labkit.bench.table import details, records, rows, seconds, summary
from labkit.bench.works import WORKS, usual
from tests.bench.measured import BEST, OURS, SLOW


def test_the_ratio_is_to_the_peer_with_the_smallest_median():
    time, _ = rows("vgg", [OURS, SLOW, BEST], "avx512")
    assert (time.best, time.peer, time.ratio, time.of_minima) == (0.004, "torch fused", 2.0, 2.0)
    assert (time.goal, time.missed) == (2.5, True)
    assert rows("vgg", [OURS, BEST], "avx2")[0].goal == 1.8
    assert not rows("vgg", [OURS, BEST], "avx2")[0].missed


@pytest.mark.parametrize(
    ("targets", "active", "left_out"),
    [
        (["avx512", "avx2", "portable"], "avx512", []),
        (["avx2", "portable"], "avx2", ["vgg-avx2"]),
        (["portable"], "portable", ["vgg-avx2"]),
    ],
)
def test_a_kernel_target_is_asked_for_where_the_machine_has_it(
    targets: list[str], active: str, left_out: list[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("labkit.native.targets", lambda: targets)
    monkeypatch.setattr("labkit.bench.works.active_target", lambda: active)
    assert usual() == [name for name in WORKS if name not in left_out]


def test_a_work_may_have_a_target_of_its_own():
    assert rows("vgg-avx2", [OURS], "avx512")[0].goal == 1.8
    with Side("labkit", sys.executable, 1, kernels="portable") as side:
        assert side.ask(about=True)["version"].endswith("(portable)")


def test_memory_has_a_row_where_it_has_a_goal():
    _, memory = rows("vgg", [OURS, SLOW, BEST], "avx512")
    assert (memory.unit, memory.ours, memory.best, memory.peer, memory.most) == ("bytes", 1e8, 2e8, "torch eager", 6e8)
    assert not memory.missed
    hungry = dataclasses.replace(OURS, peak=7 * 10**8)
    assert rows("vgg", [hungry], "avx512")[1].missed
    assert len(rows("line", [OURS], "avx512")) == 1


def test_without_peers_only_absolute_goals_can_be_missed():
    (alone,) = rows("line", [OURS], "avx512")
    assert (alone.best, alone.ratio, alone.of_minima, alone.missed) == (None, None, None, False)
    (slow,) = rows("small", [OURS], "avx512")
    assert (slow.most, slow.missed) == (15e-6, True)


def test_the_table_names_what_was_best_and_keeps_everything_measured():
    made = [*rows("vgg", [OURS, SLOW, BEST], "avx512"), *rows("import", [OURS], "avx512")]
    lines = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in summary(made).splitlines()]
    assert lines[2] == [WORKS["vgg"].title, "2.00 ms", "4.00 ms, torch fused", "2.00", "2.00", "2.5x, **missed**"]
    assert lines[3][1:] == ["100 MB", "200 MB, torch eager", "2.00", "-", "at most 600 MB"]
    assert lines[4] == [WORKS["import"].title, "2.00 ms", "-", "-", "-", "at most 150 ms"]
    everything = [("vgg", m) for m in (OURS, SLOW, BEST)]
    assert details(everything).count("\n") == 5
    assert [r["variant"] for r in records(everything)] == ["session.run", "eager", "fused"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.2184, "218 ms"),
        (9.3e-6, "9.30 us"),
        (1.4e-7, "0.14 us"),
        (2.5, "2.50 s"),
        (0.0526, "52.6 ms"),
        (1e-3, "1.00 ms"),
    ],
)
def test_seconds_have_three_digits(value: float, text: str):
    assert seconds(value) == text


@pytest.mark.parametrize("name", WORKS)
def test_every_work_runs_on_labkits_side(name: str):
    small = dataclasses.replace(WORKS[name].network, batch=2)
    work = dataclasses.replace(WORKS[name], network=small, kernels=None)
    if name.startswith("vgg"):
        few = (["pad", 32], ["conv", 3, 4], ["pool"], ["flatten"], ["dense", 10])
        work = dataclasses.replace(work, network=dataclasses.replace(small, layers=few))
    measured, *others = play(work, [("labkit", sys.executable)], 1, 1, print)
    assert len(others) == (name == "pipeline-fit")  # whose peer is labkit itself
    assert 0 < measured.least <= measured.median < 30
    assert 10**7 < measured.peak < 10**9
