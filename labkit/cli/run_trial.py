"""`labkit run-trial DIR`: one staged trial, wherever a scheduler has put it."""

from __future__ import annotations

from pathlib import Path

import click

from labkit.cli.main import debug_option


@click.command("run-trial")
@click.argument("folder", metavar="DIR")
@click.option("--max-time", metavar="TIME", help="Save and leave after so long, such as 55min; then run it once more.")
@click.option("--trial-memory", metavar="SIZE", help="How much memory the trial may use, such as 2GB.")
@debug_option
@click.pass_context
def run_trial(context: click.Context, folder: str, max_time: str | None, trial_memory: str | None) -> None:
    """Run the trial that `labkit stage` has staged in DIR, with all cores of this machine (or LABKIT_NUM_THREADS).

    One that was stopped by SIGTERM, --max-time or a failure of the machine continues where it was when it is run again.
    """
    from labkit.cli.running import exit_code, plain_progress
    from labkit.lab import policy, staged
    from labkit.lab.runner import run_sweep

    limits = policy.read(max_time=max_time, trial_memory=trial_memory)
    place = Path(folder).resolve()
    sweep, seed = staged.read(place)
    outcome = run_sweep(sweep, seeds=[seed], logs=place / staged.PRIVATE, policy=limits, progress=plain_progress())
    context.exit(exit_code(outcome))
