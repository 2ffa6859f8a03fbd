"""`labkit show`: all that is known of a sweep or a trial."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from labkit.cli.ls import json_option, logs_option, print_json, space, states, when
from labkit.cli.main import debug_option
from labkit.cli.text import columns, facts

if TYPE_CHECKING:
    from labkit.lab.rows import SweepRow, TrialRow
    from labkit.lab.store import Store


@click.command()
@click.argument("name", metavar="SWEEP|TRIAL")
@json_option
@logs_option
@debug_option
def show(name: str, as_json: bool, logs: str) -> None:
    """Show all that is known of a sweep or a trial.

    A sweep is named by its id or the first letters of it, a trial as SWEEP/t0003 or by its own id.
    """
    from labkit.lab.find import find, open_store

    store = open_store(logs)
    try:
        row, trial = find(store, name)
        if trial is not None:
            known = _of_trial(store, row, trial)
        else:
            known = _of_sweep(store, row)
        if as_json:
            print_json(known)
        else:
            click.echo(facts([(key, _text(value)) for key, value in known.items() if value not in (None, "", [], {})]))
            if trial is None:
                _show_figures(store, row)
    finally:
        store.close()


def _of_sweep(store: Store, row: SweepRow) -> dict[str, Any]:
    described = _described(store.path.parent / row.folder / "sweep.json")
    return {
        "sweep": row.id,
        "experiment": row.experiment,
        "question": row.doc,
        "file": row.file,
        "trials": states(store.counts().get(row.id, {})),
        "space": space(row.space),
        "config": row.settings.get("config", {}),
        "quick": row.settings.get("quick", False),
        "search": row.settings.get("search", "grid"),
        "metric": f"{row.metric} ({row.direction})",
        "created": when(row.created),
        "repeat": row.repeat + 1,
        "code": row.code,
        "commit": described.get("commit"),
        "python": described.get("python"),
        "packages": described.get("packages", {}),
        "machine": described.get("machine", {}),
        "events": [text for number, text in store.events(row.id) if number is None],
        "folder": str(store.path.parent / row.folder),
    }


def _of_trial(store: Store, row: SweepRow, trial: TrialRow) -> dict[str, Any]:
    from labkit.lab.progress import duration

    folder = store.path.parent / row.folder / trial.folder
    described = _described(store.path.parent / row.folder / "sweep.json")
    return {
        "trial": f"{row.id}/{trial.folder}",
        "id": trial.id,
        "key": trial.key,
        "experiment": row.experiment,
        "state": trial.state,
        "kind": trial.kind,
        "reason": trial.reason,
        "config": trial.config,
        "seed": trial.seed,
        "time": duration(trial.seconds),
        "attempts": [
            f"{attempt.attempt}: {attempt.state.lower()}, started {when(attempt.started)}"
            + (f", {duration(attempt.seconds)}" if attempt.seconds is not None else "")
            + (f": {attempt.reason.splitlines()[0]}" if attempt.reason else "")
            for attempt in store.attempts(row.id, trial.number)
        ],
        "figures": store.final(trial),
        "data": [
            f"{entry['name']}"
            + (f" in place of {entry['requested']}" if entry["requested"] != entry["name"] else "")
            + f", checksum {entry['checksum']}"
            for entry in trial.data
        ],
        "made by": trial.made,
        "machine": described.get("machine", {}),
        "code": row.code,
        "commit": described.get("commit"),
        "artefacts": trial.artefacts,
        "events": [text for number, text in store.events(row.id) if number == trial.number],
        "folder": str(folder),
        "files": _files(folder),
    }


def _show_figures(store: Store, row: SweepRow) -> None:
    """The metric over the seeds, a line for each configuration."""
    from labkit.lab.results import results_of
    from labkit.report.shown import shown
    from labkit.report.statistics import estimate
    from labkit.report.table import groups

    found = groups(results_of(store.trials(row.id), store.metrics(row.id)))
    lines = [(*row.space, "n", row.metric, "data")]
    for group in found:
        values = list(group.values(row.metric).values())
        cells = [shown(group.config[key]) if key in group.config else "-" for key in row.space]
        lines.append((*cells, str(len(group.completed)), str(estimate(values)), group.data))
    if found:
        click.echo("\n" + columns(lines))


def _described(path: Path) -> dict[str, Any]:
    """sweep.json; nothing where it is gone or damaged: it adds to what the store says, no more."""
    from labkit.lab import plain

    try:
        found = plain.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _files(folder: Path) -> list[str]:
    try:
        found = sorted(path for path in folder.rglob("*") if path.is_file())
        return [f"{path.relative_to(folder)}  {size(path.stat().st_size)}" for path in found]
    except OSError:  # they go while we look
        return []


def size(count: float) -> str:
    """Bytes for people: `312 bytes`, `4.1 kB`, `20.0 MB`."""
    if count < 1000:
        return f"{count:.0f} bytes"
    power = min(3, int(math.log10(count)) // 3)
    return f"{count / 1000**power:.1f} {('kB', 'MB', 'GB')[power - 1]}"


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{name} = {item}" for name, item in value.items())
    return "\n".join(map(str, value)) if isinstance(value, list) else str(value)
