"""`labkit export`: a sweep's trials as a table for other programs."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from labkit.cli.ls import logs_option
from labkit.cli.main import debug_option

FORMATS = ("csv", "json", "parquet")


@click.command()
@click.argument("sweep")
@click.option("--format", "form", type=click.Choice(FORMATS), help="Default: as FILE ends, else csv.")
@click.option("-o", "--output", metavar="FILE", help="Write there, in one step, instead of to the terminal.")
@click.option("--steps", is_flag=True, help="The figures at validation points instead of the final ones.")
@logs_option
@debug_option
def export(sweep: str, form: str | None, output: str | None, steps: bool, logs: str) -> None:
    """Write a row for each trial of SWEEP: id, seed, state, configuration, figures.

    NaN and infinity come out as they are: nan and inf in csv, {"$float": "nan"} in json.
    """
    from labkit.errors import ConfigError
    from labkit.lab.export import encode, step_rows, trial_rows, write
    from labkit.lab.find import find_sweep, open_store

    if form is None:
        form = Path(output or "").suffix.lower().removeprefix(".")
        form = form if form in FORMATS else "csv"
    if form == "parquet" and output is None:
        raise ConfigError("parquet is not for the terminal", fix="Name a file: -o FILE")
    store = open_store(logs)
    try:
        row = find_sweep(store, sweep)
        data = encode((step_rows if steps else trial_rows)(store, row), form)
    finally:
        store.close()
    if output is None:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
    else:
        write(Path(output), data)
