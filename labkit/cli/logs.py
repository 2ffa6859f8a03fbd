"""`labkit logs`: what a trial printed."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import BinaryIO

import click

from labkit.cli.ls import logs_option
from labkit.cli.main import debug_option

CHUNK = 1 << 16
EVERY = 0.2
"""Seconds between two looks at a file that is followed."""


@click.command()
@click.argument("name", metavar="TRIAL")
@click.option("--stderr", is_flag=True, help="What it wrote to standard error.")
@click.option("-n", "--tail", type=click.IntRange(min=0), metavar="N", help="Only the last N lines.")
@click.option("-f", "--follow", is_flag=True, help="Go on until the trial has ended.")
@logs_option
@debug_option
def logs(name: str, stderr: bool, tail: int | None, follow: bool, logs: str) -> None:
    """Print what a trial wrote to standard output, of all its attempts.

    A trial is SWEEP/t0003 or its own id; of a sweep with one trial the sweep will do.
    """
    from labkit.errors import NotFoundError
    from labkit.lab.find import find_trial, open_store

    store = open_store(logs)
    try:
        row, trial = find_trial(store, name)
        folder = store.path.parent / row.folder / trial.folder
        file, other = ("stderr.log", "stdout.log") if stderr else ("stdout.log", "stderr.log")
        try:
            with _opened(folder / file, wait=follow and trial.state in ("PENDING", "RUNNING")) as log:
                if tail is not None:
                    _skip_to_last(log, tail)
                _copy(log)
                while follow and store.trial(row.id, trial.number).state == "RUNNING":
                    time.sleep(EVERY)
                    _copy(log)
                _copy(log)
                if log.tell() == 0 and _size(folder / other):
                    click.echo(
                        f"{file} is empty, {other} is not: labkit logs {name}{' --stderr' * (not stderr)}", err=True
                    )
        except OSError as error:
            raise NotFoundError(
                f"{folder / file} cannot be read ({error.strerror or error})",
                rule="a trial's output is kept in its folder from its first attempt on",
                received=f"a trial that is {trial.state}, after {trial.attempt} attempts",
            ) from error
    finally:
        store.close()


def _opened(path: Path, wait: bool) -> BinaryIO:
    """The file; `wait`: a trial that has just started is about to make it."""
    deadline = time.monotonic() + (2.0 if wait else 0.0)
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    return path.open("rb")


def _copy(log: BinaryIO) -> None:
    """All there is from here on, as it is."""
    while chunk := log.read(CHUNK):
        sys.stdout.buffer.write(chunk)
    sys.stdout.flush()


def _skip_to_last(log: BinaryIO, lines: int) -> None:
    """Goes to where the last `lines` lines begin, reading from the end."""
    position, found = log.seek(0, 2), b""
    while position and found.count(b"\n") <= lines:
        step = min(CHUNK, position)
        position -= step
        log.seek(position)
        found = log.read(step) + found
    kept = found.splitlines(keepends=True)[-lines:] if lines else []
    log.seek(position + len(found) - sum(map(len, kept)))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
