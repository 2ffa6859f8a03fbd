"""`labkit explain`: what labkit knows of a thing it has by name."""

from __future__ import annotations

import click

from labkit.cli.main import debug_option


@click.command()
@click.argument("thing", metavar="op:NAME")
@debug_option
def explain(thing: str) -> None:
    """Explain an operation: op:Conv2D prints its record, op: alone lists all operations."""
    import labkit.ops
    import labkit.summary.operations  # noqa: F401 - they register the operations
    from labkit.core.describe import describe_operation, find_operation, list_operations
    from labkit.errors import ConfigError

    kind, colon, name = thing.partition(":")
    if kind != "op" or not colon:
        raise ConfigError(
            f"{thing!r} names nothing that can be explained",
            rule="Operations are named op:NAME",
            fix=f"Try `labkit explain op:{thing}`; `labkit explain op:` lists all operations.",
        )
    click.echo(describe_operation(find_operation(name)) if name else list_operations())
