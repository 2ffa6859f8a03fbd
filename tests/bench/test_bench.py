"""`labkit bench`: the turns, the table, and that every work runs on labkit's side."""

from __future__ import annotations

import dataclasses
import sys

import pytest
from click.testing import CliRunner

from labkit.bench.match import Measured, Side, SideError, peers, play
from labkit.bench.table import markdown, records, row, seconds
from labkit.bench.works import WORKS
from labkit.cli.bench import bench
from labkit.errors import ConfigError

OURS = Measured("labkit", "session.run", "1", (0.002, 0.001, 0.003), 10**8)
SLOW = Measured("torch", "eager", "2", (0.02, 0.03, 0.01), 2 * 10**8)
BEST = Measured("torch", "fused", "2", (0.004, 0.008, 0.002), 3 * 10**8)


def test_the_ratio_is_to_the_peer_with_the_smallest_median():
    r = row("vgg", [OURS, SLOW, BEST], "avx512")
    assert (r["best"], r["ratio"], r["ratio of minima"], r["goal"]) == (BEST, 2.0, 2.0, 2.5)
    assert row("vgg", [OURS, BEST], "avx2")["goal"] == 1.8
    assert row("vgg", [OURS], "avx512")["ratio"] is None


def test_the_table_names_what_was_best_and_keeps_everything_measured():
    rows = [row("vgg", [OURS, SLOW, BEST], "avx512"), row("line", [OURS], "avx512")]
    text = markdown(rows, {"processor": "x"})
    assert "| VGG-MNIST training step, batch 100, Adam | 2.00 ms | 4.00 ms, torch fused | 2.0 | 2.0 | 2.5 |" in text
    assert "| linear regression step, fed from lists | 2.00 ms | - | - | - | 15 |" in text
    assert [r["variant"] for r in records(rows)] == ["session.run", "eager", "fused", "session.run"]


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


def test_peers_are_known_and_can_have_an_interpreter_of_their_own():
    assert peers(["torch", f"jax={sys.executable}"]) == [("torch", sys.executable), ("jax", sys.executable)]
    with pytest.raises(ConfigError, match="Peers are torch"):
        peers(["theano"])
    with pytest.raises(ConfigError, match="cannot be run"):
        peers(["torch=/no/such/python"])


def test_a_peer_that_is_not_installed_is_said_and_left_out():
    told: list[str] = []
    work = dataclasses.replace(WORKS["line"])
    (only,) = play(work, [("labkit", sys.executable), ("nothing", sys.executable)], 1, 2, told.append)
    assert (only.side, len(only.seconds)) == ("labkit", 2)
    assert "No module named 'nothing_side'" in told[0]


def test_a_side_that_dies_is_an_error_with_its_last_words():
    with Side("labkit", sys.executable, 1) as side:
        side._process.kill()
        with pytest.raises(SideError, match="labkit cannot take part"):
            side.ask(about=True)


@pytest.mark.parametrize("name", WORKS)
def test_every_work_runs_on_labkits_side(name: str):
    small = dataclasses.replace(WORKS[name].network, batch=2)
    work = dataclasses.replace(WORKS[name], network=small)
    if name.startswith("vgg"):
        few = (["pad", 32], ["conv", 3, 4], ["pool"], ["flatten"], ["dense", 10])
        work = dataclasses.replace(work, network=dataclasses.replace(small, layers=few))
    (measured,) = play(work, [("labkit", sys.executable)], 1, 1, print)
    assert 0 < measured.least <= measured.median < 30


def test_an_unknown_work_is_refused():
    result = CliRunner().invoke(bench, ["vvg"])
    assert isinstance(result.exception, ConfigError)
    assert "Works are vgg, vgg-forward" in str(result.exception)


def test_the_command_prints_a_table_and_writes_both_files(tmp_path):
    result = CliRunner().invoke(bench, ["line", "--turns", "2", "--threads", "1", "--out", str(tmp_path / "a")])
    assert result.exit_code == 0, result.output
    assert "| linear regression step, fed from lists |" in result.stdout
    assert (tmp_path / "a" / "bench.md").read_text() == result.stdout
    assert (tmp_path / "a" / "bench.csv").read_text().startswith("work,side,variant,version,median_seconds")
