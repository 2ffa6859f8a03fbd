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


class _Bench(click.Group):
    """Without a sub-command's name the arguments are those of `works`."""

    def parse_args(self, context: click.Context, arguments: list[str]) -> list[str]:
        if not arguments or (arguments[0] not in self.commands and arguments[0] not in ("--help", "-h")):
            arguments = ["works", *arguments]
        return super().parse_args(context, arguments)


def _measuring(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every command that measures."""
    for option in (
        debug_option,
        click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for a page and a .csv."),
        click.option(
            "--threads", type=click.IntRange(1), help="Threads of every side.  [default: this process's cores]"
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


@click.group(cls=_Bench)
def bench() -> None:
    """Time labkit beside its peers, taking turns on the same cores.

    `labkit bench [NAME]...` is `labkit bench works [NAME]...`.
    """


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
@_measuring
def works(
    names: tuple[str, ...], turns: int, limit: float, against: str, threads: int | None, out: Path | None
) -> None:
    """Time whole works, networks being trained: those named, or all."""
    from labkit.bench import table
    from labkit.bench.match import play
    from labkit.bench.side import known
    from labkit.bench.works import WORKS, usual
    from labkit.core.target import active_target

    known("work", names, list(WORKS))
    sides, count = _sides(against), _threads(threads)
    rows, measured = [], []
    for name in names or usual():
        click.echo(f"{name} ...", err=True)
        found = play(WORKS[name], sides, count, turns, _tell, limit)
        rows += table.rows(name, found, active_target())
        measured += [(name, m) for m in found]
    summary, details = table.summary(rows), table.details(measured)
    _report("works", count, [m for _, m in measured], summary, table.records(measured), out, details)


@bench.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--turns", type=click.IntRange(1), default=9, show_default=True, help="Rounds that are measured.")
@click.option("--check", is_flag=True, help="Exit with 1 when a kernel is below its goal.")
@_measuring
def kernels(
    names: tuple[str, ...], turns: int, check: bool, against: str, threads: int | None, out: Path | None
) -> None:
    """Time single kernels beside the machine's measured peak: those whose names begin so, or all.

    The only peer is torch.
    """
    from labkit.bench import gauge, machine
    from labkit.bench.kernels import KERNELS, chosen
    from labkit.bench.side import known
    from labkit.errors import ConfigError

    for name in names:
        if not chosen([name]):
            known("kernel", [name], list(KERNELS))
    sides, count = _sides(against), _threads(threads)
    if any(name not in ("labkit", "torch") for name, _ in sides):
        raise ConfigError("Single kernels are compared with torch alone", received=against)
    click.echo("the machine's peak ...", err=True)
    peak, gauged = machine.measure(count), []
    for each in gauge.gauge(chosen(names), sides, peak, count, turns, _tell):
        click.echo(f"{each.name} {each.rate:.3g} {each.bound}", err=True)
        gauged.append(each)
    again = machine.measure(count)
    if abs(again.flops / peak.flops - 1) > machine.STEADY:
        click.echo("The machine's peak has changed meanwhile: something else runs on it. Measure again.", err=True)
    peak = peak.with_again(again)
    gauged = [dataclasses.replace(each, machine=peak) for each in gauged]
    sampled = [m for each in gauged for m in (each.ours, each.torch) if m]
    _report("kernels", count, sampled, gauge.summary(gauged, peak), gauge.records(gauged), out)
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
@_measuring
def scaling(
    names: tuple[str, ...],
    batches: tuple[int, ...],
    turns: int,
    limit: float,
    against: str,
    threads: int | None,
    out: Path | None,
) -> None:
    """Time works at batches from 1 to 512, on one thread and on two (or on --threads alone)."""
    from labkit.bench import scaling as points
    from labkit.bench.side import known

    known("work for scaling", names, list(points.WORKS))
    sides, found = _sides(against), []
    names, batches = tuple(dict.fromkeys(names)), tuple(dict.fromkeys(batches))  # each once
    counts = [threads] if threads else sorted({1, min(2, _threads(None))})
    for each in points.scale(
        names or list(points.WORKS), batches or points.BATCHES, counts, sides, turns, limit, _tell
    ):
        click.echo(f"{each.name}, threads {each.threads}, batch {each.batch}: {each.ours:.3g} s an example", err=True)
        found.append(each)
    sampled = [m for each in found for m in each.measured]
    _report("scaling", max(counts), sampled, points.summary(found), points.records(found), out)


@bench.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=Path("README.md"))
@debug_option
def readme(folder: Path, file: Path) -> None:
    """Put the pages that --out FOLDER got into FILE (README.md), between its two marks."""
    from labkit.bench.report import put_into, section

    put_into(file, section(folder))


def _tell(text: str) -> None:
    click.echo(f"  {text}", err=True)


def _sides(against: str) -> list[tuple[str, str]]:
    from labkit.bench.side import peers

    return [("labkit", sys.executable), *peers([text for text in against.split(",") if text])]


def _threads(asked: int | None) -> int:
    from labkit.core.threads import get_num_threads

    return asked or get_num_threads()


def _report(
    name: str,
    threads: int,
    measured: Sequence[Measured],
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
