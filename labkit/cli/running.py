"""What `labkit run` does: a sweep of one file, or of each of several, and the table at the end."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from labkit.lab.policy import Policy
    from labkit.lab.progress import Progress
    from labkit.lab.results import Results
    from labkit.lab.runner import Outcome
    from labkit.lab.sweep import Sweep

INTERRUPTED, OUT_OF_TIME = 130, 124
"""The exit codes of runs that were stopped, by a signal or by --max-time (as timeout(1) has it)."""


def run_file(
    file: Path,
    *,
    sets: Any,
    sweeps: Any,
    configs: str | None,
    search: str | None,
    quick: bool,
    seeds: int | None,
    wants_plan: bool,
    **how: Any,
) -> int:
    """Runs the experiment of a file and prints its table; the exit code.

    Args:
        sets, sweeps: texts, `key=value` and `key=a,b,c`.
        configs: a file of configurations, instead of `sweeps`.
        search: what chooses configurations, as `plan` takes it.
        wants_plan: say first what the run will take; on a terminal ask whether to start, elsewhere leave it at that.
        how: the limits as they were written, and the other arguments of `run_sweep`.
    """
    from labkit.lab.experiments import load
    from labkit.lab.results import report
    from labkit.lab.runner import run_sweep
    from labkit.lab.sweep import plan

    policy = policy_of(how)
    experiment = load(file)
    planned = plan(experiment, sets=sets, sweeps=_swept(sweeps, configs), quick=quick, search=search)
    if search is None and planned.search["name"] == "random":
        click.echo("Not every swept key has a list of values: they are drawn, as by --search random.", err=True)
    seeds = seeds or experiment.seeds
    if wants_plan and not _agreed(planned, seeds, how):
        return 0
    outcome = run_sweep(planned, seeds=seeds, policy=policy, progress=progress_of(), **how)
    show(report(outcome))
    return exit_code(outcome)


def _swept(sweeps: Sequence[str], configs: str | None) -> Any:
    """What --sweep or --configs says: not both."""
    if configs is None:
        return sweeps
    from labkit.errors import ConfigError
    from labkit.lab.space.files import read_file

    if sweeps:
        raise ConfigError(
            "--configs and --sweep exclude each other", fix="Write the values into the file, or leave it out."
        )
    return read_file(configs)


def exit_code(outcome: Outcome) -> int:
    """What a run ends with; says why where that is not 0."""
    if outcome.stopped == "interrupted":
        click.echo("Interrupted: the same command continues.", err=True)
        return INTERRUPTED
    if outcome.stopped is not None:
        click.echo(f"Stopped, {outcome.stopped}: the same command continues.", err=True)
    if outcome.failed:
        names = ", ".join(trial.folder for trial in outcome.failed)
        click.echo(f"Failed: {names}; what they wrote is in stdout.log and stderr.log of their folders.", err=True)
        return 1
    return OUT_OF_TIME if outcome.stopped is not None else 0


def run_all(files: Sequence[Path], **asked: Any) -> int:
    """Runs the experiments of several files, one after the other; the exit code: 1 when one of them failed."""
    from labkit.errors import LabkitError

    failed = []
    for place, file in enumerate(files, start=1):
        click.echo(f"Experiment {place} of {len(files)}: {file}", err=True)
        try:
            code = run_file(file, **asked)
        except LabkitError as error:  # the others may be well
            click.echo(f"Error: {error}", err=True)
            code = 1
        if code in (INTERRUPTED, OUT_OF_TIME):
            return code
        failed += [file.name] if code else []
    click.echo(f"{len(files) - len(failed)} of {len(files)} experiments are well.", err=True)
    if failed:
        click.echo(f"Failed: {', '.join(failed)}", err=True)
    return 1 if failed else 0


def policy_of(how: dict[str, Any]) -> Policy:
    """What the options say about failures and limits, which are taken out of `how`."""
    from labkit.lab import policy

    names = ("max_time", "trial_time", "trial_memory", "checkpoint_every", "checkpoint_time")
    return policy.read(how.pop("on_error"), **{name: how.pop(name) for name in names})


def _agreed(sweep: Sweep, seeds: int, how: dict[str, Any]) -> bool:
    """Says what the run will take; whether it shall start."""
    from labkit.lab.pilot import forecast

    found = forecast(sweep, seeds=seeds, jobs=how["jobs"], max_trials=how.get("max_trials"), logs=how["logs"])
    for line in found.lines():
        click.echo(line)
    return found.trials != 0 and sys.stdin.isatty() and click.confirm("Start?")


def progress_of() -> Progress:
    from labkit.lab.progress import LiveProgress

    if sys.stderr.isatty():
        import rich.console

        return LiveProgress(rich.console.Console(stderr=True))
    return plain_progress()


def plain_progress() -> Progress:
    """Lines on standard error."""
    from labkit.lab.progress import PlainProgress

    return PlainProgress(lambda line: click.echo(line, err=True))


def show(results: Results) -> None:
    """The table and what is to be said below it, on standard output.

    Words (data, verdict) stand below the figures, one line for each row, so that the table fits a narrow terminal.
    """
    import rich.box
    import rich.console
    import rich.table

    from labkit.report.table import text_table

    outcome = results.outcome
    console = rich.console.Console(width=None if sys.stdout.isatty() else 160, highlight=False)
    headings, rows = text_table(results.table)
    figures = [place for place, heading in enumerate(headings) if heading not in ("data", "verdict")]
    drawn = rich.table.Table(box=rich.box.SIMPLE_HEAD, title=f"{outcome.sweep.experiment}  sweep {outcome.sweep.id}")
    for place in figures:
        drawn.add_column(headings[place], justify="right", overflow="fold")
    for row in rows:
        drawn.add_row(*(rich.text.Text(row[place]) for place in figures))
    console.print(drawn)
    for row in rows:
        cells = dict(zip(headings, row, strict=True))
        name = " ".join(f"{key}={cell}" for key, cell in zip(outcome.sweep.space, row, strict=False))
        about = " on ".join(filter(None, [name, cells.get("data", "")]))
        if cells.get("data") or cells.get("verdict"):
            console.print(": ".join(filter(None, [about, cells.get("verdict", "")])), markup=False)
    for remark in results.remarks:
        console.print(remark, markup=False)
    console.print(f"Files: {results.folder}", markup=False, soft_wrap=True)
