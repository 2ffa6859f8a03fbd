"""`labkit resume SWEEP`: what is left of a sweep in the store."""

from __future__ import annotations

from typing import Any

import click

from labkit.cli.main import debug_option
from labkit.cli.options import running_options


@click.command()
@click.argument("sweep")
@click.option("--seeds", type=click.IntRange(min=1), help="Repeats per configuration; as many as it has already.")
@click.option("--max-trials", type=click.IntRange(min=1), metavar="N", help="Trials that the sweep may have.")
@click.option("--allow-changed", is_flag=True, help="Go on though the experiment's code is another now.")
@running_options
@debug_option
@click.pass_context
def resume(context: click.Context, sweep: str, **asked: Any) -> None:
    """Continue SWEEP (its id or the first letters of it), which an earlier command began, and print its table.

    It is refused where the experiment's code has changed since, as figures of different code do not belong into one table.
    """
    from labkit.cli.running import exit_code, policy_of, progress_of, show
    from labkit.lab.find import find_sweep, open_store
    from labkit.lab.results import report
    from labkit.lab.resume import resume as go_on

    policy = policy_of(asked)
    store = open_store(asked.pop("logs"))
    try:
        outcome = go_on(store, find_sweep(store, sweep), policy=policy, progress=progress_of(), **asked)
    finally:
        store.close()
    show(report(outcome))
    context.exit(exit_code(outcome))
