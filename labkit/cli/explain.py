"""`labkit explain`: what labkit knows of a thing it has by name."""

from __future__ import annotations

import click

from labkit.cli.main import debug_option


@click.command()
@click.argument("thing", metavar="op:NAME")
@debug_option
def explain(thing: str) -> None:
    """Explain an operation or a function that builds some.

    op:Conv2D prints an operation's record, op:reduce_sum what lk.reduce_sum takes and which operations it builds; op: alone
    lists all operations.
    """
    import labkit.ops
    import labkit.summary.operations  # noqa: F401 - they register the operations
    from labkit.cli.functions import describe_function, find_functions
    from labkit.core.describe import describe_operation, find_operation, list_operations, near_operations
    from labkit.core.target import active_target
    from labkit.errors import ConfigError, NotFoundError
    from labkit.missing_names import functions
    from labkit.near import near_names

    kind, colon, name = thing.partition(":")
    if kind != "op" or not colon:
        raise ConfigError(
            f"{thing!r} names nothing that can be explained",
            rule="Operations are named op:NAME",
            fix=f"Try `labkit explain op:{thing}`; `labkit explain op:` lists all operations.",
        )
    active_target()  # an unknown LABKIT_TARGET is refused, whatever is explained
    if not name:
        click.echo(list_operations())
    elif record := find_operation(name):
        click.echo(describe_operation(record))
    elif found := find_functions(name):
        click.echo("\n\n\n".join(map(describe_function, found)))
    else:
        public = {dotted.rpartition(".")[2]: f"lk.{dotted}" for dotted in functions()}
        near = [*near_operations(name), *(public[found] for found in near_names(name, public))]
        raise NotFoundError(
            f"There is no operation or public function named {name!r}",
            fix=f"Near: {', '.join(near)}" if near else "`labkit explain op:` lists all operations.",
        )
