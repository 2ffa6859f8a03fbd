"""`labkit plugins`: what plugins provide, and how they are."""

from __future__ import annotations

import click

from labkit.cli.main import debug_option
from labkit.cli.text import columns


@click.group()
def plugins() -> None:
    """Show what plugins provide."""


@plugins.command("list")
@click.option("--kind", metavar="KIND", help="Only one kind, such as layers.")
@debug_option
def list_plugins(kind: str | None) -> None:
    """List every component by kind: its name, the plugin it comes from, file and line of its registration."""
    from labkit.plugins import current_lab, rows

    if kind is not None:
        current_lab().registry(kind)  # refuses a kind that does not exist
    lines = [("kind", "name", "plugin", "version", "origin", "status")]
    for row in rows():
        if kind in (None, row.kind):
            name = f"{row.name} ({', '.join(row.aliases)})" if row.aliases else row.name
            lines.append((row.kind, name, row.plugin, row.version, row.origin, row.status))
    click.echo(columns(lines))


@plugins.command()
@debug_option
@click.pass_context
def doctor(context: click.Context) -> None:
    """Import every component; show the tracebacks of what fails. Exit code 1 when something does."""
    from labkit.plugins import current_lab, doctor as examine

    report = examine(current_lab())
    click.echo(report)
    context.exit(0 if report.endswith("All well.") else 1)
