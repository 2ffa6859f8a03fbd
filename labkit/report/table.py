"""The table of a sweep: one row per configuration (and data set used)."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.io import make_folder, write_text
from labkit.report.bias_variance import bias_variance
from labkit.report.shown import shown
from labkit.report.statistics import Estimate, estimate

if TYPE_CHECKING:
    import pandas

SPLITS = ("train", "validation", "test")
ERRORS = tuple(f"{split}/error" for split in SPLITS)


@dataclasses.dataclass(frozen=True)
class Result:
    """What became of one trial.

    Attributes:
        state: PENDING, RUNNING, COMPLETED, FAILED, PRUNED or INTERRUPTED.
        reason: why it failed.
        data: the names of the data sets it used.
        metrics: its final figures; errors are fractions.
    """

    config: dict[str, Any]
    seed: int
    state: str
    reason: str
    seconds: float
    data: tuple[str, ...]
    metrics: dict[str, float]


@dataclasses.dataclass(frozen=True)
class Question:
    """What a sweep asks.

    Attributes:
        keys: the configuration keys in which the rows differ.
        metric: the figure they are compared by.
        reference_error: what bias is measured from, a fraction.
        direction: "minimize" where a smaller figure is better, or "maximize".
    """

    keys: tuple[str, ...]
    metric: str
    reference_error: float
    direction: str = "minimize"


@dataclasses.dataclass(frozen=True)
class Group:
    """The trials of one configuration on one set of data."""

    config: dict[str, Any]
    data: str
    trials: list[Result]

    def values(self, name: str) -> dict[int, float]:
        """Seed -> final figure, of the completed trials that have it, by seed."""
        return dict(sorted((trial.seed, trial.metrics[name]) for trial in self.completed if name in trial.metrics))

    @property
    def completed(self) -> list[Result]:
        return [trial for trial in self.trials if trial.state == "COMPLETED"]


def groups(results: Sequence[Result]) -> list[Group]:
    """Trials by configuration and data; means over different data would mean nothing."""
    found: dict[str, Group] = {}
    configs = [json.dumps(trial.config, sort_keys=True) for trial in results]
    used: dict[str, tuple[str, ...]] = {}
    for trial, config in zip(results, configs, strict=True):
        if trial.data:
            used.setdefault(config, trial.data)
    for trial, config in zip(results, configs, strict=True):
        # One without data never got so far: it belongs to the row of its configuration, if there is one.
        group = Group(trial.config, ", ".join(trial.data or used.get(config, ())), [])
        found.setdefault(f"{config} {group.data}", group).trials.append(trial)
    return list(found.values())


def table(results: Sequence[Result], question: Question) -> pandas.DataFrame:
    """One row per configuration.

    Columns: the swept keys (`config.KEY` where another column has the name of a key); `n` (completed trials), `failed`,
    `pruned`; for experiments that end with `trial.evaluate` accuracy of each split, `bias`, `variance` (fractions), otherwise
    each final figure; `<column> ±` holds half the width of its 95% interval (NaN for n < 2); `seconds` per trial; `data`;
    `verdict`.
    """
    import pandas

    found = groups(results)
    figures = [_row(group, question) for group in found]
    headings = headings_of(question.keys, {name for row in figures for name in row})
    choices = [{headings[key]: _cell(group.config.get(key, math.nan)) for key in question.keys} for group in found]
    rows = [{**choice, **row} for choice, row in zip(choices, figures, strict=True)]
    columns: list[str] = list(headings.values())
    for row in rows:  # the order of the fullest row, whichever that is
        columns += [name for name in row if name not in columns]
    for last in ("seconds", "data", "verdict"):
        if last in columns:
            columns.append(columns.pop(columns.index(last)))
    columns = [
        name
        for name in columns
        if name not in ("failed", "pruned", "data", "verdict") or any(row[name] for row in rows)
    ]
    frame = pandas.DataFrame(rows, columns=columns)
    for name in headings.values():
        values = [row[name] for row in rows]
        if len({type(value) for value in values}) > 1:  # 3 beside none stays 3
            frame[name] = pandas.Series(values, dtype=object)
    return frame


def headings_of(keys: Iterable[str], taken: Iterable[str]) -> dict[str, str]:
    """Key -> the name of its column in a table that has other columns, too."""
    taken = set(taken)
    return {key: f"config.{key}" if key in taken else key for key in keys}


def _row(group: Group, question: Question) -> dict[str, Any]:
    """A row, but for the keys."""
    row: dict[str, Any] = {"n": len(group.completed)}
    for state in ("failed", "pruned"):
        row[state] = sum(trial.state == state.upper() for trial in group.trials)

    def put(name: str, found: Estimate) -> None:
        row[name], row[f"{name} ±"] = found.mean, found.half_width

    errors = {name: group.values(name) for name in ERRORS}
    if any(errors.values()):
        for split, name in zip(SPLITS, ERRORS, strict=True):
            put(f"{split} accuracy", estimate([1.0 - error for error in errors[name].values()]))
        seeds = sorted(errors["train/error"].keys() & errors["validation/error"].keys())
        found = bias_variance(
            [errors["train/error"][seed] for seed in seeds],
            [errors["validation/error"][seed] for seed in seeds],
            question.reference_error,
        )
        put("bias", found.bias)
        put("variance", found.variance)
        verdict = found.verdict()
    else:
        names = dict.fromkeys(name for trial in group.completed for name in trial.metrics)
        for name in names:
            put(name, estimate(list(group.values(name).values())))
        verdict = ""
    row["seconds"] = estimate([trial.seconds for trial in group.completed]).mean
    row["data"] = group.data
    row["verdict"] = "; ".join(filter(None, [_failures(group), verdict if group.completed else ""]))
    return row


def _failures(group: Group) -> str:
    failed = [trial for trial in group.trials if trial.state == "FAILED"]
    left = sum(trial.state in ("PENDING", "RUNNING", "INTERRUPTED") for trial in group.trials)
    parts = []
    if failed:
        reason = failed[0].reason.splitlines()
        parts.append(f"{len(failed)} failed ({reason[0] if reason else 'no reason known'})")
    if left:
        parts.append(f"{left} still to run")
    return ", ".join(parts)


def _cell(value: Any) -> Any:
    return shown(value) if isinstance(value, list | dict) else value


def text_table(frame: pandas.DataFrame) -> tuple[list[str], list[list[str]]]:
    """Headings and cells as people read them: accuracy in percent with its interval, `n=1` where there is none."""
    headings = [str(name) for name in frame.columns if not str(name).endswith(" ±")]
    columns = {str(name): frame[name].tolist() for name in frame.columns}
    rows = [[_text(columns, place, name) for name in headings] for place in range(len(frame))]
    return headings, rows


def _text(columns: dict[str, list[Any]], place: int, name: str) -> str:
    value = columns[name][place]
    if value is None or isinstance(value, str | bool):
        return shown(value)
    if name in ("n", "failed", "pruned"):
        return str(value)
    if isinstance(value, float) and math.isnan(value) and f"{name} ±" not in columns:
        return "-"
    if name == "seconds":
        return f"{value:.1f}"
    if f"{name} ±" not in columns:
        return str(value)
    n, half = columns["n"][place], columns[f"{name} ±"][place]
    percent = name.endswith(" accuracy") or name in ("bias", "variance")
    if math.isnan(value):
        return "-" if n == 0 else "nan"
    mean = f"{100 * value:.2f}%" if percent else f"{value:.5g}"
    if math.isnan(half):
        return f"{mean} (n={n})"
    return f"{mean} ± {100 * half:.2f}" if percent else f"{mean} ± {half:.2g}"


def write(frame: pandas.DataFrame, folder: Path, title: str, remarks: Sequence[str]) -> None:
    """results.csv with full precision and report.md for reading, in `folder`."""
    make_folder(folder)
    write_text(folder / "results.csv", frame.to_csv(index=False))
    headings, rows = text_table(frame)
    lines = [f"# {title}", "", *_markdown(headings, rows), ""]
    for remark in remarks:
        lines += [remark, ""]
    write_text(folder / "report.md", "\n".join(lines))


def _markdown(headings: list[str], rows: list[list[str]]) -> list[str]:
    lines = [headings, ["---"] * len(headings), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |" for line in lines]
