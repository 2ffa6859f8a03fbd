"""`labkit bench`: labkit's speed beside that of the libraries that are installed, and beside the machine's peak."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from labkit.cli.main import debug_option

if TYPE_CHECKING:
    from labkit.bench.side import Measured
    from labkit.bench.sweeps import Swept


class _Bench(click.Group):
    """Without a sub-command's name the arguments are those of `works`."""

    def parse_args(self, context: click.Context, arguments: list[str]) -> list[str]:
        if not arguments or (arguments[0] not in self.commands and arguments[0] not in ("--help", "-h")):
            arguments = ["works", *arguments]
        return super().parse_args(context, arguments)


def _measuring(
    threads: str = "LABKIT_NUM_THREADS, or this process's cores",
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options of every command that measures; `threads`: what their number is by default."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in (
            debug_option,
            click.option(
                "--out",
                type=click.Path(file_okay=False, path_type=Path),
                callback=_ready,
                help="Folder for a page and a .csv.",
            ),
            click.option(
                "--threads", type=click.IntRange(1, 256), help=f"Threads of every side.  [default: {threads}]"
            ),
            click.option(
                "--against",
                default="",
                metavar="PEERS",
                help="torch, tensorflow, jax, by commas; torch=PYTHON for an environment.",
            ),
        ):
            command = option(command)
        return command

    return decorate


def _ready(context: click.Context, option: click.Parameter, folder: Path | None) -> Path | None:
    """Makes the folder before anything is measured."""
    if folder is not None:
        from labkit.bench.report import ready

        ready(folder)
    return folder


@click.group(cls=_Bench)
def bench() -> None:
    """Time labkit beside its peers, taking turns on the same cores.

    `labkit bench [NAME]...` is `labkit bench works [NAME]...`; `labkit bench list` tells the names.
    """


@bench.command(name="list")
def list_() -> None:
    """Tell the names of works, works for scaling, and kernels."""
    from labkit.bench import scaling as points
    from labkit.bench.kernels import KERNELS
    from labkit.bench.works import WORKS

    width = max(map(len, (*WORKS, *points.WORKS)))
    for command, works in (("works", WORKS), ("scaling", points.WORKS)):
        click.echo(f"labkit bench {command}")
        for name, work in works.items():
            click.echo(f"  {name:{width}}  {work.title}")
    click.echo("labkit bench kernels (or what their names begin with)")
    for name in KERNELS:
        click.echo(f"  {name}")


@bench.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--turns", type=click.IntRange(1), default=30, show_default=True, help="Rounds that are measured.")
@click.option(
    "--limit",
    type=click.FloatRange(0),
    default=60.0,
    show_default=True,
    help="Seconds a work's rounds may take; each way has 5 turns at least.",
)
@_measuring()
def works(
    names: tuple[str, ...], turns: int, limit: float, against: str, threads: int | None, out: Path | None
) -> None:
    """Time whole works, networks being trained: those named (see `labkit bench list`), or all."""
    from labkit.bench import table
    from labkit.bench.machine import Watch
    from labkit.bench.match import play
    from labkit.bench.side import known
    from labkit.bench.works import WORKS, usual
    from labkit.core.target import active_target

    target = active_target()
    known("work", names, list(WORKS))
    sides, count = _sides(against), _threads(threads)
    watch = Watch(count)
    rows, measured = [], []
    for name in dict.fromkeys(names) or usual():
        click.echo(f"{name} ...", err=True)
        found = play(WORKS[name], sides, count, turns, _tell, limit)
        rows += table.rows(name, found, target, watch.disturbed())
        measured += [(name, m) for m in found]
    summary, details = table.summary(rows), table.details(measured)
    _report("works", count, [m for _, m in measured], summary, table.records(measured), out, details)


@bench.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--turns", type=click.IntRange(1), default=9, show_default=True, help="Rounds that are measured.")
@click.option("--check", is_flag=True, help="Exit with 1 when a kernel is below its goal.")
@_measuring()
def kernels(
    names: tuple[str, ...], turns: int, check: bool, against: str, threads: int | None, out: Path | None
) -> None:
    """Time single kernels beside the machine's measured peak: those whose names begin so (see `labkit bench list`), or all.

    The only peer is torch.
    """
    from labkit.bench import gauge, machine
    from labkit.bench.kernels import chosen
    from labkit.core.target import active_target
    from labkit.errors import ConfigError

    asked = chosen(names, active_target())
    sides, count = _sides(against), _threads(threads)
    if any(name not in ("labkit", "torch") for name, _ in sides):
        raise ConfigError("Single kernels are compared with torch alone", received=against)
    click.echo("the machine's peak ...", err=True)
    peak, gauged = machine.measure(count), []
    for each in gauge.gauge(asked, sides, peak, count, turns, _tell):
        click.echo(f"{each.name} {each.rate:.3g} {each.bound}", err=True)
        gauged.append(each)
    again = machine.measure(count)
    disturbed = abs(again.flops / peak.flops - 1) > machine.STEADY
    peak = peak.with_again(again)
    gauged = [dataclasses.replace(each, machine=peak) for each in gauged]
    sampled = [m for each in gauged for m in (each.ours, each.torch) if m]
    _report("kernels", count, sampled, gauge.summary(gauged, peak, disturbed), gauge.records(gauged), out)
    if check and any(each.below_goal for each in gauged):
        click.get_current_context().exit(1)


