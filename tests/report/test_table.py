"""The table: one row a configuration and data set, and honest cells."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pytest

from labkit.report.comparison import best, comparison
from labkit.report.table import Question, Result, table, text_table, write

QUESTION = Question(("rate",), "validation/error", 0.002)


def trial(
    rate: float, seed: int, validation: float, state: str = "COMPLETED", data: str = "mnist", **changes
) -> Result:
    figures = {"train/error": validation / 2, "validation/error": validation, "test/error": validation + 0.01}
    facts = {"reason": "", "seconds": 2.0, "data": (data,) if data else (), "metrics": figures, **changes}
    return Result(config={"rate": rate, "steps": 5}, seed=seed, state=state, **facts)


def test_one_row_a_configuration() -> None:
    frame = table([trial(0.1, 0, 0.10), trial(0.2, 0, 0.30), trial(0.1, 1, 0.12), trial(0.2, 1, 0.31)], QUESTION)
    assert list(frame["rate"]) == [0.1, 0.2]
    assert list(frame["n"]) == [2, 2]
    assert frame["validation accuracy"][0] == pytest.approx(0.89)
    assert frame["validation accuracy ±"][0] == pytest.approx(12.706 * 0.01, rel=1e-3)
    assert frame["bias"][0] == pytest.approx(0.055 - 0.002)
    assert frame["variance"][0] == pytest.approx(0.055)
    assert list(frame["data"]) == ["mnist", "mnist"]
    assert "failed" not in frame.columns
    headings, rows = text_table(frame)
    assert headings[:5] == ["rate", "n", "train accuracy", "validation accuracy", "test accuracy"]
    assert rows[0][3] == "89.00% ± 12.71"


def test_one_seed_has_no_interval() -> None:
    _, rows = text_table(table([trial(0.1, 0, 0.10)], QUESTION))
    assert rows[0][3] == "90.00% (n=1)"


def test_different_data_are_different_rows() -> None:
    frame = table([trial(0.1, 0, 0.10), trial(0.1, 1, 0.01, data="synthetic_digits")], QUESTION)
    assert list(frame["data"]) == ["mnist", "synthetic_digits"]
    assert list(frame["n"]) == [1, 1]


def test_trials_that_did_not_complete_are_counted_and_give_no_figures() -> None:
    nan = {"metrics": {"validation/error": math.nan}}
    failed = trial(0.1, 1, 0.9, "FAILED", reason="loss is nan at step 3\nmore", data="", **nan)
    frame = table([trial(0.1, 0, 0.10), failed, trial(0.2, 0, 0.0, "PENDING", data="", metrics={})], QUESTION)
    assert list(frame["n"]) == [1, 0]
    assert list(frame["failed"]) == [1, 0]
    assert frame["verdict"][0].startswith("1 failed (loss is nan at step 3); one seed")
    assert frame["verdict"][1] == "1 still to run"
    _, rows = text_table(frame)
    assert "nan" not in " ".join(rows[1])


def test_other_figures_are_shown_as_they_are() -> None:
    frame = table([trial(0.1, seed, 0, metrics={"loss": 2.0 + seed, "W": -1.0}) for seed in (0, 1)], QUESTION)
    assert frame["loss"][0] == 2.5
    assert "bias" not in frame.columns
    headings, rows = text_table(frame)
    assert rows[0][headings.index("W")] == "-1 ± 0"


def test_the_best_row_is_named_only_as_surely_as_it_is_known() -> None:
    clear = [trial(rate, seed, rate + 0.001 * seed) for rate in (0.1, 0.2) for seed in range(3)]
    assert comparison(clear, QUESTION).startswith("Lowest validation/error: rate=0.1, by 0.1 ± ")
    assert comparison(clear, QUESTION).endswith(", paired over 3 seeds, before rate=0.2.")
    noisy = [trial(0.1, 0, 0.1), trial(0.1, 1, 0.4), trial(0.2, 0, 0.3), trial(0.2, 1, 0.25)]
    assert "rate=0.2 is within noise" in comparison(noisy, QUESTION)
    single = [trial(0.1, 0, 0.1), trial(0.2, 0, 0.3)]
    assert "nothing says whether that is noise" in comparison(single, QUESTION)
    mixed = [*clear[:3], *(trial(0.2, seed, 0.3, data="synthetic_digits") for seed in range(3))]
    assert "cannot be compared" in comparison(mixed, QUESTION)
    assert comparison(clear[:3], QUESTION) == ""


def test_rows_are_ranked_over_the_seeds_they_have_in_common() -> None:
    """A further seed of one row, an easy or a hard one, decides nothing."""
    results = [trial(1, seed, 0.10) for seed in range(2)] + [trial(2, seed, 0.15) for seed in range(2)]
    results.append(trial(2, 2, 0.0001))  # its plain mean is now the lower one
    assert comparison(results, QUESTION).startswith("Lowest validation/error: rate=1, by 0.05 ± 0, paired over 2 seeds")
    apart = [trial(1, 0, 0.1), trial(1, 1, 0.1), trial(2, 2, 0.2), trial(2, 3, 0.2)]
    assert "no seed in common" in comparison(apart, QUESTION)


def test_lowest_means_lower_than_every_other() -> None:
    results = [trial(1, seed, 0.10) for seed in range(3)] + [trial(2, seed, 0.11) for seed in range(3)]
    results += [trial(3, seed, value) for seed, value in enumerate((0.05, 0.10, 0.40))]
    assert "but rate=3 is within noise" in comparison(results, QUESTION)
    assert "more seeds needed" in comparison(results, QUESTION)


def test_rows_that_are_not_compared_are_named() -> None:
    results = [trial(rate, seed, rate) for rate in (0.1, 0.2) for seed in range(2)]
    lost = [trial(0.3, 0, 0.1), trial(0.3, 1, math.nan)]
    said = comparison([*results, *lost], QUESTION)
    assert said.startswith("Lowest validation/error: rate=0.1")
    assert "rate=0.3 is not compared: its validation/error is nan with seed 1." in said
    other = [trial(0.4, 0, 0.1, metrics={"loss": 1.0})]
    assert "rate=0.4 is not compared: no trial of it reported validation/error." in comparison(
        [*results, *other], QUESTION
    )
    misspelt = Question(("rate",), "validation/eror", 0.0)
    assert comparison(results, misspelt).startswith("No trial reported validation/eror, by which they should be")


def test_the_files_hold_the_table(tmp_path: Path) -> None:
    frame = table([trial(0.1, 0, 0.1 + 0.2), trial(0.1, 1, 0.3)], QUESTION)
    write(frame, tmp_path / "report", "A | title", ["A remark."])
    with (tmp_path / "report" / "results.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert {name: row[name] for name in ("rate", "n", "data")} == {"rate": "0.1", "n": "2", "data": "mnist"}
    assert float(row["validation accuracy"]) == frame["validation accuracy"][0]  # to the last bit
    text = (tmp_path / "report" / "report.md").read_text()
    assert "| rate | n |" in text
    assert "A remark." in text


def test_of_a_figure_to_maximize_the_largest_is_best() -> None:
    scores = {0.1: (0.5, 0.6), 0.2: (0.8, 0.9), 0.3: (0.1, 0.2)}
    results = [
        trial(rate, seed, 0.1, metrics={"score": score})
        for rate, pair in scores.items()
        for seed, score in enumerate(pair)
    ]
    question = Question(("rate",), "score", 0.0, "maximize")
    assert best(results, question) == {"rate": 0.2, "steps": 5}
    assert comparison(results, question).startswith("Highest score: rate=0.2, by 0.3 ")
    assert best(results, Question(("rate",), "score", 0.0)) == {"rate": 0.3, "steps": 5}


def test_what_diverged_is_never_best() -> None:
    results = [trial(0.1, 0, math.nan), trial(0.2, 0, math.inf), trial(0.3, 0, 0.5), trial(0.4, 0, 0.1, state="FAILED")]
    assert best(results, QUESTION) == {"rate": 0.3, "steps": 5}
    assert best(results[:2], QUESTION) is None


def test_keys_named_as_other_columns_keep_columns_of_their_own() -> None:
    question = Question(("data", "n", "loss", "rate"), "loss", 0.0)
    results = [
        Result({"data": name, "n": n, "loss": "mse", "rate": 0.1}, 0, "COMPLETED", "", 1.0, ("mnist",), {"loss": n / 4})
        for name in ("a", "b")
        for n in (7, 8)
    ]
    frame = table(results, question)
    assert list(frame.columns[:5]) == ["config.data", "config.n", "config.loss", "rate", "n"]
    assert list(frame["config.data"]) == ["a", "a", "b", "b"]
    assert list(frame["config.n"]) == [7, 8, 7, 8]
    assert list(frame["n"]) == [1] * 4
    assert list(frame["data"]) == ["mnist"] * 4
    _, rows = text_table(frame)
    assert rows[0][:6] == ["a", "7", "mse", "0.1", "1", "1.75 (n=1)"]


def test_values_stand_as_they_are_set() -> None:
    values = [None, 3, True, [4, 4], {"name": "sgd", "momentum": 0.9}, {"name": "l1", "of": [1]}, 1e-05]
    question = Question(("value",), "loss", 0.0)
    frame = table([Result({"value": v}, 0, "COMPLETED", "", 1.0, (), {"loss": 1.0}) for v in values], question)
    _, rows = text_table(frame)
    shown = ["none", "3", "true", "[4,4]", "sgd(momentum=0.9)", '{"name": "l1", "of": [1]}', "1e-05"]
    assert [row[0] for row in rows] == shown
    optional = table([Result({"value": v}, 0, "COMPLETED", "", 1.0, (), {"loss": 1.0}) for v in (None, 3)], question)
    assert list(optional["value"]) == [None, 3]  # and not nan, 3.0
