"""`labkit run FILE`: run an experiment and print its table."""

from __future__ import annotations

import dataclasses
import sys
from typing import Any

import click

from labkit.cli.main import debug_option


@click.command(add_help_option=False)
@click.argument("file", required=False)
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="Set a key of the experiment.")
@click.option("--sweep", "sweeps", multiple=True, metavar="KEY=A,B,C", help="Run every value of a key.")
@click.option(
    "--seeds", type=click.IntRange(min=1), help="Repeats per configuration; as the experiment declares, or 1."
)
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Trials at the same time.")
@click.option("--logs", default="logs", show_default=True, metavar="DIR", help="Folder of the store and all logs.")
@click.option("--quick", is_flag=True, help="Use the experiment's quick settings: shows that it works.")
@click.option("--again", is_flag=True, help="Repeat a sweep that is finished.")
@click.option("-h", "--help", "wants_help", is_flag=True, help="Show this message, and the experiment's keys.")
@debug_option
@click.pass_context
def run(
    context: click.Context,
    file: str | None,
    sets: tuple[str, ...],
    sweeps: tuple[str, ...],
    seeds: int | None,
    jobs: int,
    logs: str,
    quick: bool,
    again: bool,
    wants_help: bool,
) -> None:
    """Run the experiment that FILE defines, over its configurations and seeds, and print its table.

    The same command continues a run that was interrupted, and prints the table of a finished one.
    """
    from labkit.lab.experiments import load
    from labkit.lab.sweep import plan

    if file is None:
        if not wants_help:
            raise click.UsageError("Missing argument 'FILE'.", context)
        click.echo(context.get_help())
        return
    experiment = load(file)
    if wants_help:
        click.echo(context.get_help())
        click.echo("\n" + describe(experiment))
        return
    planned = plan(experiment, sets=sets, sweeps=sweeps, quick=quick)

    from labkit.lab.progress import LiveProgress, PlainProgress, Progress
    from labkit.lab.runner import run_sweep

    progress: Progress
    if sys.stderr.isatty():
        import rich.console

        progress = LiveProgress(rich.console.Console(stderr=True))
    else:
        progress = PlainProgress(lambda line: click.echo(line, err=True))
    outcome = run_sweep(planned, seeds=seeds or experiment.seeds, jobs=jobs, logs=logs, again=again, progress=progress)

    from labkit.lab.results import report

    show(report(outcome), outcome)
    if outcome.interrupted:
        click.echo("Interrupted: the same command continues.", err=True)
        context.exit(130)
    if outcome.failed:
        names = ", ".join(trial.folder for trial in outcome.failed)
        click.echo(f"Failed: {names}; what they wrote is in stdout.log and stderr.log of their folders.", err=True)
        context.exit(1)


def describe(experiment: Any) -> str:
    """The experiment's question and its keys: name, type, default, help."""
    from labkit.lab.config import help_texts

    rows, helps = [], help_texts(experiment.config_class)
    for key in experiment.keys.values():
        default = "required" if key.default is dataclasses.MISSING else f"default {_shown(key.default)}"
        if key.name in experiment.quick:
            default += f", quick {_shown(experiment.quick[key.name])}"
        rows.append((f"  {key.name}", f"{key.type_name}, {default}", helps.get(key.name, "")))
    formatter = click.HelpFormatter()
    formatter.write(f"Experiment {experiment.name} ({experiment.path.name}):\n")
    for paragraph in experiment.doc.split("\n\n"):
        formatter.write_text(paragraph)
    formatter.write(f"\nKeys for --set and --sweep (compared by {experiment.metric}):\n")
    wide = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
    for name, kind, text in rows:
        formatter.write(f"{name:{wide[0]}}  {kind:{wide[1]}}  {text}".rstrip() + "\n")
    return formatter.getvalue().rstrip()


def show(report: Any, outcome: Any) -> None:
    """The table and what is to be said below it, on standard output.

    Words (data, verdict) stand below the figures, one line for each row, so that the table fits a narrow terminal.
    """
    import rich.box
    import rich.console
    import rich.table

    from labkit.report.table import text_table

    console = rich.console.Console(width=None if sys.stdout.isatty() else 160, highlight=False)
    headings, rows = text_table(report.table)
    figures = [place for place, heading in enumerate(headings) if heading not in ("data", "verdict")]
    drawn = rich.table.Table(box=rich.box.SIMPLE_HEAD, title=f"{outcome.sweep.experiment}  sweep {outcome.sweep.id}")
    for place in figures:
        drawn.add_column(headings[place], justify="right", overflow="fold")
    for row in rows:
        drawn.add_row(*(rich.text.Text(row[place]) for place in figures))
    console.print(drawn)
    for row in rows:
        cells = dict(zip(headings, row, strict=True))
        name = " ".join(f"{key}={cells[key]}" for key in outcome.sweep.space)
        about = " on ".join(filter(None, [name, cells.get("data", "")]))
        if cells.get("data") or cells.get("verdict"):
            console.print(": ".join(filter(None, [about, cells.get("verdict", "")])), markup=False)
    for remark in report.remarks:
        console.print(remark, markup=False)
    console.print(f"Files: {outcome.logs / outcome.sweep.folder}", markup=False, soft_wrap=True)


def _shown(value: Any) -> str:
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