@bench.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--batch", "batches", type=click.IntRange(1, 2000), multiple=True, help="Only this batch; may be repeated."
)
@click.option("--turns", type=click.IntRange(1), default=15, show_default=True, help="Rounds that are measured.")
@click.option(
    "--limit", type=click.FloatRange(0), default=10.0, show_default=True, help="Seconds a point's rounds may take."
)
@_measuring("1, and 2 where there are as many cores")
def scaling(
    names: tuple[str, ...],
    batches: tuple[int, ...],
    turns: int,
    limit: float,
    against: str,
    threads: int | None,
    out: Path | None,
) -> None:
    """Time works at batches from 1 to 512 (see `labkit bench list`), on one thread and on two (or on --threads alone)."""
    from labkit.bench import scaling as points
    from labkit.bench.side import known
    from labkit.bench.table import seconds
    from labkit.core.target import active_target

    active_target()  # an unknown LABKIT_TARGET is refused
    known("work for scaling", names, list(points.WORKS))
    sides, found = _sides(against), []
    names, batches = tuple(dict.fromkeys(names)), tuple(dict.fromkeys(batches))  # each once
    counts = [_threads(threads)] if threads else sorted({1, min(2, _threads(None))})
    for each in points.scale(
        names or list(points.WORKS), batches or points.BATCHES, counts, sides, turns, limit, _tell
    ):
        click.echo(
            f"{each.name}, threads {each.threads}, batch {each.batch}: {seconds(each.ours)} an example", err=True
        )
        found.append(each)
    sampled = [m for each in found for m in each.measured]
    _report("scaling", max(counts), sampled, points.summary(found), points.records(found), out)


@bench.command()
@click.option("--trials", type=click.IntRange(2), default=200, show_default=True, help="Trials of a sweep.")
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True, help="Trials at a time.")
@click.option("--steps", type=click.IntRange(1), default=500, show_default=True, help="Steps of a trial.")
@click.option("--turns", type=click.IntRange(1), default=3, show_default=True, help="Sweeps of each side.")
@click.option(
    "--against",
    default="",
    metavar="PEERS",
    help="optuna, ray, by commas; optuna=PYTHON for an environment. Both with torch.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    callback=_ready,
    help="Folder for a page and a .csv; the sweeps run in it.",
)
@debug_option
def sweep(trials: int, jobs: int, steps: int, turns: int, against: str, out: Path | None) -> None:
    """Time sweeps of many short trials, results durable on disk: trials a second, start-up included and excluded."""
    from labkit.bench import sweeps
    from labkit.bench.machine import Watch

    if jobs > trials:
        raise click.UsageError(f"--jobs {jobs} is more than --trials {trials}.")
    sides, swept = _sides(against, sweeps.PEERS), []
    watch = Watch(_threads(None))
    for each in sweeps.compare(sides, trials, jobs, steps, turns, _tell, out):
        click.echo(f"{each.side}: {each.whole:.1f} trials/s, {each.steady:.1f} without start-up", err=True)
        swept.append(each)
    text = sweeps.summary(swept, watch.disturbed())
    _report("sweeps", jobs, swept, text, sweeps.records(swept), out)


@bench.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=Path("README.md"))
@click.option("--replace", is_flag=True, help="Even if rows of FILE are not measured in FOLDER.")
@debug_option
def readme(folder: Path, file: Path, replace: bool) -> None:
    """Put the pages that --out FOLDER got into FILE (README.md), between its two marks."""
    from labkit.bench.report import put_into, section

    put_into(file, section(folder), replace)


def _tell(text: str) -> None:
    click.echo(f"  {text}", err=True)


def _sides(against: str, choices: Sequence[str] | None = None) -> list[tuple[str, str]]:
    from labkit.bench.side import PEERS, peers

    return [("labkit", sys.executable), *peers([text for text in against.split(",") if text], choices or PEERS)]


def _threads(asked: int | None) -> int:
    from labkit.core.threads import get_num_threads, usable_cores

    count, cores = asked or get_num_threads(), usable_cores()
    if count > cores:
        click.echo(f"{count} threads on {cores} core{'s' * (cores != 1)}: more of them only cost time.", err=True)
    return count


def _report(
    name: str,
    threads: int,
    measured: Sequence[Measured | Swept],
    summary: str,
    records: Sequence[Mapping[str, Any]],
    out: Path | None,
    details: str = "",
) -> None:
    """Prints a page, and writes it and its figures where a folder is given."""
    from labkit.bench.report import page, write
    from labkit.lab.machine import made_by

    peers = {m.side: m.version for m in measured if m.side != "labkit"}
    text = page({**made_by(), **peers, "threads": str(threads)}, summary, details)
    click.echo(text, nl=False)
    if out is not None:
        write(out, name, text, records)
