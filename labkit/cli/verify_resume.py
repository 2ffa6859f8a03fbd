"""`labkit verify-resume FILE`: is an interrupted trial the same as an undisturbed one?"""

from __future__ import annotations

import click

from labkit.cli.main import debug_option


@click.command("verify-resume")
@click.argument("file")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="Set a key of the experiment.")
@click.option("--quick", is_flag=True, help="Use the experiment's quick settings.")
@click.option("--kills", type=click.IntRange(min=1), default=5, show_default=True, help="How often to kill the trial.")
@click.option("--seed", type=int, default=0, show_default=True, help="Decides the steps at which it is killed.")
@debug_option
@click.pass_context
def verify_resume(context: click.Context, file: str, sets: tuple[str, ...], quick: bool, kills: int, seed: int) -> None:
    """Kill a trial of the experiment in FILE at random steps, and compare it with one that was left alone.

    Weights, predictions and the figures of all steps must be the same to the bit. Exit code 1 where they are not: then the
    experiment keeps state across its steps that is neither saved nor seeded.
    """
    from labkit.lab.experiments import load
    from labkit.lab.sweep import plan
    from labkit.lab.verify import verify_resume as verify

    found = verify(plan(load(file), sets=sets, quick=quick), kills=kills, seed=seed, say=click.echo)
    times = f"killed {len(found.killed)} times" + (
        f", {found.restarts} of them before anything was saved" if found.restarts else ""
    )
    if not found.differences:
        click.echo(f"The same to the bit: {times}.")
        return
    click.echo(f"NOT the same, {times}:")
    for difference in found.differences:
        click.echo(f"  {difference}")
    click.echo("State that lives across steps is saved by trial.save, or follows from trial.seed.")
    context.exit(1)
