"""`labkit bench`: labkit's speed beside that of the libraries that are installed."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

import click

from labkit.cli.main import debug_option


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--against", default="", metavar="PEERS", help="torch, tensorflow, jax, by commas; torch=PYTHON for an environment."
)
@click.option("--threads", type=click.IntRange(1), help="Threads of every side.  [default: this process's cores]")
@click.option("--turns", type=click.IntRange(1), default=30, show_default=True, help="Rounds that are measured.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for bench.csv and bench.md.")
@debug_option
def bench(names: tuple[str, ...], against: str, threads: int | None, turns: int, out: Path | None) -> None:
    """Time labkit at each piece of work, and beside it its peers, taking turns on the same cores.

    Give the names of works, or none for all of them.
    """
    from labkit.bench.match import peers, play
    from labkit.bench.table import markdown, records, row
    from labkit.bench.works import WORKS
    from labkit.core.target import active_target
    from labkit.core.threads import get_num_threads
    from labkit.errors import ConfigError
    from labkit.io import make_folder, write_text
    from labkit.lab.machine import made_by

    unknown = sorted(set(names) - set(WORKS))
    if unknown:
        raise ConfigError(f"There is no work named {unknown[0]!r}", rule="Works are " + ", ".join(WORKS))
    sides = [("labkit", sys.executable), *peers([text for text in against.split(",") if text])]
    cores = threads or get_num_threads()
    rows = []
    for name in names or WORKS:
        click.echo(f"{name} ...", err=True)
        measured = play(WORKS[name], sides, cores, turns, lambda text: click.echo(f"  {text}", err=True))
        rows.append(row(name, measured, active_target()))
    text = markdown(rows, {**made_by(), "threads": str(cores)})
    click.echo(text, nl=False)
    if out is not None:
        make_folder(out)
        table = io.StringIO()
        flat = records(rows)
        writer = csv.DictWriter(table, list(flat[0]))
        writer.writeheader()
        writer.writerows(flat)
        write_text(out / "bench.csv", table.getvalue())
        write_text(out / "bench.md", text)
