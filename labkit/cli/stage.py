"""`labkit stage FILE`: the trials of a sweep for a scheduler of other machines."""

from __future__ import annotations

from pathlib import Path

import click

from labkit.cli.main import debug_option


@click.command()
@click.argument("file")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="Set a key of the experiment.")
@click.option("--sweep", "sweeps", multiple=True, metavar="KEY=A,B,C", help="Run every value of a key.")
@click.option("--seeds", type=click.IntRange(min=1), help="Repeats per configuration.")
@click.option("--max-trials", type=click.IntRange(min=1), metavar="N", help="How many trials the sweep may have.")
@click.option("--quick", is_flag=True, help="Use the experiment's quick settings.")
@click.option("--logs", default="logs", show_default=True, metavar="DIR", help="Folder of the store and all logs.")
@debug_option
def stage(
    file: str,
    sets: tuple[str, ...],
    sweeps: tuple[str, ...],
    seeds: int | None,
    max_trials: int | None,
    quick: bool,
    logs: str,
) -> None:
    """Stage the trials of the experiment in FILE, to be run one by one by `labkit run-trial`, on any machine.

    The machines see FILE and the folder of logs. `labkit run`, with the same options, then takes the results in.
    """
    from labkit.cli.running import plain_progress
    from labkit.lab.experiments import load
    from labkit.lab.runner import stage_sweep
    from labkit.lab.sweep import plan

    experiment = load(Path(file))
    planned = plan(experiment, sets=sets, sweeps=sweeps, quick=quick)
    folder, names = stage_sweep(
        planned, seeds=seeds or experiment.seeds, max_trials=max_trials, logs=logs, progress=plain_progress()
    )
    if not names:
        click.echo("Nothing is left to do; `labkit run` with the same options prints the table.")
        return
    several = len(names) > 1
    click.echo(
        f"{len(names)} trial{'s are' if several else ' is'} staged in {folder}. {'Each is' if several else 'It is'} run by"
    )
    click.echo(f"  labkit run-trial {folder / names[0]}")
    if len(names) > 1:
        first, last = int(names[0][1:]), int(names[-1][1:])
        click.echo(
            f"With Slurm, say, all of them by a script submitted with sbatch --array={first}-{last}, whose line is"
        )
        click.echo(f'  labkit run-trial {folder}/t$(printf %04d "$SLURM_ARRAY_TASK_ID")')
    click.echo("Afterwards `labkit run`, with the same options, takes the results in and prints the table.")
