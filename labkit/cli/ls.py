"""`labkit ls`: the sweeps in the store, or the trials of one of them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import click

from labkit.cli.main import debug_option
from labkit.cli.text import columns


@click.command()
@click.argument("sweep", required=False)
@click.option("--logs", default="logs", show_default=True, metavar="DIR", help="Folder of the store and all logs.")
@debug_option
def ls(sweep: str | None, logs: str) -> None:
    """List the sweeps in the store, or the trials of one SWEEP (its id or the first letters of it)."""
    from labkit.errors import NotFoundError
    from labkit.lab.ownership import settle
    from labkit.lab.progress import duration, label
    from labkit.lab.store import Store

    folder = Path(logs).resolve()
    if not (folder / "labkit.sqlite").exists():
        raise NotFoundError(
            f"There is no store in {folder}", fix="Name the folder that `labkit run` wrote to: --logs DIR"
        )
    store = Store(folder)
    try:
        sweeps = store.sweeps()
        for row in sweeps:
            settle(store, folder, row)
        if sweep is None:
            lines: list[tuple[str, ...]] = [("sweep", "experiment", "trials", "space")]
            for row in sweeps:
                states = Counter(str(trial.state) for trial in store.trials(row.id))
                lines.append((row.id, row.experiment, _states(states), _space(row.space)))
            click.echo(columns(lines))
            return
        matches = [row for row in sweeps if row.id.startswith(sweep)]
        exact = [row for row in matches if row.id == sweep]
        if len(exact or matches) != 1:
            problem = "No sweep's id begins" if not matches else f"The ids of {len(matches)} sweeps begin"
            raise NotFoundError(f"{problem} with {sweep!r}", fix="`labkit ls` lists them.")
        row = (exact or matches)[0]
        lines = [("trial", "state", "attempts", "time", "data", "reason")]
        for trial in store.trials(row.id):
            reason = (trial.reason or "").splitlines()
            data = ", ".join(entry["name"] for entry in trial.data)
            name = label(trial, list(row.space))
            lines.append(
                (name, trial.state, str(trial.attempt), duration(trial.seconds), data, reason[0] if reason else "")
            )
        click.echo(columns(lines))
    finally:
        store.close()


def _states(states: Counter[str]) -> str:
    done = states["COMPLETED"] + states["PRUNED"]
    others = [f"{count} {state.lower()}" for state, count in states.items() if state not in ("COMPLETED", "PRUNED")]
    return ", ".join([f"{done}/{sum(states.values())} completed", *others])


def _space(space: dict[str, list[Any]]) -> str:
    return " ".join(f"{key}={','.join(str(value) for value in values)}" for key, values in space.items()) or "-"
