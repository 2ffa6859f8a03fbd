"""`labkit ls`: the sweeps in the store, or the trials of one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from labkit.cli.main import debug_option
from labkit.cli.text import columns

if TYPE_CHECKING:
    from labkit.lab.rows import SweepRow, TrialRow
    from labkit.lab.store import Store

STATES = ("pending", "running", "completed", "failed", "pruned", "interrupted")

logs_option = click.option(
    "--logs", default="logs", show_default=True, metavar="DIR", help="Folder of the store and all logs."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


@click.command()
@click.argument("sweep", required=False)
@click.option("--experiment", metavar="NAME", help="Only sweeps of this experiment.")
@click.option("--state", type=click.Choice(STATES, case_sensitive=False), help="Only what is in this state.")
@click.option("--last", type=click.IntRange(min=1), metavar="N", help="Only the newest N.")
@json_option
@logs_option
@debug_option
def ls(
    sweep: str | None, experiment: str | None, state: str | None, last: int | None, as_json: bool, logs: str
) -> None:
    """List the sweeps in the store, oldest first, or the trials of one SWEEP (its id or the first letters of it).

    With --state: the sweeps that have a trial in that state, or such trials of SWEEP.
    """
    from labkit.errors import ConfigError
    from labkit.lab.find import find_sweep, open_store

    if sweep is not None and experiment is not None:
        raise ConfigError("--experiment chooses among sweeps", received=f"the sweep {sweep!r} besides")
    wanted = state and state.upper()
    store = open_store(logs)
    try:
        if sweep is not None:
            row = find_sweep(store, sweep)
            trials = store.trials(row.id, **({"state": wanted} if wanted else {}))
            _show_trials(row, trials[-last:] if last else trials, as_json)
        else:
            counts = store.counts()
            rows = store.sweeps(**({"experiment": experiment} if experiment is not None else {}))
            if experiment is not None and not rows:
                _refuse(store, experiment)
            rows = [row for row in rows if not wanted or wanted in counts.get(row.id, {})]
            _show_sweeps(rows[-last:] if last else rows, counts, as_json)
    finally:
        store.close()


def _show_sweeps(rows: list[SweepRow], counts: dict[str, dict[str, int]], as_json: bool) -> None:
    if as_json:
        entries = [
            {"sweep": row.id, "experiment": row.experiment, "created": row.created, "states": counts.get(row.id, {})}
            | {"space": row.space, "settings": row.settings, "metric": row.metric}
            for row in rows
        ]
        print_json(entries)
        return
    lines: list[tuple[str, ...]] = [("sweep", "experiment", "trials", "created", "space")]
    for row in rows:
        lines.append((row.id, row.experiment, states(counts.get(row.id, {})), when(row.created), space(row.space)))
    click.echo(columns(lines))


def _show_trials(row: SweepRow, trials: list[TrialRow], as_json: bool) -> None:
    from labkit.lab.progress import duration, label

    if as_json:
        names = ("id", "config", "seed", "state", "attempt", "kind", "reason", "seconds")
        entries = [
            {"trial": f"{row.id}/{trial.folder}", **{name: getattr(trial, name) for name in names}}
            | {"data": [entry["name"] for entry in trial.data]}
            for trial in trials
        ]
        print_json(entries)
        return
    lines = [("trial", "state", "attempts", "time", "data", "reason")]
    for trial in trials:
        reason = (trial.reason or "").splitlines()
        data = ", ".join(entry["name"] for entry in trial.data)
        name = label(trial, list(row.space))
        lines.append(
            (name, trial.state, str(trial.attempt), duration(trial.seconds), data, reason[0] if reason else "")
        )
    click.echo(columns(lines))


def _refuse(store: Store, experiment: str) -> None:
    from labkit.errors import NotFoundError
    from labkit.near import quoted_near_names

    near = quoted_near_names(experiment, [row.experiment for row in store.sweeps()])
    raise NotFoundError(
        f"There is no sweep of an experiment {experiment!r}",
        fix=f"Did you mean {near}?" if near else "`labkit ls` lists them all.",
    )


def print_json(value: Any) -> None:
    """JSON, in which NaN and infinity are {"$float": "nan"}, as JSON has no name for them."""
    from labkit.lab import plain

    click.echo(plain.dumps(value))


def states(counts: dict[str, int]) -> str:
    """`3/5 completed, 2 failed`."""
    others = [f"{count} {name.lower()}" for name, count in counts.items() if name != "COMPLETED"]
    return ", ".join([f"{counts.get('COMPLETED', 0)}/{sum(counts.values())} completed", *others])


def when(wall: float) -> str:
    """A wall time for people, in their zone; "?" where the clock was so far off that there is no date."""
    import datetime

    try:
        return datetime.datetime.fromtimestamp(wall).strftime("%Y-%m-%d %H:%M")
    except (OverflowError, OSError, ValueError):
        return "?"


def space(spec: dict[str, Any]) -> str:
    """`rate=uniform(0,1) width=16,32`."""
    from labkit.lab.space.reading import describe

    return describe(spec) or "-"
