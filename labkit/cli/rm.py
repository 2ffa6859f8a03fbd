"""`labkit rm`: remove sweeps and trials, with their files."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from labkit.cli.ls import logs_option, states
from labkit.cli.main import debug_option
from labkit.cli.show import size

if TYPE_CHECKING:
    from labkit.lab.rows import SweepRow, TrialRow


@click.command()
@click.argument("names", metavar="SWEEP|TRIAL...", nargs=-1, required=True)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@logs_option
@debug_option
def rm(names: tuple[str, ...], yes: bool, logs: str) -> None:
    """Remove sweeps and trials from the store, and their folders from the disk, for good.

    A sweep is named by its id or the first letters of it, a trial as SWEEP/t0003 or by its own id. What runs is refused. The
    same `labkit run` would run again what was removed.
    """
    from labkit.errors import ConfigError
    from labkit.lab.find import find, open_store
    from labkit.lab.removal import remove

    store = open_store(logs)
    try:
        folder = store.path.parent
        wanted: dict[str, tuple[SweepRow, list[TrialRow] | None]] = {}
        for name in names:
            row, trial = find(store, name)
            _, trials = wanted.get(row.id, (row, []))
            if trial is None or trials is None:
                wanted[row.id] = row, None
            elif trial not in trials:
                wanted[row.id] = row, [*trials, trial]
        counts = store.counts()
        for row, trials in wanted.values():
            paths = [folder / row.folder] if trials is None else [folder / row.folder / t.folder for t in trials]
            what = f"sweep {row.id} of {row.experiment}, {states(counts.get(row.id, {}))}"
            if trials is not None:
                what = f"{', '.join(f'{row.id}/{trial.folder}' for trial in trials)} of {row.experiment}"
            click.echo(f"{what}: {size(sum(map(_bytes, paths)))} in {', '.join(map(str, paths))}", err=True)
        if not yes:
            try:
                agreed = click.confirm("Remove?", err=True)
            except click.Abort:
                raise ConfigError(
                    "Nothing was removed: there was no answer", fix="Answer y, or remove without being asked: --yes"
                ) from None
            if not agreed:
                click.echo("Nothing was removed.", err=True)
                return
        for row, trials in wanted.values():
            remove(store, folder, row, trials)
            for place in [row.id] if trials is None else [f"{row.id}/{trial.folder}" for trial in trials]:
                click.echo(f"Removed {place}.")
    finally:
        store.close()


def _bytes(folder: Path) -> int:
    """Of all files in a folder; of one that changes meanwhile, about."""
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            total += path.lstat().st_size if not path.is_dir() else 0
    return total
