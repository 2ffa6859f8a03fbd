"""The table of a sweep: one row per configuration (and data set used), computed from the store."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.io import make_folder, write_text
from labkit.lab import plain
from labkit.lab.store import Store, SweepRow, TrialRow
from labkit.report.bias_variance import bias_variance
from labkit.report.statistics import Estimate, estimate, paired_difference

if TYPE_CHECKING:
    import pandas

SPLITS = ("train", "validation", "test")
ERRORS = tuple(f"{split}/error" for split in SPLITS)


@dataclasses.dataclass(frozen=True)
class Group:
    """The trials of one configuration on one set of data."""

    config: dict[str, Any]
    data: str
    trials: list[TrialRow]
    metrics: dict[int, dict[str, float]]

    def values(self, name: str) -> dict[int, float]:
        """Seed -> final figure, of the completed trials that have it, by seed."""
        pairs = [(trial.seed, self.metrics[trial.number][name]) for trial in self.completed if name in self.metrics[trial.number]]
        return dict(sorted(pairs))

    @property
    def completed(self) -> list[TrialRow]:
        return [trial for trial in self.trials if trial.state == "COMPLETED"]


def groups(store: Store, sweep: SweepRow) -> list[Group]:
    """The trials of a sweep by configuration and data; means over different data would mean nothing."""
    metrics = store.metrics(sweep.id)
    found: dict[str, Group] = {}
    trials = store.trials(sweep.id)
    for trial in trials:
        data = ", ".join(entry["name"] for entry in trial.data)
        if not trial.data:  # it never got so far: it belongs to the row of its configuration, if there is one
            like = [other for other in trials if other.config == trial.config and other.data]
            data = ", ".join(entry["name"] for entry in like[0].data) if like else ""
        group = found.setdefault(plain.dumps([trial.config, data]), Group(trial.config, data, [], {}))
        group.trials.append(trial)
        group.metrics[trial.number] = metrics.get(trial.number, {})
    return list(found.values())


def table(store: Store, sweep: SweepRow) -> pandas.DataFrame:
    """One row per configuration.

    Columns: the swept keys; `n` (completed trials), `failed`; for experiments that end with `trial.evaluate`
    accuracy of each split, `bias`, `variance` (fractions), otherwise each final figure; `<column> +-` holds half the
    width of its 95% interval (NaN for n < 2); `seconds` per trial; `data`; `verdict`.
    """
    import pandas

    found = groups(store, sweep)
    rows = [_row(group, sweep) for group in found]
    columns: list[str] = []
    for row in rows:  # the order of the fullest row, whichever that is
        columns += [name for name in row if name not in columns]
    for last in ("seconds", "data", "verdict"):
        if last in columns:
            columns.append(columns.pop(columns.index(last)))
    if not any(row["failed"] for row in rows) and "failed" in columns:
        columns.remove("failed")
    return pandas.DataFrame(rows, columns=columns)


def _row(group: Group, sweep: SweepRow) -> dict[str, Any]:
    row: dict[str, Any] = {key: _cell(group.config[key]) for key in sweep.space}
    row["n"] = len(group.completed)
    row["failed"] = sum(trial.state == "FAILED" for trial in group.trials)

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
            sweep.reference_error,
        )
        put("bias", found.bias)
        put("variance", found.variance)
        verdict = found.verdict()
    else:
        names = dict.fromkeys(name for figures in group.metrics.values() for name in figures)
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
        reason = (failed[0].reason or "").splitlines()
        parts.append(f"{len(failed)} failed ({reason[0] if reason else 'no reason known'})")
    if left:
        parts.append(f"{left} still to run")
    return ", ".join(parts)


def _cell(value: Any) -> Any:
    return plain.dumps(value) if isinstance(value, list) else value


def comparison(store: Store, sweep: SweepRow) -> str:
    """The best configuration by the sweep's metric and how surely it beats the next, in a sentence; "" for one row."""
    ranked = []
    for group in groups(store, sweep):
        values = group.values(sweep.metric)
        if values and all(math.isfinite(value) for value in values.values()):
            ranked.append((estimate(list(values.values())).mean, group, values))
    if len(ranked) < 2:
        return ""
    ranked.sort(key=lambda entry: entry[0])
    (_, best, first), (_, other, second) = ranked[:2]
    name, next_name = _name(best, sweep), _name(other, sweep)
    if best.data != other.data:
        return f"{name} and {next_name} were run on different data: their {sweep.metric} cannot be compared."
    gap = paired_difference(second, first)
    if gap.n < 2:
        return (
            f"Lowest {sweep.metric}: {name}; with {gap.n} seed{'s' * (gap.n != 1)} in common "
            "nothing says whether that is noise."
        )
    difference = f"{gap.mean:.4g} ± {gap.half_width:.2g}, paired over {gap.n} seeds"
    if gap.differs_from_zero:
        return f"Lowest {sweep.metric}: {name}, by {difference}, before {next_name}."
    return f"Lowest {sweep.metric}: {name}, but {next_name} is within noise ({difference})."


def _name(group: Group, sweep: SweepRow) -> str:
    return " ".join(f"{key}={group.config[key]}" for key in sweep.space) or group.data


def text_table(frame: pandas.DataFrame) -> tuple[list[str], list[list[str]]]:
    """Headings and cells as people read them: accuracy in percent with its interval, `n=1` where there is none."""
    headings = [str(name) for name in frame.columns if not str(name).endswith(" ±")]
    rows = [[_text(frame, place, name) for name in headings] for place in range(len(frame))]
    return headings, rows


def _text(frame: pandas.DataFrame, place: int, name: str) -> str:
    value = frame[name].iloc[place]
    if isinstance(value, str):
        return value
    if name in ("n", "failed") or isinstance(value, bool):
        return str(value)
    if isinstance(value, float) and math.isnan(value) and f"{name} ±" not in frame.columns:
        return "-"
    if name == "seconds":
        return f"{value:.1f}"
    if f"{name} ±" not in frame.columns:
        return str(value)
    n, half = frame["n"].iloc[place], frame[f"{name} ±"].iloc[place]
    percent = name.endswith(" accuracy") or name in ("bias", "variance")
    if math.isnan(value):
        return "-" if n == 0 else "nan"
    shown = f"{100 * value:.2f}%" if percent else f"{value:.5g}"
    if math.isnan(half):
        return f"{shown} (n={n})"
    return f"{shown} ± {100 * half:.2f}" if percent else f"{shown} ± {half:.2g}"


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
