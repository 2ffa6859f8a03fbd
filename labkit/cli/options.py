"""Options that several commands have: how trials are run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

_RUNNING = (
    click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Trials at the same time."),
    click.option(
        "--on-error", default="continue", show_default=True, metavar="RULE", help="continue, stop or retry:N."
    ),
    click.option("--max-time", metavar="TIME", help="Stop after so long, such as 2h; the same command continues."),
    click.option("--trial-time", metavar="TIME", help="How long an attempt at a trial may take, such as 15min."),
    click.option("--trial-memory", metavar="SIZE", help="How much memory a trial may use, such as 2GB."),
    click.option("--checkpoint-every", type=click.IntRange(min=1), metavar="STEPS", help="Steps between checkpoints."),
    click.option("--checkpoint-time", metavar="TIME", help="Time between checkpoints, such as 5min."),
    click.option(
        "--executor",
        default="local",
        show_default=True,
        metavar="NAME",
        help="Where trials run: local, ray(address=...), ...",
    ),
    click.option("--logs", default="logs", show_default=True, metavar="DIR", help="Folder of the store and all logs."),
)


def running_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command the options of how trials are run: jobs, limits, executor, folder of logs."""
    for option in reversed(_RUNNING):
        command = option(command)
    return command
