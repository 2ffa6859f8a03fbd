"""`labkit run FILE`: run an experiment, or all of a folder, and print tables."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import click

from labkit.cli.main import debug_option
from labkit.cli.options import running_options


@click.command(add_help_option=False)
@click.argument("file", required=False)
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="Set a key of the experiment.")
@click.option(
    "--sweep", "sweeps", multiple=True, metavar="KEY=A,B,C", help="Run every value of a key, or draw: KEY=uniform(0,1)."
)
@click.option(
    "--configs", metavar="FILE", help="Run the configurations in FILE: a list as JSON, or CSV with the keys above."
)
@click.option("--search", metavar="NAME", help="Who chooses configurations: grid, random, asha(min_steps=100), ...")
@click.option("--max-trials", type=click.IntRange(min=1), metavar="N", help="Trials that the sweep may have.")
@click.option(
    "--seeds", type=click.IntRange(min=1), help="Repeats per configuration; as the experiment declares, or 1."
)
@running_options
@click.option("--quick", is_flag=True, help="Use the experiment's quick settings: shows that it works.")
@click.option("--again", is_flag=True, help="Repeat a sweep that is finished.")
@click.option("--plan", "wants_plan", is_flag=True, help="First say what the run will take, from a short pilot.")
@click.option("-h", "--help", "wants_help", is_flag=True, help="Show this message, and the experiment's keys.")
@debug_option
@click.pass_context
def run(context: click.Context, file: str | None, wants_help: bool, **asked: Any) -> None:
    """Run the experiment that FILE defines, over its configurations and seeds, and print its table.

    The same command continues a run that was interrupted, and prints the table of a finished one. Where FILE is a folder, all
    experiments in it are run, one after the other.
    """
    if file is None:
        if not wants_help:
            raise click.UsageError("Missing argument 'FILE'.", context)
        click.echo(context.get_help())
        return
    from labkit.lab.experiments import files_in, load

    if wants_help:
        click.echo(context.get_help())
        click.echo("\n" + describe(load(file)))
        return
    from labkit.cli.running import run_all, run_file

    folder = Path(file)
    context.exit(run_all(files_in(folder), **asked) if folder.is_dir() else run_file(folder, **asked))


def describe(experiment: Any) -> str:
    """The experiment's question and its keys: name, type, default, help."""
    from labkit.lab.config import help_texts
    from labkit.report.shown import shown

    rows, helps = [], help_texts(experiment.config_class)
    for key in experiment.keys.values():
        default = "required" if key.default is dataclasses.MISSING else f"default {shown(key.default)}"
        if key.name in experiment.quick:
            default += f", quick {shown(experiment.quick[key.name])}"
        if key.name in experiment.space:
            default += f", swept over {shown(experiment.space[key.name])}"
        rows.append((f"  {key.name}", f"{key.type_name}, {default}", helps.get(key.name, "")))
    formatter = click.HelpFormatter()
    formatter.write(f"Experiment {experiment.name} ({experiment.path.name}):\n")
    for paragraph in experiment.doc.split("\n\n"):
        formatter.write_text(paragraph)
    best = "largest" if experiment.direction == "maximize" else "smallest"
    formatter.write(f"\nKeys for --set and --sweep (the {best} {experiment.metric} is best):\n")
    wide = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
    for name, kind, text in rows:
        formatter.write(f"{name:{wide[0]}}  {kind:{wide[1]}}  {text}".rstrip() + "\n")
    return formatter.getvalue().rstrip()
