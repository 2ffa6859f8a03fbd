"""`labkit replay TRIAL`: the trial once more, from the code kept with it, here and now."""

from __future__ import annotations

from pathlib import Path

import click

from labkit.cli.ls import logs_option
from labkit.cli.main import debug_option


@click.command()
@click.argument("trial")
@logs_option
@debug_option
@click.pass_context
def replay(context: click.Context, trial: str, logs: str) -> None:
    """Run a completed TRIAL again and compare its figures, predictions and weights with those it had.

    It runs the code that was kept with the sweep, in the environment there is now, apart from the store; nothing is
    installed. Versions and data that are not what they were are listed. Exit code 1 where anything differs.
    """
    from labkit.lab.find import find_trial, open_store
    from labkit.lab.replay import artefacts_are_whole, replay as run_again

    folder = Path(logs).resolve()
    store = open_store(logs)
    try:
        row, found = find_trial(store, trial)
        changed = artefacts_are_whole(folder / row.folder / found.folder, found)
        result = run_again(store, folder, row, found)
    finally:
        store.close()
    for name in changed:
        click.echo(f"{name} in the trial's folder is not what the trial left there.")
    for line in result.circumstances:
        click.echo(f"Not as it was: {line}")
    if result.differences:
        click.echo("NOT the same:")
        for line in result.differences:
            click.echo(f"  {line}")
    else:
        click.echo(f"The same to the bit: {result.compared} figures and files.")
    context.exit(1 if result.differences or changed else 0)
