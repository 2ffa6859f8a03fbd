"""The trials of a sweep, or their figures over the steps, as a table for other programs."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from labkit.errors import ConfigError, StoreError
from labkit.io import write_bytes
from labkit.lab import plain
from labkit.lab.rows import SweepRow
from labkit.lab.store import Store

FORMATS = ("csv", "json", "parquet")


def trial_rows(store: Store, sweep: SweepRow) -> list[dict[str, Any]]:
    """A row for each trial: what it is, its configuration (`config.KEY`), and its final figures (`figure.NAME`)."""
    figures = store.metrics(sweep.id)
    return [
        {
            "sweep": sweep.id,
            "experiment": sweep.experiment,
            "trial": trial.folder,
            "id": trial.id,
            "key": trial.key,
            "seed": trial.seed,
            "state": trial.state,
            "attempts": trial.attempt,
            "kind": trial.kind,
            "reason": trial.reason,
            "seconds": trial.seconds,
            "data": ", ".join(entry["name"] for entry in trial.data),
            **{name: trial.made.get(name) for name in ("target", "processor", "labkit")},
            **{f"config.{name}": value for name, value in trial.config.items()},
            **{f"figure.{name}": value for name, value in figures.get(trial.number, {}).items()},
        }
        for trial in store.trials(sweep.id)
    ]


def step_rows(store: Store, sweep: SweepRow) -> list[dict[str, Any]]:
    """A row for each figure at a step: sweep, trial, step, name, value."""
    rows = [
        {"sweep": sweep.id, "trial": f"t{number:04d}", "step": step, "name": name, "value": value}
        for number, step, figures in store.history(sweep.id)
        if step is not None
        for name, value in figures.items()
    ]
    return sorted(rows, key=lambda row: (row["trial"], row["step"]))


def encode(rows: list[dict[str, Any]], form: str) -> bytes:
    """The rows in one of FORMATS, every float so that it comes back as it was.

    csv: nan, inf and -inf are these words, what a row lacks is empty, lists and mappings are JSON. json: a list of objects, in
    which NaN is {"$float": "nan"}, as JSON has no name for it. parquet: what a row lacks is null, which NaN is not.

    Raises:
        ConfigError: another format; or parquet, and pyarrow is not installed.
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    if form == "csv":
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(names)
        table.writerows([[_cell(row.get(name)) for name in names] for row in rows])
        return text.getvalue().encode("utf-8", "backslashreplace")
    if form == "json":
        return plain.dumps(rows).encode("utf-8", "backslashreplace") + b"\n"
    if form == "parquet":
        return _parquet({name: [row.get(name) for row in rows] for name in names})
    raise ConfigError("This is no format to export to", rule=f"it is one of {', '.join(FORMATS)}", received=repr(form))


def write(path: Path, data: bytes) -> None:
    """Replaces the file in one step.

    Raises:
        StoreError: it cannot be written; it is as before.
    """
    try:
        write_bytes(path, data)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written ({error.strerror or error})", fix="Choose another file: -o FILE"
        ) from error


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, float):
        return repr(value)
    return value if isinstance(value, str) else plain.dumps(value)


def _parquet(columns: dict[str, list[Any]]) -> bytes:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ConfigError(
            "parquet files need the package pyarrow, which is not installed",
            fix="pip install pyarrow, or choose --format csv",
        ) from error
    arrays = {}
    for name, values in columns.items():
        kinds = {type(value) for value in values if value is not None}
        if kinds == {int, float}:
            values = [None if value is None else float(value) for value in values]
        elif len(kinds) > 1 or kinds & {list, dict}:  # a column has one type: these are text
            values = [value if value is None or isinstance(value, str) else plain.dumps(value) for value in values]
        arrays[name] = pyarrow.array(values, from_pandas=False)
    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(pyarrow.table(arrays), sink)
    return sink.getvalue().to_pybytes()
